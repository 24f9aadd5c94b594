"""Laws of coverage with their forecasts, and bands, from a run's counts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from models.analysis.pool import Pool, read_pool
from models.statistics.beta_binomial import Beta, posterior_band
from models.statistics.coverage import Counts, nice_ks
from models.statistics.fits import Family, Fit, fit, paper_ks, refused, tallies
from models.statistics.forecasts import back_test, forecast
from models.statistics.intervals import Floats, known
from models.statistics.these_problems import these_problems
from verifiers.errors import UserError

FORECAST_FACTOR = 100
"""Forecasts go up to this many times the samples that every problem has."""

STOPPED = "the run stopped at right samples: only likelihoods can be fitted"

LIKELIHOODS = (Family.beta_binomial, Family.zero_inflated_beta_binomial)


class FittedLaw(NamedTuple):
    """A family fitted to coverage; `flag` says why it means little or nothing."""

    family: Family
    parameters: Mapping[str, float]
    error: float
    flag: str | None


class ForecastPoint(NamedTuple):
    """A fitted law carried on to a k."""

    family: Family
    k: int
    coverage: float
    low: float
    high: float


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


def fit_families(pool: Pool) -> list[Fit]:
    """A fit per family; the laws of curves are refused where samples were stopped by their outcomes.

    Likelihoods bear that; how far they are off is then against the coverage that is known, batch by batch.
    """
    data = tallies(pool.n, pool.c)
    if pool.stops:
        ks = paper_ks(pool.planned)
        values = pool.values(ks)
        complete = ~np.isnan(values).any(axis=0)
        kept = complete | ~complete.any()  # where it is known nowhere, neither is how far a law is off
        data = replace(data, ks=ks[kept], values=values[:, kept])
    return [
        refused(family, STOPPED) if pool.stops and family not in LIKELIHOODS else fit(family, data) for family in Family
    ]


def fitted_laws(fits: Sequence[Fit]) -> list[FittedLaw]:
    """What each family came to."""
    return [FittedLaw(law.family, law.parameters, law.error, law.flag or None) for law in fits]


def forecasts(pool: Pool, fits: Sequence[Fit]) -> list[ForecastPoint]:
    """Coverage beyond the samples drawn by every law that means something."""
    points = []
    for law in fits:
        if not law.flag:
            ahead = forecast(law.family, pool.n, pool.c, _beyond(pool))
            points += [
                ForecastPoint(law.family, *point) for point in _points(ahead.k, ahead.coverage, ahead.low, ahead.high)
            ]
    return points


def bands(pool: Pool, prior: Fit) -> list[BandPoint]:
    """Of these very problems: where coverage is known and its n was fixed, and the posterior band there and beyond."""
    ks = nice_ks(pool.least)
    points = []
    if len(ks) and not pool.stops:
        low, high = these_problems(pool.n, pool.c, ks)
        middle = pool.values(ks).mean(axis=0)
        points += [BandPoint("these_problems", *point) for point in _points(ks, middle, low, high)]
    if prior.parameters:
        ks = np.concatenate([ks, _beyond(pool)])
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
    ks = nice_ks(pool.least)
    points = []
    for family in Family:
        test = back_test(family, pool.n, pool.c, using, ks[ks > using])
        for place, k in enumerate(test.forecast.k.tolist()):
            ahead, truth = test.forecast.coverage[place], test.truth[place]
            low, high = test.forecast.low[place], test.forecast.high[place]
            points.append(
                BackTested(
                    run_id, family, using, k, known(ahead), known(low), known(high), float(truth), known(ahead - truth)
                )
            )
    return points


def _beyond(pool: Pool) -> Counts:
    ks = nice_ks(FORECAST_FACTOR * pool.least)
    return ks[ks > pool.least]


def _points(ks: Counts, middle: Floats, low: Floats, high: Floats) -> Iterable[tuple[int, float, float, float]]:
    return zip(ks.tolist(), middle.tolist(), low.tolist(), high.tolist(), strict=True)
