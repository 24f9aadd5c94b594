"""How sure a mean over problems is: standard errors and intervals with the problem as the unit that was drawn."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

ALIKE = 1e-12
"""Shares nearer to each other than this are the same: sums of floats in SQL and here may differ by less."""

COLUMNS = 256
"""How many means are bounded at once: what fits a processor's cache."""

STEPS = 50
"""Newton's steps at most; five or so are what it takes."""


class Estimate(NamedTuple):
    """Means over problems, one per k, with their standard errors and 95 % intervals; NaN where they are missing."""

    mean: Floats
    stderr: Floats
    low: Floats
    high: Floats


def known(value: float) -> float | None:
    """A number; None where it is NaN: tables, JSON and people know a missing number as nothing."""
    return None if np.isnan(value) else float(value)


def clustered(values: ArrayLike) -> tuple[Floats, Floats]:
    """Mean and standard error over problems: sd / sqrt(problems), the sd with problems - 1 below (ddof 1).

    `values` is problems x ks; the samples of a problem are one cluster, so that this holds their noise as well
    (Miller 2024, arXiv 2411.00640). NaN where a problem's value is, and the error of a single problem.
    """
    table = np.asarray(values, dtype=np.float64)
    problems = table.shape[0]
    if problems == 0:
        missing = np.full(table.shape[1:], np.nan)
        return missing, missing
    mean = np.asarray(table.mean(axis=0))
    if problems == 1:
        return mean, np.full(mean.shape, np.nan)
    return mean, _standard_error(table, mean)


def _standard_error(table: Floats, mean: Floats) -> Floats:
    """sd / sqrt(rows) of each column; 0 where its numbers differ by no more than the last digits of their sums."""
    error = table.std(axis=0, ddof=1) / np.sqrt(len(table))
    return np.where(error <= ALIKE * np.abs(mean), 0.0, error)


def gaffke_low(values: ArrayLike) -> Floats:
    """The 97.5 % lower bound of means of shares in 0..1 over problems; the upper one is 1 - gaffke_low(1 - values).

    `values` is problems x ks. Gaffke's bound (2005; Phan et al. 2021, "Towards practical mean bounds for small
    samples"): the 2.5 % quantile of the values' mean under weights of Dirichlet(1, ..., 1), with a problem that nobody
    has seen, of value 0, among them. It bears values heaped at 0 and 1. The quantile comes by the saddlepoint of sums
    of exponentials (Barndorff-Nielsen's r*), not by draws: 2.4 to 2.52 % of the weights are below it. gaffke_low in
    SQL is the same.
    """
    table = np.clip(np.asarray(values, dtype=np.float64), 0, 1)
    if not table.size:
        return np.full(table.shape[1], np.nan)
    return np.concatenate([_gaffke_low(table[:, at : at + COLUMNS]) for at in range(0, table.shape[1], COLUMNS)])


def _gaffke_low(table: Floats) -> Floats:
    """Newton's steps to where r* is at the 2.5 % quantile, in the log of the tilt towards low values.

    q = 1 / (1 + tilt * value), c its mean, r = q / c the tilted weights times problems + 1; then w^2 = -2 sum(log r),
    u^2 = sum((r - 1)^2), r* = -w - log(u / w) / w, and the bound is sum(r * value) / (problems + 1).
    """
    most = table.max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.vstack([np.zeros(len(most)), table / np.where(most > 0, most, 1)])
        count = len(share)
        step = tilt = Z / np.sqrt(count * share.var(axis=0))
        for _ in range(STEPS):
            q = 1 / (1 + tilt * share)
            c = q.mean(axis=0)
            squares, cubes = (q * q).sum(axis=0) / c**2, (q * q * q).sum(axis=0) / c**3
            w = np.sqrt(2 * count * np.log(c) - 2 * np.log(np.multiply.reduceat(q, range(0, count, 32))).sum(axis=0))
            uu = squares - count
            ww = w * w
            off = w + np.log(uu / ww) / (2 * w) - Z
            slope = c * (uu / w + (cubes - squares * squares / count) / (uu * w))
            slope -= c * uu / ww * (np.log(uu / ww) / 2 + 1) / w
            step = np.clip(off / slope, -1, 1)
            tilt = tilt * np.exp(-step)
            if not (np.abs(step) > 1e-6).any():  # the next one would be its square
                break
        c = (1 / (1 + tilt * share)).mean(axis=0)
        low = most * (1 - c) / (c * tilt)
    return np.where(most > 0, low, most)


def estimate(values: ArrayLike) -> Estimate:
    """Mean of shares in 0..1 over problems, with Gaffke's 95 % interval for new problems of the same kind.

    `values` is problems x ks; NaN where a problem's value is. Of a single problem there is an interval, and no error.
    """
    table = np.asarray(values, dtype=np.float64)
    mean, stderr = clustered(table)
    return Estimate(mean, stderr, gaffke_low(table), 1 - gaffke_low(1 - table))


def paired_difference(first: ArrayLike, second: ArrayLike) -> Estimate:
    """Mean of first - second, shares over the same problems in the same order, with Gaffke's 95 % interval.

    The error is sd(first_i - second_i) / sqrt(problems), ddof 1 (Miller 2024): what both found hard cancels. The
    interval is that of (1 + difference) / 2, a share, for new problems of the same kind.
    """
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    mean, stderr = clustered(difference)
    mean = np.where(np.abs(mean) < ALIKE, 0.0, mean)
    low, high = gaffke_low((1 + difference) / 2), gaffke_low((1 - difference) / 2)
    return Estimate(mean, stderr, 2 * low - 1, 1 - 2 * high)


@lru_cache(maxsize=4)
def dirichlet_weights(problems: int, rounds: int = 2000, seed: int = 0) -> Floats:
    """Weights of problems drawn anew, rounds x (problems + 1); the last column is of a problem that nobody has seen.

    Each row is of Dirichlet(1, ..., 1): a bootstrap that is honest where all seen values are alike. For numbers that
    are no means: ratios of costs, say. The same arguments give the same weights, not to be written to.
    """
    drawn = np.random.default_rng(seed).standard_exponential((rounds, problems + 1))
    drawn /= drawn.sum(axis=1, keepdims=True)
    drawn.flags.writeable = False
    return drawn


class Drawn(NamedTuple):
    """Means over problems drawn anew, rounds x ks: where the problem that nobody has seen has value 0, and 1."""

    least: Floats
    most: Floats


def drawn_means(values: ArrayLike, weights: Floats) -> Drawn:
    """Means of shares under each row of `dirichlet_weights`; `values` is problems x ks."""
    least = np.asarray(weights[:, :-1] @ np.asarray(values, dtype=np.float64))
    return Drawn(least, least + weights[:, -1:])


def middle95(least: Floats, most: Floats) -> tuple[Floats, Floats]:
    """The 2.5 % quantile of `least` and the 97.5 % one of `most`, over rounds; infinities are numbers like others."""
    low = np.quantile(least, 0.025, axis=0, method="lower")
    return np.asarray(low), np.asarray(np.quantile(most, 0.975, axis=0, method="higher"))
