"""Asking for the numbers of a reward model."""

from collections.abc import Mapping
from typing import Any

from tasks import ledger
from tasks.engines.reward_models import check_reward_arguments, reward_name, reward_queue
from tasks.publish import publish


def request_scores(run_id: int, reward_model: str, engine_args: Mapping[str, Any]) -> int:
    """Have a run's batches scored, those to come too; returns how many works that makes now. Those that exist stay."""
    check_reward_arguments(engine_args)
    queue = reward_queue(reward_model, engine_args)
    with ledger.hold(run_id) as run:
        works = run.score_by(reward_name(reward_model, engine_args), queue)
    publish(queue)
    return works
