"""Adaptive consistency: majority votes that stop as soon as the leading answer is sure to stay ahead."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc

from models.statistics.coverage import Counts
from models.statistics.intervals import Floats, clustered

SURE = 0.95
"""The chance at which a vote is sure, as in arXiv 2305.11860."""


class AdaptiveVotes(NamedTuple):
    """A problem's chance of a right answer and its mean samples paid, at each budget; errors of the simulation."""

    success: Floats
    success_stderr: Floats
    samples: Floats
    samples_stderr: Floats


def adaptive_votes(
    answers: ArrayLike, correct: ArrayLike, k: ArrayLike, rounds: int = 100, seed: int = 0, sure: float = SURE
) -> AdaptiveVotes:
    """Vote sample by sample, stopping when the leader is sure or k samples are paid, in `rounds` orders of the samples.

    Adaptive-Consistency (arXiv 2305.11860): with v1 votes for the leading answer and v2 for the next, a chance above
    `sure` that Beta(v1+1, v2+1) exceeds one half. `answers` and `correct` are those of `selection.vote`: a sample
    without an answer is paid and has no vote; ties at the budget by lot. An entry per k, NaN where k exceeds the
    samples.
    """
    classes, right = np.asarray(answers, dtype=np.int64), np.asarray(correct, dtype=np.bool_)
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    generator = np.random.default_rng(seed)
    most = int(ks[ks <= len(classes)].max(initial=0))
    orders = np.array([generator.permutation(len(classes))[:most] for _ in range(rounds)], dtype=np.int64)
    success, paid = play(classes[orders], right_of(classes, right), ks, sure)
    both = [clustered(each) for each in (success, paid)]
    return AdaptiveVotes(*both[0], *both[1])


def right_of(answers: Counts, correct: NDArray[np.bool_]) -> Floats:
    """Whether each class is right: 1 or 0, by class."""
    right = np.zeros(int(answers.max(initial=-1)) + 1)
    right[answers[answers >= 0]] = correct[answers >= 0]
    return right


def play(drawn: Counts, right: Floats, ks: Counts, sure: float = SURE) -> tuple[Floats, Floats]:
    """Whether each order of answers (rounds x samples) ends right, and how many samples it paid: rounds x ks."""
    rounds, most = drawn.shape
    votes = np.zeros((rounds, max(len(right), 1)), dtype=np.int32)
    first, second, leader = (np.zeros(rounds, dtype=np.int64) for _ in range(3))
    enough = np.array(_enough(most, sure))
    ended = np.full(rounds, most + 1)
    success, paid = np.full((rounds, len(ks)), np.nan), np.full((rounds, len(ks)), np.nan)
    for drawn_now in range(1, most + 1):
        going = np.flatnonzero((ended > most) & (drawn[:, drawn_now - 1] >= 0))
        answer = drawn[going, drawn_now - 1]
        votes[going, answer] += 1
        now, ahead = votes[going, answer], first[going]
        leads = now > ahead
        overtakes = leads & (answer != leader[going])
        second[going] = np.where(overtakes, ahead, np.where(leads, second[going], np.maximum(second[going], now)))
        first[going[leads]], leader[going[leads]] = now[leads], answer[leads]
        ended[going[first[going] >= enough[second[going]]]] = drawn_now
        for column in np.flatnonzero(ks == drawn_now):
            success[:, column] = _right(votes, first, right)
            paid[:, column] = np.minimum(ended, drawn_now)
    return success, paid


def _right(votes: NDArray[np.int32], first: Counts, right: Floats) -> Floats:
    """The share of right answers among the leading ones; 0 where nobody voted."""
    leading = (votes == first[:, None]) & (votes > 0)
    return np.asarray((leading[:, : len(right)] @ right) / np.maximum(leading.sum(axis=1), 1))


@cache
def _enough(most: int, sure: float) -> tuple[int, ...]:
    """The fewest votes of a leader that make it sure, by the votes of the next answer."""
    needed, votes = [], 0
    for other in range(most + 1):
        while betainc(other + 1, votes + 1, 0.5) <= sure:
            votes += 1
        needed.append(votes)
    return tuple(needed)
