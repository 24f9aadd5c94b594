"""Whether what the tests printed may be believed: our own evidence beside the official verdict."""

from collections.abc import Sequence

from verifiers.patches.grader import Grade
from verifiers.patches.script import Canaries, Canary

_BAD = {"FAILED", "ERROR"}
_FAILING_TESTS = 1
"""The exit code of every Python test runner that ran to its end and saw a test fail."""


def doubt(exit_code: int | None, grade: Grade, placed: Sequence[Canaries], changed: Sequence[str]) -> str:
    """Why a log that resolves its problem is not believed, or "".

    exit_code: the test command's, as the daemon has it. changed: the test files that were rewritten.
    """
    if changed:
        return f"the test files were rewritten: {', '.join(changed)[:200]}"
    if not grade.marked:
        return "the marks where the tests start and end are not there once and in order"
    if grade.exit_codes != (exit_code,):
        said = ", ".join(map(str, grade.exit_codes)) or "nothing"
        return f"the tests ended with exit code {exit_code}, and their output says {said}"
    if grade.contradicted:
        return f"tests are reported as failed and as passed: {', '.join(grade.contradicted)[:200]}"
    return _canaries_doubt(exit_code, grade, placed) if placed else ""


def seen(grade: Grade, each: Canaries) -> int:
    """How many of a file's canaries have the status that they must have."""
    return sum(_right(test, grade) for test in each.tests)


def _canaries_doubt(exit_code: int | None, grade: Grade, placed: Sequence[Canaries]) -> str:
    """A file of which no test passes may have been skipped as a whole; all others have all their canaries."""
    if exit_code != _FAILING_TESTS:
        return f"tests that have to fail were among them, and the test command ended with exit code {exit_code}"
    run = [each for each in placed if each.label in grade.passing or any(_status(test, grade) for test in each.tests)]
    tests = [test for each in run for test in each.tests]
    if not tests or not all(_status(test, grade) for test in tests):
        return "the tests were not seen to run"
    if not all(_right(test, grade) for test in tests):
        return "tests that have to fail were reported as passed, or the other way round"
    return ""


def _status(test: Canary, grade: Grade) -> set[str]:
    return set(grade.canaries[test.name]) - {"SKIPPED"}


def _right(test: Canary, grade: Grade) -> bool:
    status = _status(test, grade)
    return bool(status) and (status <= _BAD if test.fails else status == {"PASSED"})
