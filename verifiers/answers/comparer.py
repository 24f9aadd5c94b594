"""Comparisons of expressions, made in a warm child process (verifiers/answers/worker.py) that keeps its own limits."""

from typing import Any, NamedTuple

from verifiers.errors import InfrastructureError
from verifiers.isolation.child import Death, Died
from verifiers.isolation.warm import WarmChild

CPU_SECONDS = 5.0
"""Of the child, for one comparison: a limit that a crowded machine does not change."""
MEMORY_BYTES = 2 << 30
WALL_SECONDS = 300.0
"""For a child that sleeps or is starved, which is never the sample's fault."""
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
    """Questions to one child process, one at a time."""

    def __init__(
        self, cpu_seconds: float = CPU_SECONDS, memory_bytes: int = MEMORY_BYTES, wall_seconds: float = WALL_SECONDS
    ) -> None:
        self._wall_seconds = wall_seconds
        self.warm = WarmChild(
            "the process that compares answers",
            "verifiers.answers.worker",
            (str(cpu_seconds), str(memory_bytes)),
            {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8"},
            REQUESTS,
        )

    def ask(self, question: str, *of: str) -> Reply:
        """The child's reply (see verifiers/answers/equality.py); raises TooSlow, TooBig or InfrastructureError.

        The child ends itself by its CPU time, and that alone is too slow: where it got none, the failure is ours.
        """
        with self.warm.held() as child:
            seconds = self._wall_seconds + (0 if child.asked else START_SECONDS)
            try:
                reply, _ = child.ask({"ask": question, "of": of}, wall_seconds=seconds)
            except Died as died:
                if died.how is Death.cpu:
                    raise TooSlow from None
                raise InfrastructureError(died.detail) from died
            if "failed" in reply:
                child.close()
                raise TooBig if reply["failed"] == "memory" else InfrastructureError(str(reply["failed"]))
            return Reply(reply["value"], reply["cpu_seconds"])


COMPARER = Comparer()
