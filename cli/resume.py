"""`monkeys resume`: go on with a run."""

import click

from cli.options import run_argument
from cli.output import number_of


@click.command()
@run_argument
def resume(named: str | None) -> None:
    """Go on with RUN after it was cancelled or some of its works failed: they are tried anew.

    A run that lost its workers, its broker or its database needs no such help.

    \b
    Example:
      monkeys resume 1
    """
    from models.questions.find import find_run
    from tasks.runs import changes

    run = find_run(named)
    works = changes.resume(run.id)
    if works:
        click.echo(f"Run {run.id} goes on with {number_of(works, 'work')}.", err=True)
    else:
        cut = f"; what its rule {run.stopped_by} cut stays cut (`monkeys limits {run.id}`)" if run.stopped_by else ""
        click.echo(f"Run {run.id} has no cancelled or failed works{cut}.", err=True)
