"""Votes that weigh answers by likelihood, and votes that stop when they are sure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.analysis.samples import Samples
from models.statistics.coverage import Counts
from models.statistics.intervals import Floats, clustered
from models.statistics.selection import NO_ANSWER, Picked, vote
from models.statistics.stopping import SURE, AdaptiveVotes, adaptive_votes

TEMPERATURES = (1.0, 0.3, 0.1, 0.03, 3.0)
"""Those that the weight of a vote, exp(mean token logprob / T), is tried at; the first one where there is no choice."""

TUNED_AT = 30
"""The k that T is chosen at, or the largest below it: CISC draws up to 30 samples."""

ADAPTIVE_MOST = 200
"""Votes that stop are followed up to this k: few go on for longer."""


class StoppingPoint(NamedTuple):
    """Votes that stop when sure or at k samples: what they pay and how often they are right."""

    k: int
    sure: float
    samples: float
    samples_stderr: float
    success_rate: float
    stderr: float
    simulation_stderr: float


def logprob_votes(samples: Samples, right: Counts, ks: Counts) -> dict[float, Picked]:
    """By T, a problem's votes with weights exp(mean token logprob / T), the confidence-informed ones of CISC."""
    confidence = samples.logprobs - samples.logprobs.max()  # a factor of all weights changes no vote
    return {
        temperature: vote(samples.answers, right[samples.answers], ks, np.exp(confidence / temperature))
        for temperature in TEMPERATURES
    }


def tuned(votes: Mapping[float, Sequence[Picked]], ks: Counts) -> tuple[list[Picked], str]:
    """Every problem's votes at the T that does best on the other half of the problems, and what to say of it.

    CISC (arXiv 2502.06233, appendix D) tunes T for each llm on labelled problems that it then leaves out; here the two
    halves, every other problem, tune it for each other.
    """
    temperatures = list(votes)
    at = int(np.flatnonzero(ks <= TUNED_AT)[-1])
    success = np.array([[picked.success[at] for picked in votes[each]] for each in temperatures])
    half = np.arange(success.shape[1]) % 2
    chosen = [0, 0]
    if success.shape[1] > 1:
        chosen = [int(success[:, half != each].mean(axis=1).argmax()) for each in (0, 1)]
    found = [votes[temperatures[chosen[each]]][place] for place, each in enumerate(half.tolist())]
    said = " and ".join(f"{each:g}" for each in dict.fromkeys(temperatures[each] for each in chosen))
    if success.shape[1] == 1:
        return found, f"weights exp(mean logprob / T), T = {said}: one problem has no other to choose it by"
    return found, f"weights exp(mean logprob / T), T = {said}, chosen on the other half of the problems"


def adaptive(samples: Samples, right: Counts, ks: Counts) -> AdaptiveVotes:
    """A problem's votes that stop when sure, at the ks that they are followed up to."""
    return adaptive_votes(samples.answers, right[samples.answers], ks[ks <= ADAPTIVE_MOST])


def stopping(ks: Counts, problems: Sequence[AdaptiveVotes]) -> Iterator[StoppingPoint]:
    """Means over problems of votes that stop."""
    samples, samples_stderr = clustered(np.array([each.samples for each in problems]))
    success, stderr = clustered(np.array([each.success for each in problems]))
    noise = np.sqrt((np.array([each.success_stderr for each in problems]) ** 2).sum(axis=0)) / len(problems)
    for place, k in enumerate(ks[ks <= ADAPTIVE_MOST].tolist()):
        numbers: list[Floats] = [samples, samples_stderr, success, stderr, noise]
        yield StoppingPoint(k, SURE, *(float(each[place]) for each in numbers))


def modal_is_right(samples: Samples, right: Counts) -> float:
    """Whether the most frequent answer of all of a problem's samples is right; of several, the share that is."""
    votes = np.bincount(samples.answers[samples.answers != NO_ANSWER])
    return float(right[np.flatnonzero(votes == votes.max())].mean()) if len(votes) else 0.0
