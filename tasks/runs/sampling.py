"""What cannot be asked of an llm, said before a run is made."""

import json
from collections.abc import Mapping
from typing import Any

from models.storable import is_storable
from tasks.engines import engine_of
from verifiers.benchmarks.benchmark import Sampling
from verifiers.errors import UserError
from verifiers.ranges import check_ranges

LONGEST_SETTINGS = 200_000
"""Characters of a run's sampling settings as JSON."""

OURS = {
    "conversation", "messages", "chat_template", "tokenize", "add_generation_prompt", "continue_final_message",
    "return_dict", "return_tensors",
}  # fmt: skip
"""Arguments of a chat template's caller: ours, or the server's."""

SETTLED = {
    "model": "-m", "n": "-n", "prompt": "the benchmark", "messages": "the benchmark", "stream": "the worker",
    "temperature": "--temperature", "top_p": "--top-p", "max_tokens": "--max-tokens", "stop": "--stop",
    "seed": "--seeded",
}  # fmt: skip
"""Field of a request -> what settles it: as an engine argument it would be sampled by, and paid, but not recorded."""

STRUCTURED: dict[str, type] = {"json": dict, "regex": str, "choice": list, "grammar": str}
"""What --structured-outputs may hold, of which type."""


def check_sampling(sampling: Sampling, llm: str, engine_args: Mapping[str, Any]) -> None:
    """UserError for settings that cannot be right, cannot be stored, or that this llm's engine is known not to take."""
    check_ranges(sampling)
    _check_storable(sampling)
    given = sampling.stored()
    for name, option in {"system": "--system", "chat_template_args": "--chat-template-arg"}.items():
        if name in given and not sampling.chat:
            raise UserError(f"{option} is for a chat template; add --chat.")
    for name in OURS & (sampling.chat_template_args or {}).keys():
        raise UserError(f"--chat-template-arg {name} is not the template's own: it would change how a prompt is made.")
    if engine_of(llm) == "openai":
        for name in SETTLED.keys() & engine_args.keys():
            raise UserError(f"--engine-arg {name} is settled by {SETTLED[name]}; leave it out.")
    if sampling.structured_outputs is not None:
        _check_structured(sampling.structured_outputs)
    parses = {"reasoning_parser", "reasoning_config"} & engine_args.keys()
    if sampling.thinking_budget is not None and engine_of(llm) == "vllm" and not parses:
        raise UserError("--thinking-budget needs to know the llm's tags; add --engine-arg reasoning_parser=qwen3.")


def _check_storable(sampling: Sampling) -> None:
    stored = {**sampling.stored(), "stop": list(sampling.stop)}
    if not is_storable(stored):
        raise UserError("Sampling settings take text without NUL and broken Unicode, and nothing nested very deeply.")
    try:
        size = len(json.dumps(stored, allow_nan=False, ensure_ascii=False))
    except ValueError as error:
        raise UserError("Sampling settings must not be or hold NaN or Infinity.") from error
    if size > LONGEST_SETTINGS:
        raise UserError(
            f"Sampling settings, the system message among them, take at most {LONGEST_SETTINGS:,} characters together."
        )


def _check_structured(wanted: Mapping[str, Any]) -> None:
    kind = next(iter(wanted), "")
    value = wanted.get(kind)
    if len(wanted) > 1 or not value or not isinstance(value, STRUCTURED.get(kind, type(None))):
        raise UserError(
            '--structured-outputs takes one of {"json": {...}}, {"regex": "..."}, {"choice": ["...", "..."]} and '
            '{"grammar": "..."}.'
        )
    if isinstance(value, list) and not all(isinstance(each, str) and each for each in value):
        raise UserError("--structured-outputs takes texts as a choice.")
