"""`monkeys extend`: more samples for a run."""

import click

from cli.options import Number, run_argument
from verifiers.ranges import whole


@click.command()
@run_argument
@click.option(
    "-n", "--samples", "n", type=Number(whole(1)), required=True, help="Samples of each problem, those it has included."
)
def extend(named: str | None, n: int) -> None:
    """Raise RUN to n samples of each problem, whether it has ended or not.

    All problems are extended alike, so the estimates stay exact. A run whose budget is spent needs a higher one first:
    `monkeys limits`.

    \b
    Example:
      monkeys extend 1 -n 1000
    """
    from models.questions.find import find_run
    from tasks.runs import changes

    run = find_run(named)
    added = changes.extend(run.id, n)
    click.echo(f"Run {run.id}: {added:,} more samples wanted, {n:,} of each problem.", err=True)
