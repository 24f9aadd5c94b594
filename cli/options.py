"""Options that several commands share."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import click

from verifiers.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])

llm_option = click.option(
    "-m",
    "--model",
    "llm",
    default="pocket-monkey",
    show_default=True,
    help="The llm: a hub name, a local folder, openai:NAME or replay:FILE.",
)


endpoint_option = click.option("--endpoint", metavar="URL", help="Of openai:NAME: where it is served, up to /v1.")


def with_endpoint(engine_arguments: tuple[str, ...], endpoint: str | None) -> tuple[str, ...]:
    """The engine arguments with an endpoint among them: it is stored with the llm like the others."""
    return engine_arguments if endpoint is None else (*engine_arguments, f"endpoint={endpoint}")


def engine_args(options: Iterable[str]) -> dict[str, Any]:
    """`key=value` options as engine arguments: values are JSON where they can be, else text; a revision is text."""
    arguments: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        key = key.replace("-", "_")
        if not equals or not key.isidentifier():
            raise UserError(f"--engine-arg takes key=value, not {option!r}.")
        arguments[key] = _value(key, text)
    return arguments


def engine_options(engine_args: Mapping[str, Any]) -> list[str]:
    """The `key=value` texts that `engine_args` reads back as these arguments."""
    return [f"{key}={_text(key, value)}" for key, value in engine_args.items()]


def _value(key: str, text: str) -> Any:
    if key.endswith("revision"):
        return text  # a commit such as 7e12345 is no number
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, float) and math.isinf(value) and "Infinity" not in text:
        return text  # no number that a machine has
    try:
        json.dumps(value, allow_nan=False)
    except ValueError as error:
        raise UserError(f"--engine-arg {key} must be a finite number, not {text!r}.") from error
    return value


def _text(key: str, value: Any) -> str:
    if isinstance(value, str) and (key.endswith("revision") or not _is_json(value)):
        return value
    return json.dumps(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def table_options(command: F) -> F:
    """--json and --csv, for commands that print data."""
    command = click.option("--csv", "form", flag_value="csv", help="Print CSV.")(command)
    return click.option("--json", "form", flag_value="json", help="Print JSON.")(command)
