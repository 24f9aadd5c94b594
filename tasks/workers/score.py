"""A score work: one batch's samples through a reward model, in one transaction into the table."""

from celery import Task

from tasks import ledger
from tasks.app import app
from tasks.engines.vllm_reward import RewardModel
from tasks.ledger import Scored, Usage
from tasks.workers.attempt import NOTHING, WorkInHand, keep_storing
from tasks.workers.engine_time import EngineTime
from tasks.workers.samples import batch_samples

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
        prompt, found = batch_samples(attempt.lease)
        samples = [sample for sample in found if sample.text is not None]  # an import may have none: no score
        # reward models were trained on answers; thinking that did not end answered nothing
        rewards = _time.engine.rate(prompt, [sample.answer or "" for sample in samples], attempt.stop)
        scores = [
            Scored(sample.sample_index, reward.score, reward.step_scores)
            for sample, reward in zip(samples, rewards, strict=True)
        ]
        attempt.result = _finish(attempt, scores)
    return attempt.result


def _finish(attempt: WorkInHand, scores: list[Scored]) -> str:
    usage = Usage(gpu_seconds=attempt.gpu_seconds())
    if not keep_storing(ledger.finish_score, attempt.lease, scores, usage):
        return "lost its lease"
    return f"{len(scores)} samples"
