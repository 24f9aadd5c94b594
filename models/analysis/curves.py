"""Laws of coverage with their forecasts, and bands, from a run's counts."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from models.analysis.pool import Pool, read_pool
from models.statistics.beta_binomial import Beta, posterior_band
from models.statistics.coverage import Counts, nice_ks
from models.statistics.fits import LIKELIHOODS, Family, Tallies, paper_ks, refused
from models.statistics.forecasts import Laws, apart, back_test, fit_laws, forecast
from models.statistics.intervals import Floats, known
from models.statistics.these_problems import these_problems
from verifiers.errors import UserError

FORECAST_FACTOR = 100
"""Forecasts go up to this many times the samples that every problem has."""

LEAST_BACK_TEST = 3
"""Samples a problem that a law needs."""

STOPPED = "the run stopped at right samples: only likelihoods can be fitted"


class FittedLaw(NamedTuple):
    """A family fitted to coverage, with the ends of its parameters' 95 % intervals; `flag` says why to doubt it."""

    family: Family
    parameters: Mapping[str, float]
    parameters_low: Mapping[str, float] | None
    parameters_high: Mapping[str, float] | None
    error: float
    flag: str | None


class ForecastPoint(NamedTuple):
    """A fitted law carried on to a k; `flag` says that the data refute it, or what other laws say, far from it."""

    family: Family
    k: int
    coverage: float
    low: float
    high: float
    flag: str | None


class BandPoint(NamedTuple):
    """A band of coverage at a k."""

    method: str
    k: int
    coverage: float
    low: float
    high: float


class BackTested(NamedTuple):
    """A forecast from `using` samples of each problem, beside what all of them showed; None where it has none."""

    run_id: int
    family: Family
    using: int
    k: int
    forecast: float | None
    low: float | None
    high: float | None
    truth: float
    off: float | None
    """The forecast less the truth."""
    flag: str | None
    """Why nobody should go by the forecast."""


def fit_families(pool: Pool) -> Laws:
    """A fit per family; the laws of curves are refused where samples were stopped by their outcomes.

    Likelihoods bear that; how far they are off is then against the coverage that is known, batch by batch.
    """
    ks = paper_ks(max(pool.least, 1))
    values = pool.values(ks)
    complete = ~np.isnan(values).any(axis=0)
    kept = complete | ~complete.any()  # where it is known nowhere, neither is how far a law is off
    data = Tallies(pool.n, pool.c, ks[kept], values[:, kept])
    laws = fit_laws(data, LIKELIHOODS if pool.stops else tuple(Family))
    return replace(laws, fits={family: laws.fits.get(family, refused(family, STOPPED)) for family in Family})


def fitted_laws(laws: Laws) -> list[FittedLaw]:
    """What each family came to."""
    found = []
    for each in laws.fits.values():
        low, high = laws.parameter_interval(each.family)
        found.append(FittedLaw(each.family, each.parameters, low or None, high or None, each.error, each.flag or None))
    return found


def forecasts(pool: Pool, laws: Laws) -> list[ForecastPoint]:
    """Coverage at the samples drawn and beyond, by every law that means something; of no problem without a sample."""
    if not pool.least:
        return []
    ks = nice_ks(FORECAST_FACTOR * pool.least)
    ks = np.append(pool.least, ks[ks > pool.least])
    flags = apart(laws, ks)
    points = []
    for found in laws.fits.values():
        if not found.flag:
            ahead = forecast(laws, found.family, ks)
            points += [
                ForecastPoint(found.family, k, middle, low, high, ahead.flag or flag or None)
                for (k, middle, low, high), flag in zip(
                    _points(ks, ahead.coverage, ahead.low, ahead.high), flags, strict=True
                )
            ]
    return points


def bands(pool: Pool, laws: Laws) -> list[BandPoint]:
    """Of these very problems, up to the samples drawn: where n was fixed, and the posterior of a prior without flag."""
    ks = nice_ks(pool.least)
    points = []
    if len(ks) and not pool.stops:
        low, high = these_problems(pool.n, pool.c, ks)
        middle = pool.values(ks).mean(axis=0)
        points += [BandPoint("these_problems", *point) for point in _points(ks, middle, low, high)]
    prior = laws.fits[Family.zero_inflated_beta_binomial]
    if not prior.flag and len(ks):
        band = posterior_band(pool.n, pool.c, ks, Beta(**prior.parameters))
        points += [BandPoint("posterior", *point) for point in _points(ks, band.mean, band.low, band.high)]
    return points


def back_tested(run_id: int, verifier_id: int, using: int) -> list[BackTested]:
    """Forecasts by every family from `using` samples a problem, drawn at random, at the larger ks that are known.

    UserError where the run's samples were stopped by their outcomes, or where there are no more of them.
    """
    pool = read_pool(run_id, verifier_id)
    if pool.stops:
        raise UserError(f"Run {run_id} stops at right samples, so a part of it says nothing of a whole.")
    if pool.least <= using:
        raise UserError(f"--back-test must be below {pool.least}, the samples that every problem of run {run_id} has.")
    return _back_tested(run_id, pool, using, tuple(Family))


def back_tested_from_a_tenth(run_id: int, verifier_id: int) -> list[BackTested]:
    """The same by the default family, from a tenth of the samples; nothing where that are too few, or stopped."""
    pool = read_pool(run_id, verifier_id)
    using = pool.least // 10
    return [] if pool.stops or using < LEAST_BACK_TEST else _back_tested(run_id, pool, using, [Family.average])


def _back_tested(run_id: int, pool: Pool, using: int, families: Collection[Family]) -> list[BackTested]:
    ks = nice_ks(pool.least)
    points = []
    for test in back_test(pool.n, pool.c, using, ks[ks > using], families):
        made = test.forecast
        for place, k in enumerate(made.k.tolist()):
            points.append(
                BackTested(
                    run_id=run_id,
                    family=made.family,
                    using=using,
                    k=k,
                    forecast=known(made.coverage[place]),
                    low=known(made.low[place]),
                    high=known(made.high[place]),
                    truth=float(test.truth[place]),
                    off=known(made.coverage[place] - test.truth[place]),
                    flag=made.flag or None,
                )
            )
    return points


def _points(ks: Counts, middle: Floats, low: Floats, high: Floats) -> Iterable[tuple[int, float, float, float]]:
    return zip(ks.tolist(), middle.tolist(), low.tolist(), high.tolist(), strict=True)
