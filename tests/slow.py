"""A benchmark whose judge takes as long as a test says, and writes down what it was asked, in any process.

SLOW_FOLDER is where: `judged` gets a line for each judging that begins; while `hold-PROBLEM-CANDIDATE` is there its
judging does not end; while `away` is there nothing is judged; and `seconds` says how long each takes.
"""

import json
import os
import time
from pathlib import Path
from threading import Event, Lock

from tests.place import Place
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.errors import JudgeAway, JudgingStopped
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

PRINTED = b"1 passed\0 \xff \x1b[31mred\n"

busy = 0
most_busy = 0
_lock = Lock()


def _judge(problem: Problem, candidate: str) -> Judgement:
    return _judge_until(problem, candidate, Event())


def _judge_until(problem: Problem, candidate: str, stop: Event) -> Judgement:
    folder = Path(os.environ["SLOW_FOLDER"])
    if (folder / "away").exists():
        raise JudgeAway("the judge sleeps")
    with (folder / "judged").open("a") as file:
        file.write(f"{problem.key} {candidate}\n")
    until = time.monotonic() + float((folder / "seconds").read_text())
    _at_it(1)
    try:
        while time.monotonic() < until or (folder / f"hold-{problem.key}-{candidate}").exists():
            if stop.wait(0.02):
                raise JudgingStopped
    finally:
        _at_it(-1)
    right = candidate == problem.data["answer"]
    return Judgement(Outcome.correct if right else Outcome.incorrect, log=PRINTED if right else b"")


def _at_it(change: int) -> None:
    global busy, most_busy
    with _lock:
        busy += change
        most_busy = max(busy, most_busy)


SLOW = Benchmark(
    name="slow",
    about="Two problems that take long to judge",
    load=lambda _: [Problem("a", {"answer": "1"}), Problem("b", {"answer": "2"})],
    prompts=lambda problems, *_: [problem.key for problem in problems],
    verifiers=(
        Verifier("slow", "1", lambda _, text: Candidate(text) if text else None, _judge, judge_until=_judge_until),
    ),
    sampling=Sampling(temperature=1.0, max_tokens=1),
)


def slow_run(place: Place, folder: Path, samples: int, candidates: int, *, benchmark: str = "slow") -> int:
    """An imported run: so many samples of each problem, of so many candidates; nothing is judged yet."""
    file = folder / "attempts.jsonl"
    rows = [
        {"problem": key, "sample_index": index, "text": str(index % candidates)}
        for key in "ab"
        for index in range(samples)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return int(place.ok("import", str(file), "--benchmark", benchmark, "--llm", "agent", "--quiet").splitlines()[0])


def asked(folder: Path) -> list[str]:
    """`PROBLEM CANDIDATE` of every judging that was begun."""
    file = folder / "judged"
    return sorted(file.read_text().splitlines()) if file.exists() else []
