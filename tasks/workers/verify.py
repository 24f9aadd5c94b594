"""A verify work: extract a batch's candidates, judge the ones without a verdict, end with the tally."""

import time
from collections.abc import Sequence

from celery import Task

from models.storable import storable
from tasks import ledger
from tasks.app import app
from tasks.ledger import Usage, Verdicts, Verification
from tasks.stored import stored_problem, stored_verifier
from tasks.workers.attempt import NOTHING, WorkInHand, attempted, claim
from tasks.workers.samples import Split, batch_samples
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Problem, Verifier

COMMIT_SECONDS = 5
"""How long a verdict may stay in memory."""

WORK_SECONDS = 300
"""A work that takes longer is given back and published again, so no broker's or supervisor's time limit matters."""

INFRASTRUCTURE_ATTEMPTS = 3
"""Tries at judging before our own failure is written down as such."""


@app.task(name="verify", bind=True)
def verify(task: Task, work_id: int) -> str:  # type: ignore[type-arg]
    """Verify one batch by one verifier. Returns what Flower shows."""
    lease = claim(task, work_id)
    if lease is None:
        return NOTHING
    with attempted(lease) as attempt:
        attempt.result = _verify(attempt)
    return attempt.result


def _verify(attempt: WorkInHand) -> str:
    lease = attempt.lease
    assert lease.verifier_id is not None
    verifier, problem = stored_verifier(lease.verifier_id), stored_problem(lease.problem_id)
    _, samples = batch_samples(lease)
    extractions = [_extract(verifier, problem, sample) for sample in samples]
    texts = [each.candidate.text for each in extractions if each.candidate is not None]
    distinct = sorted(set(texts))
    known = ledger.known_candidates(lease, distinct) if distinct else set()
    new = [text for text in distinct if text not in known]
    usage = Usage(reused=len(texts) - len(new))
    verdicts, rest = _judge(attempt, verifier, problem, new, usage)
    sure = _sure(verdicts)
    failed = [judgement.detail for text, judgement in verdicts.items() if text not in sure]
    if failed and lease.attempts < INFRASTRUCTURE_ATTEMPTS:
        ledger.record_verdicts(lease, sure)
        ledger.fail(lease, f"{len(failed)} candidates could not be judged: {failed[0]}", usage)
        return f"to be tried again: {failed[0]}"
    if rest:
        ledger.record_verdicts(lease, verdicts)
        ledger.give_back(lease, rest, usage)
        return f"given back: {rest}"
    if not ledger.finish_verify(lease, extractions, verdicts, usage):
        return "lost its lease"
    correct = sum(judgement.outcome == Outcome.correct for judgement in verdicts.values())
    return f"{lease.size} samples · {len(new)} new candidates, {correct} of them correct"


def _judge(
    attempt: WorkInHand, verifier: Verifier, problem: Problem, candidates: Sequence[str], usage: Usage
) -> tuple[Verdicts, str]:
    """Judge candidates, the verdicts committed every few seconds; and why it ended before the last one, if it did."""
    verdicts: Verdicts = {}
    began = committed = time.monotonic()
    for text in candidates:
        now = time.monotonic()
        if attempt.stop.is_set():
            return verdicts, "its worker leaves, or the work was cancelled"
        if now - began > WORK_SECONDS:
            return verdicts, f"{len(candidates) - len(verdicts)} candidates are left after {WORK_SECONDS} s"
        if now - committed > COMMIT_SECONDS:
            ledger.record_verdicts(attempt.lease, _sure(verdicts))
            committed = now
        verdicts[text] = verifier.judge_safely(problem, text)
        usage.judged += 1
        usage.cpu_seconds += verdicts[text].cpu_seconds
    return verdicts, ""


def _sure(verdicts: Verdicts) -> Verdicts:
    """Without our own failures, which are to be tried again."""
    ours = Outcome.infrastructure_error
    return {text: judgement for text, judgement in verdicts.items() if judgement.outcome != ours}


def _extract(verifier: Verifier, problem: Problem, sample: Split) -> Verification:
    """What the verifier finds in the answer; what was thought it never sees."""
    candidate = None if sample.answer is None else verifier.extract(problem, sample.answer)
    storable_candidate = None if candidate is None else Candidate(storable(candidate.text), candidate.how)
    return Verification(sample.sample_index, storable_candidate, sample.answer_from)
