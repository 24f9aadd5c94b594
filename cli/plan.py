"""`monkeys plan`: where the next samples are worth most, and how many a question takes."""

from typing import TYPE_CHECKING

import click

from cli.options import Number, run_argument, table_options
from cli.output import print_rows
from verifiers.ranges import real, whole

if TYPE_CHECKING:
    from models.questions.plan import SamplePlan


MOST = 1_000_000_000
"""Samples that a plan may share out."""


@click.command()
@run_argument
@click.option("-n", "--samples", "n", type=Number(whole(1, MOST)), help="Samples to share out, in all.")
@click.option(
    "--difference", type=Number(real(0, 100, above=True)), help="Points of coverage to tell two llms apart by."
)
@click.option(
    "--at", "k", type=Number(whole(1, 10_000)), default=1, show_default=True, help="With --difference: coverage at k."
)
@click.option(
    "--correlation",
    type=Number(real(-1, 1)),
    default=0.5,
    show_default=True,
    help="With --difference: of the two llms' chances on the same problems.",
)
@table_options
def plan(
    named: str | None, n: int | None, difference: float | None, k: int, correlation: float, form: str | None
) -> None:
    """Say where the next n samples of RUN are worth most, or what it takes to see a difference. Nothing is drawn.

    With --samples they are shared out over the problems of RUN that have no right sample, where they are likeliest to
    solve any: each problem's chance is the posterior of the run's own outcomes. `monkeys extend RUN --plan n` draws
    them. With --difference: how many problems, and samples of each, tell an llm like that of RUN from one that covers
    so many points more or less, how long that takes and what it costs.

    \b
    Example:
      monkeys plan 1 --samples 5000
      monkeys plan 1 --samples 5000 --csv
      monkeys plan 1 --difference 3 --at 10
    """
    from models.questions.find import find_run
    from models.questions.plan import plan as plan_run
    from models.questions.power import needed_for
    from verifiers.errors import UserError

    if (n is None) == (difference is None):
        raise UserError("Give --samples, to share them out, or --difference, to learn what tells two llms apart.")
    run = find_run(named)
    if difference is not None:
        rows, assumed = needed_for(run, difference / 100, k, correlation)
        print_rows(rows, form)
        click.echo(assumed, err=True)
    elif n is not None:
        made = plan_run(run, n)
        print_rows(made.problems, form, SHOWN)
        click.echo("\n".join(told(made)), err=True)


SHOWN = (
    "problem_key", "samples", "waiting", "chance_of_next_batch", "samples_planned", "chance_of_planned"
)  # fmt: skip


def told(made: "SamplePlan") -> list[str]:
    """A plan in sentences: what it solves, beside uniform samples, what it takes, and what it rests on."""
    alike = f"{made.uniform_samples:,.0f} samples of all problems alike"
    uniform = {
        "usd": f"{alike}, for as many dollars",
        "flops": f"{alike}, for as many FLOPs",
        "samples": "as many samples of all problems alike",
    }
    lines = [
        f"{made.samples:,} samples for {len(made.problems):,} of {made.problems_in_all:,} problems, those without a "
        f"right one: {made.solved:.2f} of them are expected to be solved; {made.uniform_solved:.2f} by "
        f"{uniform[made.priced_by]}."
    ]
    takes = [
        f"{value:{form}} {unit}"
        for value, form, unit in (
            (made.usd, ",.2f", "dollars"),
            (made.flops, ".3g", "FLOPs"),
            (made.gpu_hours, ",.2f", "GPU-hours"),
            (None if made.seconds is None else made.seconds / 60, ",.1f", "minutes at the last pace"),
        )
        if value is not None
    ]
    if takes:
        lines.append(f"They take about {', '.join(takes)}.")
    if made.doubt:
        lines.append(f"The outcomes say little of the unsolved problems ({made.doubt}), so a weak prior stands in.")
    return lines
