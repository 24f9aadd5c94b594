"""`monkeys plan`: where the next samples of a run are worth most."""

from typing import TYPE_CHECKING

import click

from cli.options import Number, run_argument, table_options
from cli.output import print_rows
from verifiers.ranges import whole

if TYPE_CHECKING:
    from models.questions.plan import SamplePlan


@click.command()
@run_argument
@click.option("-n", "--samples", "n", type=Number(whole(1)), required=True, help="Samples to share out, in all.")
@table_options
def plan(named: str | None, n: int, form: str | None) -> None:
    """Share n samples out over the problems of RUN that have no right one, where they are likeliest to solve any.

    Each problem's chance is the posterior of the run's own outcomes. Nothing is drawn: `monkeys extend RUN --plan n`
    draws them.

    \b
    Example:
      monkeys plan 1 --samples 5000
      monkeys plan 1 --samples 5000 --csv
    """
    from models.questions.find import find_run
    from models.questions.plan import plan as plan_run

    made = plan_run(find_run(named), n)
    print_rows(made.problems, form, SHOWN)
    click.echo("\n".join(told(made)), err=True)


SHOWN = (
    "problem_key", "samples", "waiting", "chance_of_next_batch", "samples_planned", "chance_of_planned"
)  # fmt: skip


def told(made: "SamplePlan") -> list[str]:
    """A plan in sentences: what it solves, beside uniform samples, what it takes, and what it rests on."""
    as_much = {"usd": "for as many dollars", "flops": "for as many FLOPs", "samples": "as many samples"}
    lines = [
        f"{made.samples:,} samples for {len(made.problems):,} of {made.problems_in_all:,} problems, those without a "
        f"right one: {made.solved:.2f} of them are expected to be solved; {made.uniform_solved:.2f} by "
        f"{made.uniform_samples:,.0f} samples of all problems alike, {as_much[made.priced_by]}."
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
