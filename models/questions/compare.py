"""Runs against each other over the problems they share: at equal samples, FLOPs, dollars and GPU-seconds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.analysis.pool import Pool, read_pool
from models.database import rows
from models.questions.find import problems_of
from models.statistics.coverage import every_k, nice_ks
from models.statistics.intervals import Floats, estimate, known, paired_difference
from models.statistics.similarity import budget_ratio, samples_for
from models.tables import Run
from verifiers.errors import UserError

MEASURES = ("samples", "flops", "usd", "gpu_seconds")
"""What a budget may be counted in; samples are a problem's."""


class AtBudget(NamedTuple):
    """A run's coverage at a budget, which buys k samples of every problem, and its paired difference to the first."""

    measure: str
    budget: float
    run_id: int
    k: int
    coverage: float | None
    low: float | None
    high: float | None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None


class Need(NamedTuple):
    """What a run needs for a wanted coverage: samples a problem, and what they cost where that is known."""

    run_id: int
    wanted: float
    reaches: float
    k: int | None
    flops: float | None
    usd: float | None
    gpu_seconds: float | None
    cheapest_by: list[str]
    """Measures by which it is the cheapest of several that get there."""

    def of(self, measure: str) -> float | None:
        """How much of a measure it needs."""
        amounts = {"samples": self.k, "flops": self.flops, "usd": self.usd, "gpu_seconds": self.gpu_seconds}
        return amounts[measure]


class Growth(NamedTuple):
    """Samples a problem at two levels of coverage that every run passes, and their ratio."""

    run_id: int
    start: float
    goal: float
    samples_start: int
    samples_goal: int
    ratio: float | None


class _Cost(NamedTuple):
    problems: int
    prompt_flops: float | None
    flops: float | None
    gpu_seconds: float | None
    usd: float | None


@dataclass(frozen=True)
class Contender:
    """One run's part in a comparison: its counts of the shared problems, in one order, and what they cost."""

    run_id: int
    pool: Pool
    fixed: dict[str, float]
    """What the prompts cost, by measure."""
    rate: dict[str, float]
    """What one more sample of every shared problem costs, by measure; measures that are not known are missing."""

    def cost(self, measure: str, k: int) -> float:
        """What k samples of every shared problem cost."""
        return self.fixed.get(measure, 0.0) + k * self.rate[measure]

    def affordable(self, measure: str, budget: float) -> int:
        """The most samples of every problem within a budget; 0 for none, and where it buys more than were drawn."""
        k = int((budget - self.fixed.get(measure, 0.0)) / self.rate[measure] * (1 + 1e-12))
        return k if 1 <= k <= self.pool.least else 0

    def values(self, k: int) -> Floats:
        """Every shared problem's pass@k."""
        return self.pool.values(np.array([k]))[:, 0]

    def curve(self) -> Floats:
        """Coverage at every k from 1."""
        return np.asarray(self.pool.values(every_k(self.pool.least)).mean(axis=0))


def contenders(runs: Sequence[Run], without: Collection[str] = ()) -> tuple[list[Contender], int]:
    """The runs over the problems they share, and how many they do not share; UserError where nothing is left.

    without: keys of problems that are left out.
    """
    if len({run.benchmark_id for run in runs}) > 1:
        raise UserError("Runs of different benchmarks have no problems to compare; choose runs of one benchmark.")
    keys = [
        {problem.name: problem.id for problem in problems_of(run.id) if problem.name not in without} for run in runs
    ]
    shared = set(keys[0]).intersection(*keys[1:])
    if not shared:
        raise UserError("These runs have no problem in common" + (" that is not known." if without else "."))
    compared = [_contender(run, [ids[key] for key in sorted(shared)]) for run, ids in zip(runs, keys, strict=True)]
    for contender in compared:
        if contender.pool.least < 1:
            raise UserError(
                f"Run {contender.run_id} has problems without a verified sample; wait, or compare other runs."
            )
    return compared, len(set().union(*keys)) - len(shared)


def measures(compared: Sequence[Contender]) -> list[str]:
    """The measures that are known of every run."""
    return [measure for measure in MEASURES if all(measure in contender.rate for contender in compared)]


def at_equal_budgets(compared: Sequence[Contender], measure: str) -> list[AtBudget]:
    """Every run's coverage at the same budgets, with the paired difference to the first run's at that budget.

    One row a budget and run: k is what the budget buys of every problem. Budgets grow as 1, 2, 5, 10.
    """
    lines = []
    for budget in _budgets(compared, measure):
        ks = [contender.affordable(measure, budget) for contender in compared]
        first = compared[0].values(ks[0])[:, None] if ks[0] else None
        for contender, k in zip(compared, ks, strict=True):
            if not k:
                continue
            values = contender.values(k)[:, None]
            mean, _, low, high = estimate(values)
            numbers = [mean, low, high]
            if first is not None and contender is not compared[0]:
                difference = paired_difference(values, first)
                numbers += [difference.mean, difference.low, difference.high]
            lines.append(AtBudget(measure, budget, contender.run_id, k, *(known(number[0]) for number in numbers)))
    return lines


def for_wanted(compared: Sequence[Contender], wanted: float) -> list[Need]:
    """What each run needs for a wanted coverage, and which is the cheapest by what is known of every run."""
    needs = []
    for contender in compared:
        curve = contender.curve()
        reached = np.flatnonzero(curve >= wanted - 1e-12)
        k = int(reached[0]) + 1 if len(reached) else None
        flops, usd, gpu_seconds = (
            contender.cost(name, k) if k and name in contender.rate else None for name in MEASURES[1:]
        )
        needs.append(Need(contender.run_id, wanted, float(np.nanmax(curve)), k, flops, usd, gpu_seconds, []))
    for measure in measures(compared):
        amounts = [amount for need in needs if (amount := need.of(measure)) is not None]
        if len(amounts) > 1:
            for need in needs:
                if need.of(measure) == min(amounts):
                    need.cheapest_by.append(measure)
    return needs


def reached_by_all(compared: Sequence[Contender]) -> float:
    """The highest coverage that every run reaches, in whole percents from one percent on."""
    reached = min(float(np.nanmax(contender.curve())) for contender in compared)
    return float(np.floor(100 * reached) / 100) or reached


def similarity(compared: Sequence[Contender]) -> list[Growth]:
    """By what factor samples must grow from the best pass@1 to what all reach: about one number within a family.

    The paper's curves of one shape (section 3.2, figure 6). NaN is missing.
    """
    curves = [contender.curve() for contender in compared]
    start = max(float(curve[0]) for curve in curves)
    goal = min(float(np.nanmax(curve)) for curve in curves)
    if goal <= start:
        return []
    return [
        Growth(
            run_id=contender.run_id,
            start=start,
            goal=goal,
            samples_start=samples_for(curve, start),
            samples_goal=samples_for(curve, goal),
            ratio=known(budget_ratio(curve, start, goal)),
        )
        for contender, curve in zip(compared, curves, strict=True)
    ]


def _budgets(compared: Sequence[Contender], measure: str) -> list[float]:
    """1, 2, 5, 10, ..., from the least that buys a sample of every problem to all that was bought."""
    least = min(contender.cost(measure, 1) for contender in compared)
    most = max(contender.cost(measure, contender.pool.least) for contender in compared)
    if measure == "samples":
        return [float(k) for k in nice_ks(int(most))]
    decades = range(int(np.floor(np.log10(least))), int(np.ceil(np.log10(most))) + 1)
    grid = [float(f"{step}e{decade}") for decade in decades for step in (1, 2, 5)]
    return [each for each in grid if least <= each < most] + [most]


def _contender(run: Run, problem_ids: Sequence[int]) -> Contender:
    pool = read_pool(run.id, run.verifier_id).only(problem_ids)
    (cost,) = rows(
        _Cost,
        """
        select count(*) as problems, sum(prompt_flops) as prompt_flops,
            case when bool_and(prompt_flops + completion_flops is not null) then sum(completion_flops / samples) end
                as flops,
            sum(gpu_seconds / samples) as gpu_seconds,
            case when bool_and(usd is not null) then sum(usd / samples) end as usd
        from problem_cost where run_id = %s and problem_id = any(%s) and samples > 0
        """,
        (run.id, pool.problem_ids),
    )
    rate = {"samples": 1.0}
    if cost.problems == len(problem_ids):
        rates = {"flops": cost.flops, "usd": cost.usd, "gpu_seconds": cost.gpu_seconds}
        rate |= {measure: float(value) for measure, value in rates.items() if value}
    return Contender(run.id, pool, {"flops": float(cost.prompt_flops or 0)}, rate)
