"""Which unsolved problems more samples are likeliest to solve, by the posterior of each one's chance."""

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln

from models.statistics.beta_binomial import Beta
from models.statistics.coverage import Counts
from models.statistics.fits import Family, fit, tallies
from models.statistics.intervals import Floats

WEAK = Beta(0.5, 0.5)
"""Jeffreys' prior, where a run says too little of its own: then the fewer samples, the likelier a right one."""


STEPS = 100_000
"""So many choices, about, are made at most: they take a second."""


class Prior(NamedTuple):
    """How likely a sample of a problem is right before any is drawn; `doubt` says why it is not the run's own."""

    law: Beta
    doubt: str


def prior_of(n: ArrayLike, c: ArrayLike) -> Prior:
    """The zero-inflated beta-binomial of a run's counts, all its samples: why they ended changes no likelihood.

    The weak prior where that fit is flagged.
    """
    samples, right = np.broadcast_arrays(np.asarray(n, dtype=np.int64), np.asarray(c, dtype=np.int64))
    some = samples > 0
    if not some.any():
        return Prior(WEAK, "no sample is judged")
    found = fit(Family.zero_inflated_beta_binomial, tallies(samples[some], right[some]))
    return Prior(WEAK, found.flag) if found.flag else Prior(Beta(**found.parameters), "")


def all_wrong(prior: Beta, n: ArrayLike, more: ArrayLike) -> Floats:
    """The chance that so many more samples of a problem are all wrong, of which n were and none was right.

    E[(1-p)^more] of the posterior: 1 for a problem that cannot be solved, B(a, b+n+more) / B(a, b+n) for one that can.
    """
    wrong, further = np.asarray(n, dtype=np.float64), np.asarray(more, dtype=np.float64)
    seen = prior.solvable * np.exp(betaln(prior.alpha, prior.beta + wrong) - betaln(prior.alpha, prior.beta))
    solvable = seen / (seen + 1 - prior.solvable) if prior.solvable < 1 else np.ones_like(seen)
    stays = np.exp(betaln(prior.alpha, prior.beta + wrong + further) - betaln(prior.alpha, prior.beta + wrong))
    return np.asarray(1 - solvable * (1 - stays))


def allot(prior: Beta, n: Counts, waiting: Counts, price: Floats, samples: int, batch: int) -> Counts:
    """So many samples shared out over unsolved problems, batch by batch, each where it gains most for its price.

    n wrong samples and none right of each, `waiting` ones that are still to be judged, price of one more sample. The
    gain of a batch is the chance that it solves what nothing before it did; it falls from batch to batch, so the
    greedy choice is the best one. Ties go to the problem that comes first; the last batch may be a part. Of very many
    samples several batches at a time are given.
    """
    size = max(min(batch, -(-samples // len(n))), samples // STEPS)
    planned = np.zeros(len(n), dtype=np.int64)

    def offer(place: int) -> tuple[float, int]:
        drawn = waiting[place] + planned[place]
        now, then = all_wrong(prior, n[place], np.array([drawn, drawn + size])).tolist()
        return (then - now) / (size * float(price[place])), place

    offers = [offer(place) for place in range(len(n))]
    heapq.heapify(offers)
    left = samples
    while left:
        _, place = offers[0]
        planned[place] += min(size, left)
        left -= min(size, left)
        heapq.heapreplace(offers, offer(place))
    return planned
