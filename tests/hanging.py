"""A benchmark whose functions do not return, or take their process along, as the text that they get asks them to."""

import ctypes
import faulthandler
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier


def _loop() -> None:
    while True:
        pass


def _deaf_loop() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        try:
            time.sleep(0.01)
        except BaseException:  # whatever comes
            pass


def _in_c() -> None:
    """In C, which holds the interpreter, with every signal blocked."""
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
    ctypes.PyDLL(None).sleep(100_000)


def _with_a_child() -> None:
    child = subprocess.Popen(["sleep", "98765"])
    Path(os.environ["HANGING_FOLDER"], "child").write_text(str(child.pid))
    time.sleep(100_000)


def _with_a_thread() -> None:
    threading.Thread(target=_loop, daemon=False).start()
    sys.exit(3)


def _with_a_fork() -> None:
    """Its child holds whatever pipes this process has."""
    if os.fork() == 0:
        time.sleep(100_000)
    os._exit(4)


def _kill_parent() -> None:
    """The process of the pool, or the test."""
    if os.environ.get("HANGING_KILLS"):
        os.kill(os.getppid(), signal.SIGKILL)


WAYS = {
    "loop": _loop,
    "deaf": _deaf_loop,
    "c": _in_c,
    "child": _with_a_child,
    "lock": lambda: [lock.acquire() for lock in [threading.Lock()] * 2],
    "thread": _with_a_thread,
    "fork": _with_a_fork,
    "exit": lambda: os._exit(5),
    "segv": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "group": lambda: os.kill(0, signal.SIGKILL),
    "parent": _kill_parent,
}


def _do(name: str) -> None:
    if name in WAYS:
        with Path(os.environ["HANGING_FOLDER"], "begun").open("a") as file:
            file.write(f"{name} {os.getpid()} {os.getppid()}\n")
        faulthandler.disable()  # pytest's, which would print a page for every crash
        WAYS[name]()


def extract(problem: Problem, text: str) -> Candidate | None:
    """The text; one of the words of WAYS after `extract` is done here, before."""
    if text.startswith("extract "):
        _do(text.removeprefix("extract "))
    return Candidate(text) if text else None


def judge(problem: Problem, candidate: str) -> Judgement:
    """Right where the candidate is the answer; one of the words of WAYS is done before, or so many seconds slept."""
    _do(candidate)
    time.sleep(float(candidate.removeprefix("slow ")) if candidate.startswith("slow ") else 0)
    return Judgement(Outcome.correct if candidate == problem.data["answer"] else Outcome.incorrect)


HANGING = Benchmark(
    name="hanging",
    about="Two problems, and whatever an answer asks to be done while it is judged",
    load=lambda _: [Problem("a", {"answer": "1"}), Problem("b", {"answer": "2"})],
    chat="?",
    verifiers=(Verifier("hanging", "1", extract, judge),),
    sampling=Sampling(temperature=1.0, max_tokens=1),
)
