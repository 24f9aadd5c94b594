"""Whether the coverage curves of llms have one shape and differ by a factor of samples (the paper, section 3.2)."""

from collections.abc import Mapping

import numpy as np

from models.statistics.intervals import Floats


def samples_for(curve: Floats, wanted: float) -> int:
    """The k whose coverage is nearest to the wanted one, the least of them: the paper's pass@k^-1.

    `curve` is coverage at every k from 1.
    """
    return int(np.argmin(np.abs(curve - wanted))) + 1


def budget_ratio(curve: Floats, start: float, goal: float) -> float:
    """By what factor samples must grow to lift coverage from start to goal: about one number within a family of llms.

    NaN where the curve does not reach the goal or begins above the start.
    """
    if curve[-1] < goal or curve[0] > start:
        return float("nan")
    return samples_for(curve, goal) / samples_for(curve, start)


def align(curves: Mapping[str, Floats]) -> dict[str, Floats]:
    """The k axis of each llm's curve after a shift left in log k, so that all curves start at one coverage.

    `curves` holds coverage at every k from 1; the anchor is the largest pass@1, and each axis is k over the llm's
    samples for the anchor: drawn against it, curves of one shape lie on each other (figure 6).
    """
    anchor = max(float(curve[0]) for curve in curves.values())
    return {llm: np.arange(1, len(curve) + 1) / samples_for(curve, anchor) for llm, curve in curves.items()}
