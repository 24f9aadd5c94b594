"""What a person can ask for: one file per command, imported only when it is asked for."""

import difflib
import keyword
import sys
from importlib import import_module
from typing import Any

import click

from cli.called import as_called, called, speak_as_called
from models.settings import see_unpacked
from models.storable import storable

SECTIONS = {
    "The local stack": ["demo", "up", "down", "status", "logs", "doctor"],
    "Runs": [
        "benchmarks", "enqueue", "runs", "watch", "show", "cancel", "resume", "extend", "limits", "import", "export",
        "delete",
    ],
    "Judging": ["check", "reverify", "audit", "flaky", "score"],
    "Results": ["analyze", "report", "compare", "price", "sql"],
    "Machines": ["worker", "sweep", "flower", "migrate"],
}  # fmt: skip
"""As --help shows them; `monkeys X` is the click command X of cli/X.py or cli/X/ (import_ of cli/import_.py)."""

COMMANDS = [name for section in SECTIONS.values() for name in section]


class Commands(click.Group):
    """A group that imports a command's file when the command is used, and tells a person's error in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return COMMANDS

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        python_name = f"{name}_" if keyword.iskeyword(name) else name
        command: click.Command = getattr(import_module(f"cli.{python_name}"), python_name)
        _name_as_called(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        room = formatter.width - 6 - max(map(len, COMMANDS))
        for section, names in SECTIONS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            with formatter.section(section):
                formatter.write_dl([(name, each.get_short_help_str(room)) for name, each in commands.items() if each])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word in args:
            if word != storable(word):
                raise click.UsageError(f"{word!r} is not UTF-8 text, which names of all kinds must be here.")
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]}?" if near else " `monkeys --help` lists them."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.ClickException, click.Abort):
            raise
        except Exception as error:
            from cli.errors import sentence

            if (told := sentence(error)) is None:
                raise
        click.echo(f"monkeys: {told}", err=True)
        ctx.exit(told.exit_code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="monkeys")
def group() -> None:
    """Repeated sampling as a job queue: enqueue a run, watch it in Flower, ask SQL what it bought."""


def _name_as_called(command: click.Command) -> None:
    """Have a command's help, and its commands', show examples that can be copied."""
    command.help = as_called(command.help or "")
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _name_as_called(each)


def main() -> None:
    """The `monkeys` command."""
    speak_as_called()
    see_unpacked()
    try:
        group.main(prog_name=called())
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
