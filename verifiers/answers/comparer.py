"""Comparisons of expressions, made in a warm child process (verifiers/answers/worker.py) that keeps its own limits."""

import os
import sys
import threading
from pathlib import Path
from typing import Any, NamedTuple

from verifiers.errors import InfrastructureError
from verifiers.isolation.child import Child, Death, Died

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
        self._child: Child | None = None

    def ask(self, question: str, *of: str) -> Reply:
        """The child's reply (see verifiers/answers/equality.py); raises TooSlow, TooBig or InfrastructureError."""
        with self._lock:
            child = self._warm()
            seconds = WALL_SECONDS + (0 if child.asked else START_SECONDS)
            try:
                reply, _ = child.ask({"ask": question, "of": of}, wall_seconds=seconds)
            except Died as died:
                if died.how in (Death.cpu, Death.wall):
                    raise TooSlow from None
                raise InfrastructureError(died.detail) from died
            if "failed" in reply:
                child.close()
                raise TooBig if reply["failed"] == "memory" else InfrastructureError(str(reply["failed"]))
            return Reply(reply["value"], reply["cpu_seconds"])

    def _warm(self) -> Child:
        if self._child and self._child.asked >= REQUESTS:
            self._child.close()
        if self._child is None or self._child.closed:
            command = [sys.executable, "-P", "-B", "-m", "verifiers.answers.worker", *self._limits]
            root = str(Path(__file__).parents[2])
            environ = {"PYTHONPATH": root, "PYTHONHASHSEED": "0", "LANG": "C.UTF-8"}
            self._child = Child("the process that compares answers", command, environ)
        return self._child

    def close(self) -> None:
        """End the child; the next question starts another."""
        with self._lock:
            if self._child:
                self._child.close()

    def after_fork(self) -> None:
        """In a forked process: another thread of the parent may hold the lock."""
        self._lock = threading.Lock()


COMPARER = Comparer()
os.register_at_fork(after_in_child=COMPARER.after_fork)
