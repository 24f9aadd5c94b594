"""A verify work: extract a batch's candidates, judge the ones without a verdict, end with the tally."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from celery import Task

from models.questions.health import JUDGE_AWAY
from models.settings import settings
from models.storable import storable
from tasks import ledger
from tasks.app import app
from tasks.ledger import Claimed, Lease, Usage, Verdicts, Verification
from tasks.stored import StoredProblem, StoredVerifier, problem_by, verifier_by
from tasks.workers.attempt import NOTHING, WorkInHand, attempted, claim, keep_storing
from tasks.workers.children import WatchedTask
from tasks.workers.samples import Split, batch_samples
from verifiers.errors import JudgeAway, JudgingStopped
from verifiers.isolation.apart import stopped_by
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Problem, Verifier

COMMIT_SECONDS = 5
"""How long a verdict may stay in memory."""

WORK_SECONDS = 300
"""A work that takes longer is given back and published again, so no broker's or supervisor's time limit matters."""

JUDGEMENT_SECONDS = 3_600
"""Longer than any verifier takes for one candidate by its own limits, on a busy machine too."""

INFRASTRUCTURE_ATTEMPTS = 3
"""Tries at judging before our own failure is written down as such."""

WAIT_SECONDS = 10.0
"""How long a work waits in its slot for candidates that other works are judging: other problems want that slot."""

WAIT_PAUSE_SECONDS = 20.0
"""After that, until it looks again: always the same, so that it comes soon after a verdict however long that took."""

LOOK_SECONDS = 0.5


class Unfinished(NamedTuple):
    """Why judging ended before the last candidate, and when the work is to be taken up again, if not by the pacing."""

    why: str
    pause: float | None = None


STOPPED = Unfinished("its worker leaves, or the work was cancelled")
ELSEWHERE = Unfinished("the candidates that are left are being judged for other works", WAIT_PAUSE_SECONDS)


@app.task(name="verify", bind=True, base=WatchedTask)
def verify(task: Task, work_id: int) -> str:  # type: ignore[type-arg]
    """Verify one batch by one verifier. Returns what Flower shows."""
    lease = claim(task, work_id)
    if lease is None:
        return NOTHING
    with attempted(lease) as attempt, stopped_by(attempt.stop):
        attempt.result = _verify(attempt)
    return attempt.result


def limit_works(*, patches: bool) -> None:
    """Have whoever serves works end a process that is at one for longer than any takes: nobody else's limit was kept.

    patches: they may take their own time, and as long again until an image is there.
    """
    verify.time_limit = WORK_SECONDS + JUDGEMENT_SECONDS + (2 * int(settings().patch_seconds) if patches else 0)


def _verify(attempt: WorkInHand) -> str:
    lease = attempt.lease
    verifier, problem = _asked_for(lease)
    _, samples = batch_samples(lease)
    extractions = list(_extractions(attempt, verifier, problem, samples))
    if len(extractions) < len(samples):
        ledger.give_back(lease, STOPPED.why)
        return f"given back: {STOPPED.why}"
    texts = [each.candidate.text for each in extractions if each.candidate is not None]
    distinct = sorted(set(texts))
    known = ledger.known_candidates(lease, distinct) if distinct else set()
    new = [text for text in distinct if text not in known]
    usage, verdicts = Usage(reused=len(texts) - len(new)), Verdicts()
    judge = _judge if verifier.judge_until is None else _judge_claimed
    try:
        rest = judge(attempt, verifier, problem, new, usage, verdicts)
    except JudgeAway as error:
        ledger.record_verdicts(lease, _sure(verdicts))
        ledger.give_back(lease, f"{JUDGE_AWAY}: {error}", usage)
        return f"given back: {error}"
    except JudgingStopped:
        rest = STOPPED
    sure = _sure(verdicts)
    failed = [judgement.detail for text, judgement in verdicts.items() if text not in sure]
    if failed and lease.attempts < INFRASTRUCTURE_ATTEMPTS:
        ledger.record_verdicts(lease, sure)
        ledger.fail(lease, f"{len(failed)} candidates could not be judged: {failed[0]}", usage)
        return f"to be tried again: {failed[0]}"
    if rest:
        ledger.record_verdicts(lease, verdicts)
        ledger.give_back(lease, rest.why, usage, rest.pause)
        return f"given back: {rest.why}"
    if not keep_storing(ledger.finish_verify, lease, extractions, verdicts, usage):
        return "lost its lease"
    correct = sum(judgement.outcome == Outcome.correct for judgement in verdicts.values())
    return f"{lease.size} samples · {len(verdicts)} new candidates, {correct} of them correct"


def _asked_for(lease: Lease) -> tuple[Verifier, Problem]:
    """The verifier and the problem that a lease is about."""
    assert lease.verifier_id is not None
    assert lease.verifier is not None
    assert lease.verifier_version is not None
    stored = StoredVerifier(lease.verifier_id, lease.benchmark, lease.verifier, lease.verifier_version)
    return verifier_by(stored), problem_by(StoredProblem(lease.problem_id, lease.problem_key, lease.problem_hash))


def _judge(
    attempt: WorkInHand, verifier: Verifier, problem: Problem, candidates: Sequence[str], usage: Usage, to: Verdicts
) -> Unfinished | None:
    """Judge candidates, the verdicts committed every few seconds; and why it ended before the last one, if it did."""
    began = committed = time.monotonic()
    for text in candidates:
        now = time.monotonic()
        if over := _over(attempt, began, len(candidates) - len(to)):
            return over
        if now - committed > COMMIT_SECONDS:
            ledger.record_verdicts(attempt.lease, _sure(to))
            committed = now
        _judge_one(attempt, verifier, problem, text, usage, to)
    return None


def _judge_claimed(
    attempt: WorkInHand, verifier: Verifier, problem: Problem, candidates: Sequence[str], usage: Usage, to: Verdicts
) -> Unfinished | None:
    """The same of candidates that take long: each is claimed first, and its verdict committed at once.

    Those that other works are judging come last, and are waited for a little.
    """
    lease, left, began = attempt.lease, list(candidates), time.monotonic()
    while True:
        for text in list(left):
            if over := _over(attempt, began, len(left)):
                return over
            claimed = ledger.claim_candidate(lease, text)
            if claimed is Claimed.elsewhere:
                continue
            left.remove(text)
            if claimed is Claimed.judged:
                usage.reused += 1
                continue
            _judge_one(attempt, verifier, problem, text, usage, to)
            if sure := _sure({text: to[text]}):
                ledger.record_verdicts(lease, sure)
                to[text] = replace(to[text], log=b"")  # it stands in the table, and may be large
        if not left:
            return None
        if not _fewer_claimed(attempt, left):
            return STOPPED if attempt.stop.is_set() else ELSEWHERE


def _fewer_claimed(attempt: WorkInHand, texts: Sequence[str]) -> bool:
    """Wait a little until other works no longer judge all of these candidates; whether that came."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not attempt.stop.wait(LOOK_SECONDS) and time.monotonic() < deadline:
        if ledger.count_claimed(attempt.lease, texts) < len(texts):
            return True
    return False


def _over(attempt: WorkInHand, began: float, left: int) -> Unfinished | None:
    """Why a work that began then is to judge no further, if so."""
    if attempt.stop.is_set():
        return STOPPED
    if time.monotonic() - began > WORK_SECONDS:
        return Unfinished(f"{left} candidates are left after {WORK_SECONDS} s")
    return None


def _judge_one(
    attempt: WorkInHand, verifier: Verifier, problem: Problem, text: str, usage: Usage, to: Verdicts
) -> None:
    to[text] = verifier.judge_safely(problem, text, attempt.stop)
    usage.judged += 1
    usage.cpu_seconds += to[text].cpu_seconds


def _sure(verdicts: Verdicts) -> Verdicts:
    """Without our own failures, which are to be tried again."""
    ours = Outcome.infrastructure_error
    return {text: judgement for text, judgement in verdicts.items() if judgement.outcome != ours}


def _extractions(
    attempt: WorkInHand, verifier: Verifier, problem: Problem, samples: Sequence[Split]
) -> Iterator[Verification]:
    """What the verifier finds in each answer, until the attempt is to stop."""
    for sample in samples:
        if attempt.stop.is_set():
            return
        try:
            yield _extract(verifier, problem, sample)
        except JudgingStopped:
            return


def _extract(verifier: Verifier, problem: Problem, sample: Split) -> Verification:
    """What the verifier finds in the answer; what was thought it never sees."""
    candidate = None if sample.answer is None else verifier.extract(problem, sample.answer)
    storable_candidate = None if candidate is None else Candidate(storable(candidate.text), candidate.how)
    return Verification(sample.sample_index, storable_candidate, sample.answer_from)
