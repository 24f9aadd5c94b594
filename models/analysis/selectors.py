"""What a run's samples are worth to a selector that does not know the truth, and whether they still differ."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.database import column, rows
from models.rows import LABELS
from models.statistics.coverage import Counts, nice_ks, pass_at_k
from models.statistics.diversity import duplicate_share, expected_distinct
from models.statistics.intervals import Floats, estimate
from models.statistics.selection import NO_ANSWER, Picked, best_of_k, majority_at_k, vote
from verifiers.outcome import Outcome

Classes = Callable[[Sequence[str]], list[int]]
"""Numbers for candidates: equal answers share one."""

EXACT_MAJORITY = 50
"""Up to this k majority votes are exact; beyond it subsets are drawn, as in the paper."""


@dataclass(frozen=True)
class Samples:
    """One problem's decided samples, an entry each."""

    answers: Counts
    """The class of the candidate, or NO_ANSWER."""
    correct: Counts
    logprobs: Floats
    """Mean logprob of a token; NaN where it is not known."""
    scores: dict[str, Floats]
    """By reward model; NaN where a sample has none."""


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


class DiversityPoint(NamedTuple):
    """How many distinct candidates k samples of a problem are expected to hold, and its shares of other things."""

    problem_id: int
    k: int
    expected_distinct_candidates: float
    duplicate_share: float
    truncated_share: float | None
    unended_share: float | None


class _Extracted(NamedTuple):
    """A problem's samples, an entry each in order of their indices; a candidate by its id."""

    candidates: list[int | None]
    indices: list[int]
    logprobs: list[float | None]
    truncated: float | None
    unended: float | None


class _Judged(NamedTuple):
    id: int
    text: str
    outcome: Outcome


class _Scored(NamedTuple):
    reward_model: str
    sample_index: int
    score: float


def describe(
    run_id: int, verifier_id: int, problem_ids: Sequence[int], ks: Counts, classes: Classes | None = None
) -> list[SelectorPoint | DiversityPoint]:
    """Precision at each k by every selector that the samples have what it takes for; diversity of each problem.

    The candidates of imported labels are the labels: nothing can vote with them, and they say nothing of diversity.
    """
    labels = bool(column("select name from verifier where id = %s and name = %s", (verifier_id, LABELS)))
    models = column("select distinct reward_model from score where run_id = %s order by 1", (run_id,))
    points: list[SelectorPoint | DiversityPoint] = []
    curves: dict[tuple[str, str], list[Picked]] = {}
    covered: list[Floats] = []
    for problem_id in problem_ids:
        extracted = _extracted(run_id, verifier_id, problem_id)
        if not labels:
            points += _diversity(problem_id, extracted)
        if len(ks):
            samples = _samples(run_id, verifier_id, problem_id, extracted, models, classes)
            if not len(samples.correct):
                continue  # counts without samples: nothing to pick from
            covered.append(pass_at_k(len(samples.correct), samples.correct.sum(), ks))
            for name, picked in _selections(samples, ks, votes=not labels):
                curves.setdefault(name, []).append(_alone(picked, covered[-1], ks))
    for (selector, model), curve in curves.items():
        if len(curve) == len(problem_ids):  # a selector must have picked for every problem
            points += _precision(selector, model, ks, curve, np.array(covered).mean(axis=0))
    return points


def _extracted(run_id: int, verifier_id: int, problem_id: int) -> _Extracted:
    (extracted,) = rows(
        _Extracted,
        """
        select coalesce(array_agg(extraction.candidate_id order by sample_index), '{}') as candidates,
            coalesce(array_agg(sample_index order by sample_index), '{}') as indices,
            coalesce(array_agg(sample.logprob / nullif(sample.completion_tokens, 0) order by sample_index), '{}')
                as logprobs,
            avg((sample.finish_reason = 'length')::int)::double precision as truncated,
            avg((extraction.answer_from is null)::int)::double precision as unended
        from extraction join sample using (run_id, problem_id, sample_index)
        where run_id = %s and verifier_id = %s and problem_id = %s
        """,
        (run_id, verifier_id, problem_id),
    )
    return extracted


def _samples(
    run_id: int,
    verifier_id: int,
    problem_id: int,
    extracted: _Extracted,
    models: Sequence[str],
    classes: Classes | None,
) -> Samples:
    """The decided samples: those whose judging failed by our fault are left out."""
    judged = _judged(verifier_id, extracted.candidates)
    decided = [
        place for place, candidate in enumerate(extracted.candidates) if candidate is None or candidate in judged
    ]
    candidates = [extracted.candidates[place] for place in decided]
    ids = list(dict.fromkeys(candidate for candidate in candidates if candidate is not None))
    numbers = classes([judged[candidate].text for candidate in ids]) if classes else range(len(ids))
    number: dict[int | None, int] = {None: NO_ANSWER, **dict(zip(ids, numbers, strict=True))}
    right = {candidate for candidate in ids if judged[candidate].outcome == Outcome.correct}
    return Samples(
        answers=np.array([number[candidate] for candidate in candidates], dtype=np.int64),
        correct=np.array([candidate in right for candidate in candidates], dtype=np.int64),
        logprobs=np.array([extracted.logprobs[place] for place in decided], dtype=np.float64),
        scores={model: each[decided] for model, each in _scores(run_id, problem_id, extracted, models).items()},
    )


def _judged(verifier_id: int, candidates: Sequence[int | None]) -> dict[int, _Judged]:
    """The candidates that were judged one way or the other, by id."""
    judged = rows(
        _Judged,
        """
        select candidate.id, candidate.text, verdict.outcome
        from candidate join verdict on verdict.candidate_id = candidate.id and verdict.verifier_id = %s
        where candidate.id = any(%s) and verdict.outcome <> 'infrastructure_error'
        """,
        (verifier_id, list({candidate for candidate in candidates if candidate is not None})),
    )
    return {candidate.id: candidate for candidate in judged}


def _scores(run_id: int, problem_id: int, extracted: _Extracted, models: Sequence[str]) -> dict[str, Floats]:
    """Every sample's score by reward model; NaN where it has none."""
    scores = {model: np.full(len(extracted.indices), np.nan) for model in models}
    if models:
        places = {index: place for place, index in enumerate(extracted.indices)}
        statement = "select reward_model, sample_index, score from score where run_id = %s and problem_id = %s"
        for scored in rows(_Scored, statement, (run_id, problem_id)):
            if scored.sample_index in places:
                scores[scored.reward_model][places[scored.sample_index]] = scored.score
    return scores


def _selections(samples: Samples, ks: Counts, *, votes: bool) -> Iterator[tuple[tuple[str, str], Picked]]:
    """(selector, reward model) and what it picks, for every selector that has what it takes."""
    right = _answer_is_right(samples)
    if votes:
        yield ("majority", ""), _majority(samples, right, ks)
    if not np.isnan(samples.logprobs).any():
        yield ("logprob", ""), _exact(best_of_k(samples.logprobs, samples.correct, ks))
    for model, scores in samples.scores.items():
        if not np.isnan(scores).any():
            yield ("best_of_k", model), _exact(best_of_k(scores, samples.correct, ks))
            if votes:
                yield ("weighted_majority", model), vote(samples.answers, right[samples.answers], ks, scores)


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
    selector: str, model: str, ks: Counts, picked: Sequence[Picked], coverage: Floats
) -> list[SelectorPoint]:
    success, stderr, low, high = estimate(np.array([problem.success for problem in picked]))
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
        )
        for place, k in enumerate(ks.tolist())
    ]


def _diversity(problem_id: int, extracted: _Extracted) -> list[DiversityPoint]:
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
