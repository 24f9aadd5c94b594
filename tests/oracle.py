"""Curves and their columns from counts alone, which SQL and the paper's figures are held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from models.statistics.coverage import Counts, pass_at_k
from models.statistics.intervals import Floats, estimate


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


def coverage(n: ArrayLike, c: ArrayLike, k: ArrayLike, undecided: ArrayLike = 0) -> Coverage:
    """Coverage at each k by the unbiased estimator: n judged samples a problem, c of them right.

    `undecided` counts the samples that were drawn but not judged, by our fault. Where a problem has fewer than k judged
    samples, coverage is missing, unless undecided ones change nothing; the floor and the ceiling take undecided samples
    as wrong and as right, and a problem with fewer than k samples in all as unsolved, unless one of those is right, and
    as solved.
    """
    judged, right, lost = np.broadcast_arrays(np.atleast_1d(n), c, undecided)
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    values = pass_at_k(judged, right, ks)
    worst, best = (pass_at_k(judged + lost, each, ks) for each in (right, right + lost))
    values = np.where(np.isnan(values) & (worst == best), worst, values)
    return summary(ks, values, np.where(np.isnan(worst) & (right[:, None] > 0), 1.0, worst), best)


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


def pass_all_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Floats:
    """The chance that k of a problem's n samples, drawn without replacement, are all right: "pass^k".

    C(c, k) / C(n, k) (tau-bench, arXiv 2406.12045), by whole numbers. Problems x ks; NaN where k > n.
    """
    samples, right, ks = np.broadcast_arrays(np.asarray(n)[..., None], np.asarray(c)[..., None], k)
    each = zip(samples.ravel().tolist(), right.ravel().tolist(), ks.ravel().tolist(), strict=True)
    values = [comb(some, of) / comb(all_, of) if of <= all_ else np.nan for all_, some, of in each]
    return np.array(values).reshape(samples.shape).squeeze(-1 if np.ndim(k) == 0 else ())


def align(curves: Mapping[str, Floats]) -> dict[str, Floats]:
    """The k axis of each llm's curve after a shift left in log k, so that all curves start at one coverage.

    `curves` holds coverage at every k from 1, growing; the anchor is the largest pass@1, and each axis is k over where
    the llm's curve crosses the anchor, straight in log k: drawn against it, curves of one shape lie on each other
    (figure 6).
    """
    anchor = max(float(curve[0]) for curve in curves.values())
    ks = {llm: np.arange(1, len(curve) + 1) for llm, curve in curves.items()}
    return {llm: ks[llm] / np.exp(np.interp(anchor, curve, np.log(ks[llm]))) for llm, curve in curves.items()}
