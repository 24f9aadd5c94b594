"""What selectors pick, run by run, against what there is to pick."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.report.drawing import (
    COLOURS,
    INK,
    SCALES,
    Plot,
    k_axis,
    legend_below,
    near_the_edge,
    panels,
    scale_of,
    share_axis,
)
from cli.report.naming import coloured
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
    shown = [each for each in coloured(runs) if each[0].precision]
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
        for axes, (run, _, label) in zip(all_axes, shown, strict=True):
            _draw_selectors(axes, run, colours)
            most = {row.k: row.coverage for row in run.precision}
            axes.plot(list(most), list(most.values()), "o-", color=INK, markersize=3, linewidth=1, label="coverage")
            k_axis(axes)
            share_axis(axes, "chance of a right answer" if axes in all_axes[::2] else "")
            near_the_edge(axes, scale, [*curves, list(most.values())])
            if len(shown) > 1:
                axes.set_title(label, fontsize=9)
        legend_below(figure, all_axes)

    return Plot(
        "precision",
        "Precision against coverage",
        "How often a selector that does not know the truth picks a right sample of k, and coverage, which a "
        "perfect one would reach. Bars beside the largest k are 95 % intervals for new problems of the same kind."
        + SCALES[scale],
        rows,
        (
            "run_id",
            "selector",
            "reward_model",
            "k",
            "success_rate",
            "low",
            "high",
            "coverage",
            "gap",
            "gap_low",
            "gap_high",
            "stderr",
        ),
        draw,
        (7.2 if len(shown) == 1 else 9.6, 1.6 + 3.0 * -(-len(shown) // 2)),
    )


def _draw_selectors(axes: Any, run: Findings, colours: Mapping[tuple[str, str], str]) -> None:
    for place, ((selector, model), colour) in enumerate(colours.items()):
        line = [
            (row.k, row.success_rate, row.low, row.high)
            for row in run.precision
            if (row.selector, row.reward_model) == (selector, model)
        ]
        called = " ".join(filter(None, [selector.replace("_", " "), model]))
        if line:
            x, y, *_ = zip(*line, strict=True)
            axes.plot(x, y, linestyle=LINES[selector], color=colour, label=called)
            _whisker(axes, line[-1], 1.06 ** (1 + place), colour)


def _whisker(axes: Any, point: tuple[int, float, float | None, float | None], aside: float, colour: str) -> None:
    """The interval of a line's last point, a little to its right: bands of several selectors would hide each other."""
    k, _, low, high = point
    if low is not None and high is not None:
        axes.plot([k * aside] * 2, [low, high], "-", color=colour, linewidth=1.4, alpha=0.8)
