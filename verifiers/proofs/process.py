"""One warm Lean process: started for one header, asked one proof at a time, ended when it misbehaves."""

import json
import os
import secrets
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

_LONGEST_LINE = 1 << 20
_POLL_SECONDS = 0.1
_TICKS = os.sysconf("SC_CLK_TCK")


class Death(Enum):
    """Why a process ended without a usable reply."""

    crash = "crash"
    cpu = "cpu"
    wall = "wall"
    memory = "memory"
    forged = "forged"


class Died(Exception):
    """The process ended, or was ended, before it gave a usable reply."""

    def __init__(self, how: Death, detail: str, cpu_seconds: float) -> None:
        super().__init__(detail)
        self.how, self.detail, self.cpu_seconds = how, detail, cpu_seconds


class LeanProcess:
    """A child that answers each JSON line on its stdin with one on its stdout.

    A reply must repeat the request's nonce, a number that elaborated code does not see: whatever else appears on
    stdout was not written by our program, and the process is ended.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._stdin, self._stdout = self._child.stdin, self._child.stdout
        os.set_blocking(self._stdin.fileno(), False)
        os.set_blocking(self._stdout.fileno(), False)
        self._unread = b""
        self.asked = 0

    def ask(
        self, request: dict[str, Any], cpu_seconds: float, wall_seconds: float, memory_bytes: int
    ) -> tuple[dict[str, Any], float]:
        """The reply and the CPU seconds it took; raises Died, and the process is gone, where there is none."""
        nonce = secrets.token_hex(16)
        self.asked += 1
        started = time.monotonic()
        before, used = self._cpu_seconds(), 0.0
        unsent = json.dumps({**request, "nonce": nonce}).encode() + b"\n"
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ)
            selector.register(self._stdin, selectors.EVENT_WRITE)
            while b"\n" not in self._unread:
                ready = {key.fileobj for key, _ in selector.select(_POLL_SECONDS)}
                used = max(used, self._cpu_seconds() - before)  # what has ended counts no more
                if self._stdin in ready:
                    unsent = self._send(unsent, used)
                    if not unsent:
                        selector.unregister(self._stdin)
                if self._stdout in ready:
                    self._receive(used)
                if used > cpu_seconds:
                    raise self._dead(Death.cpu, f"more than {cpu_seconds:g} s of CPU time", used)
                if time.monotonic() - started > wall_seconds:
                    raise self._dead(Death.wall, f"more than {wall_seconds:g} s", used)
                if self.memory_bytes() > memory_bytes:
                    raise self._dead(Death.memory, f"more than {memory_bytes >> 20} MiB", used)
        used = max(used, self._cpu_seconds() - before)
        line, self._unread = self._unread.split(b"\n", 1)
        reply = _json_object(line)
        if reply is None or reply.pop("nonce", None) != nonce or self._unread:
            raise self._dead(Death.forged, "it wrote to the checker's own output", used)
        return reply, used

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
            raise self._dead(Death.forged, "it wrote an endless line to the checker's own output", used)

    def _ended(self, used: float) -> Died:
        try:
            status = f"exit status {self._child.wait(2)}"
        except subprocess.TimeoutExpired:
            status = "its output closed"
        return self._dead(Death.crash, f"Lean ended with {status}", used)

    def _dead(self, how: Death, detail: str, used: float) -> Died:
        self.close()
        return Died(how, detail, used)

    def close(self) -> None:
        """Kill the process, if it lives, and everything it started."""
        if self._child.poll() is None:
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._stdin.close()
        self._stdout.close()

    def memory_bytes(self) -> int:
        """Memory of its own, without the library files that it has mapped."""
        return sum(_private_memory(pid) for pid in _family(self._child.pid))

    def _cpu_seconds(self) -> float:
        return sum(_cpu_ticks(pid) for pid in _family(self._child.pid)) / _TICKS


def _json_object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _family(pid: int) -> list[int]:
    """A process and its descendants, as far as they live."""
    family = [pid]
    for member in family:
        for listed in Path(f"/proc/{member}/task").glob("*/children"):
            family += [int(child) for child in _read(listed).split()]
    return family


def _private_memory(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    return 0


def _cpu_ticks(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15])


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
