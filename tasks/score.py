"""A score work: one batch's samples through a reward model, in one transaction into the table."""

from dataclasses import dataclass
from threading import Event

from celery import Task

from models.database import transaction
from models.settings import settings
from tasks import leases, ledger
from tasks.app import app
from tasks.engines.engine import EngineDead, Interrupted, RequestRefused
from tasks.engines.vllm_reward import RewardModel
from tasks.identity import this_worker
from tasks.ledger import Lease, Usage
from tasks.meter import Meter
from tasks.patience import patiently


@dataclass
class InUse:
    """The one reward model of this process."""

    model: RewardModel
    meter: Meter


_loaded: InUse | None = None


def use_reward_model(model: RewardModel) -> None:
    """Make a reward model the one that this process scores with."""
    global _loaded
    _loaded = InUse(model, Meter(model.gpus))


@app.task(name="score", bind=True)
def score(task: Task, work_id: int) -> str:  # type: ignore[type-arg]
    """Score one batch. Returns what Flower shows."""
    if _loaded is None:
        raise RuntimeError("this worker has no reward model")
    model, meter = _loaded.model, _loaded.meter
    worker = this_worker(task.request.hostname or "worker", model)
    with meter.admission:
        room = meter.wait_for_room(model.capacity, leases.leaving)
        if not room or model.dead.is_set():
            patiently(lambda: ledger.unpublish([work_id]))
            return "given back"
        lease = patiently(lambda: ledger.claim(work_id, worker, settings().lease_seconds))
        if lease is None:
            return "nothing to do"
        meter.begin(lease.attempt_id, lease.size)
    try:
        with leases.kept(lease, lambda: meter.share(lease.attempt_id)) as stop:
            return _score(_loaded, lease, stop)
    finally:
        meter.end(lease.attempt_id)


def _score(loaded: InUse, lease: Lease, stop: Event) -> str:
    """Score a leased batch and end its work one way or another."""

    def used() -> Usage:
        return Usage(gpu_seconds=loaded.meter.share(lease.attempt_id))

    try:
        prompt, samples = patiently(lambda: _samples(lease))
        rewards = loaded.model.rate(prompt, list(samples.values()), stop)
    except Interrupted:
        patiently(lambda: ledger.give_back(lease, used()))
        return "given back"
    except RequestRefused as error:
        refusal = str(error)
        patiently(lambda: ledger.fail(lease, refusal, used(), final=True))
        return f"refused: {refusal}"
    except Exception as error:
        message = f"{type(error).__name__}: {error}"
        patiently(lambda: ledger.fail(lease, message, used()))
        if isinstance(error, EngineDead):
            loaded.model.dead.set()
        raise
    scores = [
        ledger.Scored(index, reward.score, reward.step_scores) for index, reward in zip(samples, rewards, strict=True)
    ]
    if not patiently(lambda: ledger.finish_score(lease, scores, used())):
        return "lost its lease"
    return f"{len(scores)} samples"


def _samples(lease: Lease) -> tuple[str, dict[int, str]]:
    """A batch's prompt, and sample index -> text; samples that were imported without one have no score."""
    with transaction() as connection:
        row = connection.execute(
            "select text from prompt where run_id = %s and problem_id = %s", (lease.run_id, lease.problem_id)
        ).fetchone()
        found = connection.execute(
            """
            select sample_index, text from sample
            where run_id = %s and problem_id = %s and sample_index >= %s and sample_index < %s and text is not null
            order by sample_index
            """,
            (lease.run_id, lease.problem_id, lease.first_index, lease.first_index + lease.size),
        ).fetchall()
    assert row is not None
    return row["text"], {each["sample_index"]: each["text"] for each in found}
