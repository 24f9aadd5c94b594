"""Coverage at more samples than were drawn: laws carried on, how sure they are, how far off they would have been."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from models.statistics.coverage import Counts, pass_at_k
from models.statistics.fits import Family, Fit, Tallies, fit, law, refit, tallies
from models.statistics.intervals import Floats

ROUNDS = 400
"""How often the problems are drawn anew."""

WIDENING = 0.65
"""How much a band is widened for each factor of ten beyond the samples drawn.

The least multiple of 0.05 with which the average's band holds the true coverage 95 % of the time, at ten and a hundred
times the samples, over the paper's seven sets of outcomes and the thirteen simulated worlds of
tests/bench/forecasts.py, each counted alike. There the band of each set is also tested with the widening that the
others ask for.
"""

REFUTED = 3.0
"""Standard errors between a law and coverage at the samples drawn from which the data refute it."""

MISSES = "coverage at the samples drawn refutes this law"
"""What is said of its forecast then."""

AN_ORDER = 10.0
"""The ratio of odds from which forecasts are said to lie apart."""

POOLED = {Family.average: (Family.average, Family.exponentiated_power_law, Family.log_log)}
"""Whose draws make up a band: the average's holds the spread between its parts, any other's its own alone."""


@dataclass(frozen=True)
class Laws:
    """Families fitted to the same problems, and fitted again to problems drawn anew."""

    data: Tallies
    fits: dict[Family, Fit]
    parameters: dict[Family, dict[str, Floats]]
    """Of each family that could be fitted, by name, an entry per round."""
    unseen: Floats
    """In each round, the share of a problem that nobody has seen."""
    reached: Floats
    """In each round, coverage by all samples drawn, of the problems that were seen."""

    @property
    def most(self) -> int:
        """The largest k at which coverage is known: where a forecast begins."""
        return int(self.data.ks[-1])

    @property
    def floor(self) -> float:
        """The lower end of coverage by the samples drawn, which more samples cannot fall below."""
        return float(_quantile(self.reached * (1 - self.unseen), 0.025)) if len(self.reached) else float("nan")

    def drawn(self, family: Family, k: ArrayLike) -> Floats:
        """A family's coverage at k in every round, rounds x ks."""
        return law(family, {name: values[:, None] for name, values in self.parameters[family].items()}, k)

    def parameter_interval(self, family: Family) -> tuple[dict[str, float], dict[str, float]]:
        """Lower and upper ends of the 95 % intervals of its parameters, by name; empty where it has none.

        An interval holds what was fitted: where a parameter is at its bound, what is fitted again may all lie beside.
        """
        fitted, drawn = self.fits[family].parameters, self.parameters.get(family, {})
        low = {name: min(float(np.nanquantile(each, 0.025)), fitted[name]) for name, each in drawn.items()}
        high = {name: max(float(np.nanquantile(each, 0.975)), fitted[name]) for name, each in drawn.items()}
        return low, high


@dataclass(frozen=True)
class Forecast:
    """A family's coverage at each k with its 95 % interval; NaN where it has none.

    `flag` says why that is, or that the data refute the law; else it is empty.
    """

    family: Family
    k: Counts
    coverage: Floats
    low: Floats
    high: Floats
    flag: str


@dataclass(frozen=True)
class BackTest:
    """A forecast made from `using` samples a problem, beside the coverage that all of them showed."""

    using: int
    forecast: Forecast
    truth: Floats


def fit_laws(data: Tallies, families: Collection[Family] = tuple(Family), rounds: int = ROUNDS, seed: int = 0) -> Laws:
    """Fit families, and those that their bands are made of, and again to problems drawn anew; the same by a seed.

    A round is a row of Dirichlet(1, ..., 1) over the problems and one that nobody has seen (Gaffke 2005, as for the
    intervals of coverage): it holds which problems were drawn and the noise of their samples.
    """
    problems = len(data.n)
    fits = {part: fit(part, data) for family in families for part in POOLED.get(family, (family,))}
    if problems < 2:
        return Laws(data, fits, {}, np.empty(0), np.empty(0))
    drawn = np.random.default_rng(seed).dirichlet(np.ones(problems + 1), size=rounds)
    shares = drawn[:, :problems] / (1 - drawn[:, problems:])
    parameters = {family: refit(found, data, shares) for family, found in fits.items() if found.parameters}
    return Laws(data, fits, parameters, drawn[:, problems], shares @ data.values[:, -1])


def forecast(laws: Laws, family: Family, k: ArrayLike, widening: float = WIDENING) -> Forecast:
    """Carry a family's fit on to each k, with a 95 % interval for new problems of the same kind.

    The interval is that of the family's draws, where the unseen problem is never solved (low) or always (high), and
    then widened, the more the farther it is carried: no law is known to be the right one. It does not fall below the
    interval of coverage by the samples drawn; nearer to 1 than half a problem it is 1.
    """
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    found = laws.fits[family]
    middle = found.coverage(ks)
    if family not in laws.parameters or not len(ks):
        missing = np.full(ks.shape, np.nan)
        return Forecast(family, ks, middle, missing, missing, found.flag)
    parts = POOLED.get(family, (family,))
    drawn = np.concatenate([laws.drawn(part, ks) for part in parts])
    unseen = np.tile(laws.unseen, len(parts))[:, None]
    settled = ~np.isnan(drawn).any(axis=1)
    least, most = (drawn * (1 - unseen))[settled], (drawn * (1 - unseen) + unseen)[settled]
    low, high = np.minimum(_quantile(least, 0.025), middle), np.maximum(_quantile(most, 0.975), middle)
    power = 1 + widening * np.maximum(np.log10(ks / laws.most), 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        low = np.where(middle > 0, middle * (low / middle) ** power, 0.0)
        high = np.where(middle < 1, 1 - (1 - middle) * ((1 - high) / (1 - middle)) ** power, 1.0)
    low = np.where(ks < laws.most, low, np.minimum(np.fmax(low, laws.floor), middle))
    high = np.where((1 - high) * len(laws.data.n) < 0.5, 1.0, high)
    return Forecast(family, ks, middle, low, high, found.flag or (MISSES if refuted(laws, found) else ""))


def apart(laws: Laws, k: ArrayLike) -> list[str]:
    """What laws that the data cannot tell apart say at each k, where their odds differ by an order; else empty.

    Counted are families without a flag whose law is near coverage at the samples drawn.
    """
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    able = [found for found in laws.fits.values() if found.family in laws.parameters and not found.flag]
    able = [found for found in able if not refuted(laws, found)]
    if len(able) < 2:
        return [""] * len(ks)
    curves = np.clip([found.coverage(ks) for found in able], 1e-12, 1 - 1e-12)
    least, most = curves.min(axis=0), curves.max(axis=0)
    far = most / (1 - most) >= AN_ORDER * least / (1 - least)
    return [
        f"laws that the data cannot tell apart say {low:.2%} to {high:.2%}" if is_far else ""
        for low, high, is_far in zip(least, most, far, strict=True)
    ]


def back_test(
    n: ArrayLike,
    c: ArrayLike,
    using: int,
    k: ArrayLike,
    families: Collection[Family] = tuple(Family),
    rounds: int = ROUNDS,
    seed: int = 0,
) -> list[BackTest]:
    """Forecast coverage at k from `using` samples a problem drawn out of its n, and set the whole count beside it.

    The draw is hypergeometric: what a run of `using` samples would have seen. NaN where k exceeds some problem's n.
    """
    samples, right = np.broadcast_arrays(np.atleast_1d(n), c)
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    thinned = np.random.default_rng(seed).hypergeometric(right, samples - right, using)
    laws = fit_laws(tallies(np.full(len(samples), using), thinned), families, rounds, seed)
    truth = pass_at_k(samples, right, ks).mean(axis=0)
    return [BackTest(using, forecast(laws, family, ks), truth) for family in families]


def refuted(laws: Laws, found: Fit) -> bool:
    """Whether a law misses coverage at the samples drawn by more than chance: then it says little of more samples."""
    off = laws.drawn(found.family, [laws.most])[:, 0] - laws.reached
    known = off[~np.isnan(off)]  # none, where a run that stops is not judged so far yet
    between = found.coverage([laws.most])[0] - laws.data.values[:, -1].mean()
    return known.size > 0 and bool(abs(between) > REFUTED * known.std() + 1e-9)


def _quantile(values: Floats, share: float) -> Floats:
    """A quantile over rounds that is one of the values, on the outer side."""
    return np.asarray(np.quantile(values, share, axis=0, method="lower" if share < 0.5 else "higher"))
