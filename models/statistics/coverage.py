"""Coverage: the share of problems with at least one right sample among k, from counts of samples and right ones."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.statistics.intervals import Floats, estimate

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Coverage:
    """One run's coverage: an array per column, an entry per k; NaN where it is missing."""

    k: Counts
    coverage: Floats
    stderr: Floats
    low: Floats
    high: Floats
    floor: Floats
    ceiling: Floats
    problems: int
    problems_missing: Counts


def every_k(most: int) -> Counts:
    """Every k from 1 up to and with the most samples."""
    return np.arange(1, most + 1, dtype=np.int64)


def nice_ks(most: int) -> Counts:
    """k = 1, 2, 5, 10, 20, ... up to and with the most: those of the view coverage."""
    steps = {step * 10**decade for decade in range(13) for step in (1, 2, 5)}
    return np.array(sorted(each for each in steps | {most} if 1 <= each <= most), dtype=np.int64)


def pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Floats:
    """The chance that k of a problem's n samples, drawn without replacement, hold one of its c right ones.

    1 - C(n-c, k) / C(n, k) (Chen et al. 2021, arXiv 2107.03374; Large Language Monkeys, equation 1), unbiased where n
    was fixed without looking at outcomes. Counts in, an array of the shape of n (and c), then that of k, out; NaN where
    k > n. The logarithms of its factors are summed, so rates of 1e-12 keep their digits.
    """
    return _by_problem(n, c, k, lambda log: -np.expm1(log))


def pass_all_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Floats:
    """The chance that k of a problem's n samples, drawn without replacement, are all right: "pass^k".

    C(c, k) / C(n, k) (tau-bench, arXiv 2406.12045). Shapes as in pass_at_k; NaN where k > n.
    """
    samples, right = np.asarray(n), np.asarray(c)
    return _by_problem(samples, samples - right, k, np.exp)


def first_success(first: ArrayLike, finished: ArrayLike, k: ArrayLike) -> Floats:
    """1 where a problem's first right sample is among its first k, else 0: for runs that stop at the first right one.

    `first` is the place of the first right sample, from 1, 0 where none is right yet; `finished` is how many of the
    lowest indices are judged without a gap. Problems x ks. Unbiased for every planned k, since whether one of the
    first k is right does not hang on what came after; NaN where that is not known yet.
    """
    place = np.asarray(first, dtype=np.int64)[:, None]
    known = np.asarray(finished, dtype=np.int64)[:, None]
    ks = np.asarray(k, dtype=np.int64)[None, :]
    solved = (place > 0) & (place <= ks)
    settled = (known >= ks) | ((place > 0) & (known >= place))
    return np.where(settled, solved.astype(np.float64), np.nan)


def coverage(n: ArrayLike, c: ArrayLike, k: ArrayLike, undecided: ArrayLike = 0) -> Coverage:
    """Coverage at each k by the unbiased estimator: n judged samples a problem, c of them right.

    `undecided` counts the samples that were drawn but not judged, by our fault. Where a problem has fewer than k judged
    samples, coverage is missing; the floor and the ceiling take undecided samples as wrong and as right, and a problem
    with fewer than k samples in all as unsolved and as solved.
    """
    judged, right, lost = np.broadcast_arrays(np.atleast_1d(n), c, undecided)
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    values = pass_at_k(judged, right, ks)
    if lost.any():
        return summary(
            ks,
            values,
            worst=pass_at_k(judged + lost, right, ks),
            best=pass_at_k(judged + lost, right + lost, ks),
        )
    return summary(ks, values, worst=values, best=values)


def summary(k: Counts, values: Floats, worst: Floats, best: Floats) -> Coverage:
    """Coverage from every problem's own values, problems x ks, whatever estimator they came from.

    NaN in `values` is a missing problem, and coverage is missing with it; in `worst` it counts as 0, in `best` as 1.
    """
    mean, stderr, low, high = estimate(values)
    return Coverage(
        k=k,
        coverage=mean,
        stderr=stderr,
        low=low,
        high=high,
        floor=np.nan_to_num(worst, nan=0.0).mean(axis=0),
        ceiling=np.nan_to_num(best, nan=1.0).mean(axis=0),
        problems=len(values),
        problems_missing=np.isnan(values).sum(axis=0),
    )


def _log_chance_of_none(n: int, c: int, k: Counts) -> Floats:
    """log( C(n-c, k) / C(n, k) ) at each k, the sum of log(1 - c/(n-i)) over i < k; NaN where k > n."""
    within = k[k <= n]
    most = min(int(within.max(initial=0)), n - c)
    sums = np.zeros(most + 2)
    sums[1:-1] = np.cumsum(np.log1p(-c / (n - np.arange(most))))
    sums[-1] = -np.inf  # more samples than wrong ones
    return np.where(k <= n, sums[np.minimum(k, most + 1)], np.nan)


def _by_problem(n: ArrayLike, c: ArrayLike, k: ArrayLike, of_log: Callable[[Floats], Floats]) -> Floats:
    samples, right = np.broadcast_arrays(np.asarray(n, dtype=np.int64), np.asarray(c, dtype=np.int64))
    ks = np.asarray(k, dtype=np.int64)
    if (right < 0).any() or (right > samples).any() or (ks < 1).any():
        raise ValueError("pass@k needs 0 <= c <= n and k >= 1")
    pairs, place = np.unique(np.stack([samples.ravel(), right.ravel()]), axis=1, return_inverse=True)
    rows = np.empty((pairs.shape[1], ks.size))
    for row, (one_n, one_c) in zip(rows, pairs.T.tolist(), strict=True):
        row[:] = of_log(_log_chance_of_none(one_n, one_c, ks.ravel()))
    return rows[place.ravel()].reshape(samples.shape + ks.shape)
