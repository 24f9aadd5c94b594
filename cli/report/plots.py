"""The curves of a report, and its map of problems: what each shows, its rows for CSV, and how it is drawn."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from cli.output import COSTS, harmless
from cli.report.bars import outcomes_plot, savings_plot
from cli.report.drawing import COLOURS, INK, Plot, band, big, k_axis, legend, log_labels, share_axis
from cli.report.stopped import LEANS, said_of_stopped
from models.questions.report import Findings
from models.statistics.fits import Family, law
from models.statistics.intervals import known

LINES = {
    "majority": "-.",
    "best_of_k": "--",
    "weighted_majority": ":",
    "logprob": (0, (3, 1, 1, 1, 1, 1)),
    "logprob_vote": (0, (1, 2)),
}


class CurvePoint(NamedTuple):
    """A point of a coverage curve, or of its forecast."""

    run_id: int
    what: str
    k: int
    coverage: float | None
    low: float | None
    high: float | None


class ProblemPoint(NamedTuple):
    """A problem's pass@k; None where it has fewer than k samples."""

    run_id: int
    problem_key: str
    k: int
    pass_at_k: float | None


def plots(runs: Sequence[Findings]) -> list[Plot]:
    """Every plot that these runs have the numbers for."""
    draw = (coverage_plot, precision_plot, problems_plot, cost_plot, outcomes_plot, savings_plot, diversity_plot)
    return [plot for plot in (each(runs) for each in draw) if plot.rows]


def coverage_plot(runs: Sequence[Findings]) -> Plot:
    """Coverage against k with its 95 % interval, the average of two laws, and its forecast."""
    rows = [
        CurvePoint(run.run_id, "coverage", row.k, row.coverage, row.low, row.high)
        for run in runs
        for row in run.coverage
        if row.coverage is not None
    ]
    rows += [
        CurvePoint(run.run_id, f"forecast by {row.family}", row.k, row.coverage, row.low, row.high)
        for run in runs
        for row in run.forecasts
    ]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for run, colour in _coloured(runs):
            curve = [(row.k, row.coverage, row.low, row.high) for row in run.coverage if row.coverage is not None]
            band(axes, curve, "o-", color=colour, markersize=3.5, label=_short(run), alpha=0.18)
            _draw_law(axes, run, colour)
        k_axis(axes)
        share_axis(axes, "coverage (pass@k)")
        legend(axes)

    return Plot(
        "coverage",
        "Coverage",
        "Share of problems with a right sample among k, with the 95 % interval for new problems of the same kind. "
        "Dashed: the mean of two laws fitted to it, exp(a·k^b) and exp(-a·k^-b); dotted: its forecast, with a 95 % "
        "band that also holds that the laws may be wrong.",
        rows,
        CurvePoint._fields,
        draw,
    )


def _draw_law(axes: Any, run: Findings, colour: str) -> None:
    fit = next((fit for fit in run.fits if fit.family == Family.average and not fit.flag), None)
    if fit is None:
        return
    grid = np.geomspace(1, max(row.k for row in run.coverage), 100)
    axes.plot(grid, law(Family.average, fit.parameters, grid), "--", color=colour, linewidth=1)
    ahead = [(row.k, row.coverage, row.low, row.high) for row in run.forecasts if row.family == Family.average]
    if all(low is not None for _, _, low, _ in ahead):
        band(axes, ahead, ":", color=colour, linewidth=1.2, alpha=0.08)


def precision_plot(runs: Sequence[Findings]) -> Plot:
    """What selectors pick against what there is to pick."""
    shown = [run for run in runs if run.precision]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for run, colour in _coloured(runs):
            where = f" (run {run.run_id})" if len(shown) > 1 else ""
            for selector, model in dict.fromkeys((row.selector, row.reward_model) for row in run.precision):
                line = [
                    (row.k, row.success_rate, row.low, row.high)
                    for row in run.precision
                    if (row.selector, row.reward_model) == (selector, model)
                ]
                own = colour if where else COLOURS[1 + list(LINES).index(selector)]
                label = " ".join(filter(None, [selector.replace("_", " "), model])) + where
                band(axes, line, linestyle=LINES[selector], color=own, label=label, alpha=0.1)
            if run.precision:
                most = {row.k: row.coverage for row in run.precision}
                axes.plot(list(most), list(most.values()), "o-", color=colour, markersize=3, label=f"coverage{where}")
        k_axis(axes)
        share_axis(axes, "chance of a right answer")
        legend(axes)

    return Plot(
        "precision",
        "Precision against coverage",
        "How often a selector that does not know the truth picks a right sample of k, with the 95 % interval for "
        "new problems of the same kind, and coverage, which a perfect one would reach.",
        [row for run in runs for row in run.precision],
        ("run_id", "selector", "reward_model", "k", "success_rate", "coverage", "gap", "stderr"),
        draw,
    )


def problems_plot(runs: Sequence[Findings]) -> Plot:
    """pass@k of every problem as a map."""
    rows: list[ProblemPoint] = []
    maps: list[tuple[Findings, Any, list[int]]] = []
    for run in runs:
        hardness = np.nan_to_num(run.pass_at_k).tolist()
        decided = [place for place, row in enumerate(run.problems) if row.decided]
        if not decided:
            continue
        decided.sort(key=lambda place: (hardness[place], run.problems[place].problem_key))
        ks = [row.k for row in run.coverage]
        values = run.pass_at_k[decided]
        maps.append((run, values, ks))
        rows += [
            ProblemPoint(run.run_id, run.problems[place].problem_key, k, known(value))
            for place, line in zip(decided, values, strict=True)
            for k, value in zip(ks, line, strict=True)
        ]

    def draw(figure: Any) -> None:
        all_axes = np.atleast_1d(figure.subplots(1, len(maps), squeeze=False)[0])
        for axes, (run, values, ks) in zip(all_axes, maps, strict=True):
            image = axes.imshow(
                values, aspect="auto", cmap="viridis", vmin=0, vmax=1, interpolation="nearest", origin="lower"
            )
            places = [place for place, k in enumerate(ks) if str(k).strip("0") == "1"]
            axes.set_xticks(places, [big(ks[place]) for place in places])
            axes.set(xlabel="samples per problem, k", title=f"run {run.run_id}" if len(maps) > 1 else None)
        all_axes[0].set_ylabel("problems, hardest first")
        bar = figure.colorbar(image, ax=list(all_axes), format=lambda value, _: f"{value:.0%}")
        bar.outline.set_visible(False)
        bar.set_label("pass@k")

    return Plot(
        "problems",
        "Problem by problem",
        "pass@k of each problem, the hardest at the bottom. Blank: fewer than k samples."
        + said_of_stopped(runs, "this is estimated from its batches in order"),
        rows,
        ProblemPoint._fields,
        draw,
        (min(14.0, 7.2 + 2.4 * max(0, len(maps) - 1)), 4.8),
    )


def cost_plot(runs: Sequence[Findings]) -> Plot:
    """Coverage against what it cost."""
    rows = [
        row
        for run in runs
        for row in run.coverage_by_cost
        if row.coverage is not None and any(getattr(row, name) for name in COSTS)
    ]
    shown = [name for name in COSTS if any(getattr(row, name) for row in rows)]

    def draw(figure: Any) -> None:
        all_axes = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for axes, name in zip(all_axes, shown, strict=True):
            for run, colour in _coloured(runs):
                mine = [row for row in rows if row.run_id == run.run_id and getattr(row, name)]
                line = [(getattr(row, name), row.coverage, row.low, row.high) for row in mine]
                if line:
                    band(axes, line, "o-", color=colour, markersize=3, label=_short(run), alpha=0.15)
                stopping = [getattr(row, f"stopping_{name}") for row in mine]
                axes.plot(stopping, [row.coverage for row in mine], "--", color=colour, linewidth=1)
            axes.set(xscale="log", xlabel=COSTS[name])
            log_labels(axes.xaxis)
            share_axis(axes, "coverage" if axes is all_axes[0] else "")
        legend(all_axes[0])

    return Plot(
        "cost",
        "Coverage against cost",
        "k samples of every problem, at the run's own mean lengths; FLOPs by the paper's formula, prompts once; "
        "dollars with a prompt a request. Dashed: each problem stops at its first right sample, one sample a request."
        + said_of_stopped(runs, "it paid less than this for its solved problems"),
        rows,
        ("run_id", "k", "coverage", "low", "high", *COSTS, *(f"stopping_{name}" for name in COSTS), "biased_by"),
        draw,
        (max(6.0, 3.6 * len(shown)), 4.0),
    )


def diversity_plot(runs: Sequence[Findings]) -> Plot:
    """Whether more samples still bring new candidates."""
    rows = [row for run in runs for row in run.diversity if row.problems == run.diversity[0].problems]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for run, colour in _coloured(runs):
            line = [row for row in rows if row.run_id == run.run_id]
            if line:
                distinct = [row.expected_distinct_candidates for row in line]
                axes.plot([row.k for row in line], distinct, "o-", color=colour, markersize=3, label=_short(run))
        most = max(row.k for row in rows)
        axes.plot([1, most], [1, most], color=INK, linewidth=0.8, alpha=0.5, label="all different")
        k_axis(axes)
        axes.set(yscale="log", ylabel="distinct candidates expected")
        log_labels(axes.yaxis)
        legend(axes)

    return Plot(
        "diversity",
        "Diversity",
        "Distinct candidates among k samples of a problem, a mean over problems (exact rarefaction). Where the curve "
        "flattens, samples repeat and more of them stop paying." + said_of_stopped(runs, LEANS),
        rows,
        ("run_id", "k", "problems", "expected_distinct_candidates"),
        draw,
    )


def _coloured(runs: Sequence[Findings]) -> Iterator[tuple[Findings, str]]:
    for place, run in enumerate(runs):
        yield run, COLOURS[place % len(COLOURS)]


def _short(run: Findings) -> str:
    title = harmless(run.title)
    return title if len(title) <= 60 else title[:59] + "…"
