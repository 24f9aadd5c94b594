"""What selectors pick, run by run, against what there is to pick."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.report import PICKED
from cli.report.axes import SCALES, k_axis, near_the_edge, scale_of, share_axis
from cli.report.bands import line_key
from cli.report.drawing import COLOURS, INK, MARKERS, Plot, columns_of, legend_below, panels, size_of, titled
from cli.report.naming import LONGEST, cut, looks
from models.questions.report import Findings

LINES = {
    "majority": "-.",
    "best_of_k": "--",
    "weighted_majority": ":",
    "logprob": (0, (3, 1, 1, 1, 1, 1)),
    "logprob_vote": (0, (1, 2)),
}


def precision_plot(runs: Sequence[Findings]) -> Plot:
    """What selectors pick against what there is to pick, a panel a run."""
    shown = [each for each in looks(runs) if each[0].precision]
    named = dict.fromkeys((row.selector, row.reward_model) for run, *_ in shown for row in run.precision)
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(named)}
    rows = [row for run in runs for row in run.precision]
    curves = [
        [row.success_rate for row in run.precision if (row.selector, row.reward_model) == name]
        for run, *_ in shown
        for name in named
    ]
    scale = scale_of(curves)

    def draw(figure: Any) -> None:
        all_axes = panels(figure, len(shown))
        wide = columns_of(len(shown))
        for axes, (run, look) in zip(all_axes, shown, strict=True):
            _draw_selectors(axes, run, colours)
            most = {row.k: row.coverage for row in run.precision}
            axes.plot(list(most), list(most.values()), "-", color=INK, linewidth=1, label="coverage")
            k_axis(axes)
            share_axis(axes, "chance of a right answer" if axes in all_axes[::wide] else "")
            near_the_edge(axes, scale, [*curves, list(most.values())])
            if len(shown) > 1:
                titled(axes, look.label, figure.get_figwidth() / wide)
        legend_below(figure, all_axes, line_key("95 %, new problems", "", marker="|", markersize=9))

    return Plot(
        "precision",
        "Precision against coverage",
        "How often a selector that does not know the truth picks a right sample of k, and coverage, which a "
        "perfect one would reach. Bars beside the largest k are 95 % intervals for new problems of the same kind."
        + SCALES[scale],
        rows,
        ("run_id", "selector", "reward_model", "k", *PICKED, "stderr"),
        draw,
        size_of(len(shown)),
    )


def _draw_selectors(axes: Any, run: Findings, colours: Mapping[tuple[str, str], str]) -> None:
    for place, ((selector, model), colour) in enumerate(colours.items()):
        line = [
            (row.k, row.success_rate, row.low, row.high)
            for row in run.precision
            if (row.selector, row.reward_model) == (selector, model)
        ]
        called = cut(" ".join(filter(None, [selector.replace("_", " "), model])), LONGEST)
        if line:
            x, y, *_ = zip(*line, strict=True)
            axes.plot(
                x, y, linestyle=LINES[selector], color=colour, marker=MARKERS[place % len(MARKERS)], markersize=3,
                label=called,
            )  # fmt: skip
            _whisker(axes, line[-1], 1.06 ** (1 + place), colour)


def _whisker(axes: Any, point: tuple[int, float, float | None, float | None], aside: float, colour: str) -> None:
    """The interval of a line's last point, a little to its right: bands of several selectors would hide each other."""
    k, _, low, high = point
    if low is not None and high is not None:
        axes.plot([k * aside] * 2, [low, high], "-", color=colour, linewidth=1.4, alpha=0.8)
