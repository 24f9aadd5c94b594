"""`monkeys limits`: what a run may spend."""

from typing import Any

import click

from cli.options import Number, run_argument, table_options
from cli.output import print_rows
from tasks.runs.request import BUDGETS
from verifiers.ranges import real


class _Budget(Number):
    """A number above 0, or `none`."""

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return f"none|{super().get_metavar(param, ctx)}"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return "none" if value == "none" else super().convert(value, param, ctx)


BUDGET = _Budget(real(0, above=True))


@click.command()
@run_argument
@click.option("--budget-usd", type=BUDGET, help="No more batches once it has cost so many dollars.")
@click.option("--budget-gpu-hours", type=BUDGET, help="No more batches once it has taken so many GPU-hours.")
@click.option("--budget-flops", type=BUDGET, help="No more batches once it has taken so many FLOPs.")
@table_options
def limits(named: str | None, form: str | None, **given: Any) -> None:
    """Show what RUN may spend and has spent, and raise, lower or take away a budget of it.

    What the old budget cut goes on where the new one allows it; what is in flight finishes, and every problem keeps a
    whole prefix of its samples.

    \b
    Example:
      monkeys limits 1
      monkeys limits 1 --budget-usd 20
      monkeys limits 1 --budget-gpu-hours none
    """
    from models.questions.find import find_run
    from models.questions.limits import limits_of
    from models.questions.progress import progress_of
    from tasks.runs import changes

    run = find_run(named)
    budgets = {name: given[f"budget_{name}"] for name in BUDGETS if given[f"budget_{name}"] is not None}
    more = (
        changes.limit(run.id, {name: None if each == "none" else each for name, each in budgets.items()})
        if budgets
        else 0
    )
    print_rows(limits_of(run.id), form)
    fewer = f"{abs(more):,} {'more' if more > 0 else 'fewer'} samples are drawn; " if more else ""
    solved = " A problem that has a right sample gets no more batches." if run.stop_rule.get("when_solved") else ""
    click.echo(f"Run {run.id}: {fewer}{progress_of(run.id).state}.{solved}", err=True)
