"""What a reward model is called, where its works go, and how its steps become one number; torch is not needed here."""

import json
import math
import re
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
    return _queue(full_name(reward_model), engine_args)


def reward_name(reward_model: str, engine_args: Mapping[str, Any]) -> str:
    """What stands in the table score: the name, and behind it what else makes the numbers other ones.

    Texts stand as they are, unless they hold white space or could be read as something else; the rest is JSON.
    """
    return " ".join(
        [full_name(reward_model), *(f"{key}={_shown(value)}" for key, value in sorted(engine_args.items()))]
    )


def read_reward_name(stored: str, queue: str) -> tuple[str, dict[str, Any]] | None:
    """The reward model and its engine arguments, by the name in the table score and the queue; None where they differ.

    The queue is a hash over both, and tells where the name of a folder with white space ends.
    """
    words = stored.split(" ")
    for end in range(len(words), 0, -1):
        name = " ".join(words[:end])
        arguments = dict(_read(word) for word in words[end:])
        if queue == _queue(name, arguments):
            return name, arguments
    return None


def _queue(full_reward_model: str, engine_args: Mapping[str, Any]) -> str:
    return "score." + queue_of(full_reward_model, engine_args).removeprefix("generate.")


def _shown(value: Any) -> str:
    if isinstance(value, str) and not re.search(r"\s", value) and _read(f"={value}") == ("", value):
        return value
    return json.dumps(value, separators=(",", ":")).replace(" ", "\\u0020")


def _read(word: str) -> tuple[str, Any]:
    key, _, text = word.partition("=")
    try:
        return key, json.loads(text)
    except (ValueError, RecursionError):
        return key, text


def check_reward_arguments(engine_args: Mapping[str, Any]) -> None:
    """UserError for an aggregate that is none, or one without steps."""
    aggregate = engine_args.get("aggregate", "min")
    if aggregate not in AGGREGATES:
        raise UserError(f"aggregate is one of {', '.join(AGGREGATES)}, not {aggregate!r}.")
    if "step_token" not in engine_args and {"aggregate", "step_separator"} & set(engine_args):
        raise UserError("aggregate and step_separator need --engine-arg step_token=TOKEN, such as <extra_0>.")
