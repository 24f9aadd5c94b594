"""Coverage at more samples than were drawn: a fitted law carried on, and how far off it would have been before."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from models.statistics.coverage import Counts, pass_at_k
from models.statistics.fits import Family, fit, tallies
from models.statistics.intervals import Floats, resamples


@dataclass(frozen=True)
class Forecast:
    """A family's coverage at each k with its 95 % interval; NaN, and a flag that says why, where it has none."""

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


def forecast(family: Family, n: ArrayLike, c: ArrayLike, k: ArrayLike, rounds: int = 200, seed: int = 0) -> Forecast:
    """Carry a family's fit on to each k, with the percentile interval of refits to problems drawn anew.

    The interval holds which problems were drawn and the noise of their samples, and not that the family may be wrong:
    compare families, and back-test. The same seed gives the same interval.
    """
    data = tallies(n, c)
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    found = fit(family, data)
    middle = found.coverage(ks)
    if not found.parameters or len(data.n) < 2 or not len(ks):
        missing = np.full(ks.shape, np.nan)
        return Forecast(family, ks, middle, missing, missing, found.flag)
    shares = resamples(len(data.n), rounds, np.random.default_rng(seed))
    drawn = np.array([fit(family, data, share, found).coverage(ks) for share in shares])
    drawn[shares @ data.c == 0] = 0  # nothing to fit, and nothing solved
    drawn = drawn[~np.isnan(drawn[:, 0])]
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return Forecast(family, ks, middle, np.asarray(low), np.asarray(high), found.flag)


def back_test(
    family: Family, n: ArrayLike, c: ArrayLike, using: int, k: ArrayLike, rounds: int = 200, seed: int = 0
) -> BackTest:
    """Forecast coverage at k from `using` samples a problem drawn out of its n, and set the whole count beside it.

    The draw is hypergeometric: what a run of `using` samples would have seen. NaN where k exceeds some problem's n.
    """
    samples, right = np.broadcast_arrays(np.atleast_1d(n), c)
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    thinned = np.random.default_rng(seed).hypergeometric(right, samples - right, using)
    made = forecast(family, np.full(len(samples), using), thinned, ks, rounds, seed)
    return BackTest(using, made, pass_at_k(samples, right, ks).mean(axis=0))
