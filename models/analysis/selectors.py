"""What a run's samples are worth to a selector that does not know the truth, and whether they still differ."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.database import query
from models.statistics.coverage import Counts, nice_ks, pass_at_k
from models.statistics.diversity import duplicate_share, expected_distinct
from models.statistics.intervals import Floats, clustered
from models.statistics.selection import NO_ANSWER, Picked, best_of_k, majority_at_k, vote

Classes = Callable[[Sequence[str]], list[int]]
"""Numbers for candidates: equal answers share one."""

LABELS = "imported"
"""The verifier of samples that came with their outcomes."""

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


@dataclass
class Described:
    """Rows of the computed tables about selection and diversity."""

    precision: list[dict[str, Any]] = field(default_factory=list)
    diversity: list[dict[str, Any]] = field(default_factory=list)


def describe(
    run_id: int, verifier_id: int, problem_ids: Sequence[int], ks: Counts, classes: Classes | None = None
) -> Described:
    """Precision at each k by every selector that the samples have what it takes for; diversity of each problem.

    The candidates of imported labels are the labels: nothing can vote with them, and they say nothing of diversity.
    """
    described = Described()
    labels = bool(query("select from verifier where id = %s and name = %s", (verifier_id, LABELS)))
    models = [
        row["reward_model"]
        for row in query("select distinct reward_model from score where run_id = %s order by 1", (run_id,))
    ]
    curves: dict[tuple[str, str], list[Picked]] = {}
    covered: list[Floats] = []
    for problem_id in problem_ids:
        row = _read(run_id, verifier_id, problem_id)
        if not labels:
            described.diversity += _diversity(problem_id, row)
        if len(ks):
            samples = _samples(run_id, problem_id, row, models, classes)
            if not len(samples.correct):
                continue  # counts without samples: nothing to pick from
            covered.append(pass_at_k(len(samples.correct), samples.correct.sum(), ks))
            for name, picked in _selections(samples, ks, votes=not labels):
                curves.setdefault(name, []).append(picked)
    for (selector, model), each in curves.items():
        if len(each) == len(problem_ids):  # a selector must have picked for every problem
            described.precision += _precision(selector, model, ks, each, np.array(covered).mean(axis=0))
    return described


def _read(run_id: int, verifier_id: int, problem_id: int) -> dict[str, Any]:
    """A problem's samples as arrays in order of their indices, and its candidates' texts and outcomes by id."""
    (row,) = query(
        """
        select array_agg(extraction.candidate_id order by sample_index) as candidates,
            array_agg(sample_index order by sample_index) as indices,
            array_agg(sample.logprob / nullif(sample.completion_tokens, 0) order by sample_index) as logprobs,
            avg((sample.finish_reason = 'length')::int)::double precision as truncated
        from extraction join sample using (run_id, problem_id, sample_index)
        where run_id = %s and verifier_id = %s and problem_id = %s
        """,
        (run_id, verifier_id, problem_id),
    )
    known = query(
        """
        select candidate.id, candidate.text, verdict.outcome
        from candidate join verdict on verdict.candidate_id = candidate.id and verdict.verifier_id = %s
        where candidate.id = any(%s)
        """,
        (verifier_id, list({each for each in row["candidates"] or () if each is not None})),
    )
    return {**row, "known": {each["id"]: each for each in known}}


def _samples(
    run_id: int, problem_id: int, row: dict[str, Any], models: Sequence[str], classes: Classes | None
) -> Samples:
    """The decided samples: those whose judging failed by our fault are left out."""
    known = row["known"]
    decided = [
        place
        for place, each in enumerate(row["candidates"] or ())
        if each is None or (each in known and known[each]["outcome"] != "infrastructure_error")
    ]
    candidates = [row["candidates"][place] for place in decided]
    ids = list(dict.fromkeys(each for each in candidates if each is not None))
    numbers = classes([known[each]["text"] for each in ids]) if classes else range(len(ids))
    number = dict(zip(ids, numbers, strict=True))
    scores = {model: np.full(len(row["indices"] or ()), np.nan) for model in models}
    if models:
        places = {index: place for place, index in enumerate(row["indices"] or ())}
        for score in query(
            "select reward_model, sample_index, score from score where run_id = %s and problem_id = %s",
            (run_id, problem_id),
        ):
            if score["sample_index"] in places:
                scores[score["reward_model"]][places[score["sample_index"]]] = score["score"]
    logprobs = np.array([row["logprobs"][place] for place in decided], dtype=np.float64)
    return Samples(
        answers=np.array([NO_ANSWER if each is None else number[each] for each in candidates], dtype=np.int64),
        correct=np.array([each is not None and known[each]["outcome"] == "correct" for each in candidates], np.int64),
        logprobs=logprobs,
        scores={model: each[decided] for model, each in scores.items()},
    )


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


def _exact(success: Floats) -> Picked:
    return Picked(success, np.zeros(len(success)))


def _precision(
    selector: str, model: str, ks: Counts, picked: Sequence[Picked], coverage: Floats
) -> list[dict[str, Any]]:
    success, stderr = clustered(np.array([each.success for each in picked]))
    simulated = np.array([each.stderr for each in picked])
    noise = np.sqrt((simulated**2).sum(axis=0)) / len(picked)
    exact = selector in ("best_of_k", "logprob")
    return [
        {
            "selector": selector,
            "reward_model": model,
            "k": int(k),
            "success_rate": success[place],
            "coverage": coverage[place],
            "stderr": None if np.isnan(stderr[place]) else stderr[place],
            "simulation_stderr": noise[place],
            "exact": exact or (selector == "majority" and k <= EXACT_MAJORITY),
        }
        for place, k in enumerate(ks)
    ]


def _diversity(problem_id: int, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Expected distinct candidates at every nice k of a problem; its shares of duplicates and truncated samples."""
    candidates = [each for each in row["candidates"] or () if each is not None]
    total = len(row["candidates"] or ())
    counts = np.unique(candidates, return_counts=True)[1] if candidates else np.array([], dtype=np.int64)
    ks = nice_ks(total)
    share = duplicate_share(counts)
    return [
        {
            "problem_id": problem_id,
            "k": int(k),
            "expected_distinct_candidates": distinct,
            "duplicate_share": None if np.isnan(share) else share,
            "truncated_share": row["truncated"],
        }
        for k, distinct in zip(ks, expected_distinct(counts, ks, total - len(candidates)) if total else (), strict=True)
    ]
