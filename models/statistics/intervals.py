"""How sure a mean over problems is: standard errors and intervals with the problem as the unit that was drawn."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

Floats = NDArray[np.float64]

Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""

T_OF_FEW = (
    12.706204736174698, 4.302652729749464, 3.182446305283710, 2.776445105197793, 2.570581835636314,
    2.446911851144969, 2.364624251592785, 2.306004135204166, 2.262157162798205, 2.228138851986274,
    2.200985160091639, 2.178812829667229, 2.160368656462792, 2.144786687917804, 2.131449545559775,
    2.119905299221255, 2.109815577833317, 2.100922040241038, 2.093024054408263, 2.085963447265837,
)  # fmt: skip
"""The 97.5 % quantiles of Student's t with 1 to 20 degrees of freedom."""

AT_ONE = 1e-12
"""A coverage nearer to 1 than this is 1: sums of floats in SQL and here may differ by less."""


class Estimate(NamedTuple):
    """Means over problems, one per k, with their standard errors and 95 % intervals; NaN where they are missing."""

    mean: Floats
    stderr: Floats
    low: Floats
    high: Floats


def t_quantile(df: int) -> float:
    """The 97.5 % quantile of Student's t, to 2e-7 and by operations that SQL has too.

    A table up to 20 degrees of freedom, then z + g1/df + g2/df^2 + g3/df^3 + g4/df^4 (Abramowitz and Stegun 26.7.5).
    NaN below one degree of freedom.
    """
    if df < 1:
        return float("nan")
    if df <= len(T_OF_FEW):
        return T_OF_FEW[df - 1]
    z = Z
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    g4 = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + g1 / df + g2 / df**2 + g3 / df**3 + g4 / df**4


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
    wilson = Z**2 / (problems + Z**2)
    at_zero, at_one = mean <= 0, mean >= 1 - AT_ONE
    inside = np.where(at_zero | at_one, 0.5, mean)
    half = t_quantile(problems - 1) * stderr / (inside * (1 - inside))
    low = np.where(at_zero, 0.0, np.where(at_one, 1 - wilson, expit(logit(inside) - half)))
    high = np.where(at_zero, wilson, np.where(at_one, 1.0, expit(logit(inside) + half)))
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
