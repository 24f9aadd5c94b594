"""`monkeys delete`: a run, for good."""

import click


@click.command()
@click.argument("named", metavar="RUN")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(named: str, yes: bool) -> None:
    """Delete RUN and its samples for good. Problems, candidates and verdicts stay for other runs.

    \b
    Example:
      monkeys delete 1 --yes
    """
    from models.questions.find import find_run
    from tasks.runs import changes

    run = find_run(named)
    if not yes:
        click.confirm(f"Delete run {run.id} and all its samples?", abort=True, err=True)
    samples = changes.delete(run.id)
    click.echo(f"Run {run.id} is deleted, with {samples:,} samples.", err=True)
