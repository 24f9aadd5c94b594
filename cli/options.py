"""Options that several commands share."""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import Field, fields
from typing import Any, TypeVar

import click

from verifiers.errors import UserError
from verifiers.ranges import Range

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
    """`key=value` options as engine arguments; values are JSON where they can be, else text. A revision is text."""
    arguments: dict[str, Any] = {}
    for each in given:
        key, equals, value = each.partition("=")
        name = key.replace("-", "_")
        if not equals or not name.isidentifier():
            raise UserError(f"--engine-arg takes key=value, not {each!r}.")
        arguments[name] = value if name.endswith("revision") else _engine_value(name, value)
    return arguments


def _engine_value(name: str, text: str) -> Any:
    """The text as JSON; as it is where it is none, or a number too large for one, which is a hash like 7e12345."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(value, float) and math.isinf(value) and "Infinity" not in text:
        return text
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise UserError(f"--engine-arg {name} must not be or hold NaN or Infinity, not {text!r}.") from None
    return value


class Number(click.ParamType[float]):
    """A number in a range, in one sentence where it is none."""

    def __init__(self, numbers: Range) -> None:
        self._range = numbers
        self.name = "integer" if numbers.whole else "float"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            number = int(value) if self._range.whole else float(value)
        except ValueError:
            self.fail(f"it must be {self._range}, not {value!r}.", param, ctx)
        if not self._range.holds(number):
            self.fail(f"it must be {self._range}, not {value}.", param, ctx)
        return number


def number(settings: type, name: str) -> dict[str, Any]:
    """The type and help of an option that gives a field of a dataclass."""
    metadata = next(field for field in fields(settings) if field.name == name).metadata
    return {"type": Number(metadata["range"]), "help": metadata["help"]}


def setting_options(settings: type) -> Callable[[F], F]:
    """An option for each field of a dataclass that a person may give."""

    def add(command: F) -> F:
        for field in reversed(fields(settings)):
            if "help" in field.metadata:
                command = click.option(f"--{field.name.replace('_', '-')}", **_kind(field))(command)
        return command

    return add


def _kind(field: Field[Any]) -> dict[str, Any]:
    said = {"help": field.metadata["help"]}
    if isinstance(field.default, bool):
        return {"is_flag": True, **said}
    numbers = field.metadata["range"]
    return {"multiple": isinstance(field.default, tuple), "type": None if numbers is None else Number(numbers), **said}


def take_settings(settings: type, options: dict[str, Any]) -> dict[str, Any]:
    """Those of `setting_options` that a person gave, taken out of a command's options."""
    values = {field.name: options.pop(field.name, None) for field in fields(settings)}
    return {name: value for name, value in values.items() if value is not None and value is not False and value != ()}


def table_options(command: F) -> F:
    """--json and --csv, for commands that print data."""
    command = click.option("--csv", "form", flag_value="csv", help="Print CSV.")(command)
    return click.option("--json", "form", flag_value="json", help="Print JSON.")(command)
