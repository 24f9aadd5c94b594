"""`monkeys cancel`: stop a run."""

import click


@click.command()
@click.argument("run")
def cancel(run: str) -> None:
    """Stop RUN within seconds, in the middle of its batches too. What it has stays; `monkeys resume` goes on.

    \b
    Example:
      monkeys cancel 1
    """
    from models.questions.find import find_run
    from tasks.runs import changes

    found = find_run(run)
    works = changes.cancel(found["id"])
    if works:
        click.echo(f"Run {found['id']} is cancelled: {works:,} works will not be done.", err=True)
    elif found["cancelled_at"] is not None:
        click.echo(f"Run {found['id']} was cancelled already.", err=True)
    else:
        click.echo(f"Run {found['id']} has ended; there is nothing to cancel.", err=True)
