"""The child process that compares expressions: it is killed when it hangs, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifiers.answers import MATH_VERIFY
from verifiers.answers.comparer import CPU_SECONDS, Comparer, TooBig, TooSlow
from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.verifier import Problem

FIVE = Problem("x", {"problem": "", "answer": "5"})
ROOT = Path(__file__).parents[1]


@pytest.fixture
def comparer() -> Iterator[Comparer]:
    comparer = Comparer(cpu_seconds=1.0)
    yield comparer
    comparer.warm.close()


def child_of(comparer: Comparer) -> int:
    assert comparer.warm._child is not None
    return comparer.warm._child.pid


def gone(pid: int, seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_hang_is_a_time_limit_and_the_next_comparison_works(comparer: Comparer) -> None:
    for bomb in (r"10^{10^{10}}", r"\binom{10^9}{10^8}"):
        with pytest.raises(TooSlow):
            comparer.ask("math-verify", r"\sqrt{2}", bomb)
    assert comparer.ask("math-verify", r"\frac{1}{2}", r"\frac{2}{4}").value is True


def test_a_hang_is_a_time_limit_of_the_verifier() -> None:
    text = r"Final Answer: The final answer is $10^{10^{10}}$. I hope it is correct."
    judgement = MATH_VERIFY.check(FIVE, text).judgement
    assert judgement.outcome is Outcome.time_limit
    assert judgement.cpu_seconds == CPU_SECONDS


@pytest.mark.slow
def test_too_much_memory_is_a_memory_limit() -> None:
    small = Comparer(cpu_seconds=5.0, memory_bytes=400 << 20)
    try:
        with pytest.raises((TooBig, TooSlow)):
            small.ask("minerva", "5", r"10^{10^{9}}")
        assert small.ask("minerva", "5", "5.0").value is True
    finally:
        small.warm.close()


@pytest.mark.parametrize(
    "candidate",
    ["{" * 5 + "5" + "}" * 5, "(" * 60, r"\frac{0}{0}", "NaN", r"\infty-\infty", "5\0", "\ud800", "}{", "\\", "%"],
)
def test_strange_expressions_are_judged(candidate: str) -> None:
    outcome = MATH_VERIFY.judge(FIVE, candidate).outcome
    assert outcome in (Outcome.correct, Outcome.incorrect, Outcome.time_limit)


def test_what_is_too_long_to_be_an_answer_is_wrong_without_a_comparison() -> None:
    assert MATH_VERIFY.judge(FIVE, "x+" * 500_000 + "x").outcome is Outcome.incorrect


def test_a_killed_child_is_our_failure_and_the_next_comparison_works(comparer: Comparer) -> None:
    comparer.ask("math-verify", "x", "y")
    os.kill(child_of(comparer), signal.SIGKILL)
    with pytest.raises(InfrastructureError):
        comparer.ask("math-verify", "x", "y")
    assert comparer.ask("math-verify", "x+1", "1+x").value is True


def test_a_child_that_gets_no_cpu_time_is_our_failure_and_the_next_comparison_works() -> None:
    starved = Comparer(wall_seconds=0.5)
    try:
        starved.ask("math-verify", "x", "y")
        os.kill(child_of(starved), signal.SIGSTOP)
        with pytest.raises(InfrastructureError):
            starved.ask("math-verify", "x", "y")
        assert starved.ask("math-verify", "x+1", "1+x").value is True
    finally:
        starved.warm.close()


def test_an_interrupted_question_does_not_get_its_answer_mixed_up(comparer: Comparer) -> None:
    comparer.ask("math-verify", "x", "y")

    def interrupt(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(TimeoutError):
            comparer.ask("math-verify", r"\sqrt{2}", r"10^{10^{10}}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert comparer.ask("math-verify", "x+1", "1+x").value is True
    assert comparer.ask("math-verify", "x+1", "x+2").value is False


def test_threads_share_one_child(comparer: Comparer) -> None:
    wrong = []

    def compare(number: int) -> None:
        for _ in range(5):
            if comparer.ask("math-verify", f"x+{number}", f"{number}+x").value is not True:
                wrong.append(number)

    threads = [threading.Thread(target=compare, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_environment_does_not_reach_the_child(comparer: Comparer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONKEYS_DATABASE_URL", "secret")
    comparer.ask("math-verify", "x", "y")
    assert b"secret" not in Path(f"/proc/{child_of(comparer)}/environ").read_bytes()


PARENT = """
    import os, sys, time
    from verifiers.answers.comparer import COMPARER
    assert COMPARER.ask("math-verify", "x+1", "1+x").value is True
    print(COMPARER.warm._child.pid, flush=True)
    forked = os.fork() if "fork" in sys.argv else None
    if forked == 0:
        assert COMPARER.ask("math-verify", "x+2", "2+x").value is True
        print(COMPARER.warm._child.pid, flush=True)
    time.sleep(600)
"""


def parent(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_kill_9_of_the_process_leaves_no_child() -> None:
    with parent() as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
    assert gone(child)


def test_a_forked_process_makes_its_own_child_and_keeps_none_alive() -> None:
    with parent("fork") as process:
        assert process.stdout is not None
        first, second = int(process.stdout.readline()), int(process.stdout.readline())
        try:
            assert first != second
            process.kill()
            assert gone(first)
            assert not gone(second, seconds=0.5)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert gone(second)


def test_sympy_stays_out_of_this_process() -> None:
    program = """
        import sys
        from verifiers.answers import MATH_VERIFY
        from verifiers.verifier import Problem
        MATH_VERIFY.check(Problem("x", {"answer": "x+1"}), "$1+x$")
        assert not {"sympy", "math_verify", "multiprocessing"} & set(sys.modules), sorted(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, check=True)
