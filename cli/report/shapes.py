"""The paper's figure 6: coverage curves shifted onto each other."""

from collections.abc import Sequence
from typing import Any

from cli.report.axes import SCALES, k_axis, near_the_edge, scale_of, share_axis
from cli.report.drawing import Plot, legend_below
from cli.report.naming import looks
from models.questions.report import Findings
from models.questions.shapes import ShapePoint, shapes


def shapes_plot(runs: Sequence[Findings]) -> Plot:
    """Coverage against samples, as multiples of what a run takes to reach a coverage that all of them reach."""
    rows = shapes(runs)
    curves = [[row.coverage for row in rows if row.run_id == run.run_id] for run in runs]
    scale = scale_of(curves)
    begins_at = f"{rows[0].begins_at:.2%}" if rows else ""

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for run, look in looks(runs):
            line = [(row.times, row.coverage) for row in rows if row.run_id == run.run_id]
            if line:
                axes.plot(*zip(*line, strict=True), **look.line)
        k_axis(axes)
        axes.set_xlabel(f"samples, in multiples of those that reach {begins_at}")
        share_axis(axes, "coverage (pass@k)")
        near_the_edge(axes, scale, curves)
        legend_below(figure, [axes])

    return Plot(
        "shapes",
        "One shape?",
        f"Each curve shifted along log k so that all begin where coverage is {begins_at}, the largest that one of them "
        "has at k = 1 (the paper's figure 6). Curves that lie on each other pay alike for more samples. "
        "No bands." + SCALES[scale],
        rows,
        ShapePoint._fields,
        draw,
    )
