"""Whether the coverage curves of llms have one shape and differ by a factor of samples (the paper, section 3.2)."""

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
