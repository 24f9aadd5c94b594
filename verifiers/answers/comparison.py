"""Comparisons of expressions, made in a warm child process that is killed when one takes too long.

Works wherever a process may be started: in threads, and in Celery's daemonic children, which may not use
multiprocessing. Nothing is left behind when this process is killed: the child ends when its stdin does.
"""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from verifiers.errors import InfrastructureError

CPU_SECONDS = 5.0
"""Of the child, for one comparison: a limit that a crowded machine does not change."""
MEMORY_BYTES = 2 << 30
WALL_SECONDS = 60.0
"""For a child that sleeps or is starved."""
START_SECONDS = 120.0
REQUESTS = 5_000
"""Asked of one child before a fresh one takes over: sympy's caches grow."""


class TooSlow(Exception):
    """The comparison was ended by its time limit."""


class TooBig(Exception):
    """The comparison was ended by its memory limit."""


class Reply(NamedTuple):
    """The answer to a question, and the CPU time it took."""

    value: Any
    cpu_seconds: float


class Comparer:
    """One child process, made on first use, and the requests to it, one at a time."""

    def __init__(self, cpu_seconds: float = CPU_SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._limits = (str(cpu_seconds), str(memory_bytes))
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._asked = 0

    def ask(self, question: str, *of: str) -> Reply:
        """The child's reply (see verifiers/answers/equality.py); raises TooSlow, TooBig or InfrastructureError."""
        with self._lock:
            fresh = self._child is None or self._asked >= REQUESTS
            if fresh:
                self._start()
            self._asked += 1
            try:
                reply = self._exchange({"ask": question, "of": of}, WALL_SECONDS + START_SECONDS * fresh)
            except BaseException:  # also an interruption from outside: its reply must not be the next one's
                self._stop()
                raise
            if "failed" in reply:
                self._stop()
                raise TooBig if reply["failed"] == "memory" else InfrastructureError(str(reply["failed"]))
            return Reply(reply["value"], reply["cpu_seconds"])

    def close(self) -> None:
        """End the child; the next question starts another."""
        with self._lock:
            self._stop()

    def _start(self) -> None:
        self._stop()
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-P", "-B", "-m", "verifiers.answers.worker", *self._limits]
        try:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,  # a request is smaller than a pipe's buffer, and nothing is left to flush after a fork
                env={"PYTHONPATH": root, "PYTHONHASHSEED": "0", "LANG": "C.UTF-8"},
                start_new_session=True,
            )
        except OSError as error:
            raise InfrastructureError(f"no process for comparing answers could be started ({error})") from error
        self._asked = 0

    def _exchange(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        child = self._child
        assert child is not None
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise InfrastructureError(f"the process that compares answers is gone ({error})") from error
        line = _read_line(child.stdout.fileno(), seconds)
        if line:
            reply: dict[str, Any] = json.loads(line)
            return reply
        status = self._stop()
        if line is None or status == -signal.SIGPROF:
            raise TooSlow
        raise InfrastructureError(f"the process that compares answers ended with status {status}")

    def _stop(self) -> int | None:
        child, self._child = self._child, None
        if child is None:
            return None
        child.kill()
        status = child.wait()
        _close_pipes(child)
        return status

    def after_fork(self) -> None:
        """In a forked process: let go of the parent's child, so that it still ends with the parent."""
        child, self._child = self._child, None
        self._lock = threading.Lock()
        if child is not None:
            child.returncode = 0
            _close_pipes(child)


def _read_line(pipe: int, seconds: float) -> bytes | None:
    """A line from the pipe; b"" when the pipe ends first, None when time does."""
    deadline, line = time.monotonic() + seconds, b""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while not line.endswith(b"\n"):
        if not poll.poll(max(0.0, 1000 * (deadline - time.monotonic()))):
            return None
        part = os.read(pipe, 65_536)
        if not part:
            return b""
        line += part
    return line


def _close_pipes(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


COMPARER = Comparer()
os.register_at_fork(after_in_child=COMPARER.after_fork)
