"""Options that several commands share."""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from cli.completion import complete_llms, complete_runs
from verifiers.errors import UserError
from verifiers.ranges import Range
from verifiers.thinking import RULES

F = TypeVar("F", bound=Callable[..., Any])


run_argument = click.argument("named", metavar="[RUN]", required=False, shell_complete=complete_runs)
"""RUN, by name or id, as `named`; None, which is the last one, where it is not given."""

runs_argument = click.argument("runs", nargs=-1, metavar="[RUN]...", shell_complete=complete_runs)
"""RUNS, by name or id, as `runs`; the last one where none is given."""

llm_option = click.option(
    "-m",
    "--model",
    "llm",
    default="pocket-monkey",
    show_default=True,
    shell_complete=complete_llms,
    help="The llm: a hub name, a local folder, openai:NAME or replay:FILE.",
)


def thinking_option(default: str) -> Callable[[F], F]:
    """--thinking, with what holds where it is not given."""
    rules = "; ".join(f"{name}: {said}" for name, said in RULES.items())
    said = f"How what the llm thought is told from what it answered (default: {default}). {rules}"
    return click.option("--thinking", type=click.Choice(list(RULES)), help=said)


endpoint_option = click.option(
    "--endpoint",
    metavar="URL",
    multiple=True,
    help="Of openai:NAME: where it is served, up to /v1; again for another server of the same llm.",
)


batch_option = click.option(
    "--batch", is_flag=True, help="Of openai:NAME: by its provider's batch API, at half the price, within a day."
)


def with_endpoint(
    engine_arguments: tuple[str, ...], endpoints: Sequence[str], gpus: int | None = None, *, batch: bool = False
) -> tuple[str, ...]:
    """The engine arguments with the endpoints, their GPUs and how they are asked: all are stored with the llm."""
    arguments = list(engine_arguments)
    if endpoints:
        arguments.append(f"endpoint={endpoints[0] if len(endpoints) == 1 else json.dumps(list(endpoints))}")
    if gpus is not None:
        arguments.append(f"gpus={gpus}")
    if batch:
        arguments.append("batch=true")
    return tuple(arguments)


def engine_args(options: Iterable[str], name: str = "--engine-arg") -> dict[str, Any]:
    """`key=value` options as engine arguments: values are JSON where they can be, else text; a revision is text.

    name: the option that a person gave them by.
    """
    arguments: dict[str, Any] = {}
    for option in options:
        key, equals, text = option.partition("=")
        key = key.replace("-", "_")
        if not equals or not key.isidentifier():
            raise UserError(f"{name} takes key=value, not {option!r}.")
        arguments[key] = _value(name, key, text)
    return arguments


def engine_options(engine_args: Mapping[str, Any]) -> list[str]:
    """The `key=value` texts that `engine_args` reads back as these arguments."""
    return [f"{key}={_text(key, value)}" for key, value in engine_args.items()]


def _value(name: str, key: str, text: str) -> Any:
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
    except RecursionError:
        return text
    except ValueError as error:
        raise UserError(f"{name} {key} must not be or hold NaN or Infinity, not {text!r}.") from error
    # as it comes back from the database, since the name of the queue is made of it
    if isinstance(value, float) and value.is_integer() and not 0 < abs(value) < 1e16:
        return int(value) if value else 0.0
    return value


def _text(key: str, value: Any) -> str:
    if isinstance(value, str) and (key.endswith("revision") or (value.isprintable() and not _is_json(value))):
        return value
    return json.dumps(value)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
"""A number with commas between its thousands; 1,5 is none."""


class Number(click.ParamType):  # type: ignore[type-arg]
    """A number in a range, in one sentence where it is none."""

    def __init__(self, numbers: Range) -> None:
        self._range = numbers
        self.name = "integer" if numbers.whole else "float"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """As --help shows it, with the range."""
        return f"{self.name.upper()} [{self._range.short}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = value.replace(",", "") if isinstance(value, str) and THOUSANDS.fullmatch(value) else value
        try:
            number = int(text) if self._range.whole else float(text)
        except ValueError:
            number = math.nan
        if not self._range.holds(number):
            self.fail(f"it must be {self._range}, not {str(value)[:60]!r}.", param, ctx)
        return number


class TextFile(click.ParamType):  # type: ignore[type-arg]
    """A file's text, in place of its name."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ARG002
        try:
            return Path(value).read_text("utf-8")
        except (OSError, ValueError) as error:  # ValueError: not UTF-8, or a name with NUL
            raise UserError(f"{value} cannot be read ({error}).") from error


class JsonObject(click.ParamType):  # type: ignore[type-arg]
    """A JSON object, or @FILE that holds one."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        text = TextFile().convert(value[1:], param, ctx) if value.startswith("@") else value
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            self.fail(f"it must be a JSON object, or @FILE that holds one ({error}).", param, ctx)
        if not isinstance(found, dict):
            self.fail("it must be a JSON object, or @FILE that holds one.", param, ctx)
        return found


FORMS: dict[str, dict[str, Any]] = {
    "file": {"type": TextFile()},
    "pairs": {"multiple": True, "metavar": "KEY=VALUE"},
    "json": {"type": JsonObject(), "metavar": "JSON"},
}
"""How a setting is given that is no number, flag or text."""


def number(settings: type, name: str) -> dict[str, Any]:
    """The type and help of an option that gives a field of a dataclass."""
    metadata = next(field for field in fields(settings) if field.name == name).metadata
    return {"type": Number(metadata["range"]), "help": metadata["help"]}


def setting_options(settings: type) -> Callable[[F], F]:
    """An option for each field of a dataclass that a person may give."""

    def add(command: F) -> F:
        for field in reversed(fields(settings)):
            if "help" in field.metadata:
                command = click.option(_option(field), field.name, **_kind(field))(command)
        return command

    return add


def _option(field: Field[Any]) -> str:
    name = f"--{field.name.replace('_', '-')}"
    return name.removesuffix("s") if field.metadata["form"] == "pairs" else name


def _kind(field: Field[Any]) -> dict[str, Any]:
    said = {"help": field.metadata["help"]}
    if isinstance(field.default, bool):
        return {"is_flag": True, **said}
    if form := field.metadata["form"]:
        return {**FORMS[form], **said}
    numbers = field.metadata["range"]
    return {"multiple": isinstance(field.default, tuple), "type": None if numbers is None else Number(numbers), **said}


def take_settings(settings: type, options: dict[str, Any]) -> dict[str, Any]:
    """Those of `setting_options` that a person gave, taken out of a command's options."""
    values = {field.name: options.pop(field.name, None) for field in fields(settings)}
    for each in fields(settings):
        if each.metadata.get("form") == "pairs":
            values[each.name] = engine_args(values[each.name] or (), _option(each)) or None
    return {name: value for name, value in values.items() if value is not None and value is not False and value != ()}


def without_known_options(command: F) -> F:
    """--without-known and --known, for commands that choose problems."""
    said = "Problems for --without-known to leave out too: a file of `monkeys flaky --save`, or a JSON object."
    command = click.option("--known", type=click.Path(path_type=Path), help=said)(command)
    said = "Without the problems that are known to be defective or flaky."
    return click.option("--without-known", is_flag=True, help=said)(command)


def check_known(without_known: bool, known: Path | None) -> bool:
    """Whether known problems are to be left out; UserError where only a file of them is given."""
    if known is not None and not without_known:
        raise UserError("--known FILE says which problems --without-known leaves out too; give both.")
    return without_known


def table_options(command: F) -> F:
    """--json and --csv, for commands that print data."""
    command = click.option("--csv", "form", flag_value="csv", help="Print CSV.")(command)
    return click.option("--json", "form", flag_value="json", help="Print JSON.")(command)
