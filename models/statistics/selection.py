"""Precision: how often a selector that does not know the truth picks a right sample out of k."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from models.statistics.coverage import Counts, every_k, pass_at_k
from models.statistics.intervals import Floats, clustered

NO_ANSWER = -1
"""The class of a sample that has no candidate: it takes a place among the k, and has no vote."""


class Picked(NamedTuple):
    """A problem's chance of a right pick at each k, and the standard error of its simulation: 0 where it is exact."""

    success: Floats
    stderr: Floats


def best_of_k(scores: ArrayLike, correct: ArrayLike, k: ArrayLike) -> Floats:
    """The chance that the highest score among k of a problem's samples belongs to a right one; ties by lot.

    Sum over places i = k..N from the lowest score up of right_(i) * C(i-1, k-1) / C(N, k), exact; samples of one score
    share their average. With logprobs for scores it is selection by likelihood. An entry per k, NaN where k > N.
    """
    values, right = np.asarray(scores, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if np.isnan(values).any():
        raise ValueError("best-of-k needs a score for every sample")
    _, place, size = np.unique(values, return_inverse=True, return_counts=True)
    ascending = np.repeat(np.bincount(place, right, len(size)) / size, size)
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    return np.array([_best(ascending, one) for one in ks.tolist()])


def max_at_k(scores: ArrayLike, k: ArrayLike) -> Floats:
    """The expected best score among k of a problem's samples; exact.

    Sum over places i = k..N from the lowest score up of score_(i) * C(i-1, k-1) / C(N, k) (PKPO, arXiv 2505.15201).
    An entry per k, NaN where k > N.
    """
    ascending = np.sort(np.asarray(scores, dtype=np.float64))
    if np.isnan(ascending).any():
        raise ValueError("max@k needs a score for every sample")
    return np.array([_best(ascending, one) for one in np.atleast_1d(np.asarray(k, dtype=np.int64)).tolist()])


def majority_at_k(votes: ArrayLike, correct: ArrayLike, k: ArrayLike, blank: int = 0) -> Floats:
    """The chance that the most frequent answer among k of a problem's samples is right; ties by lot; exact.

    `votes` is the number of samples of each answer and `correct` whether it is right; `blank` samples have no answer.
    The chance that answer j wins is the sum over v of P(j has v votes and every other fewer, or v and a higher lot), by
    generating functions; see `_majority`. Error below 1e-10; an entry per k, NaN where k exceeds the samples. Time
    grows about as k^2 times the number of different vote counts: beyond a few hundred, `vote` is quicker.
    """
    counts, right = np.asarray(votes, dtype=np.int64), np.asarray(correct, dtype=np.bool_)
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    return np.array([_majority(counts[counts > 0], right[counts > 0], blank, one) for one in ks.tolist()])


def vote(
    answers: ArrayLike,
    correct: ArrayLike,
    k: ArrayLike,
    weights: ArrayLike | None = None,
    rounds: int = 100,
    seed: int = 0,
) -> Picked:
    """The chance that the answer with the most votes among k samples is right, by drawing `rounds` subsets of each k.

    `answers` is the class of each sample's answer, from 0, or NO_ANSWER; `correct` says of each sample whether it is
    right. With `weights`, an answer's votes are the sum of its samples' scores (the paper, appendix D); ValueError
    where one is below 0, since three votes of -1 would lose to one of -1.5. Ties by lot: a tie counts the share of
    right answers in it. NaN where k exceeds the samples; the error is sd / sqrt(rounds).

    Drawn are subsets that hold a right sample, which pass@k of all do: so no chance exceeds pass@k, and the error is
    smaller.
    """
    classes, right = np.asarray(answers, dtype=np.int64), np.asarray(correct, dtype=np.bool_)
    weight = np.ones(len(classes)) if weights is None else np.asarray(weights, dtype=np.float64)
    if (weight < 0).any():
        raise ValueError("votes need weights of 0 or more: a sum of others punishes agreement")
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    kinds = int(classes.max(initial=NO_ANSWER)) + 1
    right_kind = np.zeros(kinds)
    right_kind[classes[classes >= 0]] = right[classes >= 0]
    generator = np.random.default_rng(seed)
    chance = pass_at_k(len(right), right.sum(), ks)
    won = np.zeros((rounds, len(ks)))
    if right.any():
        among = _right_ones(len(right), int(right.sum()), ks[ks <= len(right)], rounds, generator)
        for row, counts in zip(won, among, strict=True):
            rights, wrongs = (generator.permutation(np.flatnonzero(each)) for each in (right, ~right))
            for column, count in zip(np.flatnonzero(ks <= len(right)), counts, strict=True):
                drawn = np.append(rights[:count], wrongs[: ks[column] - count])
                row[column] = _winner_is_right(classes[drawn], weight[drawn], right_kind)
    success, error = clustered(won)
    return Picked(chance * success, chance * error)


def _right_ones(n: int, c: int, ks: Counts, rounds: int, generator: np.random.Generator) -> Counts:
    """How many of k of n samples are right, c of n being so, given that one is; rounds x ks."""
    # the place of the first one is drawn, then how many come behind it
    upto = pass_at_k(n, c, every_k(int(ks.max(initial=1))))
    ranks = generator.random(rounds)
    firsts = [np.searchsorted(upto[:k], ranks * upto[k - 1], side="right") for k in ks.tolist()]
    drawn = [
        1 + generator.hypergeometric(c - 1, n - c - first, k - 1 - first)
        for k, first in zip(ks.tolist(), firsts, strict=True)
    ]
    return np.array(drawn, dtype=np.int64).reshape(-1, rounds).T


def _best(ascending: Floats, k: int) -> float:
    n = len(ascending)
    if k > n:
        return float("nan")
    places = np.arange(n, k, -1)
    chance = np.append(1.0, np.cumprod((places - k) / (places - 1))) * (k / n)
    return float(chance @ ascending[k - 1 :][::-1])


def _winner_is_right(answers: Counts, weights: Floats, right_kind: Floats) -> float:
    voting = answers >= 0
    if not voting.any():
        return 0.0
    sums = np.bincount(answers[voting], weights[voting], len(right_kind))
    most = sums.max()
    winners = sums >= most * (1 - 1e-12) if most else np.bincount(answers[voting], minlength=len(right_kind)) > 0
    return float(right_kind[winners].mean())


def _majority(votes: Counts, right: NDArray[np.bool_], blank: int, k: int) -> float:
    """Every sample is kept with chance k/N, independently; then k of N without replacement is that, given k kept.

    Answer i, with n_i samples, contributes f_i(x, s) = sum_{u<v} b(u) x^u + s b(v) x^v, with b binomial(n_i, k/N):
    fewer votes than v, or v and a lot below s. The chance that j wins with v votes is then the integral over s in 0..1
    of [x^k] b_j(v) x^v prod_{i != j} f_i, over P(k kept). The integral is exact by Gauss-Legendre; [x^k] is a mean over
    roots of unity, so many that what aliases is below 1e-16. Chances only, so nothing overflows; answers of one n_i
    share their factor.
    """
    total = int(votes.sum()) + blank
    if k > total:
        return float("nan")
    if not right.any():
        return 0.0
    keep = k / total
    spread = 9 * np.sqrt(k * (1 - keep)) + 40
    points = min(int(spread), total) + 1
    x = np.exp(2j * np.pi * np.arange(points) / points)
    sizes, repeats = np.unique(votes, return_counts=True)
    repeats_right = np.array([np.count_nonzero(votes[right] == size) for size in sizes])
    below = np.asarray(binom.pmf(0, sizes, keep))[:, None] * x**0
    kept = float(binom.pmf(k, total, keep))
    chance = 0.0
    for v in range(1, min(k, int(sizes[-1])) + 1):
        large = sizes >= v
        now = np.asarray(binom.pmf(v, sizes[large], keep))[:, None] * x**v
        fewer = below[large]
        below[large] += now
        if min(binom.cdf(v, sizes[-1], keep), binom.sf(v - 1, sizes[-1], keep)) < 1e-17 * kept:
            continue  # the largest answer has more votes all but surely, or nobody has so many
        nodes, node_weights = np.polynomial.legendre.leggauss(min(k // v, int(repeats[large].sum())) // 2 + 1)
        rest = (1 - keep + keep * x) ** (int((sizes * repeats)[~large].sum()) + blank)
        for s, weight in zip((nodes + 1) / 2, node_weights / 2, strict=True):
            factors = fewer + s * now
            powers = factors ** repeats[large][:, None]
            for row in np.flatnonzero(repeats_right[large]):
                others = np.delete(powers, row, axis=0).prod(axis=0) * factors[row] ** (repeats[large][row] - 1)
                wins = (now[row] * others * rest * x**-k).mean().real
                chance += weight * repeats_right[large][row] * wins
    return float(np.clip(chance / kept, 0, 1))
