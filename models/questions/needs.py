"""What runs need for a wanted coverage over the problems they share, and whether their curves have one shape."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.questions.contenders import MEASURES, Accounting, Contender, measures
from models.statistics.coverage import Counts
from models.statistics.intervals import Floats, dirichlet_weights, drawn_means, estimate, known, middle95
from models.statistics.similarity import budget_ratio, interval_for, places_for, samples_for

PLACES = 300
"""How many ks intervals are looked for at, about; the lowest are all among them."""


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
    k_low: int | None
    """Ends of the 95 % interval of k; None is beyond the samples there are."""
    k_high: int | None
    samples: float | None
    """Samples that are drawn of a problem: k, or fewer where each stops at its first right one."""
    times: dict[str, list[float | None]]
    """By measure, its need over the cheapest's, with the ends of the 95 % interval."""

    def of(self, measure: str) -> float | None:
        """How much of a measure it needs."""
        amounts = {"samples": self.samples, "flops": self.flops, "usd": self.usd, "gpu_seconds": self.gpu_seconds}
        return amounts[measure]


class Growth(NamedTuple):
    """Samples a problem at two levels of coverage that every run passes, and their ratio."""

    run_id: int
    start: float
    goal: float
    samples_start: int | None
    samples_goal: int | None
    ratio: float | None


def for_wanted(compared: Sequence[Contender], wanted: float, accounting: Accounting = "all") -> list[Need]:
    """What each run needs for a wanted coverage, and which is the cheapest by what is known of every run."""
    needs = []
    for run in compared:
        ks = spread_ks(run.most)
        k = samples_for(run.curve, wanted)
        low, high = interval_for(estimate(run.values(ks)), ks, wanted)
        samples, flops, usd, gpu_seconds = (
            float(run.total(name, accounting, np.array([k]))[0]) if k and name in ("samples", *run.rates) else None
            for name in MEASURES
        )
        reaches = float(np.nanmax(run.curve))
        needs.append(Need(run.run_id, wanted, reaches, k, flops, usd, gpu_seconds, [], low, high, samples, {}))
    for measure in measures(compared):
        _compare_needs(compared, needs, measure, accounting)
    return needs


def _compare_needs(compared: Sequence[Contender], needs: Sequence[Need], measure: str, accounting: Accounting) -> None:
    """Note in needs who is the cheapest by a measure, and how many times its need each other's is."""
    amounts = [need.of(measure) for need in needs]
    reached = [amount for amount in amounts if amount is not None]
    if len(reached) < 2:
        return
    least = min(reached)
    cheapest = amounts.index(least)
    best, worst = zip(*(_drawn(run, needs[0].wanted, measure, accounting) for run in compared), strict=True)
    for place, (need, amount) in enumerate(zip(needs, amounts, strict=True)):
        if amount == least:
            need.cheapest_by.append(measure)
        if amount is not None and place != cheapest:
            with np.errstate(invalid="ignore"):
                least_times, most_times = best[place] / worst[cheapest], worst[place] / best[cheapest]
            # neither gets there in a round: then nothing is known of their ratio
            least_times[np.isnan(least_times)], most_times[np.isnan(most_times)] = 0, np.inf
            low, high = (float(end) if 0 < end < np.inf else None for end in middle95(least_times, most_times))
            need.times[measure] = [amount / least, low, high]


def _drawn(run: Contender, wanted: float, measure: str, accounting: Accounting) -> tuple[Floats, Floats]:
    """What a wanted coverage takes at best and at worst, in each round of problems drawn anew; infinite: not reached.

    At best the problem that nobody has seen is solved, at worst it is not; it costs as the others do.
    """
    ks = spread_ks(run.most)
    weights = dirichlet_weights(len(run.pool.n))
    curves = drawn_means(run.values(ks), weights)
    seen = weights[:, :-1] / weights[:, :-1].sum(axis=1, keepdims=True)
    costs = np.hstack([seen @ run.amounts(measure, accounting, ks), np.full((len(weights), 1), np.inf)])
    best, worst = (
        np.take_along_axis(costs, places_for(curve, wanted)[:, None], axis=1)[:, 0]  # -1 is the infinity at the end
        for curve in (curves.most, curves.least)
    )
    return best, worst


def usual_level(compared: Sequence[Contender]) -> float:
    """A coverage that every run passes: nine tenths of the lowest of their highest, in whole percents from one on.

    At the highest itself a curve is flattest, and the samples for it are the least sure.
    """
    level = 0.9 * min(float(np.nanmax(run.curve)) for run in compared)
    return float(np.floor(100 * level + 1e-9) / 100) or level


def similarity(compared: Sequence[Contender], goal: float) -> list[Growth]:
    """By what factor samples must grow from the best pass@1 to a goal: about one number within a family of llms.

    The paper's curves of one shape (section 3.2, figure 6). None where some run does not reach the goal.
    """
    start = max(float(run.curve[0]) for run in compared)
    if goal <= start or any(samples_for(run.curve, goal) is None for run in compared):
        return []
    return [
        Growth(
            run_id=run.run_id,
            start=start,
            goal=goal,
            samples_start=samples_for(run.curve, start),
            samples_goal=samples_for(run.curve, goal),
            ratio=known(budget_ratio(run.curve, start, goal)),
        )
        for run in compared
    ]


def spread_ks(most: int) -> Counts:
    """Every k where there are few, else so many that grow by one factor, the last one among them."""
    return np.unique(np.round(np.geomspace(1, most, min(most, PLACES) * 2)).astype(np.int64))
