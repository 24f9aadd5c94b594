"""Warm Lean processes: limits, deaths, forgeries, recycling; with a stand-in for Lean that does as it is told."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.proofs.local import LocalLean
from verifiers.proofs.report import ProofLimits
from verifiers.proofs.statement import Statement

WORKER = Path(__file__).with_name("lean_worker.py")


@dataclass(frozen=True)
class Scripted:
    """The stand-in in Lean's place."""

    def command(self) -> list[str]:
        return [sys.executable, "-I", str(WORKER)]


@dataclass(frozen=True)
class Missing:
    """A Lean that is not there."""

    def command(self) -> list[str]:
        return ["/nowhere/lean"]


def gone(pid: int) -> bool:
    """Whether a process ends within ten seconds."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return not Path(f"/proc/{pid}").exists()


@pytest.fixture
def lean() -> Iterator[LocalLean]:
    backend = LocalLean(Scripted(), ProofLimits(cpu_seconds=0.5, wall_seconds=3.0, memory_bytes=200 << 20))
    yield backend
    backend.close()


def statement(header: str = "import Init\n") -> Statement:
    return Statement(header, "t", "theorem t : True")


def check(lean: LocalLean, *steps: str) -> tuple[Outcome, str]:
    report = lean.check(statement(), "by\n" + "\n".join(f"  {step}" for step in steps))
    return report.outcome, report.detail


def test_an_accepted_proof_is_correct_and_says_which_lean(lean: LocalLean) -> None:
    report = lean.check(statement(), "by\n  trivial")
    assert report.outcome is Outcome.correct
    assert report.facts == {"lean": "4.0.0", "backend": "local", "axioms": ["propext"]}


def test_a_refused_proof_is_incorrect_and_one_with_errors_a_compile_error(lean: LocalLean) -> None:
    assert check(lean, "refused") == (Outcome.incorrect, "it uses the axiom sorryAx")
    report = lean.check(statement(), "by\n  error 3")
    assert (report.outcome, report.lines) == (Outcome.compile_error, (3,))


@pytest.mark.parametrize(
    ("order", "outcome"),
    [
        ("burn", Outcome.time_limit),
        ("hang", Outcome.time_limit),
        ("child", Outcome.time_limit),
        ("grow", Outcome.memory_limit),
        ("crash", Outcome.runtime_error),
        ("killed", Outcome.memory_limit),
        ("garbage", Outcome.incorrect),
        ("forge", Outcome.incorrect),
        ("endless", Outcome.incorrect),
    ],
)
def test_a_death_is_a_verdict_and_the_next_proof_has_a_fresh_process(
    lean: LocalLean, order: str, outcome: Outcome
) -> None:
    assert check(lean, order)[0] is outcome
    assert check(lean, "trivial")[0] is Outcome.correct


def test_a_proof_that_met_a_limit_is_judged_by_it_however_lean_ends_the_second_time(
    lean: LocalLean, tmp_path: Path
) -> None:
    assert check(lean, f"grow_then_crash {tmp_path / 'flag'}")[0] is Outcome.memory_limit


def test_a_lean_that_had_no_cpu_is_our_failure_and_not_the_proofs(lean: LocalLean) -> None:
    cpu = min(os.sched_getaffinity(0))
    burn = [sys.executable, "-c", f"import os; os.sched_setaffinity(0, {{{cpu}}})\nwhile True: pass"]
    lean.limits = replace(lean.limits, cpu_seconds=30.0, wall_seconds=1.0)
    others = [subprocess.Popen(burn, start_new_session=True) for _ in range(8)]
    try:
        with pytest.raises(InfrastructureError, match="waited"):
            check(lean, f"starve {cpu}")
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_a_second_reply_does_not_reach_the_next_proof(lean: LocalLean) -> None:
    check(lean, "twice")
    assert check(lean, "refused") == (Outcome.incorrect, "it uses the axiom sorryAx")
    assert check(lean, "trivial")[0] is Outcome.correct


def test_a_closed_output_is_a_death(lean: LocalLean) -> None:
    outcome, detail = check(lean, "close")
    assert (outcome, detail) == (Outcome.runtime_error, "Lean ended with its output closed")


def test_a_death_that_does_not_repeat_is_forgotten(lean: LocalLean, tmp_path: Path) -> None:
    assert check(lean, f"crash_once {tmp_path / 'flag'}")[0] is Outcome.correct


def test_the_cpu_time_of_a_killed_proof_is_counted(lean: LocalLean) -> None:
    assert lean.check(statement(), "by\n  burn").cpu_seconds > 0.1
    assert lean.check(statement(), "by\n  crash").cpu_seconds >= 0.0


def test_proofs_share_a_process_until_it_is_worn() -> None:
    lean = LocalLean(Scripted(), proofs_a_process=3)
    try:
        pids = [check(lean, "pid")[1] for _ in range(6)]
    finally:
        lean.close()
    assert pids[0] == pids[1] == pids[2] != pids[3] == pids[4] == pids[5]


def test_each_header_has_its_own_process_and_the_oldest_goes_first() -> None:
    lean = LocalLean(Scripted(), headers_at_once=2)

    def pid(header: str) -> str:
        return lean.check(statement(header), "by\n  pid").detail

    try:
        first, second = pid("A"), pid("B")
        assert first != second
        assert pid("A") == first
        pid("C")
        assert pid("A") == first
        assert pid("B") != second
    finally:
        lean.close()


@pytest.mark.parametrize(
    ("header", "says"), [("slow", "did not start"), ("dead", "did not start"), ("bad", "unknown module prefix")]
)
def test_a_lean_that_does_not_start_is_our_failure(lean: LocalLean, header: str, says: str) -> None:
    lean.start_seconds = 3
    with pytest.raises(InfrastructureError, match=says):
        lean.check(statement(header), "by\n  trivial")


def test_a_statement_that_lean_does_not_understand_is_our_failure(lean: LocalLean) -> None:
    with pytest.raises(InfrastructureError, match="unknown identifier"):
        check(lean, "bad_statement")


def test_a_closed_pool_leaves_no_process_behind(lean: LocalLean) -> None:
    pid = int(check(lean, "pid")[1])
    lean.close()
    assert gone(pid)


def test_a_megabyte_of_proof_reaches_lean(lean: LocalLean) -> None:
    assert check(lean, "-- " + "x" * (1 << 20), "refused") == (Outcome.incorrect, "it uses the axiom sorryAx")


def test_an_interrupted_proof_has_no_reply_left_for_the_next(lean: LocalLean) -> None:
    def interrupt(*_: object) -> None:
        raise TimeoutError

    pid = check(lean, "pid")[1]
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(TimeoutError):
            check(lean, "hang")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert gone(int(pid))
    assert check(lean, "pid")[1] != pid


def test_a_forked_process_starts_its_own_and_keeps_none_of_its_parents_alive(lean: LocalLean) -> None:
    ours = check(lean, "pid")[1]
    read, write = os.pipe()
    forked = os.fork()
    if forked == 0:
        os.write(write, check(lean, "pid")[1].encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        theirs = pipe.read().decode()
    os.waitpid(forked, 0)
    assert theirs != ours
    assert gone(int(theirs))
    assert check(lean, "pid")[1] == ours


def test_a_lean_that_is_no_program_is_our_failure() -> None:
    with pytest.raises(InfrastructureError, match="Lean could not be started"):
        LocalLean(Missing()).check(statement(), "by\n  trivial")
