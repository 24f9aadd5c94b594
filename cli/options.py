"""Options that several commands share."""

import json
from collections.abc import Callable, Iterable
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


def engine_args(given: Iterable[str]) -> dict[str, Any]:
    """`key=value` options as engine arguments; values are JSON where they can be, else text."""
    arguments: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals or not key.replace("-", "_").isidentifier():
            raise UserError(f"--engine-arg takes key=value, not {each!r}.")
        try:
            arguments[key.replace("-", "_")] = json.loads(value)
        except ValueError:
            arguments[key.replace("-", "_")] = value
    return arguments


def table_options(command: F) -> F:
    """--json and --csv, for commands that print data."""
    command = click.option("--csv", "form", flag_value="csv", help="Print CSV.")(command)
    return click.option("--json", "form", flag_value="json", help="Print JSON.")(command)
