"""Every plot of a report."""

from collections.abc import Sequence

from cli.report.amounts import cost_plot, diversity_plot
from cli.report.bars import outcomes_plot, savings_plot
from cli.report.curves import coverage_plot, differences_plot
from cli.report.drawing import Plot
from cli.report.problems import problems_plot
from cli.report.selectors import precision_plot
from cli.report.shapes import shapes_plot
from models.questions.report import Findings

DRAW = (
    coverage_plot, differences_plot, shapes_plot, precision_plot, problems_plot, cost_plot, outcomes_plot, savings_plot,
    diversity_plot,
)  # fmt: skip


def plots(runs: Sequence[Findings]) -> list[Plot]:
    """Every plot that these runs have the numbers for."""
    return [plot for plot in (each(runs) for each in DRAW) if plot.rows]
