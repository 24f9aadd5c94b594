"""Which problems are judged now so, now otherwise, or wrongly, and coverage without them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from models.analysis.pool import read_pool
from models.database import column, rows
from models.questions.find import problems_of
from models.questions.progress import coverage_of
from models.statistics.intervals import estimate, known
from models.tables import Run
from models.views import FlakinessRow
from verifiers.benchmarks import BENCHMARKS
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.known import is_defective, read_known
from verifiers.errors import UserError
from verifiers.outcome import Outcome


class Flaw(NamedTuple):
    """A candidate that was judged again and again, and what is wrong with that.

    finding: its outcome varies; it is its problem's right solution and fails always; or our own failures are all that
    came of it.
    """

    problem: str
    finding: Literal["varies", "fails", "undecided"]
    judgements: int
    outcomes: dict[str, int]
    verdict: Outcome | None
    infrastructure_errors: int
    is_reference: bool
    candidate_id: int | None = None
    detail: str | None = None

    @property
    def why(self) -> str:
        """In one line, for a file of known problems."""
        whose = "its right solution" if self.is_reference else "a candidate"
        counts = [f"{outcome} {times}" for outcome, times in sorted(self.outcomes.items())]
        if self.verdict is not None and self.verdict not in self.outcomes:
            counts.append(f"{self.verdict} by its verdict")
        return f"{whose} {self.finding}: {', '.join(counts)}"


def flaws_of(verifier_id: int, candidates: Sequence[int]) -> list[Flaw]:
    """What is wrong with candidates by what was judged of them so far, by problem."""
    judged = rows(
        FlakinessRow,
        """
        select * from flakiness where verifier_id = %s and candidate_id = any(%s) order by problem_id, candidate_id
        """,
        (verifier_id, list(candidates)),
    )
    return [
        Flaw(
            row.problem_key, finding, row.judgements, row.outcomes, row.verdict, row.infrastructure_errors,
            row.is_reference, row.candidate_id, row.detail,
        )
        for row in judged
        if (finding := _finding(row)) is not None
    ]  # fmt: skip


def _finding(row: FlakinessRow) -> Literal["varies", "fails", "undecided"] | None:
    if row.varies:
        return "varies"
    if not row.judgements:
        return "undecided"
    return "fails" if row.is_reference and not row.correct else None


def known_problems(run: Run, file: Path | None) -> dict[str, set[str]]:
    """Keys of a run's problems that are known to be defective or flaky, by who says so.

    That is the benchmark, where it is one of ours; the file; and what `monkeys flaky` found of the right solutions by
    the run's counting verifier. UserError where the file names none of the run's problems.
    """
    keys = {problem.name for problem in problems_of(run.id)}
    (benchmark,) = column("select name from benchmark where id = %s", (run.benchmark_id,))
    ours = BENCHMARKS.get(benchmark)
    of_file = {} if file is None else read_known(file)
    if of_file and not keys & of_file.keys():
        raise UserError(f"{file} names {next(iter(of_file))!r:.200}, and none of its problems is in run {run.id}.")
    found = rows(
        FlakinessRow,
        """
        select flakiness.* from flakiness join prompt using (problem_id)
        where run_id = %s and verifier_id = %s and is_reference
        """,
        (run.id, run.verifier_id),
    )
    return {
        "benchmark": _defective(run.id, ours) if ours else set(),
        "file": keys & of_file.keys(),
        "varies": {row.problem_key for row in found if _finding(row) == "varies"},
        "fails": {row.problem_key for row in found if _finding(row) == "fails"},
    }


class _Problem(NamedTuple):
    key: str
    data: dict[str, Any]


def _defective(run_id: int, benchmark: Benchmark) -> set[str]:
    problems = rows(
        _Problem,
        """
        select problem.key, problem.data from prompt join problem on problem.id = prompt.problem_id
        where prompt.run_id = %s and problem.key = any(%s)
        """,
        (run_id, list(benchmark.known)),
    )
    return {problem.key for problem in problems if is_defective(benchmark, problem.key, problem.data)}


class WithoutKnown(NamedTuple):
    """Coverage of a run at k over all its problems, and without the known ones; `known` counts those by who says so."""

    run_id: int
    k: int
    problems: int
    coverage: float | None
    low: float | None
    high: float | None
    problems_without: int
    coverage_without: float | None
    low_without: float | None
    high_without: float | None
    known: dict[str, int]


def coverage_without(run: Run, known_by: Mapping[str, Collection[str]]) -> list[WithoutKnown]:
    """Coverage with and without the known problems, at the ks of the view; UserError where nothing would be left."""
    out = set().union(*known_by.values())
    left = [problem.id for problem in problems_of(run.id) if problem.name not in out]
    if not left:
        raise UserError(f"All problems of run {run.id} are known ones, so nothing would be left.")
    whole = coverage_of(run.id)
    if not whole:
        raise UserError(f"Run {run.id} has no verified samples yet; `monkeys watch {run.id}` follows it.")
    rest = estimate(read_pool(run.id, run.verifier_id).only(left).values(np.array([row.k for row in whole])))
    counts = {by: len(keys) for by, keys in known_by.items()}
    return [
        WithoutKnown(
            run.id, row.k, row.problems, row.coverage, row.low, row.high,
            len(left), known(rest.mean[place]), known(rest.low[place]), known(rest.high[place]), counts,
        )
        for place, row in enumerate(whole)
    ]  # fmt: skip
