"""Coverage: the share of problems with at least one right sample among k, from counts of samples and right ones."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.statistics.intervals import Floats

Counts = NDArray[np.int64]


def every_k(most: int) -> Counts:
    """Every k from 1 up to and with the most samples."""
    return np.arange(1, most + 1, dtype=np.int64)


def nice_ks(most: int) -> Counts:
    """k = 1, 2, 5, 10, 20, ... up to and with the most: those of the view coverage."""
    steps = {step * 10**decade for decade in range(13) for step in (1, 2, 5)}
    return np.array(sorted(each for each in steps | {most} if 1 <= each <= most), dtype=np.int64)


def pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Floats:
    """The chance that k of a problem's n samples, drawn without replacement, hold one of its c right ones.

    1 - C(n-c, k) / C(n, k) (Chen et al. 2021, arXiv 2107.03374; Large Language Monkeys, equation 1), unbiased where n
    was fixed without looking at outcomes. Counts in, an array of the shape of n (and c), then that of k, out; NaN where
    k > n. The logarithms of its factors are summed, so rates of 1e-12 keep their digits; none right is 0.0, never -0.0.
    """
    samples, right = np.broadcast_arrays(np.asarray(n, dtype=np.int64), np.asarray(c, dtype=np.int64))
    ks = np.asarray(k, dtype=np.int64)
    if (right < 0).any() or (right > samples).any() or (ks < 1).any():
        raise ValueError("pass@k needs 0 <= c <= n and k >= 1")
    pairs, place = np.unique(np.stack([samples.ravel(), right.ravel()]), axis=1, return_inverse=True)
    rows = np.empty((pairs.shape[1], ks.size))
    for row, (one_n, one_c) in zip(rows, pairs.T.tolist(), strict=True):
        row[:] = 0.0 - np.expm1(_log_chance_of_none(one_n, one_c, ks.ravel()))
    return rows[place.ravel()].reshape(samples.shape + ks.shape)


def batchwise(solved_by: ArrayLike, finished: ArrayLike, k: ArrayLike) -> Floats:
    """The chance that k of a problem's samples hold a right one, for runs that draw batches until one does.

    `solved_by`, problems x 3, is its first batch with a right sample: samples before it, its samples, its right ones,
    which are 0 where none is right among its `finished` lowest samples. 0 up to the samples before, pass@(k - before)
    of that batch, and 1 beyond it. Problems x ks; NaN above `finished` where none is right.

    Unbiased at every planned k, whatever the sizes of the batches: a batch is drawn where none of the lower ones holds
    a right sample, so its own are as any others, and in what order they came says nothing. The mean of 1[first right
    sample <= k] over the orders within batches (Rao-Blackwell): batches of one give that itself.
    """
    ks = np.asarray(k, dtype=np.int64)
    each = zip(np.asarray(solved_by, np.int64), np.asarray(finished, np.int64), strict=True)
    return np.array([_batchwise(batch, within, ks) for batch, within in each]).reshape(-1, len(ks))


def _batchwise(solved_by: Counts, finished: int, k: Counts) -> Floats:
    before, size, right = solved_by
    if not right:
        return np.where(k <= finished, 0.0, np.nan)
    values: Floats = (k > before).astype(np.float64)
    within = (k > before) & (k <= before + size)
    values[within] = pass_at_k(size, right, k[within] - before)
    return values


def _log_chance_of_none(n: int, c: int, k: Counts) -> Floats:
    """log( C(n-c, k) / C(n, k) ) at each k, the sum of log(1 - c/(n-i)) over i < k; NaN where k > n."""
    within = k[k <= n]
    most = min(int(within.max(initial=0)), n - c)
    sums = np.zeros(most + 2)
    sums[1:-1] = np.cumsum(np.log1p(-c / (n - np.arange(most))))
    sums[-1] = -np.inf  # more samples than wrong ones
    return np.where(k <= n, sums[np.minimum(k, most + 1)], np.nan)
