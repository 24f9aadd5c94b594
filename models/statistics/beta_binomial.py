"""Problems whose chances of a right sample are drawn from a beta distribution, some perhaps with no chance at all."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import betaln, expit, gammaln, logit, psi, zeta

from models.statistics.intervals import Floats, Z
from models.statistics.newton import descend

LOG_BOUND = float(np.log(1e6))
"""alpha and beta are sought between 1e-6 and 1e6."""

LOGIT_BOUND = 15.0
"""and the log odds of a solvable problem between these."""


PRIOR_UNKNOWN = 1.5
"""How much wider the posterior band is than the posterior: its prior is fitted to the same samples.

With it the band held 128 of 134 true coverages at k = n (make bench-forecasts), without it 28 of 34.
"""


class Beta(NamedTuple):
    """A problem is solvable with chance `solvable`, and then a sample is right with a chance drawn from Beta."""

    alpha: float
    beta: float
    solvable: float = 1.0

    @property
    def at_bound(self) -> bool:
        """Whether the likelihood has no maximum inside: all problems alike, or all solved or unsolved outright."""
        return bool(max(abs(np.log(self.alpha)), abs(np.log(self.beta))) > LOG_BOUND - 0.01)

    def coverage(self, k: ArrayLike) -> Floats:
        """solvable * (1 - B(alpha, beta + k) / B(alpha, beta)) (Kazdan et al. 2025, arXiv 2510.05197)."""
        return self.solvable * _chance_of_one(np.asarray(self.alpha), np.asarray(self.beta), np.asarray(k))


class Band(NamedTuple):
    """Coverage of these very problems at each k and the 95 % band of what their samples leave open."""

    mean: Floats
    low: Floats
    high: Floats


def fit_beta(
    n: ArrayLike, c: ArrayLike, zero_inflated: bool = False, weights: ArrayLike = 1.0, near: Beta | None = None
) -> Beta:
    """The likeliest Beta for c right samples of n a problem; n may differ from problem to problem.

    Maximises the sum of log( solvable * B(alpha+c, beta+n-c) / B(alpha, beta) + (1 - solvable) * [c = 0] ), with
    solvable = 1 unless `zero_inflated` (Kazdan et al. 2025, and its natural repair). `weights` repeats problems; the
    search begins at `near`, else at several places.
    """
    samples, right, repeat = np.broadcast_arrays(
        np.asarray(n, dtype=np.float64), np.asarray(c, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    )
    some = samples > 0
    rows, place = np.unique(np.stack([samples, right])[:, some], axis=1, return_inverse=True)
    repeats = np.bincount(place.ravel(), repeat[some]).astype(np.float64)
    inflated = zero_inflated and not rows[1].all()
    searches = [_search(start, rows, repeats) for start in _starts(rows, repeats, inflated, near)]
    best = min(searches, key=lambda found: found[0])[1]
    return Beta(*np.exp(best[:2]).tolist(), *expit(best[2:]).tolist())


def _starts(rows: Floats, repeat: Floats, inflated: bool, near: Beta | None) -> list[list[float]]:
    """Where to begin: log alpha, log beta and, where inflated, the log odds of solvable."""
    if near is not None:
        odds = float(np.clip(logit(near.solvable), -5, 5))
        return [[float(np.log(near.alpha)), float(np.log(near.beta)), *([odds] if inflated else [])]]
    share = float(np.clip(np.average(rows[1] / rows[0], weights=repeat), 1e-6, 1 - 1e-6))
    pairs = [[float(np.log(share * size)), float(np.log((1 - share) * size))] for size in (0.3, 3.0)]
    if not inflated:
        return pairs
    solved = float(np.average(rows[1] > 0, weights=repeat))
    return [[*pair, float(logit(odds))] for pair in pairs for odds in (np.clip(solved, 0.01, 0.99), 0.98)]


def _search(start: list[float], rows: Floats, repeat: Floats) -> tuple[float, Floats]:
    bounds = [(-LOG_BOUND, LOG_BOUND)] * 2 + [(-LOGIT_BOUND, LOGIT_BOUND)] * (len(start) - 2)
    # TNC calls no BLAS; L-BFGS-B does, whose threads take ten times as long on machines that are busy
    found = minimize(_loss, start, (rows, repeat), "TNC", True, bounds=bounds, options={"maxfun": 1000})
    return float(found.fun), np.asarray(found.x)


def posterior_band(n: ArrayLike, c: ArrayLike, k: ArrayLike, prior: Beta) -> Band:
    """Coverage of these problems, each one's chance Beta(alpha + c, beta + n - c) by the fitted prior: empirical Bayes.

    Mean of 1 - B(a, b+k) / B(a, b); variance from E[(1-p)^(2k)] = B(a, b+2k) / B(a, b); normal on the logit scale, and
    widened, since the prior is not known. An unsolved problem of a zero-inflated prior is solvable with its posterior
    chance. Beyond n it rests on the prior alone and holds the truth half the time; other problems of the same kind vary
    more: see `intervals.estimate`.
    """
    samples, right = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(c, dtype=np.float64))
    a, b = (prior.alpha + right)[:, None], (prior.beta + samples - right)[:, None]
    ks = np.atleast_1d(np.asarray(k, dtype=np.float64))[None, :]
    log_zero = betaln(prior.alpha, prior.beta + samples) - betaln(prior.alpha, prior.beta)
    unseen = prior.solvable * np.exp(log_zero)
    sure = (right > 0) | (prior.solvable == 1)  # without inflation, also where `unseen` is too small for a float
    solvable = np.where(sure, 1.0, unseen / np.where(sure, 1.0, unseen + 1 - prior.solvable))[:, None]
    one, two = _chance_of_one(a, b, ks), _chance_of_one(a, b, 2 * ks)
    values = solvable * one
    variance = np.maximum(solvable * (2 * one - two) - values**2, 0)  # E[(1-q)^2] = 1 - 2 E[q] + E[q^2], q = (1-p)^k
    mean = values.mean(axis=0)
    stderr = np.sqrt(variance.sum(axis=0)) / len(samples)
    inside = np.clip(mean, 1e-300, 1 - 1e-16)
    half = PRIOR_UNKNOWN * Z * stderr / (inside * (1 - inside))
    low, high = expit(logit(inside) - half), expit(logit(inside) + half)
    return Band(mean, np.minimum(low, mean), np.maximum(high, mean))


def _chance_of_one(a: Floats, b: Floats, k: Floats) -> Floats:
    """1 - B(a, b+k) / B(a, b) for p ~ Beta(a, b): the chance of a right sample among k."""
    return np.asarray(-np.expm1(betaln(a, b + k) - betaln(a, b)))


def refit_beta(n: ArrayLike, c: ArrayLike, weights: Floats, near: Beta, zero_inflated: bool) -> Floats:
    """The likeliest alpha, beta (and solvable) by each row of `weights`, rounds x problems; sought from `near`."""
    samples, right = np.broadcast_arrays(np.asarray(n, dtype=np.float64), np.asarray(c, dtype=np.float64))
    some = samples > 0
    rows, place = np.unique(np.stack([samples, right])[:, some], axis=1, return_inverse=True)
    repeats = np.zeros((len(weights), rows.shape[1]))
    np.add.at(repeats.T, place.ravel(), weights[:, some].T)
    start = np.array(_starts(rows, repeats[0], zero_inflated, near) * len(weights))
    bounds = np.array([LOG_BOUND, LOG_BOUND, LOGIT_BOUND])[: start.shape[1]]
    found = descend(lambda x, repeat: _losses(x, rows, repeat), start, repeats, bounds)
    return np.hstack([np.exp(found[:, :2]), expit(found[:, 2:])])


def _loss(x: Floats, rows: Floats, repeat: Floats) -> tuple[float, Floats]:
    """Minus the log likelihood and its gradient by log alpha, log beta and, where given, the log odds of solvable."""
    value, gradient, _ = _losses(x[None], rows, repeat[None])
    return float(value[0]), gradient[0]


def _losses(x: Floats, rows: Floats, repeat: Floats) -> tuple[Floats, Floats, Floats]:
    """The same of many points, each with its own repeats: losses, gradients and Hessians."""
    n, c = rows
    a, b = np.exp(x[:, :1]), np.exp(x[:, 1:2])
    log = gammaln(a + c) - gammaln(a) + gammaln(b + n - c) - gammaln(b) + gammaln(a + b) - gammaln(a + b + n)
    shared, bent = psi(a + b) - psi(a + b + n), _trigamma(a + b) - _trigamma(a + b + n)
    by_a, by_b = a * (psi(a + c) - psi(a) + shared), b * (psi(b + n - c) - psi(b) + shared)
    by_aa = by_a + a**2 * (_trigamma(a + c) - _trigamma(a) + bent)
    by_bb = by_b + b**2 * (_trigamma(b + n - c) - _trigamma(b) + bent)
    by_ab = a * b * bent
    if x.shape[1] == 2:
        first, second = [by_a, by_b], [[by_aa, by_ab], [by_ab, by_bb]]
    else:
        solvable, log_solvable, log_not = expit(x[:, 2:]), -np.logaddexp(0, -x[:, 2:]), -np.logaddexp(0, x[:, 2:])
        mixed = np.where(c == 0, np.logaddexp(log_solvable + log, log_not), log_solvable + log)
        part = np.exp(log_solvable + log - mixed)
        log, open_ = mixed, part * (1 - part)
        by_as, by_bs, by_ss = open_ * by_a, open_ * by_b, open_ - solvable * (1 - solvable)
        second = [
            [part * by_aa + open_ * by_a**2, part * by_ab + open_ * by_a * by_b, by_as],
            [part * by_ab + open_ * by_a * by_b, part * by_bb + open_ * by_b**2, by_bs],
            [by_as, by_bs, by_ss],
        ]
        first = [part * by_a, part * by_b, part - solvable]
    value = -np.einsum("mu,mu->m", repeat, log)
    gradient = -np.stack([np.einsum("mu,mu->m", repeat, each) for each in first], axis=1)
    hessian = -np.stack([[np.einsum("mu,mu->m", repeat, each) for each in line] for line in second])
    return value, gradient, np.moveaxis(hessian, 2, 0)


def _trigamma(x: Floats) -> Floats:
    return np.asarray(zeta(2, x))
