"""Asking for the numbers of a reward model."""

from collections.abc import Mapping
from typing import Any

from models.database import transaction
from tasks import ledger
from tasks.engines.reward_models import check_reward_arguments, reward_name, reward_queue
from tasks.publish import publish


def request_scores(run_id: int, reward_model: str, engine_args: Mapping[str, Any]) -> int:
    """Make and publish the works that score a run's finished batches; those that exist stay. Returns the new ones."""
    check_reward_arguments(engine_args)
    queue = reward_queue(reward_model, engine_args)
    with transaction() as connection:
        made = ledger.add_score_works(connection, run_id, reward_name(reward_model, engine_args), queue)
    publish(queue)
    return made
