"""Runs against each other over the problems they share: at a k of each, and at equal budgets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from models.questions.contenders import ACCOUNTINGS, Accounting, Contender, measures
from models.statistics.costs import ratio_of_means, ratio_within
from models.statistics.coverage import Counts, every_k, nice_ks
from models.statistics.intervals import Floats, estimate, known, paired_difference
from models.statistics.resolving import resolve, resolved_line
from models.statistics.these_problems import these_problems, these_problems_difference


class AtPrice(NamedTuple):
    """A run at a k against another at its own: coverage, the paired difference, and what both take of a measure.

    times is what the first takes over what the other does. Intervals are 95 %, for new problems of the same kind;
    of the difference on these very problems there is a second one, None where a run stops at right samples. resolved
    says in words whether the difference is told apart from 0, and how many problems would tell it.
    """

    run_id: int
    k: int
    coverage: float
    low: float
    high: float
    against: int
    against_k: int
    against_coverage: float
    against_low: float
    against_high: float
    difference: float
    difference_low: float | None
    difference_high: float | None
    these_low: float | None
    these_high: float | None
    resolved: str
    accounting: str
    measure: str
    amount: float
    against_amount: float
    times: float
    times_low: float | None
    times_high: float | None


class AtBudget(NamedTuple):
    """A run's coverage at the most samples within a budget, and its paired difference to the first run there.

    k is how many samples of every problem the budget buys, all that there are where it buys more, 0 where it buys none.
    """

    measure: str
    budget: float
    run_id: int
    k: int
    accounting: str
    all_there_are: bool
    coverage: float | None = None
    low: float | None = None
    high: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None


def at_prices(compared: Sequence[Contender]) -> list[AtPrice]:
    """The first run at its k against each other at its own: a row a pair, accounting and measure known of both."""
    first, *others = compared
    return [row for other in others for row in _at_prices(first, other)]


def _at_prices(first: Contender, other: Contender) -> list[AtPrice]:
    pair = [(run, np.array([run.k])) for run in (first, other)]
    values = [run.values(k) for run, k in pair]
    apart = paired_difference(*values)
    said: dict[str, Any] = {"difference": float(apart.mean[0])}
    said |= {"difference_low": known(apart.low[0]), "difference_high": known(apart.high[0])}
    said |= {"resolved": resolved_line(resolve(*(value[:, 0] for value in values)))}
    said |= dict(zip(("these_low", "these_high"), _on_these(pair), strict=True))
    for (run, k), value, names in zip(pair, values, (("run_id", ""), ("against", "against_")), strict=True):
        found = estimate(value)
        said |= {names[0]: run.run_id, f"{names[1]}k": int(k[0]), f"{names[1]}coverage": float(found.mean[0])}
        said |= {f"{names[1]}low": float(found.low[0]), f"{names[1]}high": float(found.high[0])}
    lines = []
    for accounting in ACCOUNTINGS:
        for measure in measures((first, other)):
            amount, other_amount = (float(run.total(measure, accounting, k)[0]) for run, k in pair)
            mine, theirs = (run.amounts(measure, accounting, k)[:, 0] for run, k in pair)
            my_ends, their_ends = (run.ends(measure, int(k[0])) for run, k in pair)
            if accounting == "stopping":
                times = ratio_within(mine, my_ends, theirs, their_ends)
            elif measure == "samples":
                times = (amount / other_amount,) * 3  # k of every problem, whichever it is
            else:
                ratio, low, high = ratio_of_means(mine, theirs)
                times = float(ratio), float(low), float(high)
            costs = (accounting, measure, amount, other_amount, *map(known, times))
            lines.append(AtPrice(**said | dict(zip(AtPrice._fields[-7:], costs, strict=True))))
    return lines


def _on_these(pair: Sequence[tuple[Contender, Counts]]) -> tuple[float | None, float | None]:
    """The difference's interval on these very problems, with new samples."""
    if any(run.pool.stops or run.pool.u.any() for run, _ in pair):
        return None, None
    of_each = [(run.values(k).mean(axis=0), *these_problems(run.pool.n, run.pool.c, k)) for run, k in pair]
    low, high = these_problems_difference(*of_each)
    return known(low[0]), known(high[0])


def at_equal_budgets(compared: Sequence[Contender], measure: str, accounting: Accounting = "all") -> list[AtBudget]:
    """Every run's coverage at its best k within the same budgets, and its paired difference to the first run's there.

    One row a budget and run. Budgets grow as 1, 2, 5, 10, from the least that buys a sample of every problem.
    """
    totals = [run.total(measure, accounting, every_k(run.most)) for run in compared]
    lines = []
    for budget in _budgets(totals, whole=(measure, accounting) == ("samples", "all")):
        ks = [int(np.searchsorted(total, budget * (1 + 1e-12), "right")) for total in totals]
        first = compared[0].values(np.array(ks[:1])) if ks[0] else None
        for run, k in zip(compared, ks, strict=True):
            line = AtBudget(measure, budget, run.run_id, k, accounting, k == run.most)
            lines.append(line._replace(**_covers(run, k, None if run is compared[0] else first)))
    return lines


def _covers(run: Contender, k: int, first: Floats | None) -> dict[str, Any]:
    """Coverage at a k and its paired difference to the first run's values, by the fields of AtBudget; none at 0."""
    if not k:
        return {}
    values = run.values(np.array([k]))
    found = {"": estimate(values)} | ({} if first is None else {"difference": paired_difference(values, first)})
    numbers: dict[str, float | None] = {}
    for name, each in found.items():
        numbers |= {name or "coverage": known(each.mean[0])}
        numbers |= {f"{name}_low".strip("_"): known(each.low[0]), f"{name}_high".strip("_"): known(each.high[0])}
    return numbers


def _budgets(totals: Sequence[Floats], whole: bool) -> list[float]:
    """1, 2, 5, 10, ..., from the least that buys a sample of every problem to all that was bought."""
    least, most = min(total[0] for total in totals), max(float(np.nanmax(total)) for total in totals)
    if whole:
        return [float(k) for k in nice_ks(int(most))]
    decades = range(int(np.floor(np.log10(least))), int(np.ceil(np.log10(most))) + 1)
    grid = [float(f"{step}e{decade}") for decade in decades for step in (1, 2, 5)]
    return [each for each in grid if least <= each < most] + [most]
