"""Samples for a wanted coverage, and whether the curves of llms have one shape (the paper, section 3.2)."""

import numpy as np
from numpy.typing import NDArray

from models.statistics.coverage import Counts
from models.statistics.intervals import Estimate, Floats

SLACK = 1e-12
"""A coverage that lacks less than this of a wanted one has reached it."""


def samples_for(curve: Floats, wanted: float) -> int | None:
    """The least k whose coverage reaches the wanted one, None where none does: the paper's pass@k^-1.

    `curve` is coverage at every k from 1.
    """
    reached = np.flatnonzero(curve >= wanted - SLACK)
    return int(reached[0]) + 1 if len(reached) else None


def crossing(curve: Floats, wanted: float) -> float | None:
    """Where a curve crosses the wanted coverage, between two ks straight in log k; None where it never does.

    `curve` is coverage at every k from 1; 1 where it begins above.
    """
    k = samples_for(curve, wanted)
    if k is None or k == 1:
        return k
    before, after = float(curve[k - 2]), float(curve[k - 1])
    return float((k - 1) * (k / (k - 1)) ** ((wanted - before) / (after - before)))


def interval_for(band: Estimate, ks: Counts, wanted: float) -> tuple[int | None, int | None]:
    """The 95 % interval of samples_for: from where the band's upper end reaches the wanted coverage to where its lower.

    `band` is coverage at these ks, in growing order. It holds wherever the band holds at each k by itself, since
    coverage never falls; between two ks it is widened to the outer one. None: beyond the last k.
    """
    reached = np.flatnonzero(band.high >= wanted - SLACK)
    low = (int(ks[reached[0] - 1]) + 1 if reached[0] else int(ks[0])) if len(reached) else None
    sure = np.flatnonzero(band.low >= wanted - SLACK)
    return low, int(ks[sure[0]]) if len(sure) else None


def places_for(curves: Floats, wanted: float) -> NDArray[np.int64]:
    """Of each curve (rounds x ks) the place of the first k that reaches the wanted coverage; -1 where none does."""
    reached = curves >= wanted - SLACK
    return np.where(reached.any(axis=1), reached.argmax(axis=1), -1)


def budget_ratio(curve: Floats, start: float, goal: float) -> float:
    """By what factor samples must grow to lift coverage from start to goal: about one number within a family of llms.

    NaN where the curve does not reach the goal or begins above the start.
    """
    first, last = samples_for(curve, start), samples_for(curve, goal)
    if first is None or last is None or curve[0] > start + SLACK:
        return float("nan")
    return last / first
