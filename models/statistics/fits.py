"""Laws of coverage against k: the paper's power law and its rivals, each with its error and its reasons for doubt."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from models.statistics.beta_binomial import Beta, fit_beta, refit_beta
from models.statistics.coverage import Counts, pass_at_k
from models.statistics.intervals import ALIKE, Floats
from models.statistics.power_laws import fit_lines, fit_power_laws


class Family(StrEnum):
    """A shape that a coverage curve may have, the default first."""

    average = "average"
    """The mean of the next two: on the paper's outcomes 3.1 points off, where the next is 3.4 and the one after 3.0
    (root mean squares by tests/bench/forecasts.py)."""
    exponentiated_power_law = "exponentiated_power_law"
    """exp(a * k^b), least squares on coverage: the paper's own."""
    log_log = "log_log"
    """exp(-a * k^-b), least squares of log(-log coverage) on log k."""
    beta_binomial = "beta_binomial"
    """1 - B(alpha, beta + k) / B(alpha, beta), by likelihood."""
    zero_inflated_beta_binomial = "zero_inflated_beta_binomial"
    """The same for a share `solvable` of the problems, and 0 for the rest."""


CURVES = (Family.exponentiated_power_law, Family.log_log)
"""Fitted to the curve of coverage; the average rests on them."""

LIKELIHOODS = (Family.beta_binomial, Family.zero_inflated_beta_binomial)
"""Fitted to the counts of each problem."""

LEAST_SOLVED = 5
"""Laws of fewer solved problems are flagged: with three of 140 a beta-binomial forecast 88 %, and 7 % was true."""

REACHES_1 = "coverage reaches 1, which no law can be told from"


@dataclass(frozen=True)
class Fit:
    """A family's parameters, empty where it could not be fitted, and the mean and sd of |fit - coverage| at its ks.

    `flag` says in one phrase why the fit means little or nothing, and is empty where it does mean something.
    """

    family: Family
    parameters: MappingProxyType[str, float]
    error: float
    error_sd: float
    flag: str = ""

    def coverage(self, k: ArrayLike) -> Floats:
        """The law at each k; NaN where nothing could be fitted."""
        ks = np.asarray(k, dtype=np.float64)
        return law(self.family, self.parameters, ks) if self.parameters else np.full(ks.shape, np.nan)


def law(family: Family, parameters: Mapping[str, ArrayLike], k: ArrayLike) -> Floats:
    """A family's coverage at k by its parameters, by name; all are broadcast."""
    return LAWS[family](np.asarray(k, dtype=np.float64), **parameters)


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


def fit(family: Family, data: Tallies) -> Fit:
    """Fit a family to all problems, each with the same weight."""
    refusal = _refusal(family, data)
    if refusal:
        return refused(family, refusal)
    curve = data.values.mean(axis=0)
    if family in LIKELIHOODS:
        found = fit_beta(data.n, data.c, family is Family.zero_inflated_beta_binomial)
        doubt = "problems are all alike, or solved by all samples or none" if found.at_bound else ""
        values = np.array(found)
    else:
        values, doubt = _fit_curves(family, data.ks.astype(np.float64), curve[None])[0], ""
        if np.isnan(values).any():
            few = "fewer than three points lie between 0 and 1"
            return refused(family, REACHES_1 if curve.max() >= 1 - ALIKE else few)
    parameters = MappingProxyType(dict(zip(PARAMETERS[family], values.tolist(), strict=False)))
    off = np.abs(law(family, parameters, data.ks) - curve)
    return Fit(family, parameters, float(off.mean()), float(off.std()), _doubt(data, curve) or doubt)


def refit(found: Fit, data: Tallies, shares: Floats) -> dict[str, Floats]:
    """A fitted family's parameters again for each row of `shares`, a share per problem that sums to 1; by name."""
    if found.family in LIKELIHOODS:
        near = Beta(**found.parameters)
        inflated = found.family is Family.zero_inflated_beta_binomial
        values = refit_beta(data.n, data.c, shares * len(data.n), near, inflated)
    else:
        values = _fit_curves(found.family, data.ks.astype(np.float64), shares @ data.values)
    return dict(zip(PARAMETERS[found.family], values.T, strict=False))


def _fit_curves(family: Family, ks: Floats, curves: Floats) -> Floats:
    """Parameters of each row of coverage at the ks; NaN where fewer than three points lie between 0 and 1."""
    lines = fit_lines(ks, curves)
    if family is Family.log_log:
        return lines
    laws = fit_power_laws(ks, curves, lines)
    return np.hstack([laws, lines]) if family is Family.average else laws


def _refusal(family: Family, data: Tallies) -> str:
    """Why nothing can be fitted; empty where something can."""
    if not data.c.any():
        return "no sample is right"
    if family in LIKELIHOODS:
        if data.n.max() < 2:
            return "one sample a problem says nothing of a second"
        needed = 3 if family is Family.zero_inflated_beta_binomial else 2
        return "" if data.n.max() >= needed else f"fewer than {needed} samples a problem cannot tell its parameters"
    if data.n.min() < 1:
        return "a problem has no samples"
    return "one sample a problem says nothing of a second" if data.n.min() < 2 else ""


def _doubt(data: Tallies, curve: Floats) -> str:
    """Why a fit means little; empty where it means something."""
    if len(data.n) == 1:
        return "one problem says nothing of others"
    if curve.max() >= 1 - ALIKE:
        return REACHES_1
    if (data.c > 0).sum() < LEAST_SOLVED:
        return "fewer than five problems are solved"
    return "coverage does not grow with k" if np.ptp(curve) < ALIKE else ""


def refused(family: Family, flag: str) -> Fit:
    """No fit, and why."""
    return Fit(family, MappingProxyType({}), float("nan"), float("nan"), flag)


def _power_law(k: Floats, a: ArrayLike, b: ArrayLike) -> Floats:
    return np.asarray(np.exp(a * k ** np.asarray(b)))


def _log_log(k: Floats, a: ArrayLike, b: ArrayLike) -> Floats:
    return np.asarray(np.exp(-np.asarray(a) * k ** -np.asarray(b)))


def _average(k: Floats, a: ArrayLike, b: ArrayLike, log_log_a: ArrayLike, log_log_b: ArrayLike) -> Floats:
    return (_power_law(k, a, b) + _log_log(k, log_log_a, log_log_b)) / 2


def _beta(k: Floats, alpha: float, beta: float, solvable: float = 1.0) -> Floats:
    return Beta(alpha, beta, solvable).coverage(k)


LAWS: dict[Family, Callable[..., Floats]] = {
    Family.average: _average,
    Family.exponentiated_power_law: _power_law,
    Family.log_log: _log_log,
    Family.beta_binomial: _beta,
    Family.zero_inflated_beta_binomial: _beta,
}

PARAMETERS: dict[Family, tuple[str, ...]] = {
    Family.average: ("a", "b", "log_log_a", "log_log_b"),
    Family.exponentiated_power_law: ("a", "b"),
    Family.log_log: ("a", "b"),
    Family.beta_binomial: ("alpha", "beta"),
    Family.zero_inflated_beta_binomial: ("alpha", "beta", "solvable"),
}
