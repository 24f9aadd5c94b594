"""From how a program ended to an outcome."""

from verifiers.outcome import Outcome
from verifiers.sandbox import Ended, TestResult

_OUTCOMES = {
    Ended.cpu_limit: Outcome.time_limit,
    Ended.wall_limit: Outcome.time_limit,
    Ended.output_limit: Outcome.output_limit,
    Ended.memory_limit: Outcome.memory_limit,
    Ended.not_compiled: Outcome.compile_error,
}
_OUT_OF_MEMORY = (b"MemoryError", b"std::bad_alloc", b"Cannot allocate memory", b"out of memory")


def failure(result: TestResult) -> Outcome | None:
    """Why a program did not end well; None if it did."""
    if result.ended is not Ended.exited:
        return _OUTCOMES[result.ended]
    if result.finished:
        return None
    if any(sign in result.errors[-600:] for sign in _OUT_OF_MEMORY):
        return Outcome.memory_limit
    return Outcome.runtime_error


def detail(result: TestResult) -> str:
    """One line of what it said or how it ended."""
    lines = result.errors.decode("utf-8", "replace").replace("\0", "�").strip().splitlines()
    if lines:
        return lines[-1][:200]
    if result.signal:
        return f"signal {result.signal}"
    return f"exit code {result.exit_code}" if result.exit_code else ""
