"""`monkeys delete`: a run, for good."""

import click

from cli.options import run_argument
from cli.output import harmless
from verifiers.errors import UserError


@click.command()
@run_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(named: str | None, yes: bool) -> None:
    """Delete RUN, or the last one, and its samples for good. Problems, candidates and verdicts stay for other runs.

    \b
    Example:
      monkeys delete
      monkeys delete 1 --yes
    """
    from models.questions.find import find_run
    from models.questions.progress import progress_of, title
    from tasks.runs import changes

    if yes and named is None:
        raise UserError("--yes deletes unasked, so it takes a RUN that is named.")
    run = find_run(named)
    progress = progress_of(run.id)
    if not yes:
        told = f"{harmless(title(progress))}: delete it and its {progress.samples:,} samples for good?"
        click.confirm(told, abort=True, err=True)
    samples = changes.delete(run.id)
    click.echo(f"Deleted, with {samples:,} samples: {harmless(title(progress))}.", err=True)
