"""A person's own functions that do not return, crash or exit: they end a child of this process, and no more."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests import hanging
from tests.place import wait_until
from verifiers.benchmarks import own
from verifiers.benchmarks.guarded import BrokenBenchmark
from verifiers.benchmarks.own import load_own
from verifiers.benchmarks.sources import read_code
from verifiers.errors import JudgingStopped
from verifiers.isolation import apart
from verifiers.outcome import Outcome
from verifiers.verifier import Problem, Verifier

PROBLEM = Problem("a", {"answer": "1"})

SECONDS = 1.0
LIMIT = f"took longer than {SECONDS:g} s"
SAID = {
    "loop": LIMIT,
    "deaf": LIMIT,
    "c": LIMIT,
    "child": LIMIT,
    "lock": LIMIT,
    "thread": "raised SystemExit: 3",
    "fork": ": its process ended with exit code 4",
    "exit": ": its process ended with exit code 5",
    "segv": ": its process was ended by SIGSEGV",
    "abort": ": its process was ended by SIGABRT",
    "group": ": its process was ended by SIGKILL",
}


@pytest.fixture
def hanging_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The hanging benchmark as a person's own, not yet loaded; nothing that it started is left behind."""
    monkeypatch.setenv("HANGING_FOLDER", str(tmp_path))
    file = tmp_path / "hanging_bench.py"
    file.write_text(f"from tests.hanging import HANGING as benchmark\n# {tmp_path}\n")
    yield file
    assert "sleep" not in [each.name() for each in psutil.Process().children(recursive=True)]


@pytest.fixture
def verifier(hanging_file: Path, monkeypatch: pytest.MonkeyPatch) -> Verifier:
    """Its verifier, whose functions get little time."""
    monkeypatch.setattr(own, "EXTRACT_SECONDS", SECONDS)
    monkeypatch.setattr(own, "JUDGE_SECONDS", SECONDS)
    return load_own(read_code(str(hanging_file))).verifiers[0]


@pytest.mark.parametrize("way", SAID)
def test_whatever_a_judge_does_is_a_failure_of_ours_with_its_reason(verifier: Verifier, way: str) -> None:
    found = verifier.check(PROBLEM, way)
    assert found.judgement.outcome == Outcome.infrastructure_error
    assert found.judgement.detail.startswith("judge of the verifier hanging of hanging")
    assert SAID[way] in found.judgement.detail
    assert verifier.check(PROBLEM, "1").judgement.outcome == Outcome.correct


@pytest.mark.parametrize("way", ["c", "segv", "thread"])
def test_whatever_extract_does_is_told_in_a_sentence(verifier: Verifier, way: str) -> None:
    with pytest.raises(BrokenBenchmark, match=SAID[way]):
        verifier.extract(PROBLEM, f"extract {way}")
    assert verifier.extract(PROBLEM, "1") == ("1", "")


def test_what_a_judge_started_ends_with_it(verifier: Verifier, tmp_path: Path) -> None:
    verifier.check(PROBLEM, "child")
    pid = int((tmp_path / "child").read_text())
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


@pytest.mark.parametrize("way", ["loop", "c"])
def test_a_judge_is_ended_at_once_when_its_work_is_to_stop(
    hanging_file: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(own, "JUDGE_SECONDS", 120)
    (verifier,) = load_own(read_code(str(hanging_file))).verifiers
    stop = threading.Event()
    timer = threading.Timer(0.1, stop.set)
    timer.start()
    with apart.stopped_by(stop), pytest.raises(JudgingStopped):
        verifier.check(PROBLEM, way)
    timer.join()
    assert verifier.check(PROBLEM, "1").judgement.outcome == Outcome.correct


def test_the_child_of_a_process_that_is_killed_ends_too(verifier: Verifier, tmp_path: Path) -> None:
    """In a fork of this process, as in a worker's pool."""
    verifier.check(PROBLEM, "1")
    pool = os.fork()
    if pool == 0:
        try:
            verifier.check(PROBLEM, "c")
        finally:
            os._exit(1)
    begun = tmp_path / "begun"
    wait_until(lambda: begun.exists() and begun.read_text().endswith("\n"))
    _, child, parent = begun.read_text().split()
    assert int(parent) == pool, "no child of another process is asked"
    os.kill(pool, 9)
    os.waitpid(pool, 0)
    wait_until(lambda: not psutil.pid_exists(int(child)), seconds=10)
    assert verifier.check(PROBLEM, "1").judgement.outcome == Outcome.correct


def test_a_thread_that_ends_takes_no_later_call_along(verifier: Verifier) -> None:
    first_is_over, leave = threading.Event(), threading.Event()

    def ask_first() -> None:
        verifier.check(PROBLEM, "2")
        first_is_over.set()
        leave.wait(10)

    thread = threading.Thread(target=ask_first)
    thread.start()
    first_is_over.wait(10)
    threading.Timer(0.1, leave.set).start()
    assert verifier.check(PROBLEM, "slow 0.3").judgement.outcome == Outcome.incorrect
    thread.join()
    assert verifier.check(PROBLEM, "1").judgement.outcome == Outcome.correct


def test_the_words_are_those_of_the_benchmark() -> None:
    assert SAID.keys() == hanging.WAYS.keys() - {"parent"}
