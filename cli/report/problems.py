"""The map of problems: pass@k of each, in one order for all runs of a benchmark."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cli.output import harmless
from cli.report.axes import big
from cli.report.drawing import Plot, panels, titled
from cli.report.naming import cut, looks
from cli.report.stopped import said_of_stopped
from models.questions.report import Findings
from models.statistics.intervals import Floats, known

BESIDE = 4
"""Maps in a row."""

NAMED = 60
"""Rows have names up to so many."""


class ProblemPoint(NamedTuple):
    """A problem's pass@k; None where it has fewer than k samples."""

    run_id: int
    problem_key: str
    k: int
    pass_at_k: float | None


def problems_plot(runs: Sequence[Findings]) -> Plot:
    """pass@k of every problem as a map a run; the first run of a benchmark gives the order of its problems."""
    shown = [each for each in looks(runs) if any(row.decided for row in each[0].problems)]
    benchmarks = dict.fromkeys(run.progress.benchmark for run, *_ in shown)
    orders = {name: _order([run for run, *_ in shown if run.progress.benchmark == name]) for name in benchmarks}
    maps = [(run, look.label, orders[run.progress.benchmark]) for run, look in shown]
    rows = [
        ProblemPoint(run.run_id, run.problems[place].problem_key, row.k, known(run.pass_at_k[place, at]))
        for run, _, order in maps
        for place in _places(run, order)
        if place is not None and run.problems[place].decided
        for at, row in enumerate(run.coverage)
    ]
    most = max(map(len, orders.values()), default=0)
    wide = min(BESIDE, len(maps))
    named = most <= NAMED and len(maps) <= BESIDE
    high = max(4.8 if len(maps) <= BESIDE else 3.0, 0.14 * most if named else 0)

    def draw(figure: Any) -> None:
        all_axes = panels(figure, len(maps), BESIDE, sharey=False)
        for at, (axes, (run, label, order)) in enumerate(zip(all_axes, maps, strict=True)):
            image = axes.imshow(
                _values(run, order), aspect="auto", cmap="viridis", vmin=0, vmax=1, interpolation="nearest",
                origin="lower",
            )  # fmt: skip
            same = at % BESIDE > 0 and order is maps[at - 1][2]
            _label(axes, [row.k for row in run.coverage], order, named=named and not same)
            if len(maps) > 1:
                titled(axes, label, figure.get_figwidth() / (wide + 0.8))
        for axes in all_axes[::BESIDE]:
            axes.set_ylabel("problems, hardest at the bottom")
        bar = figure.colorbar(
            image, ax=all_axes, format=lambda value, _: f"{value:.0%}", shrink=1 / -(-len(maps) // BESIDE),
            anchor=(0, 1),
        )  # fmt: skip
        bar.outline.set_visible(False)
        bar.set_label("pass@k")

    return Plot(
        "problems",
        "Problem by problem",
        "pass@k of each problem. " + _said_of_order(maps) + " Blank: fewer than k samples, or a run without it."
        + said_of_stopped(runs, "this is estimated from its batches in order"),
        rows,
        ProblemPoint._fields,
        draw,
        (7.2 if len(maps) <= 2 else 9.6, high * -(-len(maps) // BESIDE)),
    )  # fmt: skip


def _label(axes: Any, ks: Sequence[int], order: Sequence[str], named: bool) -> None:
    """Ticks of a map: powers of ten below, and, where they fit, problems beside it."""
    places = [place for place, k in enumerate(ks) if str(k).strip("0") == "1"]
    axes.set_xticks(places, [big(ks[place]) for place in places])
    axes.set(xlabel="samples per problem, k", facecolor="none")
    if len(order) <= NAMED:
        axes.set_yticks(range(len(order)), [cut(harmless(key), 24) for key in order] if named else [])
        axes.tick_params("y", labelsize=7, length=0)


def _order(runs: Sequence[Findings]) -> list[str]:
    """Keys of problems, the hardest for the first of these runs that has them first."""
    order: dict[str, None] = {}
    for run in runs:
        hardness = np.nan_to_num(run.pass_at_k).tolist()
        found = sorted((hardness[at], row.problem_key) for at, row in enumerate(run.problems) if row.decided)
        order |= dict.fromkeys(key for _, key in found if key not in order)
    return list(order)


def _places(run: Findings, order: Sequence[str]) -> list[int | None]:
    """Where a run has each of these problems; None where it has not."""
    places = {row.problem_key: place for place, row in enumerate(run.problems)}
    return [places.get(key) for key in order]


def _values(run: Findings, order: Sequence[str]) -> Floats:
    """pass@k by row of the map; NaN where a run has no such problem."""
    absent = np.full(run.pass_at_k.shape[1], np.nan)
    return np.array([absent if place is None else run.pass_at_k[place] for place in _places(run, order)])


def _said_of_order(maps: Sequence[tuple[Findings, str, list[str]]]) -> str:
    firsts = {id(order): run.run_id for run, _, order in reversed(maps)}
    if len(maps) == 1:
        return "The hardest is at the bottom."
    if len(firsts) == 1:
        return f"A row is the same problem in every map: the hardest for run {maps[0][0].run_id} is at the bottom."
    ids = ", ".join(map(str, sorted(firsts.values())))
    return f"A row is the same problem in every map of a benchmark, whose first run (run {ids}) gives the order."
