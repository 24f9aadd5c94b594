"""Runs against each other over the problems they share: at equal samples, FLOPs, dollars and GPU-seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.analysis.store import Pool, read_pool
from models.database import query
from models.statistics.coverage import Counts, every_k, nice_ks
from models.statistics.intervals import Floats, estimate, paired_difference
from models.statistics.similarity import budget_ratio, samples_for
from verifiers.errors import UserError

MEASURES = ("samples", "flops", "usd", "gpu_seconds")
"""What a budget may be counted in; samples are a problem's."""


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


def contenders(runs: Sequence[dict[str, Any]]) -> tuple[list[Contender], int]:
    """The runs over the problems they share, and how many problems are left out; UserError where they share none."""
    if len({run["benchmark_id"] for run in runs}) > 1:
        raise UserError("Runs of different benchmarks have no problems to compare; choose runs of one benchmark.")
    keys = [_keys(run["id"]) for run in runs]
    shared = set(keys[0]).intersection(*keys[1:])
    if not shared:
        raise UserError("These runs have no problem in common.")
    made = [_contender(run, each, sorted(shared)) for run, each in zip(runs, keys, strict=True)]
    for each in made:
        if each.pool.least < 1:
            raise UserError(f"Run {each.run_id} has problems without a verified sample; wait, or compare other runs.")
    return made, len(set().union(*keys)) - len(shared)


def measures(made: Sequence[Contender]) -> list[str]:
    """The measures that are known of every run."""
    return [name for name in MEASURES if all(name in each.rate for each in made)]


def at_equal_budgets(made: Sequence[Contender], measure: str) -> list[dict[str, Any]]:
    """Every run's coverage at the same budgets, with the paired difference to the first run's at that budget.

    One row a budget and run: k is what the budget buys of every problem. Budgets grow as 1, 2, 5, 10.
    """
    rows = []
    for budget in _budgets(made, measure):
        ks = [each.affordable(measure, budget) for each in made]
        first = made[0].values(ks[0]) if ks[0] else None
        for each, k in zip(made, ks, strict=True):
            if not k:
                continue
            values = each.values(k)
            mean, _, low, high = estimate(values[:, None])
            row = {"measure": measure, "budget": budget, "run_id": each.run_id, "k": k}
            row |= {"coverage": mean[0], "low": low[0], "high": high[0]}
            row |= {"difference": None, "difference_low": None, "difference_high": None}
            if first is not None and each is not made[0]:
                difference = paired_difference(values[:, None], first[:, None])
                row |= {
                    "difference": difference.mean[0],
                    "difference_low": difference.low[0],
                    "difference_high": difference.high[0],
                }
            rows.append({name: _plain(value) for name, value in row.items()})
    return rows


def for_wanted(made: Sequence[Contender], wanted: float) -> list[dict[str, Any]]:
    """What each run needs for a wanted coverage: samples a problem and, where known, FLOPs, dollars and GPU-seconds.

    `cheapest_by` names the measures by which a run is the cheapest of those that get there.
    """
    known = measures(made)
    rows: list[dict[str, Any]] = []
    for each in made:
        curve = each.curve()
        reached = np.flatnonzero(curve >= wanted - 1e-12)
        k = int(reached[0]) + 1 if len(reached) else None
        row: dict[str, Any] = {"run_id": each.run_id, "wanted": wanted, "reaches": _plain(np.nanmax(curve)), "k": k}
        row |= {name: each.cost(name, k) if k and name in each.rate else None for name in MEASURES[1:]}
        rows.append(row)
    for row in rows:
        cheapest = []
        for name in known:
            column = "k" if name == "samples" else name
            costs = [other[column] for other in rows if other[column] is not None]
            if row[column] is not None and len(costs) > 1 and row[column] == min(costs):
                cheapest.append(name)
        row["cheapest_by"] = cheapest
    return rows


def reached_by_all(made: Sequence[Contender]) -> float:
    """The highest coverage that every run reaches, in whole percents from one percent on."""
    reached = min(float(np.nanmax(each.curve())) for each in made)
    return float(np.floor(100 * reached) / 100) or reached


def similarity(made: Sequence[Contender]) -> list[dict[str, Any]]:
    """By what factor samples must grow from the best pass@1 to what all reach: about one number within a family.

    The paper's curves of one shape (section 3.2, figure 6). NaN is missing.
    """
    curves = [each.curve() for each in made]
    start = max(float(curve[0]) for curve in curves)
    goal = min(float(np.nanmax(curve)) for curve in curves)
    if goal <= start:
        return []
    return [
        {
            "run_id": each.run_id,
            "start": start,
            "goal": goal,
            "samples_start": samples_for(curve, start),
            "samples_goal": samples_for(curve, goal),
            "ratio": _plain(budget_ratio(curve, start, goal)),
        }
        for each, curve in zip(made, curves, strict=True)
    ]


def _budgets(made: Sequence[Contender], measure: str) -> list[float]:
    """1, 2, 5, 10, ..., from the least that buys a sample of every problem to all that was bought."""
    least = min(each.cost(measure, 1) for each in made)
    most = max(each.cost(measure, each.pool.least) for each in made)
    if measure == "samples":
        return [float(k) for k in nice_ks(int(most))]
    decades = range(int(np.floor(np.log10(least))), int(np.ceil(np.log10(most))) + 1)
    grid = [float(f"{step}e{decade}") for decade in decades for step in (1, 2, 5)]
    return [each for each in grid if least <= each < most] + [most]


def _keys(run_id: int) -> dict[str, int]:
    """A run's problems: key -> id."""
    rows = query(
        "select key, problem_id from prompt join problem on problem.id = problem_id where run_id = %s", (run_id,)
    )
    return {row["key"]: row["problem_id"] for row in rows}


def _contender(run: dict[str, Any], keys: dict[str, int], shared: Sequence[str]) -> Contender:
    pool = read_pool(run["id"], run["verifier_id"])
    place = {problem_id: place for place, problem_id in enumerate(pool.problem_ids)}
    chosen = [place[keys[key]] for key in shared]

    def only(column: Counts) -> Counts:
        return column[chosen]

    part = Pool(
        problem_ids=[pool.problem_ids[each] for each in chosen],
        n=only(pool.n),
        c=only(pool.c),
        first=only(pool.first),
        settled=only(pool.settled),
        stops=pool.stops,
        planned=pool.planned,
    )
    (cost,) = query(
        """
        select count(*) as problems, sum(prompt_flops) as prompt_flops, sum(completion_flops / samples) as flops,
            sum(gpu_seconds / samples) as gpu_seconds, sum(usd / samples) as usd
        from problem_cost where run_id = %s and problem_id = any(%s) and samples > 0
        """,
        (run["id"], part.problem_ids),
    )
    rate = {"samples": 1.0}
    if cost["problems"] == len(shared):
        rate |= {name: float(cost[name]) for name in MEASURES[1:] if cost[name]}
    return Contender(run["id"], part, {"flops": float(cost["prompt_flops"] or 0)}, rate)


def _plain(value: Any) -> Any:
    """A number for JSON: NaN is missing."""
    if isinstance(value, float):
        return None if np.isnan(value) else float(value)
    return value
