"""Runs of a report against its first, problem by problem, at every k."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.questions.report import Findings
from models.statistics.intervals import known, paired_difference
from models.statistics.these_problems import these_problems, these_problems_difference


class Difference(NamedTuple):
    """A run's coverage less the first run's at a k, a mean over the problems that both have.

    low and high are its 95 % interval for new problems of the same kind; these_low and these_high on these very
    problems with new samples, None where a run stops at right samples or some of them are undecided.
    """

    run_id: int
    against: int
    k: int
    problems: int
    difference: float
    low: float | None
    high: float | None
    these_low: float | None
    these_high: float | None


def differences(runs: Sequence[Findings]) -> list[Difference]:
    """Every other run less the first, at the ks where each shared problem has a value in both; none of other
    benchmarks' runs.
    """
    first, *others = runs
    return [row for other in others for row in _differences(other, first)]


def _differences(run: Findings, first: Findings) -> list[Difference]:
    places = [{row.problem_key: place for place, row in enumerate(each.problems)} for each in (run, first)]
    shared = [key for key in places[0] if key in places[1]]
    if not shared or run.progress.benchmark != first.progress.benchmark:
        return []
    pools = [
        each.pool.only([each.problems[place[key]].problem_id for key in shared])
        for each, place in zip((run, first), places, strict=True)
    ]
    ks = np.array(sorted({row.k for row in run.coverage} & {row.k for row in first.coverage}), dtype=np.int64)
    values = [pool.values(ks) for pool in pools]
    there = ~(np.isnan(values[0]) | np.isnan(values[1])).any(axis=0)
    ks, values = ks[there], [value[:, there] for value in values]
    if not len(ks):
        return []
    apart = paired_difference(*values)
    bears = not any(pool.stops or pool.u.any() for pool in pools)
    sides = [
        (value.mean(axis=0), *these_problems(pool.n, pool.c, ks)) for value, pool in zip(values, pools, strict=True)
    ]
    these = these_problems_difference(*sides) if bears else (np.full(len(ks), np.nan),) * 2
    return [
        Difference(run.run_id, first.run_id, int(k), len(shared), float(mean), *map(known, ends))
        for k, mean, *ends in zip(ks, apart.mean, apart.low, apart.high, *these, strict=True)
    ]
