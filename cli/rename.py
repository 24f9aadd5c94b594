"""`monkeys rename`: a run's name."""

import click

from cli.completion import complete_runs
from verifiers.errors import UserError


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[RUN] NAME", shell_complete=complete_runs)
@click.option("--clear", is_flag=True, help="Take the name of RUN away, and give no other.")
def rename(words: tuple[str, ...], clear: bool) -> None:
    """Give RUN, or the last one, another NAME. `enqueue --name NAME` with the same settings finds it from then on.

    \b
    Example:
      monkeys rename full
      monkeys rename 1 full
      monkeys rename full --clear
    """
    from models.questions.find import find_run
    from tasks.runs.rename import rename as rename_run

    if len(words) > (1 if clear else 2):
        raise UserError("rename takes a RUN and a NAME, or with --clear a RUN alone.")
    run = find_run(words[0] if clear or len(words) == 2 else None)
    name = None if clear else words[-1]
    rename_run(run.id, name)
    click.echo(f"Run {run.id} has no name now." if clear else f"Run {run.id} is named {name} now.", err=True)
