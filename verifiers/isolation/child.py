"""A warm child process that answers questions: each is a line of JSON on its stdin, each reply one on its stdout.

It may be started anywhere: in threads, and in Celery's daemonic children, which may not use multiprocessing. It is
ended when it misbehaves, and has to end by itself when its stdin does, so that nothing outlives this process however
that dies. A fork of this process lets go of it: only the process that started it asks it.
"""

import json
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from enum import Enum
from math import inf
from typing import Any
from weakref import WeakSet

from verifiers.errors import InfrastructureError
from verifiers.isolation import usage

_LONGEST_LINE = 1 << 20
_LOOK_SECONDS = 0.1
_CPU_SIGNALS = (-signal.SIGPROF, -signal.SIGXCPU)


class Death(Enum):
    """Why a child ended without a usable reply."""

    crash = "crash"
    cpu = "cpu"
    wall = "wall"
    memory = "memory"
    forged = "forged"


class Died(Exception):
    """The child ended, or was ended, before it gave a usable reply; `cpu_seconds` as far as they were measured."""

    def __init__(self, how: Death, detail: str, cpu_seconds: float) -> None:
        super().__init__(detail)
        self.how, self.detail, self.cpu_seconds = how, detail, cpu_seconds


class Child:
    """One such process, asked by one thread at a time.

    A reply must repeat the request's nonce, which nobody knows but the program that reads the child's stdin: whatever
    else appears on its stdout was not written by that program, and the child is ended.
    """

    def __init__(self, name: str, command: Sequence[str], environ: Mapping[str, str] | None = None) -> None:
        """Start it, in this process's environment or another; InfrastructureError, by its name, where that fails."""
        self.name, self.asked, self.closed = name, 0, False
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,  # nothing is left to flush after a fork
                env=environ,
                start_new_session=True,
            )
        except OSError as error:
            raise InfrastructureError(f"{name} could not be started ({error})") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        self._unread = b""
        _children.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(
        self, request: dict[str, Any], *, wall_seconds: float, cpu_seconds: float = inf, memory_bytes: float = inf
    ) -> tuple[dict[str, Any], float]:
        """The reply and the CPU seconds it took, the child's descendants included.

        Raises Died, and the child is gone, where there is no reply; it is gone after an interruption too, since its
        reply must not be the next one's. CPU time is measured only where it is limited: a child may keep its own limit,
        and die of SIGPROF or SIGXCPU.
        """
        self.asked += 1
        try:
            return self._ask(request, wall_seconds, cpu_seconds, memory_bytes)
        except BaseException:
            self.close()
            raise

    def _ask(
        self, request: dict[str, Any], wall_seconds: float, cpu_seconds: float, memory_bytes: float
    ) -> tuple[dict[str, Any], float]:
        nonce, deadline = secrets.token_hex(16), time.monotonic() + wall_seconds
        clock = _Clock(self.pid, cpu_seconds)
        unsent = json.dumps({**request, "nonce": nonce}).encode() + b"\n"
        with selectors.PollSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            selector.register(self._stdin, selectors.EVENT_WRITE)
            while b"\n" not in self._unread:
                ready = {key.fileobj for key, _ in selector.select(_LOOK_SECONDS)}
                clock.look()
                if self._stdin in ready:
                    unsent = self._send(unsent, clock.used)
                    if not unsent:
                        selector.unregister(self._stdin)
                if self._stdout in ready:
                    self._receive(clock.used)
                if clock.used > cpu_seconds:
                    raise Died(Death.cpu, f"more than {cpu_seconds:g} s of CPU time", clock.used)
                if time.monotonic() > deadline:
                    raise Died(Death.wall, f"more than {wall_seconds:g} s", clock.used)
                if memory_bytes < inf and self.memory_bytes() > memory_bytes:
                    raise Died(Death.memory, f"more than {int(memory_bytes) >> 20} MiB", clock.used)
        clock.look()
        line, self._unread = self._unread.split(b"\n", 1)
        reply = _json_object(line)
        if reply is None or reply.pop("nonce", None) != nonce or self._unread:
            raise Died(Death.forged, "it wrote to the checker's own output", clock.used)
        return reply, clock.used

    def _send(self, unsent: bytes, used: float) -> bytes:
        try:
            return unsent[os.write(self._stdin.fileno(), unsent[:65536]) :]
        except BlockingIOError:
            return unsent
        except BrokenPipeError:
            raise self._ended(used) from None

    def _receive(self, used: float) -> None:
        read = os.read(self._stdout.fileno(), 65536)
        if not read:
            raise self._ended(used)
        self._unread += read
        if len(self._unread) > _LONGEST_LINE:
            raise Died(Death.forged, "it wrote an endless line to the checker's own output", used)

    def _ended(self, used: float) -> Died:
        try:
            status = self._process.wait(2)
        except subprocess.TimeoutExpired:
            return Died(Death.crash, f"{self.name} ended with its output closed", used)
        how = Death.cpu if status in _CPU_SIGNALS else Death.crash
        return Died(how, f"{self.name} ended with exit status {status}", used)

    def memory_bytes(self) -> int:
        """Memory of its own and of its descendants, without the files that they have mapped."""
        return usage.memory_bytes(self.pid)

    def close(self) -> None:
        """Kill it, if it lives, and everything it started."""
        if not self.closed and self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self._close_pipes()

    def _close_pipes(self) -> None:
        self.closed = True
        self._stdin.close()
        self._stdout.close()

    def let_go(self) -> None:
        """In a forked process: close our copies of its pipes, so that it still ends with our parent."""
        self._process.returncode = 0  # it is not ours to wait for
        self._close_pipes()


class _Clock:
    """The CPU seconds that a child and its descendants used since now; none where they are not limited."""

    def __init__(self, pid: int, limit: float) -> None:
        self._pid, self._limited, self.used = pid, limit < inf, 0.0
        self._before = usage.cpu_seconds(pid) if self._limited else 0.0

    def look(self) -> None:
        if self._limited:
            self.used = max(self.used, usage.cpu_seconds(self._pid) - self._before)  # what has ended counts no more


def _json_object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


_children: WeakSet[Child] = WeakSet()


def _let_go_of_all() -> None:
    for child in list(_children):
        child.let_go()


os.register_at_fork(after_in_child=_let_go_of_all)
