"""Other measures of a run: how reliably problems are solved, and what votes and scores tend to."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from models.analysis.pool import Pool
from models.statistics.coverage import Counts
from models.statistics.intervals import Floats, clustered, estimate
from models.statistics.reliability import bayes_at_n, g_pass_at_k, mean_g_pass_at_k

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of k samples, those that must be right: the thresholds of arXiv 2412.13147."""


class ReliabilityPoint(NamedTuple):
    """A measure at a k and, where it asks for one, a share of the k samples (else 0); NaN is not known."""

    measure: str
    reward_model: str
    k: int
    share: float
    value: float
    stderr: float
    low: float
    high: float


def reliability(pool: Pool, ks: Counts) -> Iterator[ReliabilityPoint]:
    """What the counts of a run say; ks are those that every problem has samples for, none where the run stops early."""
    if not pool.problem_ids:
        return
    # what is believed of these problems does not hang on why their samples ended
    yield ReliabilityPoint("bayes_at_n", "", int(pool.n.min()), 0.0, *bayes_at_n(pool.n, pool.c))
    for k in ks.tolist():
        yield from _means("g_pass_at_k", k, SHARES, g_pass_at_k(pool.n, pool.c, k, SHARES))
        if k > 1:
            yield from _means("mg_pass_at_k", k, (0.0,), mean_g_pass_at_k(pool.n, pool.c, k)[:, None])


def ceiling(modal: Sequence[float], least: int) -> Iterator[ReliabilityPoint]:
    """What a majority among ever more samples tends to: problems whose most frequent answer is right."""
    yield from _means("majority_ceiling", least, (0.0,), np.array(modal)[:, None])


def best_scores(model: str, ks: Counts, best: Sequence[Floats]) -> Iterator[ReliabilityPoint]:
    """The best score among k samples; scores have no bounds, so no interval."""
    mean, stderr = clustered(np.array(best))
    for k, value, error in zip(ks.tolist(), mean.tolist(), stderr.tolist(), strict=True):
        yield ReliabilityPoint("max_at_k", model, k, 0.0, value, error, np.nan, np.nan)


def _means(measure: str, k: int, shares: Sequence[float], values: Floats) -> Iterator[ReliabilityPoint]:
    for share, *numbers in zip(shares, *(each.tolist() for each in estimate(values)), strict=True):
        yield ReliabilityPoint(measure, "", k, share, *numbers)
