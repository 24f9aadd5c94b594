"""What k samples of a problem cost, all drawn or up to the first right one, and ratios of two such costs."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from models.statistics.coverage import Counts, pass_at_k
from models.statistics.intervals import ALIKE, Floats, dirichlet_weights, middle95


def samples_until_right(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> Floats:
    """Samples expected of a problem that stops at its first right one, and at k at the latest.

    The sum of 1 - pass@j over j < k, unbiased from n samples of which c are right (coverage@cost, arXiv 2601.21522).
    C(n-c, j) / C(n, j) is C(n-j, c) / C(n, c), and C(n-j, c) over j < k adds up to C(n+1, c+1) - C(n+1-k, c+1): so it
    is (n+1) / (c+1) times pass@k of n+1 samples of which c+1 are right. Shapes as of pass_at_k; NaN where k > n.
    """
    samples, right = np.broadcast_arrays(np.asarray(n, dtype=np.int64), np.asarray(c, dtype=np.int64))
    ks = np.asarray(k, dtype=np.int64)
    share = (samples + 1) / (right + 1)
    places = (..., *(None for _ in ks.shape))
    return np.where(ks <= samples[places], share[places] * pass_at_k(samples + 1, right + 1, ks), np.nan)


def until_right(values: Floats) -> Floats:
    """The same from pass@k at every k from 1, problems x ks, however it was estimated."""
    missed = np.cumsum(1 - values[:, :-1], axis=1)
    return np.hstack([np.ones((len(values), 1)), 1 + missed])


@dataclass(frozen=True)
class Rates:
    """What problems' prompts and samples take of one measure, an entry a problem: a row of the view problem_rate.

    prompt is the first prompt, repeated each further one, sample one sample. Of `samples` samples that were drawn,
    `prompts` prompts were paid.
    """

    prompt: Floats
    repeated: Floats
    sample: Floats
    prompts: Counts
    samples: Counts

    def all_drawn(self, k: Counts) -> Floats:
        """What k samples of each problem cost, problems x ks: a prompt for as many samples as were drawn with one."""
        prompts = -(-k * self.prompts[:, None] // self.samples[:, None])
        return self.prompt[:, None] + (prompts - 1) * self.repeated[:, None] + k * self.sample[:, None]

    def until(self, expected: Floats) -> Floats:
        """What these expected samples cost (problems x ks), drawn one at a time: a request stops nowhere within."""
        return self.prompt[:, None] + (expected - 1) * self.repeated[:, None] + expected * self.sample[:, None]


def ratio_of_means(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Mean of first over mean of second, amounts of the same problems in one order, and its 95 % interval.

    `first` and `second` are problems, or problems x cases; one ratio a case. For new problems of the same kind: on the
    log scale, the error by leaving out each problem in turn (jackknife), Student's t with as many degrees as the
    errors' kurtosis leaves it (variance of a variance), and the longer tail lengthened by their skewness (Hall 1992),
    less what the log takes of it; the shorter one is not cut. It bears amounts whose logs spread by 1.5 on both sides,
    and by 0.5 on one (make bench-intervals); nobody bears a longer tail on one side alone, which few problems do not
    show. The ends are NaN of one problem.
    """
    above, below = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    ratio, problems = above.mean(axis=0) / below.mean(axis=0), len(above)
    if problems < 2:
        return ratio, np.full_like(ratio, np.nan), np.full_like(ratio, np.nan)
    mine, theirs = above / above.mean(axis=0), below / below.mean(axis=0)
    off = mine - theirs  # what each problem moves the log of the ratio by
    spread = np.sqrt((off**2).mean(axis=0) * problems / (problems - 1))
    scaled = off / np.where(spread > ALIKE, spread, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.log((above.sum(axis=0) - above) / (below.sum(axis=0) - below))
        error = without.std(axis=0) * np.sqrt(problems - 1)
        kurtosis = (scaled**4).mean(axis=0)
        degrees = 2 * problems / np.maximum(kurtosis - 1 + 2 / (problems - 1), ALIKE)
        t = stdtrit(np.clip(degrees, 1, problems - 1), 0.975)
        bent = (scaled * (mine + theirs - 2)).mean(axis=0)
        skew = ((scaled**3).mean(axis=0) * (2 * t**2 + 1) / 6 - bent * t**2 / 2) / np.sqrt(problems)
        return (
            ratio,
            ratio * np.exp(-error * (t + np.maximum(-skew, 0))),
            ratio * np.exp(error * (t + np.maximum(skew, 0))),
        )


class Ends(NamedTuple):
    """The least and the most that a problem can take."""

    least: float
    most: float


def ratio_within(first: Floats, of_first: Ends, second: Floats, of_second: Ends) -> tuple[float, float, float]:
    """The same of amounts that have ends: a problem that nobody has seen takes anything between them.

    Gaffke's reasoning, by weights of problems drawn anew. It bears amounts of which few hard problems make up most, as
    where problems stop at their first right sample; the interval of ratio_of_means does not. That one bears lengths of
    which few are long, and ends of problems of mean length do not: the interval holds both.
    """
    weights = dirichlet_weights(len(first))
    seen, unseen = weights[:, :-1], weights[:, -1]
    least = (seen @ first + unseen * of_first.least) / (seen @ second + unseen * of_second.most)
    most = (seen @ first + unseen * of_first.most) / (seen @ second + unseen * of_second.least)
    ratio, *by_means = ratio_of_means(first, second)
    low, high = middle95(least, most)
    return float(ratio), float(np.fmin(low, by_means[0])), float(np.fmax(high, by_means[1]))
