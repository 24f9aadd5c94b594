"""A benchmark whose verifiers can be broken, for facts about our own failures."""

import time
from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

broken: set[str] = set()
"""Candidates that cannot be judged at the moment."""

pause = 0.0
"""Seconds that judging a candidate takes."""


def _judge(problem: Problem, candidate: str) -> Judgement:
    time.sleep(pause)
    if candidate in broken:
        raise InfrastructureError("the judge is away")
    return Judgement(Outcome.correct if candidate == problem.data["answer"] else Outcome.incorrect)


def _verifier(name: str, version: str) -> Verifier:
    return Verifier(name, version, lambda _, text: Candidate(text) if text else None, _judge)


def load(file: Path | None) -> list[Problem]:
    """Two problems."""
    return [Problem("a", {"answer": "1"}), Problem("b", {"answer": "2"})]


def _benchmark(version: str) -> Benchmark:
    return Benchmark(
        name="brittle",
        about="Two problems and verifiers that can be broken",
        load=load,
        prompts=lambda problems, *_: [problem.key for problem in problems],
        verifiers=(_verifier("first", version), _verifier("second", version)),
        sampling=Sampling(temperature=1.0, max_tokens=1),
    )


BRITTLE = _benchmark("1")
NEWER = _benchmark("2")
