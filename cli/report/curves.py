"""Coverage against k, each run's law and forecast, and how runs differ problem by problem."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from cli.report.axes import SCALES, k_axis, near_the_edge, outer, scale_of, share_axis
from cli.report.bands import BAND, band, band_alpha, band_key, band_keys, few, line_key, said_of_bands
from cli.report.drawing import INK, Plot, columns_of, legend_below, panels, size_of, titled
from cli.report.naming import looks
from models.questions.differences import differences
from models.questions.report import Findings
from models.statistics.fits import Family, law
from models.views.analysed import CoverageFitRow, ForecastRow


class CurvePoint(NamedTuple):
    """A point of a coverage curve, or of its forecast."""

    run_id: int
    what: str
    k: int
    coverage: float | None
    low: float | None
    high: float | None


def coverage_plot(runs: Sequence[Findings]) -> Plot:
    """Coverage against k with its 95 % interval, the average of two laws, and its forecast."""
    rows = [
        CurvePoint(run.run_id, "coverage", row.k, row.coverage, row.low, row.high)
        for run in runs
        for row in run.coverage
        if row.coverage is not None
    ]
    laws = few(runs)
    curves = [[row.coverage or 0.0 for row in rows if row.run_id == run.run_id] for run in runs]
    scale = scale_of(curves)
    rows += [
        CurvePoint(run.run_id, f"forecast by {row.family}", row.k, row.coverage, row.low, row.high)
        for run in runs
        for row in run.forecasts
    ]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        for run, look in looks(runs):
            curve = [(row.k, row.coverage, row.low, row.high) for row in run.coverage if row.coverage is not None]
            band(axes, curve, alpha=band_alpha(runs), **look.line)
            if laws:
                _draw_law(axes, run, look.colour, band_alpha(runs) / 2)
        k_axis(axes)
        share_axis(axes, "coverage (pass@k)")
        ahead = [[row.coverage for row in _averages(run.forecasts)] for run in runs if laws]
        near_the_edge(axes, scale, [*curves, *ahead, *(outer(scale, run.coverage) for run in runs)])
        legend_below(figure, [axes], *(_keys(runs) if laws else []))

    return Plot(
        "coverage",
        "Coverage",
        "Share of problems with a right sample among k."
        + said_of_bands(
            runs,
            " Bands are 95 % intervals for new problems of the same kind; those of forecasts, which are fainter, also "
            "hold that the laws may be wrong." + _said_of_laws(runs),
            "bands and no forecasts",
        )
        + SCALES[scale],
        rows,
        CurvePoint._fields,
        draw,
    )


def _law_of(run: Findings) -> CoverageFitRow | None:
    return next((fit for fit in run.fits if fit.family == Family.average), None)


def _averages(rows: Sequence[ForecastRow]) -> list[ForecastRow]:
    return [row for row in rows if row.family == Family.average]


def _draw_law(axes: Any, run: Findings, colour: str, alpha: float) -> None:
    fit = _law_of(run)
    if fit is None or fit.flag:
        return
    grid = np.geomspace(1, max(row.k for row in run.coverage), 100)
    axes.plot(grid, law(Family.average, fit.parameters, grid), "--", color=colour, linewidth=1)
    ahead = [(row.k, row.coverage, row.low, row.high) for row in _averages(run.forecasts)]
    band(axes, ahead, ":", color=colour, linewidth=1.2, alpha=alpha)


def _keys(runs: Sequence[Findings]) -> list[Any]:
    """Keys of what is drawn: the interval, and a law and its forecast where one has no flag."""
    keys = band_keys(runs)
    if any(fit is not None and not fit.flag for fit in map(_law_of, runs)):
        keys.append(line_key("law fitted to it", "--", linewidth=1))
    if any(_averages(run.forecasts) for run in runs):
        keys.append(line_key("forecast", ":"))
        keys += band_keys(runs, "95 %, forecast", 0.5)
    return keys


def _said_of_laws(runs: Sequence[Findings]) -> str:
    """What the lines of laws are, why some runs have none, and what is to be doubted of the others."""
    drawn, said = False, ""
    for run in runs:
        fit = _law_of(run)
        if fit is None:
            said += f" Run {run.run_id} has no law: it was not fitted."
        elif fit.flag:
            said += f" Run {run.run_id} has no law and no forecast: {fit.flag}."
        else:
            drawn = True
            doubted = next((row for row in reversed(_averages(run.forecasts)) if row.flag), None)
            said += f" Run {run.run_id}'s forecast at k = {doubted.k:,}: {doubted.flag}." if doubted else ""
    laws = " Dashed: the mean of two laws fitted to a curve, exp(a·k^b) and exp(-a·k^-b); dotted: its forecast."
    return (laws if drawn else "") + said


def differences_plot(runs: Sequence[Findings]) -> Plot:
    """Each other run's coverage less the first run's, over the problems that both have."""
    rows = differences(runs)
    others = [each for each in looks(runs) if any(row.run_id == each[0].run_id for row in rows)]
    these = any(row.these_low is not None for row in rows)

    def draw(figure: Any) -> None:
        all_axes = panels(figure, len(others))
        for axes, (run, look) in zip(all_axes, others, strict=True):
            mine = [row for row in rows if row.run_id == run.run_id]
            line = [(row.k, row.difference, row.low, row.high) for row in mine]
            band(axes, line, alpha=BAND, **look.line | {"label": None})
            for ends in ([row.these_low for row in mine], [row.these_high for row in mine]):
                axes.plot([row.k for row in mine], ends, ":", color=look.colour, linewidth=1)
            axes.axhline(0, color=INK, linewidth=0.8)
            k_axis(axes)
            axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:+.3g}" if value else "0")
            titled(axes, look.label, figure.get_figwidth() / columns_of(len(others)))
        for axes in all_axes[:: columns_of(len(others))]:
            axes.set_ylabel(f"coverage less run {runs[0].run_id}'s, points")
        keys = [band_key("95 %, new problems", BAND)]
        keys += [line_key("95 %, these problems with new samples", ":", linewidth=1)] if these else []
        legend_below(figure, all_axes, *keys)

    return Plot(
        "differences",
        f"Differences to run {runs[0].run_id}",
        f"Coverage less that of run {runs[0].run_id}, paired problem by problem over the problems that both have: "
        "what both find hard cancels, so that bands of coverage may overlap where this is surely not 0. The band "
        "is the 95 % interval for new problems of the same kind"
        + (
            "; the dotted lines are that on these very problems with new samples, a bound where k nears the samples "
            "drawn, and there the wider one at times."
            if these
            else "."
        ),
        rows,
        ("run_id", "against", "k", "problems", "difference", "low", "high", "these_low", "these_high"),
        draw,
        size_of(len(others)),
    )
