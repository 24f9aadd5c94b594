"""Whether samples still differ: samples that repeat are where more sampling stops paying."""

import numpy as np
from numpy.typing import ArrayLike

from models.statistics.coverage import pass_at_k
from models.statistics.intervals import Floats


def expected_distinct(counts: ArrayLike, k: ArrayLike, blank: int = 0) -> Floats:
    """How many distinct candidates k of a problem's samples are expected to hold, drawn without replacement.

    The sum over candidates of 1 - C(N - n_j, k) / C(N, k), with n_j samples of N each (rarefaction: Hurlbert 1971,
    doi:10.2307/1934145). `blank` samples have no candidate. An entry per k, NaN where k > N.
    """
    each = np.asarray(counts, dtype=np.int64)
    return np.asarray(pass_at_k(each.sum() + blank, np.append(each, 0), k).sum(axis=0))


def duplicate_share(counts: ArrayLike) -> float:
    """The share of a problem's candidates that repeat an earlier one: 1 - distinct / all; NaN where there is none."""
    each = np.asarray(counts, dtype=np.int64)
    total = int(each.sum())
    return 1 - np.count_nonzero(each) / total if total else float("nan")
