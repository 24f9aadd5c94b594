"""What a verifier that errs is worth: as a selector, and by the share of samples that it judges wrongly."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from models.statistics.coverage import Counts, pass_at_k
from models.statistics.intervals import Floats


class Share(NamedTuple):
    """A share of samples and its 95 % interval for new problems of the same kind; NaN of none."""

    share: float
    low: float
    high: float


def picked_at_k(n: ArrayLike, tp: ArrayLike, fp: ArrayLike, k: Counts) -> Floats:
    """The chance that resampling, up to k times, until a weak verifier accepts ends with a right sample.

    tp / (tp + fp) * (1 - C(n-tp-fp, k) / C(n, k)) (Stroebl et al. 2024, arXiv 2411.17501): of a problem's n samples tp
    are right and accepted, fp wrong and accepted. Problems x ks; NaN where k > n. `picked_at_k` in SQL is the same.
    """
    right, wrong = np.asarray(tp, dtype=np.int64), np.asarray(fp, dtype=np.int64)
    passing = right + wrong
    return np.asarray((right / np.maximum(passing, 1))[:, None] * pass_at_k(n, passing, k))


def share_of(hits: ArrayLike, of: ArrayLike, rounds: int = 10_000, seed: int = 0) -> Share:
    """The share of hits among samples that come in problems, and how sure it is: problems are what was drawn.

    `hits` of `of` samples, an entry a problem. The interval is Gaffke's for a mean (2005; Phan et al. 2021), carried
    over to a ratio: problems weigh by a flat Dirichlet, and one more problem of mean size counts as all misses at the
    low end and as all hits at the high end, so that it keeps a width where no hit was seen.
    """
    size = np.asarray(of, dtype=np.float64)
    hit, size = np.asarray(hits, dtype=np.float64)[size > 0], size[size > 0]
    if not len(size):
        return Share(float("nan"), 0.0, 1.0)
    weights = np.random.default_rng(seed).dirichlet(np.ones(len(size) + 1), rounds)
    found, another = weights[:, :-1] @ hit, weights[:, -1] * size.mean()
    total = weights[:, :-1] @ size + another
    low, high = np.quantile(found / total, 0.025), np.quantile((found + another) / total, 0.975)
    return Share(float(hit.sum() / size.sum()), float(low), float(high))
