"""Every plot of a report."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from cli.output import Rows, rows_as_csv
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


EXTENT = ("samples_wanted", "samples_judged", "as_of")
"""Columns of every CSV, last: how much of its run a row rests on."""


def plots(runs: Sequence[Findings]) -> list[Plot]:
    """Every plot that these runs have the numbers for."""
    said = "".join(f" Run {run.run_id} in part, {run.partial}." for run in runs if run.partial)
    return [replace(plot, caption=plot.caption + said) for plot in (each(runs) for each in DRAW) if plot.rows]


def plot_csv(plot: Plot, runs: Sequence[Findings]) -> str:
    """A plot's numbers as CSV."""
    return rows_as_csv(*with_extent(plot.rows, plot.columns, runs))


def with_extent(
    rows: Rows, columns: Sequence[str], runs: Sequence[Findings]
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Rows with how much of their run they rest on; `as_of` is when, of a run that had not ended."""
    of = {run.run_id: run for run in runs}
    extended = [
        {name: getattr(row, name) for name in columns} | dict(zip(EXTENT, _extent(of[row.run_id]), strict=True))
        for row in rows
    ]
    return extended, (*columns, *EXTENT)


def _extent(run: Findings) -> tuple[int, int, datetime | None]:
    return run.progress.samples_wanted, run.progress.verified, run.as_of if run.partial else None
