"""What a reward model is called, where its works go, and how its steps become one number; torch is not needed here."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tasks.engines import full_name, queue_of
from verifiers.errors import UserError

STEP_SEPARATOR = "\n\n"
"""What ends a step of a sample, unless `step_separator` says otherwise."""

AGGREGATES: dict[str, Callable[[Sequence[float]], float]] = {
    "min": min,
    "product": math.prod,
    "last": lambda scores: scores[-1],
    "mean": lambda scores: math.fsum(scores) / len(scores),
}
"""How the scores of steps become a sample's; `min` and `last` are the usual ones for process reward models."""


def reward_queue(reward_model: str, engine_args: Mapping[str, Any]) -> str:
    """The Celery queue of a reward model: `score.<slug>-<hash>`."""
    return "score." + queue_of(full_name(reward_model), engine_args).removeprefix("generate.")


def reward_name(reward_model: str, engine_args: Mapping[str, Any]) -> str:
    """What stands in the table score: the name, and behind it what else makes the numbers other ones."""
    return " ".join([full_name(reward_model), *(f"{name}={value}" for name, value in sorted(engine_args.items()))])


def check_reward_arguments(engine_args: Mapping[str, Any]) -> None:
    """UserError for an aggregate that is none, or one without steps."""
    aggregate = engine_args.get("aggregate", "min")
    if aggregate not in AGGREGATES:
        raise UserError(f"aggregate is one of {', '.join(AGGREGATES)}, not {aggregate!r}.")
    if "step_token" not in engine_args and {"aggregate", "step_separator"} & set(engine_args):
        raise UserError("aggregate and step_separator need --engine-arg step_token=TOKEN, such as <extra_0>.")
