"""A score work: one batch's samples through a reward model, in one transaction into the table."""

from typing import NamedTuple

from celery import Task

from models.database import fetch, fetch_column, transaction
from tasks import ledger
from tasks.app import app
from tasks.engines.vllm_reward import RewardModel
from tasks.ledger import Lease, Scored, Usage
from tasks.patience import patient
from tasks.workers.attempt import NOTHING, WorkInHand
from tasks.workers.engine_time import EngineTime

_time: EngineTime[RewardModel] | None = None


def use_reward_model(model: RewardModel) -> None:
    """Make a reward model the one that this process scores with."""
    global _time
    _time = EngineTime(model)


@app.task(name="score", bind=True)
def score(task: Task, work_id: int) -> str:  # type: ignore[type-arg]
    """Score one batch. Returns what Flower shows."""
    if _time is None:
        raise RuntimeError("this worker has no reward model")
    with _time.attempt(task, work_id) as attempt:
        if attempt is None:
            return NOTHING
        prompt, samples = _samples(attempt.lease)
        rewards = _time.engine.rate(prompt, [sample.text for sample in samples], attempt.stop)
        scores = [
            Scored(sample.sample_index, reward.score, reward.step_scores)
            for sample, reward in zip(samples, rewards, strict=True)
        ]
        attempt.result = _finish(attempt, scores)
    return attempt.result


def _finish(attempt: WorkInHand, scores: list[Scored]) -> str:
    if not ledger.finish_score(attempt.lease, scores, Usage(gpu_seconds=attempt.gpu_seconds())):
        return "lost its lease"
    return f"{len(scores)} samples"


class _Sample(NamedTuple):
    sample_index: int
    text: str


@patient
def _samples(lease: Lease) -> tuple[str, list[_Sample]]:
    """A batch's prompt and samples; samples that were imported without a text have no score."""
    with transaction() as connection:
        (prompt,) = fetch_column(
            connection,
            "select text from prompt where run_id = %(run_id)s and problem_id = %(problem_id)s",
            vars(lease),
        )
        samples = fetch(
            connection,
            _Sample,
            """
            select sample_index, text from sample
            where run_id = %(run_id)s and problem_id = %(problem_id)s and text is not null
                and sample_index >= %(first_index)s and sample_index < %(first_index)s + %(size)s
            order by sample_index
            """,
            vars(lease),
        )
    return prompt, samples
