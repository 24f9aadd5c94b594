"""What the official harness says of a log, by its own code in a warm child process (verifiers/patches/harness.py).

The log is untrusted, and the official parsers are regular expressions that can run away on it: that ends as the
sample's fault. The harness is imported there alone: it costs seconds, and reads a `.env` unless told not to.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from verifiers.errors import InfrastructureError
from verifiers.isolation.child import Death, Died
from verifiers.isolation.warm import WarmChild
from verifiers.patches.script import Canaries

CPU_SECONDS = 60.0
"""Of the child, for one log; a long honest one takes a few."""
MEMORY_BYTES = 4 << 30
WALL_SECONDS = 600.0
"""For a child that is starved."""


class GradingRanAway(Exception):
    """The official grading was ended by its limit of CPU time or memory: the log is to blame."""


class Counts(NamedTuple):
    """Of one of the problem's two lists of tests; `failed` names the first few that did not pass."""

    passed: int
    of: int
    failed: tuple[str, ...] = ()


class Grade(NamedTuple):
    """resolved, applied, trouble: the official report. The rest is what the log says beside it.

    marked: the marks of the tests' start and end stand there once and in order. exit_codes: what the log says the test
    command ended with. canaries: the statuses that it gives each; passing: the labels of files of which it says that a
    test passed; contradicted: listed tests that it says failed and, later, passed. version: of swebench.
    """

    resolved: bool
    applied: bool
    trouble: str
    fail_to_pass: Counts
    pass_to_pass: Counts
    marked: bool
    exit_codes: tuple[int, ...]
    canaries: Mapping[str, Sequence[str]]
    passing: Sequence[str]
    contradicted: Sequence[str]
    version: str


class Grader:
    """Requests to one child process, one at a time."""

    def __init__(self, cpu_seconds: float = CPU_SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self.warm = WarmChild(
            "the process that grades patches",
            "verifiers.patches.harness",
            (str(cpu_seconds), str(memory_bytes)),
            {"PYTHONUTF8": "1", "PYTHON_DOTENV_DISABLED": "1", "HF_HUB_OFFLINE": "1"},
        )

    def script(self, instance: Mapping[str, Any]) -> str:
        """The problem's evaluation script, which records the tests' exit code; raises InfrastructureError."""
        with _folder(instance) as folder:
            try:
                self._ask({"ask": "script", "folder": str(folder)})
            except GradingRanAway as error:
                raise InfrastructureError(f"The problem's evaluation script could not be made: {error}.") from error
            return (folder / "script").read_text(encoding="utf-8")

    def grade(self, instance: Mapping[str, Any], log: bytes, placed: Sequence[Canaries] = ()) -> Grade:
        """The official verdict on a log, and what it says of our canaries; GradingRanAway or InfrastructureError."""
        with _folder(instance) as folder:
            (folder / "log").write_text(log.decode("utf-8", "replace"), encoding="utf-8", newline="")
            names = [test.name for each in placed for test in each.tests]
            labels = [each.label for each in placed]
            reply = self._ask({"ask": "grade", "folder": str(folder), "canaries": names, "labels": labels})
        for counts in ("fail_to_pass", "pass_to_pass"):
            reply[counts] = Counts(**{**reply[counts], "failed": tuple(reply[counts]["failed"])})
        return Grade(**{**reply, "exit_codes": tuple(reply["exit_codes"])})

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        with self.warm.held() as child:
            try:
                reply, _ = child.ask(request, wall_seconds=WALL_SECONDS)
            except Died as died:
                if died.how is Death.cpu:
                    raise GradingRanAway("it took too much CPU time") from None
                raise InfrastructureError(f"The official grading failed: {died.detail}") from died
            if "failed" not in reply:
                return reply
            child.close()
            if reply["failed"] == "memory":
                raise GradingRanAway("it took too much memory")
            raise InfrastructureError(f"The official grading failed: {reply['failed']}")


@contextmanager
def _folder(instance: Mapping[str, Any]) -> Iterator[Path]:
    """A private folder with the problem's fields, for as long as it is asked about."""
    with tempfile.TemporaryDirectory(prefix="monkeys-grade-") as name:
        folder = Path(name)
        (folder / "instance.json").write_text(json.dumps(dict(instance)), encoding="utf-8")
        yield folder


GRADER = Grader()
