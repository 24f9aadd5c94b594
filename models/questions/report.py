"""All that a report shows of a run, read from the views."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString, NamedTuple, TypeVar

import numpy as np

from models.analysis.confusion import pairs_are_stale
from models.analysis.curves import BackTested, back_tested_from_a_tenth
from models.analysis.pool import Pool, read_pool
from models.database import column, rows, snapshot
from models.questions.progress import cost_of, coverage_of, progress_of, title
from models.questions.provenance import Provenance, provenance_of
from models.rows import LABELS
from models.statistics.fits import Family
from models.statistics.intervals import Floats
from models.tables import Run, VerifierRow
from models.views import CostRow, CoverageByCostRow, CoverageRow, ProblemDifficultyRow, RunProgressRow
from models.views.analysed import (
    AdaptiveConsistencyRow,
    CoverageFitRow,
    ForecastRow,
    PrecisionAtKRow,
    ReliabilityRow,
    WeakVerifierAtKRow,
)
from verifiers.errors import UserError
from verifiers.outcome import Outcome

T = TypeVar("T")


class OutcomeCount(NamedTuple):
    """How many samples came out so, and how many candidates they gave; None is not judged yet."""

    outcome: Outcome | None
    samples: int
    candidates: int


class Disagreement(NamedTuple):
    """Patches that the official grading calls resolved and our evidence does not, by what speaks against them."""

    reason: str
    samples: int
    candidates: int


class DistinctCandidates(NamedTuple):
    """Distinct candidates expected among k samples, a mean over the problems that have so many."""

    run_id: int
    k: int
    problems: int
    expected_distinct_candidates: float


@dataclass(frozen=True)
class Findings:
    """One run by its counting verifier: the rows of the views, by view."""

    run_id: int
    as_of: datetime
    """When all of this was so."""
    title: str
    verifier: str
    """Its name and version."""
    left_out: list[str]
    """Settings that its samples went without, since its endpoint refuses them."""
    labels_only: bool
    """Whether its outcomes came with an import: nothing was judged."""
    provenance: Provenance
    progress: RunProgressRow
    coverage: list[CoverageRow]
    fits: list[CoverageFitRow]
    forecasts: list[ForecastRow]
    back_test: list[BackTested]
    """Of the default family, from a tenth of the samples."""
    precision: list[PrecisionAtKRow]
    problems: list[ProblemDifficultyRow]
    """In the order of the run."""
    pool: Pool
    """Its counts, problems in the same order."""
    pass_at_k: Floats
    """Of each problem, at the ks of coverage: problems x ks; NaN where it is not known."""
    coverage_by_cost: list[CoverageByCostRow]
    cost: CostRow | None
    outcomes: list[OutcomeCount]
    disagreements: list[Disagreement]
    diversity: list[DistinctCandidates]
    weak_verifiers: list[WeakVerifierAtKRow]
    """Its other verifiers, as selectors."""
    reliability: list[ReliabilityRow]
    stopping: list[AdaptiveConsistencyRow]

    @property
    def biased_by(self) -> str | None:
        """The stopping rule that looks at outcomes, if the run has one: shares of its samples are no estimates then."""
        return self.problems[0].biased_by if self.problems else None

    @property
    def partial(self) -> str | None:
        """How far the run was, where it is not done: its numbers are of a part of it."""
        far = self.progress
        if not far.in_part:
            return None
        counted = f"{far.samples:,} of {far.samples_wanted:,} samples, {far.verified:,} judged"
        return f"{far.state} as of {self.as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC: {counted}"

    @property
    def stale(self) -> bool:
        """Whether samples were judged since it was analysed."""
        return any(law.stale for law in self.fits)


def is_analysed(run: Run) -> bool:
    """Whether a run was analysed by its counting verifier, with all the samples there are, beside its others, and by
    every family of today.
    """
    return not pairs_are_stale(run.id) and bool(
        column(
            """
            select 1 from analysis_state join coverage_fit using (run_id, verifier_id)
            where run_id = %s and verifier_id = %s and not analysis_state.stale and family = %s
            """,
            (run.id, run.verifier_id, Family.average),
        )
    )


def laws_of(run_id: int, verifier_id: int) -> list[CoverageFitRow]:
    """What each law of coverage came to when a run was last analysed by a verifier."""
    return rows(
        CoverageFitRow,
        "select * from coverage_fit where run_id = %s and verifier_id = %s order by family",
        (run_id, verifier_id),
    )


def outcomes_of(run: Run) -> list[OutcomeCount]:
    """How a run's samples came out by its counting verifier."""
    return rows(
        OutcomeCount,
        """
        select outcome, samples, candidates from outcome_counts where run_id = %s and verifier_id = %s order by outcome
        """,
        (run.id, run.verifier_id),
    )


def disagreements_of(run: Run) -> list[Disagreement]:
    """Where the counting verifier of a run does not believe the official grading, most samples first."""
    return rows(
        Disagreement,
        """
        select verdict.facts ->> 'disagreement' as reason, count(*) as samples,
            count(distinct extraction.candidate_id) as candidates
        from verdict join extraction using (candidate_id, verifier_id)
        where extraction.run_id = %s and verdict.verifier_id = %s and verdict.facts ? 'disagreement'
        group by reason order by samples desc, reason
        """,
        (run.id, run.verifier_id),
    )


def diversity_of(run: Run) -> list[DistinctCandidates]:
    """Whether a run's samples still differ, by k: the view diversity would look up their state for every problem."""
    return rows(
        DistinctCandidates,
        """
        select run_id, k, count(*) as problems, avg(expected_distinct_candidates) as expected_distinct_candidates
        from analysis_diversity where run_id = %s and verifier_id = %s group by run_id, k order by k
        """,
        (run.id, run.verifier_id),
    )


def difficulties_of(run: Run) -> list[ProblemDifficultyRow]:
    """How hard a run's problems are, in its order."""
    return rows(
        ProblemDifficultyRow,
        """
        with found as materialized (select * from problem_difficulty where run_id = %(run)s)
        select found.* from found join prompt using (run_id, problem_id) where run_id = %(run)s order by position
        """,
        {"run": run.id},
    )


def findings(run: Run) -> Findings:
    """Read a run's views, all as of one moment; UserError where nothing is verified yet."""
    with snapshot():
        runs = rows(Run, "select * from run where id = %s", (run.id,))
        if not runs:
            raise UserError(f"Run {run.id} was deleted meanwhile.")
        return _findings(runs[0])


def _findings(run: Run) -> Findings:
    coverage = coverage_of(run.id)
    if not coverage:
        raise UserError(f"Run {run.id} has no verified samples yet; `monkeys watch {run.id}` follows it.")
    (verifier,) = rows(VerifierRow, "select * from verifier where id = %s", (run.verifier_id,))
    progress = progress_of(run.id)
    (as_of,) = column("select now()")
    pool = read_pool(run.id, run.verifier_id)

    def ours(row: type[T], view: LiteralString, order: LiteralString) -> list[T]:
        sql = f"select * from {view} where run_id = %s and verifier_id = %s order by {order}"
        return rows(row, sql, (run.id, run.verifier_id))

    return Findings(
        run_id=run.id,
        as_of=as_of,
        title=title(progress),
        verifier=f"{verifier.name} {verifier.version}",
        left_out=run.left_out,
        labels_only=verifier.name == LABELS,
        provenance=provenance_of(run),
        progress=progress,
        coverage=coverage,
        fits=laws_of(run.id, run.verifier_id),
        forecasts=ours(ForecastRow, "forecast", "family, k"),
        back_test=back_tested_from_a_tenth(run.id, run.verifier_id),
        precision=ours(PrecisionAtKRow, "precision_at_k", "selector, reward_model, k"),
        problems=difficulties_of(run),
        pool=pool,
        pass_at_k=pool.values(np.array([row.k for row in coverage])),
        coverage_by_cost=rows(
            CoverageByCostRow, "select * from coverage_by_cost where run_id = %s order by k", (run.id,)
        ),
        cost=cost_of(run.id),
        outcomes=outcomes_of(run),
        disagreements=disagreements_of(run),
        diversity=diversity_of(run),
        weak_verifiers=ours(WeakVerifierAtKRow, "weak_verifier_at_k", "weak_verifier_id, k"),
        reliability=ours(ReliabilityRow, "reliability", "measure, reward_model, k, share"),
        stopping=ours(AdaptiveConsistencyRow, "adaptive_consistency", "k"),
    )
