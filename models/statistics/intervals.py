"""How sure a mean over problems is: standard errors and intervals with the problem as the unit that was drawn."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit, stdtrit

Floats = NDArray[np.float64]

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

AT_ONE = 1e-12
"""A coverage nearer to 1 than this is 1: sums of floats in SQL and here may differ by less."""


class Estimate(NamedTuple):
    """Means over problems, one per k, with their standard errors and 95 % intervals; NaN where they are missing."""

    mean: Floats
    stderr: Floats
    low: Floats
    high: Floats


def known(value: float) -> float | None:
    """A number; None where it is NaN: tables, JSON and people know a missing number as nothing."""
    return None if np.isnan(value) else float(value)


def t_quantile(df: int) -> float:
    """The 97.5 % quantile of Student's t; NaN below one degree of freedom. t_975 in SQL is the same to 2e-7."""
    return float(stdtrit(df, 0.975)) if df >= 1 else float("nan")


def wilson(right: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share; 0 and 1 where there is nothing to go by."""
    if not of:
        return 0.0, 1.0
    share, square = right / of, Z * Z
    middle = share + square / (2 * of)
    half = Z * float(np.sqrt(share * (1 - share) / of + square / (4 * of * of)))
    return (middle - half) / (1 + square / of), (middle + half) / (1 + square / of)


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
    return mean, np.asarray(table.std(axis=0, ddof=1) / np.sqrt(problems))


def estimate(values: ArrayLike) -> Estimate:
    """Mean of shares in 0..1 over problems, with the 95 % interval for new problems of the same kind.

    `values` is problems x ks. On the logit scale by the delta method: logit(m) +- t * stderr / (m * (1 - m)) with
    problems - 1 degrees of freedom; at 0 and 1, where that is undefined, Wilson's 0 .. z^2 / (P + z^2) and its mirror.
    """
    mean, stderr = clustered(values)
    problems = np.asarray(values).shape[0]
    _, edge = wilson(0, problems)
    at_zero, at_one = mean <= 0, mean >= 1 - AT_ONE
    inside = np.where(at_zero | at_one, 0.5, mean)
    half = t_quantile(problems - 1) * stderr / (inside * (1 - inside))
    low = np.where(at_zero, 0.0, np.where(at_one, 1 - edge, expit(logit(inside) - half)))
    high = np.where(at_zero, edge, np.where(at_one, 1.0, expit(logit(inside) + half)))
    return Estimate(mean, stderr, low, high)


def paired_difference(first: ArrayLike, second: ArrayLike) -> Estimate:
    """Mean of first - second over the same problems in the same order, with its 95 % t interval.

    sd(first_i - second_i) / sqrt(problems), ddof 1 (Miller 2024): what both found hard cancels.
    """
    difference = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    mean, stderr = clustered(difference)
    half = t_quantile(difference.shape[0] - 1) * stderr
    return Estimate(mean, stderr, mean - half, mean + half)


def resamples(problems: int, rounds: int, generator: np.random.Generator) -> Floats:
    """Bootstrap weights, rounds x problems: how often each problem was drawn, over the number of problems."""
    return generator.multinomial(problems, np.full(problems, 1 / problems), size=rounds) / problems


def bootstrap(values: ArrayLike, rounds: int = 2000, seed: int = 0) -> tuple[Floats, Floats]:
    """The 95 % percentile interval of means over problems, from problems drawn anew with replacement.

    `values` is problems x ks; NaN where a problem's value is. The same seed gives the same interval.
    """
    table = np.asarray(values, dtype=np.float64)
    means = resamples(table.shape[0], rounds, np.random.default_rng(seed)) @ table
    low, high = np.quantile(means, [0.025, 0.975], axis=0)
    return np.asarray(low), np.asarray(high)
