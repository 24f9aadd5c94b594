"""What a person can ask for: one file per command, imported only when it is asked for."""

import difflib
import keyword
import os
import sys
import traceback
from importlib import import_module
from shutil import get_terminal_size
from typing import Any

import click

from cli.called import NAME, as_called, called, from_anywhere, speak_as_called
from cli.terminal import make_ready
from models.settings import see_unpacked
from models.storable import storable

SECTIONS = {
    "The local stack": ["demo", "up", "down", "status", "logs", "doctor"],
    "Runs": [
        "benchmarks", "enqueue", "runs", "watch", "show", "view", "plan", "cancel", "resume", "extend", "rename",
        "limits", "import", "export", "delete",
    ],
    "Judging": ["check", "reverify", "audit", "flaky", "score"],
    "Results": ["analyze", "report", "compare", "price", "sql"],
    "Machines": ["worker", "sweep", "flower", "migrate"],
    "Help": ["help"],
}  # fmt: skip
"""As --help shows them; `monkeys X` is the click command X of cli/X.py or cli/X/ (import_ of cli/import_.py)."""

COMMANDS = [name for section in SECTIONS.values() for name in section]


UNCUT = 1_000
"""Characters of a command's line in --help: whole, and wrapped."""

MIN_WIDTH, MAX_WIDTH = 30, 80
"""Columns of help."""

COMPLETION = """
A shell completes commands, runs, benchmarks and llms with this line in its start-up file:

\b
  bash  eval "$(_MONKEYS_COMPLETE=bash_source monkeys)"
  zsh   eval "$(_MONKEYS_COMPLETE=zsh_source monkeys)"
  fish  _MONKEYS_COMPLETE=fish_source monkeys | source
"""


OURS = (
    "monkeys: this is a mistake of monkeys' own, not of yours: please report it, with the traceback above and what "
    "`monkeys --version` says."
)


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
        for section, names in SECTIONS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            with formatter.section(section):
                formatter.write_dl([(name, each.get_short_help_str(UNCUT)) for name, each in commands.items() if each])

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """With help as wide as the terminal, however narrow."""
        extra.setdefault("terminal_width", max(MIN_WIDTH, min(MAX_WIDTH, get_terminal_size().columns) - 2))
        return super().make_context(info_name, args, parent, **extra)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word in args:
            if word != storable(word):
                raise click.UsageError(f"{word!r} is not UTF-8 text, which names of all kinds must be here.")
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and not ctx.resilient_parsing and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]}?" if near else " `monkeys --help` lists them."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **extra: Any) -> Any:
        """As click's; an error of the world is one sentence wherever it comes up, in help and completion too."""
        try:
            return super().main(*args, **extra)
        except Exception as error:
            from cli.errors import sentence
            from cli.output import harmless

            if (told := sentence(error)) is None:
                raise
        click.echo(f"monkeys: {harmless(str(told))}", err=True)
        sys.exit(told.exit_code)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=COMPLETION,
)
@click.version_option(package_name="monkeys")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Repeated sampling as a job queue: enqueue a run, watch it in Flower, ask SQL what it bought."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _name_as_called(command: click.Command) -> None:
    """Have a command's help, and its commands', show examples that can be copied."""
    command.help = as_called(command.help or "")
    for each in command.commands.values() if isinstance(command, click.Group) else ():
        _name_as_called(each)


def main() -> None:
    """The `monkeys` command."""
    colours = make_ready()
    speak_as_called()
    see_unpacked()
    group.epilog = COMPLETION.replace("source monkeys", f"source {from_anywhere()}")
    completes = "_MONKEYS_COMPLETE" in os.environ  # which is by the last word of a path
    try:
        group.main(prog_name=NAME if completes else called(), complete_var="_MONKEYS_COMPLETE", color=colours)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except Exception:
        traceback.print_exc()
        click.echo(OURS, err=True)
        sys.exit(1)
