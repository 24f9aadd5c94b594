"""A score work: one batch's samples through a reward model, in one transaction into the table."""

from threading import Event

from celery import Task

from models.database import transaction
from tasks import ledger
from tasks.app import app
from tasks.engines.vllm_reward import RewardModel
from tasks.ledger import Lease, Scored, Usage
from tasks.patience import patiently
from tasks.workers.engaged import Engaged

_engaged: Engaged[RewardModel] | None = None


def use_reward_model(model: RewardModel) -> None:
    """Make a reward model the one that this process scores with."""
    global _engaged
    _engaged = Engaged(model)


@app.task(name="score", bind=True)
def score(task: Task, work_id: int) -> str:  # type: ignore[type-arg]
    """Score one batch. Returns what Flower shows."""
    if _engaged is None:
        raise RuntimeError("this worker has no reward model")
    return _engaged.work_off(task, work_id, _rate, _keep)


def _rate(model: RewardModel, lease: Lease, stop: Event) -> list[Scored]:
    prompt, samples = patiently(lambda: _samples(lease))
    rewards = model.rate(prompt, list(samples.values()), stop)
    return [Scored(index, reward.score, reward.step_scores) for index, reward in zip(samples, rewards, strict=True)]


def _keep(_: RewardModel, lease: Lease, scores: list[Scored], gpu_seconds: float) -> str:
    if not patiently(lambda: ledger.finish_score(lease, scores, Usage(gpu_seconds=gpu_seconds))):
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
