"""Every plot of a report."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from cli.output import Rows, rows_as_csv
from cli.report.amounts import cost_plot, diversity_plot
from cli.report.bars import outcomes_plot, savings_plot
from cli.report.curves import coverage_plot, differences_plot
from cli.report.drawing import Plot
from cli.report.origin import origin_line, origin_row
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
    said = "".join(f" Run {run.run_id} in part, {run.partial}." for run in runs if run.partial)
    return [
        replace(plot, caption=plot.caption + said, origin=origin_line(_drawn(plot, runs)))
        for plot in (each(runs) for each in DRAW)
        if plot.rows
    ]


def _drawn(plot: Plot, runs: Sequence[Findings]) -> list[Findings]:
    """The runs that a plot's numbers are of."""
    ids = {each for row in plot.rows for each in _runs_of(row)}
    return [run for run in runs if run.run_id in ids]


def _runs_of(row: Any) -> tuple[int | None, ...]:
    return row.run_id, getattr(row, "against", None)


def plot_csv(plot: Plot, runs: Sequence[Findings]) -> str:
    """A plot's numbers as CSV."""
    return rows_as_csv(*with_origin(plot.rows, plot.columns, runs))


def with_origin(
    rows: Rows, columns: Sequence[str], runs: Sequence[Findings]
) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Rows with where they come from, and how much of their run they rest on.

    `as_of` is when, of a run that had not ended; `interval_of` says which question `low` and `high` answer.
    """
    of = {run.run_id: _told_of(run, "low" in columns) for run in runs}
    told = next(iter(of.values()), {})
    extended = [{name: getattr(row, name) for name in columns} | of[row.run_id] for row in rows]
    return extended, (*columns, *(name for name in told if name not in columns))


def _told_of(run: Findings, intervals: bool) -> dict[str, Any]:
    far = run.progress
    extent = {"samples_wanted": far.samples_wanted, "samples_judged": far.verified}
    return {
        **({"interval_of": "new problems"} if intervals else {}),
        **origin_row(run)._asdict(),
        **extent,
        "as_of": run.as_of if run.partial else None,
    }
