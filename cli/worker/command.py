"""The command line that starts a worker, made in one place: for a person to type, and for the stack to run."""

import shlex
from collections.abc import Mapping
from typing import Any, Literal

from cli.options import engine_options
from tasks.engines import endpoints_of
from verifiers.benchmarks.own import is_own_queue

SERVES = {"generate": "-m", "score": "--reward-model", "verify": "-Q"}
"""Kind of a worker -> the option that says what it serves: an llm, a reward model, a queue of verify works."""


def worker_arguments(
    kind: Literal["generate", "score", "verify"], served: str, engine_args: Mapping[str, Any] | None = None
) -> list[str]:
    """The words after `monkeys` that start a worker of the very queue of these engine arguments."""
    options = dict(engine_args or {})
    words = ["worker", kind, SERVES[kind], served]
    if kind == "generate" and "endpoint" in options:
        words += [word for url in endpoints_of(options) for word in ("--endpoint", url)]
        del options["endpoint"]
    if kind == "generate" and options.pop("batch", None):
        words.append("--batch")
    if kind == "verify" and is_own_queue(served):
        words.append("--own-benchmarks")
    return words + [word for option in engine_options(options) for word in ("--engine-arg", option)]


def worker_command(
    kind: Literal["generate", "score", "verify"], served: str, engine_args: Mapping[str, Any] | None = None
) -> str:
    """The same as a line for a shell."""
    return shlex.join(["monkeys", *worker_arguments(kind, served, engine_args)])
