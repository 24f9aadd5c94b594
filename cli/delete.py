"""`monkeys delete`: a run, for good."""

import click


@click.command()
@click.argument("run")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(run: str, yes: bool) -> None:
    """Delete RUN and its samples for good. Problems, candidates and verdicts stay for other runs.

    \b
    Example:
      monkeys delete 1 --yes
    """
    from models.questions.find import find_run
    from tasks.runs import changes

    found = find_run(run)
    if not yes:
        click.confirm(f"Delete run {found['id']} and all its samples?", abort=True, err=True)
    samples = changes.delete(found["id"])
    click.echo(f"Run {found['id']} is deleted, with {samples:,} samples.", err=True)
