"""What a run's samples are worth to a selector that does not know the truth, and whether they still differ."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from models.analysis.reliability import ReliabilityPoint, best_scores, ceiling
from models.analysis.samples import Classes, Extracted, Samples, extracted_of, samples_of
from models.analysis.votes import StoppingPoint, adaptive, logprob_votes, modal_is_right, stopping, tuned
from models.database import column, rows
from models.rows import LABELS
from models.statistics.coverage import Counts, nice_ks, pass_at_k
from models.statistics.diversity import duplicate_share, expected_distinct
from models.statistics.intervals import Floats, estimate
from models.statistics.selection import NO_ANSWER, Picked, best_of_k, majority_at_k, max_at_k, vote
from models.statistics.stopping import AdaptiveVotes

EXACT_MAJORITY = 50
"""Up to this k majority votes are exact; beyond it subsets are drawn, as in the paper."""


NO_GAP = 1e-9
"""Of less than so much, chances differ by the errors of their sums alone."""


class SelectorPoint(NamedTuple):
    """How often a selector picks a right sample of k; `simulation_stderr` is the part that a simulation adds."""

    selector: str
    reward_model: str
    k: int
    success_rate: float
    coverage: float
    stderr: float
    simulation_stderr: float
    exact: bool
    low: float
    high: float
    gap_low: float
    gap_high: float
    flag: str | None
    """How votes were weighed, or what was done to scores below 0, where one must know."""


class DiversityPoint(NamedTuple):
    """How many distinct candidates k samples of a problem are expected to hold, and its shares of other things."""

    problem_id: int
    k: int
    expected_distinct_candidates: float
    duplicate_share: float
    truncated_share: float | None
    unended_share: float | None


Point = SelectorPoint | DiversityPoint | ReliabilityPoint | StoppingPoint


class _Lowest(NamedTuple):
    reward_model: str
    lowest: float


class _Curves:
    """What was found of each problem so far."""

    def __init__(self, ks: Counts) -> None:
        self.ks = ks
        self.covered: list[Floats] = []
        self.picked: dict[tuple[str, str], list[Picked]] = {}
        self.by_temperature: dict[float, list[Picked]] = {}
        self.stopped: list[AdaptiveVotes] = []
        self.modal: list[float] = []
        self.best: dict[str, list[Floats]] = {}

    def add(self, samples: Samples, lowest: Mapping[str, float], *, votes: bool) -> None:
        """One more problem."""
        right = _answer_is_right(samples)
        self.covered.append(pass_at_k(len(samples.correct), samples.correct.sum(), self.ks))
        for name, picked in _selections(samples, right, self.ks, lowest, votes=votes):
            self.picked.setdefault(name, []).append(_alone(picked, self.covered[-1], self.ks))
        for model, scores in samples.scores.items():
            if not np.isnan(scores).any():
                self.best.setdefault(model, []).append(max_at_k(scores, self.ks))
        if votes:
            self.modal.append(modal_is_right(samples, right))
            self.stopped.append(adaptive(samples, right, self.ks))
            if not np.isnan(samples.logprobs).any():
                for temperature, picked in logprob_votes(samples, right, self.ks).items():
                    alone = _alone(picked, self.covered[-1], self.ks)
                    self.by_temperature.setdefault(temperature, []).append(alone)

    def points(self, problems: int, least: int, flags: Mapping[tuple[str, str], str]) -> Iterator[Point]:
        """Means over problems; a selector must have picked for every one."""
        if len(self.covered) < problems:
            return
        covered = np.array(self.covered)
        for (selector, model), curve in self.picked.items():
            if len(curve) == problems:
                yield from _precision(selector, model, self.ks, curve, covered, flags.get((selector, model)))
        if self.by_temperature and all(len(each) == problems for each in self.by_temperature.values()):
            curve, said = tuned(self.by_temperature, self.ks)
            yield from _precision("logprob_vote", "", self.ks, curve, covered, said)
        if self.stopped:
            yield from stopping(self.ks, self.stopped)
            yield from ceiling(self.modal, least)
        for model, best in self.best.items():
            if len(best) == problems:
                yield from best_scores(model, self.ks, best)


def describe(
    run_id: int, verifier_id: int, problem_ids: Sequence[int], ks: Counts, classes: Classes | None = None
) -> list[Point]:
    """Precision at each k by every selector that the samples have what it takes for; diversity of each problem.

    The candidates of imported labels are the labels: nothing can vote with them, and they say nothing of diversity.
    """
    labels = bool(column("select name from verifier where id = %s and name = %s", (verifier_id, LABELS)))
    lowest = {
        row.reward_model: row.lowest
        for row in rows(
            _Lowest,
            "select reward_model, min(score) as lowest from score where run_id = %s group by 1 order by 1",
            (run_id,),
        )
    }
    points: list[Point] = []
    curves = _Curves(ks)
    for problem_id in problem_ids:
        extracted = extracted_of(run_id, verifier_id, problem_id)
        if not labels:
            points += _diversity(problem_id, extracted)
        if len(ks):
            samples = samples_of(run_id, verifier_id, problem_id, extracted, list(lowest), classes)
            if len(samples.correct):  # else counts without samples: nothing to pick from
                curves.add(samples, lowest, votes=not labels)
    if curves.covered:
        said = "some scores are below 0: a vote weighs its score less the run's lowest, {:.6g}"
        shifted = {("weighted_majority", model): said.format(low) for model, low in lowest.items() if low < 0}
        points += curves.points(len(problem_ids), int(ks[-1]), shifted)
    return points


def _selections(
    samples: Samples, right: Counts, ks: Counts, lowest: Mapping[str, float], *, votes: bool
) -> Iterator[tuple[tuple[str, str], Picked]]:
    """(selector, reward model) and what it picks, for every selector that has what it takes."""
    if votes:
        yield ("majority", ""), _majority(samples, right, ks)
    if not np.isnan(samples.logprobs).any():
        yield ("logprob", ""), _exact(best_of_k(samples.logprobs, samples.correct, ks))
    for model, scores in samples.scores.items():
        if not np.isnan(scores).any():
            yield ("best_of_k", model), _exact(best_of_k(scores, samples.correct, ks))
            if votes:
                # sums of scores below 0 would punish agreement
                weights = scores - min(lowest[model], 0.0)
                yield ("weighted_majority", model), vote(samples.answers, right[samples.answers], ks, weights)


def _answer_is_right(samples: Samples) -> Counts:
    """Whether each class is right, by most of its samples' verdicts; the last entry, NO_ANSWER's, is wrong."""
    answered = samples.answers != NO_ANSWER
    kinds = int(samples.answers.max(initial=NO_ANSWER)) + 1
    votes = np.bincount(samples.answers[answered], minlength=kinds)
    good = np.bincount(samples.answers[answered], samples.correct[answered], minlength=kinds)
    return np.append(2 * good > votes, False).astype(np.int64)


def _majority(samples: Samples, right: Counts, ks: Counts) -> Picked:
    few, many = ks[ks <= EXACT_MAJORITY], ks[ks > EXACT_MAJORITY]
    answered = samples.answers[samples.answers != NO_ANSWER]
    votes = np.bincount(answered, minlength=len(right) - 1)
    exact = majority_at_k(votes, right[:-1], few, blank=len(samples.answers) - len(answered))
    drawn = vote(samples.answers, right[samples.answers], many)
    return Picked(np.append(exact, drawn.success), np.append(np.zeros(len(few)), drawn.stderr))


def _alone(picked: Picked, covered: Floats, ks: Counts) -> Picked:
    """The same, where at k = 1 there is nothing to pick: every selector has pass@1, without a simulation."""
    return Picked(np.where(ks == 1, covered, picked.success), np.where(ks == 1, 0.0, picked.stderr))


def _exact(success: Floats) -> Picked:
    return Picked(success, np.zeros(len(success)))


def _precision(
    selector: str, model: str, ks: Counts, picked: Sequence[Picked], covered: Floats, flag: str | None
) -> list[SelectorPoint]:
    """Means over problems; `covered` is their pass@k, problems x ks, of which no selector picks more than there is."""
    values = np.array([problem.success for problem in picked])
    success, stderr, low, high = estimate(values)
    coverage, lost = covered.mean(axis=0), covered - values
    gap = estimate(np.where(np.abs(lost) < NO_GAP, 0.0, lost))
    simulated = np.array([problem.stderr for problem in picked])
    noise = np.sqrt((simulated**2).sum(axis=0)) / len(picked)
    exact = selector in ("best_of_k", "logprob")
    return [
        SelectorPoint(
            selector=selector,
            reward_model=model,
            k=k,
            success_rate=success[place],
            coverage=coverage[place],
            stderr=stderr[place],
            simulation_stderr=noise[place],
            exact=exact or (selector == "majority" and k <= EXACT_MAJORITY),
            low=low[place],
            high=high[place],
            gap_low=gap.low[place] if k > 1 else 0.0,
            gap_high=gap.high[place] if k > 1 else 0.0,  # of one sample every selector picks that
            flag=flag,
        )
        for place, k in enumerate(ks.tolist())
    ]


def _diversity(problem_id: int, extracted: Extracted) -> list[DiversityPoint]:
    """Expected distinct candidates at every nice k of a problem, and its shares of other things."""
    total = len(extracted.candidates)
    if not total:
        return []
    candidates = [candidate for candidate in extracted.candidates if candidate is not None]
    counts = np.unique(np.array(candidates, dtype=np.int64), return_counts=True)[1]
    ks = nice_ks(total)
    distinct = expected_distinct(counts, ks, total - len(candidates))
    share = duplicate_share(counts)
    return [
        DiversityPoint(problem_id, k, value, share, extracted.truncated, extracted.unended)
        for k, value in zip(ks.tolist(), distinct, strict=True)
    ]
