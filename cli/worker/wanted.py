"""Whether a worker serves what was asked for, and what a person does where none does."""

from collections.abc import Mapping
from typing import Any

from cli.options import engine_options
from cli.worker.command import worker_command
from models.settings import settings
from verifiers.errors import Unavailable


def serve_llm(llm: str, engine_args: Mapping[str, Any], queue: str) -> list[str]:
    """See to it that a worker serves an llm: the local stack starts one, elsewhere a person is told how."""
    from cli.stack import ensure_llm
    from tasks.broker import is_served

    try:
        if is_served(queue):
            return []
    except Unavailable as error:
        return [str(error), "The works are safe in the database: the sweeper sends them when the broker is back."]
    if settings().own_broker and ensure_llm(llm, engine_options(engine_args)):
        return [f"The local stack starts a worker for {llm}."]
    return _told(llm, worker_command("generate", llm, engine_args))


def serve_reward_model(reward_model: str, engine_args: Mapping[str, Any]) -> list[str]:
    """How a person starts a worker for a reward model; nothing where one serves it."""
    from tasks.broker import is_served
    from tasks.engines.reward_models import reward_queue

    if is_served(reward_queue(reward_model, engine_args)):
        return []
    return _told(reward_model, worker_command("score", reward_model, engine_args))


def _told(served: str, command: str) -> list[str]:
    return [f"No worker serves {served} yet. Start one where the GPUs are:", f"  {command}"]
