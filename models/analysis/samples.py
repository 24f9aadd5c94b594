"""The samples of a run by one verifier, problem by problem: what selectors and measures of diversity look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.database import rows
from models.statistics.coverage import Counts
from models.statistics.intervals import Floats
from models.statistics.selection import NO_ANSWER
from verifiers.outcome import Outcome

Classes = Callable[[Sequence[str]], list[int]]
"""Numbers for candidates: equal answers share one."""


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


class Extracted(NamedTuple):
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


def extracted_of(run_id: int, verifier_id: int, problem_id: int) -> Extracted:
    """A problem's samples that the verifier looked at, without those that a plan chose by outcomes."""
    (extracted,) = rows(
        Extracted,
        """
        select coalesce(array_agg(extraction.candidate_id order by sample_index), '{}') as candidates,
            coalesce(array_agg(sample_index order by sample_index), '{}') as indices,
            coalesce(array_agg(sample.logprob / nullif(sample.completion_tokens, 0) order by sample_index), '{}')
                as logprobs,
            avg((sample.finish_reason = 'length')::int)::double precision as truncated,
            avg((extraction.answer_from is null)::int)::double precision as unended
        from extraction join sample using (run_id, problem_id, sample_index)
        join run on run.id = run_id and (not stop_rule ? 'planned' or sample_index < run.n)
        where run_id = %s and extraction.verifier_id = %s and problem_id = %s
        """,
        (run_id, verifier_id, problem_id),
    )
    return extracted


def samples_of(
    run_id: int,
    verifier_id: int,
    problem_id: int,
    extracted: Extracted,
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


def _scores(run_id: int, problem_id: int, extracted: Extracted, models: Sequence[str]) -> dict[str, Floats]:
    """Every sample's score by reward model; NaN where it has none."""
    scores = {model: np.full(len(extracted.indices), np.nan) for model in models}
    if models:
        places = {index: place for place, index in enumerate(extracted.indices)}
        statement = "select reward_model, sample_index, score from score where run_id = %s and problem_id = %s"
        for scored in rows(_Scored, statement, (run_id, problem_id)):
            if scored.sample_index in places:
                scores[scored.reward_model][places[scored.sample_index]] = scored.score
    return scores
