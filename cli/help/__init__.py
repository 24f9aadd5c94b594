"""`monkeys help`: what is too long for a command's own help, a Markdown file beside this one for each topic."""

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cli.called import as_called

TOPICS = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.md"))}


def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:  # noqa: ARG001
    """Topics and commands that begin so, for a shell."""
    return [name for name in _names(ctx.find_root()) if name.startswith(incomplete)]


@click.command()
@click.argument("words", metavar="[TOPIC]", nargs=-1, shell_complete=complete)
@click.pass_context
def help(ctx: click.Context, words: Sequence[str]) -> None:
    """Read about TOPIC, or a command; without one, list the topics.

    \b
    Example:
      monkeys help
      monkeys help cookbook
      monkeys help worker verify
    """
    if not words:
        _list()
    elif words[0] in TOPICS:
        if words[1:]:
            raise click.UsageError(f"A topic is one word: `monkeys help {words[0]}`.")
        _read(as_called(TOPICS[words[0]].read_text("utf-8")))
    else:
        click.echo(_help_of(ctx.find_root(), words))


def _list() -> None:
    room = max(map(len, TOPICS))
    for name, path in TOPICS.items():
        with path.open(encoding="utf-8") as file:
            click.echo(f"{name:{room}}  {file.readline().removeprefix('# ').strip()}")
    click.echo(as_called("\n`monkeys help TOPIC` is one of these; `monkeys help COMMAND` is how a command is used."))


def _read(text: str) -> None:
    """For a terminal set as one; for a pipe the Markdown as it stands."""
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.theme import Theme

    console = Console(theme=Theme({"markdown.code": "bold cyan"}))  # no ground of its own, whatever the terminal's is
    console.print(Markdown(text, code_theme="ansi_dark"), width=min(console.width, 120))


def _help_of(root: click.Context, words: Sequence[str]) -> str:
    """The --help of a command, or of one below it."""
    context = root
    for depth, word in enumerate(words):
        group = context.command
        command = group.get_command(context, word) if isinstance(group, click.Group) else None
        if command is None:
            raise _unknown(word, _names(context) if depth == 0 else _commands(context))
        context = click.Context(command, parent=context, info_name=word, help_option_names=root.help_option_names)
    return context.get_help()


def _unknown(word: str, names: Sequence[str]) -> click.UsageError:
    near = difflib.get_close_matches(word, names, 1)
    hint = f"Did you mean {near[0]}?" if near else "`monkeys help` lists the topics, `monkeys --help` the commands."
    return click.UsageError(f"There is no topic or command {word!r}. {hint}")


def _names(root: click.Context) -> list[str]:
    return [*TOPICS, *_commands(root)]


def _commands(context: click.Context) -> list[str]:
    return context.command.list_commands(context) if isinstance(context.command, click.Group) else []
