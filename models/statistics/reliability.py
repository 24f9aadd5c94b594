"""How reliably a problem is solved: G-Pass@k, and what so many samples leave open of these very problems (Bayes@N)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, gammaln

from models.statistics.coverage import Counts
from models.statistics.intervals import Floats

FEW = 20
"""Of more problems, the mean's posterior is near enough that of a beta: its ends are off by 0.002 at most."""

PARTS = 256
"""Of equal chance, by which the posteriors of few problems are added up: ends are off by 0.001 at most."""


class Posterior(NamedTuple):
    """What is believed of a mean over problems: its mean, standard deviation and 95 % credible interval."""

    mean: float
    stderr: float
    low: float
    high: float


def g_pass_at_k(n: ArrayLike, c: ArrayLike, k: int, share: ArrayLike) -> Floats:
    """The chance that at least a share of k of a problem's n samples is right, c of them being right; exact.

    G-Pass@k_tau = sum over j from max(1, ceil(tau k)) to c of C(c, j) C(n-c, k-j) / C(n, k) (arXiv 2412.13147):
    pass@k at a share of 0, pass^k at 1. Problems x shares; NaN where k > n.
    """
    least = np.maximum(np.ceil(np.atleast_1d(np.asarray(share, dtype=np.float64)) * k - 1e-9), 1).astype(np.int64)
    return np.asarray(np.clip(_at_least(n, c, k)[:, least], 0, 1))


def mean_g_pass_at_k(n: ArrayLike, c: ArrayLike, k: int) -> Floats:
    """mG-Pass@k: G-Pass@k over shares from a half to 1, (2/k) sum over i = ceil(k/2)+1 .. k of G-Pass@k_{i/k}.

    As in arXiv 2412.13147, so that at an odd k, where that sum has fewer than k/2 terms, even a run that is always
    right stays below 1. An entry a problem; NaN where k > n, and at k = 1, where the sum is empty.
    """
    half = (k + 1) // 2
    if k < 2:
        return np.full(len(np.atleast_1d(n)), np.nan)
    return np.asarray(np.clip(2 / k * _at_least(n, c, k)[:, half + 1 :].sum(axis=1), 0, 1))


def bayes_at_n(n: ArrayLike, c: ArrayLike) -> Posterior:
    """What is believed of the mean chance of a right sample over these problems, by a uniform prior for each.

    Bayes@N (arXiv 2510.04265): each chance is Beta(c+1, n-c+1), with mean m = (c+1) / (n+2) and variance
    m (1-m) / (n+3); the mean over P problems has their mean, and a P-th of their mean variance. The interval is of
    these problems and new samples, not of new problems; of many problems, of the beta of this mean and variance.
    """
    samples, right = np.asarray(n, dtype=np.float64), np.asarray(c, dtype=np.float64)
    if not len(samples):
        return Posterior(*[float("nan")] * 4)
    each = (right + 1) / (samples + 2)
    mean, variance = float(each.mean()), float((each * (1 - each) / (samples + 3)).mean() / len(each))
    both = mean * (1 - mean) / variance - 1
    if 1 < len(samples) <= FEW:
        low, high = _middle_of_few(right + 1, samples - right + 1)
    else:
        low, high = betaincinv(mean * both, (1 - mean) * both, [0.025, 0.975])
    return Posterior(mean, variance**0.5, float(low), float(high))


def _middle_of_few(alpha: Floats, beta: Floats) -> Floats:
    """The 2.5 % and 97.5 % quantiles of the mean of independent betas, an entry each.

    Parts of equal chance are added each to each and put together again to as many, beta by beta.
    """
    at = (np.arange(PARTS) + 0.5) / PARTS
    total, *others = (betaincinv(a, b, at) for a, b in zip(alpha, beta, strict=True))
    for each in others:
        total = np.sort((total[:, None] + each).ravel()).reshape(PARTS, PARTS).mean(axis=1)
    return np.asarray(np.interp([0.025, 0.975], at, total) / len(alpha))


def _at_least(n: ArrayLike, c: ArrayLike, k: int) -> Floats:
    """The chance of j right ones or more among k, problems x (j = 0 .. k): the hypergeometric's upper tail."""
    samples, right = np.asarray(n, dtype=np.int64), np.asarray(c, dtype=np.int64)
    pairs, place = np.unique(np.stack([samples, right]), axis=1, return_inverse=True)
    tails = np.array([_tail(one_n, one_c, k) for one_n, one_c in pairs.T.tolist()]).reshape(-1, k + 1)
    return np.asarray(tails[place.ravel()])


def _tail(n: int, c: int, k: int) -> Floats:
    if k > n:
        return np.full(k + 1, np.nan)
    chance = np.zeros(k + 1)
    j = np.arange(max(0, k - (n - c)), min(c, k) + 1)
    chance[j] = np.exp(_log_ways(c, j) + _log_ways(n - c, k - j) - _log_ways(n, np.array(k)))
    return np.asarray(chance[::-1].cumsum()[::-1])


def _log_ways(n: int, k: Counts) -> Floats:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
