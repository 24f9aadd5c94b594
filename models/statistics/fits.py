"""Laws of coverage against k: the paper's power law and its rivals, each with its error and its reasons for doubt."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares

from models.statistics.beta_binomial import Beta, fit_beta
from models.statistics.coverage import Counts, pass_at_k
from models.statistics.intervals import AT_ONE, Floats


class Family(StrEnum):
    """A shape that a coverage curve may have."""

    exponentiated_power_law = "exponentiated_power_law"
    """exp(a * k^b), least squares on coverage: the paper's own."""
    log_log = "log_log"
    """exp(-a * k^-b), least squares of log(-log coverage) on log k."""
    beta_binomial = "beta_binomial"
    """1 - B(alpha, beta + k) / B(alpha, beta), by likelihood."""
    zero_inflated_beta_binomial = "zero_inflated_beta_binomial"
    """The same for a share `solvable` of the problems, and 0 for the rest."""


@dataclass(frozen=True)
class Fit:
    """A family's parameters, empty where it could not be fitted, and the mean and sd of |fit - coverage| at its ks.

    `flag` says in one phrase why the fit means nothing, and is empty where it does.
    """

    family: Family
    parameters: MappingProxyType[str, float]
    error: float
    error_sd: float
    flag: str = ""

    def coverage(self, k: ArrayLike) -> Floats:
        """The law at each k; NaN where nothing could be fitted."""
        ks = np.asarray(k, dtype=np.float64)
        if not self.parameters:
            return np.full(ks.shape, np.nan)
        return LAWS[self.family](ks, *self.parameters.values())


def paper_ks(n: int) -> Counts:
    """The paper's grid: 40 points even in log k from 1 to n, as whole numbers, each once (appendix C.1)."""
    return np.unique(np.rint(np.geomspace(1, n, 40)).astype(np.int64))


@dataclass(frozen=True)
class Tallies:
    """What a family is fitted to: c right samples of n a problem, and each problem's pass@k at the ks of the fit."""

    n: Counts
    c: Counts
    ks: Counts
    values: Floats


def tallies(n: ArrayLike, c: ArrayLike) -> Tallies:
    """Counts a problem made ready for fits. n may differ: curves go up to the least, likelihoods use every sample."""
    samples, right = np.broadcast_arrays(np.atleast_1d(n), c)
    ks = paper_ks(max(int(samples.min()), 1) if len(samples) else 1)
    return Tallies(samples, right, ks, pass_at_k(samples, right, ks))


def fit(family: Family, data: Tallies, weights: ArrayLike | None = None, near: Fit | None = None) -> Fit:
    """Fit a family; `weights`, a share per problem that sums to 1, is a bootstrap resample of the problems.

    `near` is a fit to like data, where the search of a likelihood may begin.
    """
    problems = len(data.n)
    share = np.full(problems, 1 / max(problems, 1)) if weights is None else np.asarray(weights, dtype=np.float64)
    seen = share > 0
    if not data.c[seen].any():
        return refused(family, "no sample is right")
    curve = share @ data.values
    if family in CURVES:
        if data.n.min() < 1:
            return refused(family, "a problem has no samples")
        parameters, flag = CURVES[family](data.ks.astype(np.float64), curve)
    else:
        zero_inflated = family is Family.zero_inflated_beta_binomial
        start = Beta(*near.parameters.values()) if near and near.parameters else None
        found = fit_beta(data.n[seen], data.c[seen], zero_inflated, share[seen] * problems, start)
        parameters = {"alpha": found.alpha, "beta": found.beta}
        if zero_inflated:
            parameters["solvable"] = found.solvable
        flag = "problems are all alike, or solved by all samples or none" if found.at_bound else ""
    if not parameters:
        return refused(family, flag)
    if problems == 1:
        flag = "one problem says nothing of others"
    off = np.abs(LAWS[family](data.ks.astype(np.float64), *parameters.values()) - curve)
    return Fit(family, MappingProxyType(parameters), float(off.mean()), float(off.std()), flag)


def fit_log_log(ks: Floats, curve: Floats) -> tuple[dict[str, float], str]:
    """Least squares of log(-log coverage) = log a - b log k over the points inside 0..1, and a flag."""
    inside = (curve > 0) & (curve < 1 - AT_ONE)
    if inside.sum() < 3:
        return {}, "fewer than three points lie between 0 and 1"
    slope, offset = np.polyfit(np.log(ks[inside]), np.log(-np.log(curve[inside])), 1)
    return {"a": float(np.exp(offset)), "b": -float(slope)}, _doubt(curve)


def fit_power_law(ks: Floats, curve: Floats) -> tuple[dict[str, float], str]:
    """Least squares of coverage = exp(a * k^b) (equations 2 and 3; a, b < 0), from the log-log line, and a flag.

    Levenberg-Marquardt, unweighted: what scipy's curve_fit, which the paper used, does.
    """
    start, flag = fit_log_log(ks, curve)
    if not start:
        return {}, flag

    def off(x: Floats) -> Floats:
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(np.clip(x[0] * ks ** x[1], -700, 700)) - curve)

    found = least_squares(off, [-start["a"], -start["b"]], method="lm", max_nfev=2000)
    if not found.success:
        return {}, "the least squares did not settle"
    return {"a": float(found.x[0]), "b": float(found.x[1])}, flag


def _doubt(curve: Floats) -> str:
    if curve.max() >= 1 - AT_ONE:
        return "coverage reaches 1, which the law never does"
    if np.ptp(curve) < AT_ONE:
        return "coverage does not grow with k"
    return ""


def refused(family: Family, flag: str) -> Fit:
    """No fit, and why."""
    return Fit(family, MappingProxyType({}), float("nan"), float("nan"), flag)


def _power_law(k: Floats, a: float, b: float) -> Floats:
    return np.asarray(np.exp(a * k**b))


def _log_log(k: Floats, a: float, b: float) -> Floats:
    return np.asarray(np.exp(-a * k**-b))


def _beta(k: Floats, alpha: float, beta: float, solvable: float = 1.0) -> Floats:
    return Beta(alpha, beta, solvable).coverage(k)


LAWS: dict[Family, Callable[..., Floats]] = {
    Family.exponentiated_power_law: _power_law,
    Family.log_log: _log_log,
    Family.beta_binomial: _beta,
    Family.zero_inflated_beta_binomial: _beta,
}

CURVES: dict[Family, Callable[[Floats, Floats], tuple[dict[str, float], str]]] = {
    Family.exponentiated_power_law: fit_power_law,
    Family.log_log: fit_log_log,
}
