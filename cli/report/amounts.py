"""What coverage costs, and whether more samples still bring something new."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from cli.output import COSTS
from cli.report.axes import SCALES, k_axis, log_labels, near_the_edge, scale_of, share_axis
from cli.report.bands import band, band_alpha, band_keys, few, line_key, said_of_bands
from cli.report.drawing import INK, Plot, legend_below, panels
from cli.report.naming import looks
from cli.report.stopped import LEANS, said_of_stopped
from models.questions.report import Findings
from models.views import CoverageByCostRow


class Repeats(NamedTuple):
    """Among k samples of a problem, a mean over problems: distinct candidates, and the share of samples that bring
    none: they repeat one, or hold none.
    """

    run_id: int
    k: int
    problems: int
    expected_distinct_candidates: float
    share_without_new: float


def cost_plot(runs: Sequence[Findings]) -> Plot:
    """Coverage against what it cost."""
    rows = [
        row
        for run in runs
        for row in run.coverage_by_cost
        if row.coverage is not None and any(getattr(row, name) for name in COSTS)
    ]
    shown = [name for name in COSTS if any(getattr(row, name) for row in rows)]
    curves = [[row.coverage or 0.0 for row in rows if row.run_id == run.run_id] for run in runs]
    scale = scale_of(curves)

    def draw(figure: Any) -> None:
        all_axes = panels(figure, len(shown), columns=3)
        for axes, name in zip(all_axes, shown, strict=True):
            _draw_costs(axes, runs, rows, name)
            axes.set(xscale="log", xlabel=COSTS[name])
            log_labels(axes.xaxis)
            share_axis(axes, "coverage" if axes is all_axes[0] else "")
            near_the_edge(axes, scale, curves)
        ways = (
            line_key("all k samples drawn", "-"),
            line_key("each problem stops at its first right one", "--", linewidth=1),
        )
        legend_below(figure, all_axes, *(ways if few(runs) else ()), *band_keys(runs))

    return Plot(
        "cost",
        "Coverage against cost",
        "k samples of every problem, at the run's own mean lengths; FLOPs by the paper's formula, prompts once; "
        "dollars with a prompt a request."
        + said_of_bands(
            runs,
            " Dashed: each problem stops at its first right sample, one sample a request. Bands are 95 % intervals of "
            "coverage for new problems of the same kind.",
            "bands, and no costs of stopping at the first right sample,",
        )
        + said_of_stopped(runs, "it paid less than this for its solved problems")
        + SCALES[scale],
        rows,
        ("run_id", "k", "coverage", "low", "high", *COSTS, *(f"stopping_{name}" for name in COSTS), "biased_by"),
        draw,
        (max(7.2, 3.6 * len(shown)), 3.6),
    )


def _draw_costs(axes: Any, runs: Sequence[Findings], rows: Sequence[CoverageByCostRow], name: str) -> None:
    """Each run's line over an amount, and of few runs that of stopping at the first right sample."""
    for run, look in looks(runs):
        mine = [row for row in rows if row.run_id == run.run_id and getattr(row, name)]
        if mine:
            line = [(getattr(row, name), row.coverage, row.low, row.high) for row in mine]
            band(axes, line, alpha=band_alpha(runs), **look.line)
        if few(runs):
            stopping = [getattr(row, f"stopping_{name}") for row in mine]
            axes.plot(stopping, [row.coverage for row in mine], "--", color=look.colour, linewidth=1)


def diversity_plot(runs: Sequence[Findings]) -> Plot:
    """Whether more samples still bring new candidates, and how many bring none."""
    rows = [
        Repeats(*row, max(0.0, 1 - row.expected_distinct_candidates / row.k))
        for run in runs
        for row in run.diversity
        if row.problems == run.diversity[0].problems
    ]

    def draw(figure: Any) -> None:
        distinct, repeats = figure.subplots(1, 2)
        for run, look in looks(runs):
            mine = [row for row in rows if row.run_id == run.run_id]
            if mine:
                ks = [row.k for row in mine]
                distinct.plot(ks, [row.expected_distinct_candidates for row in mine], **look.line)
                repeats.plot(ks, [row.share_without_new for row in mine], **look.line)
        most = max(row.k for row in rows)
        distinct.plot([1, most], [1, most], color=INK, linewidth=0.8, alpha=0.5, label="all different")
        k_axis(distinct)
        distinct.set(yscale="log", ylabel="distinct candidates")
        log_labels(distinct.yaxis)
        k_axis(repeats)
        share_axis(repeats, "samples that bring no new candidate")
        legend_below(figure, [distinct])

    return Plot(
        "diversity",
        "Diversity",
        "Left: distinct candidates among k samples of a problem, a mean over problems (exact rarefaction; no band). "
        "Where the curve flattens, samples repeat and more of them stop paying. Right: the share of k samples that "
        "repeat another's candidate or hold none." + said_of_stopped(runs, LEANS),
        rows,
        Repeats._fields,
        draw,
        (9.6, 3.7),
    )
