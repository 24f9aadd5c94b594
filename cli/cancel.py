"""`monkeys cancel`: stop a run."""

import click

from cli.options import run_argument
from cli.output import number_of


@click.command()
@run_argument
def cancel(named: str | None) -> None:
    """Stop RUN within seconds, in the middle of its batches too. What it has stays; `monkeys resume` goes on.

    \b
    Example:
      monkeys cancel 1
    """
    from models.questions.find import find_run
    from tasks.runs import changes

    run = find_run(named)
    works = changes.cancel(run.id)
    if works:
        click.echo(f"Run {run.id} is cancelled: {number_of(works, 'work')} will not be done.", err=True)
    elif run.cancelled_at is not None:
        click.echo(f"Run {run.id} was cancelled already.", err=True)
    else:
        click.echo(f"Run {run.id} has ended; there is nothing to cancel.", err=True)
