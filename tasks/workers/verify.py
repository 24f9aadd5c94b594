"""A verify work: extract a batch's candidates, judge the ones without a verdict, end with the tally."""

import time
from threading import Event

from celery import Task

from models.database import transaction
from models.rows import storable
from models.settings import settings
from tasks import ledger
from tasks.app import app
from tasks.identity import this_worker
from tasks.ledger import Lease, Usage, Verdicts, Verification
from tasks.patience import patiently
from tasks.stored import stored_problem, stored_verifier
from tasks.workers import leases
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
    worker = this_worker(task.request.hostname or "worker")
    lease = patiently(lambda: ledger.claim(work_id, worker, settings().lease_seconds))
    if lease is None:
        return "nothing to do"
    with leases.kept(lease) as stop:
        try:
            return _verify(lease, stop)
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            patiently(lambda: ledger.fail(lease, message))
            raise


def _verify(lease: Lease, stop: Event) -> str:
    assert lease.verifier_id is not None
    verifier = patiently(lambda: stored_verifier(lease.verifier_id))
    problem = patiently(lambda: stored_problem(lease.problem_id))
    extractions = [
        Verification(index, _extract(verifier, problem, text)) for index, text in patiently(lambda: _texts(lease))
    ]
    texts = [each.candidate.text for each in extractions if each.candidate is not None]
    distinct = sorted(set(texts))
    known = patiently(lambda: _known(lease, distinct)) if distinct else set()
    new = [text for text in distinct if text not in known]
    usage = Usage(judged=len(new), reused=len(texts) - len(new))
    verdicts: Verdicts = {}
    began = committed = time.monotonic()
    for text in new:
        verdicts[text] = verifier.judge_safely(problem, text)
        usage.cpu_seconds += verdicts[text].cpu_seconds
        now = time.monotonic()
        if now - committed > COMMIT_SECONDS:
            _keep(lease, verdicts)
            committed = now
        if stop.is_set() or now - began > WORK_SECONDS:
            _keep(lease, verdicts)
            patiently(lambda: ledger.give_back(lease, usage))
            return "given back"
    failed = [judged.detail for judged in verdicts.values() if _ours(judged.outcome)]
    if failed and lease.attempts < INFRASTRUCTURE_ATTEMPTS:
        _keep(lease, verdicts)
        patiently(lambda: ledger.fail(lease, f"{len(failed)} candidates could not be judged: {failed[0]}", usage))
        return f"to be tried again: {failed[0]}"
    if not patiently(lambda: ledger.finish_verify(lease, extractions, verdicts, usage)):
        return "lost its lease"
    correct = sum(judged.outcome == Outcome.correct for judged in verdicts.values())
    return f"{lease.size} samples · {len(new)} new candidates, {correct} of them correct"


def _keep(lease: Lease, verdicts: Verdicts) -> None:
    """Commit the verdicts so far, but for our own failures, which are to be tried again."""
    sure = {each: judged for each, judged in verdicts.items() if not _ours(judged.outcome)}
    patiently(lambda: ledger.record_verdicts(lease, sure))


def _ours(outcome: Outcome) -> bool:
    return outcome == Outcome.infrastructure_error


def _extract(verifier: Verifier, problem: Problem, text: str | None) -> Candidate | None:
    found = None if text is None else verifier.extract(problem, text)
    return None if found is None else Candidate(storable(found.text), found.how)


def _texts(lease: Lease) -> list[tuple[int, str | None]]:
    with transaction() as connection:
        rows = connection.execute(
            """
            select sample_index, text from sample
            where run_id = %s and problem_id = %s and sample_index >= %s and sample_index < %s
            order by sample_index
            """,
            (lease.run_id, lease.problem_id, lease.first_index, lease.first_index + lease.size),
        ).fetchall()
    if len(rows) != lease.size:
        raise RuntimeError(f"batch {lease.batch_id} has {len(rows)} samples instead of {lease.size}")
    return [(row["sample_index"], row["text"]) for row in rows]


def _known(lease: Lease, candidates: list[str]) -> set[str]:
    with transaction() as connection:
        return ledger.known_candidates(connection, lease, candidates)
