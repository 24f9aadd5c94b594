"""What a program may use, and what it used: plain values, shared by everything that runs programs."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from verifiers.sandbox.inside import ends

MIB = 1 << 20


class Level(StrEnum):
    """How well a program is kept apart; stored with every verdict."""

    bwrap = "bwrap"
    """Its own user, pid, mount, IPC and network namespaces, no capabilities, a system call filter."""
    bwrap_noproc = "bwrap-noproc"
    """The same without /proc, for containers whose own /proc is masked."""
    unsafe = "unsafe"
    """A plain process with rlimits and the system call filter. It can read files: only ever asked for by hand."""


@dataclass(frozen=True)
class Limits:
    """Limits of one test of a program. CPU time decides `time_limit`; the wall clock is only a backstop.

    A busy host makes the same work cost more CPU time. So a program that ends a little above its limit, before it is
    stopped at `most_cpu_seconds`, is run again, and the least that it takes in three runs counts.
    """

    cpu_seconds: float = 10.0
    memory_bytes: int = 1024 * MIB
    output_bytes: int = 16 * MIB
    processes: int = 32
    file_bytes: int = 16 * MIB
    scratch_bytes: int = 16 * MIB
    least_wall_seconds: float = 10.0

    @property
    def most_cpu_seconds(self) -> float:
        """When a test is stopped: what no noise explains."""
        return 1.25 * self.cpu_seconds

    @property
    def wall_seconds(self) -> float:
        """When even an idle test ends."""
        return max(3 * self.cpu_seconds + 2, self.least_wall_seconds)


class Ended(IntEnum):
    """How a test ended."""

    exited = ends.EXITED
    cpu_limit = ends.CPU_LIMIT
    wall_limit = ends.WALL_LIMIT
    output_limit = ends.OUTPUT_LIMIT
    memory_limit = ends.MEMORY_LIMIT
    not_compiled = ends.NOT_COMPILED
    not_started = ends.NOT_STARTED


@dataclass(frozen=True)
class TestResult:
    """What a program did on one input. `signal` is 0 unless one killed it; `errors` is the head and tail of stderr."""

    __test__ = False  # not a test class of pytest

    ended: Ended
    exit_code: int
    signal: int
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    output: bytes
    errors: bytes
    artifact: bytes = b""
    starved: bool = False
    near: bool = False
    """It ended by itself, but took a little more than its CPU limit."""

    @property
    def finished(self) -> bool:
        """It ended by itself, without an error."""
        return self.ended is Ended.exited and self.exit_code == 0 and self.signal == 0
