"""`monkeys extend`: more samples for a run."""

import click

from cli.options import Number, run_argument
from cli.plan import MOST, told
from verifiers.errors import UserError
from verifiers.ranges import whole


@click.command()
@run_argument
@click.option("-n", "--samples", "n", type=Number(whole(1)), help="Samples of each problem, those it has included.")
@click.option(
    "--plan", "planned", type=Number(whole(1, MOST)), help="Samples in all, drawn where `monkeys plan` puts them."
)
def extend(named: str | None, n: int | None, planned: int | None) -> None:
    """Raise RUN to n samples of each problem, whether it has ended or not.

    All problems are extended alike, so the estimates stay exact. With --plan only problems without a right sample get
    more: estimates then go by the samples that all problems have, and coverage beyond those is not known, but between
    its floor and its ceiling. A run whose budget is spent needs a higher one first: `monkeys limits`.

    \b
    Example:
      monkeys extend 1 -n 1000
      monkeys extend 1 --plan 5000
    """
    from models.questions.find import find_run
    from tasks.runs import changes

    if n is not None and planned is None:
        run = find_run(named)
        lines = [f"Run {run.id}: {changes.extend(run.id, n):,} more samples wanted, {n:,} of each problem."]
    elif planned is not None and n is None:
        run = find_run(named)
        made, added = changes.extend_planned(run.id, planned)
        lines = [f"Run {run.id}: {added:,} more samples wanted of its unsolved problems.", *told(made)]
    else:
        raise UserError("Give -n, samples of each problem, or --plan, samples in all.")
    click.echo("\n".join(lines), err=True)
