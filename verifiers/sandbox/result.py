"""How a test ended, from what was measured, what its process said of its beginning, and what the kernel killed."""

import os
import signal

from verifiers.sandbox.files import read_artifact
from verifiers.sandbox.limits import Ended, Limits, TestResult
from verifiers.sandbox.program import PYTHON_KINDS, Program
from verifiers.sandbox.running import Running


class SlotFailed(Exception):
    """The slot, not the program, failed; it has to be thrown away."""


class HostKills:
    """Processes that the kernel killed for memory, anywhere on this host, be it by the limit of some other group."""

    def __init__(self) -> None:
        self._seen = _host_kills()

    def any_since(self) -> bool:
        """Whether there were any since the last look."""
        before, self._seen = self._seen, _host_kills()
        return before != self._seen


def result_of(
    running: Running, program: Program, limits: Limits, stage: bytes, group_killed: bool, host: HostKills | None
) -> TestResult:
    """The result of a test that has ended; SlotFailed where that was not its own doing.

    stage: how far it came before any of its program ran. group_killed: whether the kernel killed in its group for
    memory. host: where it has no group, which would know.
    """
    how, state = running.ended, running.state
    exit_code = os.WEXITSTATUS(state) if os.WIFEXITED(state) else 0
    killer = os.WTERMSIG(state) if os.WIFSIGNALED(state) else 0
    errors, artifact, near = running.errors, b"", False
    out_of_time = running.cpu >= limits.most_cpu_seconds or killer == signal.SIGXCPU
    if out_of_time and how in (Ended.exited, Ended.output_limit):
        how = Ended.cpu_limit
    unbegun = _unbegun(program, stage)
    if unbegun:
        how, errors = unbegun[0], unbegun[1] or errors
    if group_killed or (how is Ended.exited and running.peak > limits.memory_bytes):
        how = Ended.memory_limit
    elif how is Ended.not_started:
        raise SlotFailed(f"the program was not started: {errors[:300]!r}")
    elif how is Ended.exited and killer == signal.SIGKILL and host and host.any_since():
        raise SlotFailed("the host ran out of memory")
    elif how is Ended.exited and running.cpu >= limits.cpu_seconds:
        how, near = Ended.cpu_limit, True
    elif how is Ended.exited and state == 0 and running.folder >= 0:
        artifact = read_artifact(running.folder, program.artifact)
    return TestResult(
        how, exit_code, killer, running.cpu, running.wall, running.peak, bytes(running.output), errors, artifact,
        running.starved, near,
    )  # fmt: skip


def _unbegun(program: Program, stage: bytes) -> tuple[Ended, bytes] | None:
    """How a test ended that did not even begin, and why; None for one that did."""
    if stage[:1] != b"S" or stage[1:2] == b"!":
        return Ended.not_started, stage
    if stage[1:2] == b"C":
        return Ended.not_compiled, b""
    if program.kind in PYTHON_KINDS and stage[1:2] != b"x":
        return Ended.not_compiled, b"the compiler was stopped by a limit"
    return None


def _host_kills() -> int:
    try:
        with open("/proc/vmstat", "rb") as file:
            _, _, rest = file.read().partition(b"\noom_kill ")
    except OSError:
        return 0
    return int(rest.split()[0]) if rest else 0
