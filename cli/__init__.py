"""What a person can ask for: one file per command, imported only when it is asked for."""

import difflib
import keyword
import sys
from importlib import import_module
from typing import Any

import click

from verifiers.errors import UserError

COMMANDS = [
    "demo",
    "up",
    "down",
    "status",
    "doctor",
    "benchmarks",
    "enqueue",
    "runs",
    "watch",
    "show",
    "logs",
    "cancel",
    "resume",
    "extend",
    "check",
    "reverify",
    "audit",
    "analyze",
    "report",
    "compare",
    "price",
    "sql",
    "score",
    "export",
    "import",
    "delete",
    "worker",
    "sweep",
    "flower",
    "migrate",
]
"""In the order of --help; `monkeys X` is the click command X of cli/X.py (import_ of cli/import_.py)."""


class Commands(click.Group):
    """A group that imports a command's file when the command is used, and turns a UserError into one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return COMMANDS

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        python_name = f"{name}_" if keyword.iskeyword(name) else name
        command: click.Command = getattr(import_module(f"cli.{python_name}"), python_name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]}?" if near else " `monkeys --help` lists them."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            told = error
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception as error:
            from models.database import outage

            if (lost := outage(error)) is None:
                raise
            told = lost
        click.echo(f"monkeys: {told}", err=True)
        ctx.exit(told.exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="monkeys")
def group() -> None:
    """Repeated sampling as a job queue: enqueue a run, watch it in Flower, ask SQL what it bought."""


def main() -> None:
    """The `monkeys` command."""
    try:
        group.main(prog_name="monkeys")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
