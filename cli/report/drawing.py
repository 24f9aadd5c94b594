"""How plots are drawn: figures on white and in the reader's colours, axes of samples, shares and large numbers."""

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

from tasks.identity import build

INK = "#1b1b1f"
"""Text and axes; a page puts its own colour in its place."""

COLOURS = ("#0077bb", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#7a5fd0", "#2a9bbd", "#8a8f98")
"""Of runs; each stands out on white and on black, the first four for the colour-blind too."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Of runs, which tell them apart where colours don't: so many that 56 runs differ in one of the two."""

BAND = 0.18
"""How strong the colour of a band is."""

MANY = 6
"""More runs than these have no bands in one plot: they would hide each other."""

SMALL = 8
"""The size of legends, in points."""


@dataclass(frozen=True)
class Plot:
    """One plot: a name for files, a caption, its numbers, and how to draw them on a figure."""

    name: str
    title: str
    caption: str
    rows: Sequence[NamedTuple]
    columns: tuple[str, ...]
    """Of the rows, what the CSV has."""
    draw: Callable[[Any], None]
    size: tuple[float, float] = (7.2, 4.0)
    """In inches, without the legend below."""
    origin: str = ""
    """Where the numbers come from, for files that leave the page."""


def save(plot: Plot, files: Sequence[Path]) -> None:
    """Write a plot as PNG, SVG or PDF, on white: drawn once, into each of these files."""
    with figure_of(plot, plot.origin) as figure:
        for file in files:
            figure.savefig(file, dpi=200, facecolor="white", metadata=_metadata(plot, file.suffix))
            figure.set_layout_engine("none")  # it is laid out now


def _metadata(plot: Plot, ending: str) -> dict[str, str | None]:
    """What a file says of itself, without a date: the same numbers make the same file."""
    from cli.output import harmless

    title, said = plot.title, harmless(f"{plot.caption} {plot.origin}".strip())
    by = f"monkeys {build()}"
    if ending == ".pdf":
        return {"Title": title, "Subject": said, "Creator": by, "CreationDate": None}
    if ending == ".svg":
        return {"Title": title, "Description": said, "Creator": by, "Date": None}
    return {"Title": title, "Description": said, "Software": by}


def svg(plot: Plot) -> str:
    """A plot as an SVG element without a background, its text and axes in the colour of the text around it."""
    out = io.StringIO()
    with figure_of(plot) as figure:
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    return text.replace("<svg", f'<svg role="img" aria-label="{plot.title}"', 1)  # the title is ours


@contextmanager
def figure_of(plot: Plot, origin: str = "") -> Iterator[Any]:
    """A figure with the plot on it, below it where its numbers come from; names from outside are shown as they are,
    never read as mathematics.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot
    from matplotlib.text import Text

    from cli.output import harmless

    style: Any = {
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
        "text.parse_math": False,
        "svg.fonttype": "none",
        "pdf.fonttype": 42,  # whole letters, that a paper's reader can search and copy
        "svg.hashsalt": plot.name,
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.labelcolor": INK,
    }
    with warnings.catch_warnings(), mpl.rc_context(style):
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in a script that the font has not
        figure = pyplot.figure(figsize=plot.size, layout="constrained")
        try:
            plot.draw(figure)
            if origin:
                _write_below(figure, origin)
            for written in figure.findobj(Text):
                written.set_text(harmless(written.get_text()))
            yield figure
        finally:
            pyplot.close(figure)


def _write_below(figure: Any, origin: str) -> None:
    """Small lines below everything, by which the figure grows: all else keeps its size and place above them."""
    lines = wrap(origin, int(figure.get_figwidth() * 20), max_lines=4, placeholder=" …")
    inches, was = 0.06 + len(lines) * 7.5 / 72, figure.get_figheight()
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # it is laid out now
    high = was + inches
    for axes in figure.axes:
        x, y, width, height = axes.get_position().bounds
        axes.set_position((x, (y * was + inches) / high, width, height * was / high))
    figure.set_figheight(high)
    for each in figure.legends:
        each.set_bbox_to_anchor((0, inches / high, 1, was / high), transform=figure.transFigure)
    figure.text(0.01, inches / high, "\n".join(lines), fontsize=6, va="top", alpha=0.8)


def band(
    axes: Any,
    line: Sequence[tuple[float, float | None, float | None, float | None]],
    *form: str,
    alpha: float,
    **style: Any,
) -> None:
    """A line of (x, y, low, high), and between low and high, where both are known everywhere, the same colour faintly.

    `form` and `style` are the line's, in matplotlib's words; `alpha` is the band's.
    """
    x, y, low, high = (list(column) for column in zip(*line, strict=True)) if line else ([], [], [], [])
    axes.plot(x, y, *form, **style)
    if line and alpha and None not in low:
        axes.fill_between(x, low, high, alpha=alpha, color=style["color"], linewidth=0)


def k_axis(axes: Any) -> None:
    """Samples a problem, on a logarithmic axis."""
    axes.set(xscale="log", xlabel="samples per problem, k")
    log_labels(axes.xaxis)
    axes.grid(alpha=0.2, which="major", color=INK)


def log_labels(axis: Any) -> None:
    """Numbers at 1, 10, 100, ..., and at 2 and 5 between them where the axis is short."""

    def between(value: float, _: Any) -> str:
        low, high = axis.get_view_interval()
        return big(value) if f"{value:.0e}"[0] in "25" and high < 30 * low else ""

    axis.set_major_formatter(lambda value, _: big(value))
    axis.set_minor_formatter(between)


def share_axis(axes: Any, label: str) -> None:
    """Shares from 0 to 100 %."""
    axes.set(ylim=(-0.02, 1.02), ylabel=label)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(alpha=0.2, which="major", color=INK)


def scale_of(curves: Sequence[Sequence[float]]) -> str:
    """The axis that shares are told apart on: "logit" where a whole curve is above 90 %, "log" where one is below
    10 %, else "linear"; a curve that is 0 or 1 throughout would be off all but this.
    """
    whole = [curve for curve in curves if curve]
    if any(min(curve) > 0.9999 or max(curve) == 0 for curve in whole):
        return "linear"
    if any(min(curve) > 0.9 for curve in whole):
        return "logit"
    return "log" if any(0 < max(curve) < 0.1 for curve in whole) else "linear"


SCALES = {
    "linear": "",
    "log": " The axis of shares is logarithmic, since a whole curve lies below 10 %; 0 is off it.",
    "logit": " The axis of shares is logit, log(p / (1 - p)), since a whole curve lies above 90 %; what is above "
    "99.99 % is off it.",
}
"""What a caption says of the axis of shares."""


def outer(scale: str, rows: Sequence[Any]) -> list[float | None]:
    """Of intervals, the ends away from the edge that a scale of `scale_of` is for."""
    return [row.high if scale == "log" else row.low for row in rows]


def near_the_edge(axes: Any, scale: str, curves: Sequence[Sequence[float | None]]) -> None:
    """Put an axis of shares on a scale of `scale_of`, around these curves."""
    inside = [value for curve in curves for value in curve if value is not None and 0 < value <= 0.9999]
    if scale == "linear" or not inside:
        return
    low, high = min(inside), max(inside)
    if scale == "log":
        axes.set(yscale="log", ylim=(low / 1.5, min(1.0, high * 1.5)))
    else:
        axes.set_yscale("logit", nonpositive="clip")
        axes.set_ylim(low / (low + 1.5 * (1 - low)), 3 * high / (1 + 2 * high))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.5%}".rstrip("0%").rstrip(".") + "%")
    axes.yaxis.set_minor_formatter(lambda *_: "")


def legend_below(figure: Any, axes: Sequence[Any], *styles: Any) -> None:
    """One legend of several axes, below them, where it hides nothing: each name once; the figure grows by it.

    `styles` are the keys of what has no name of its own.
    """
    named = {label: handle for each in axes for handle, label in zip(*each.get_legend_handles_labels(), strict=True)}
    handles = [*named.values(), *styles]
    labels = [*named, *(style.get_label() for style in styles)]
    longest = max(map(len, labels), default=1)
    beside = max(1, min(4, int(figure.get_figwidth() * 14) // (longest + 6)))
    figure.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=SMALL, ncols=beside)
    figure.set_figheight(figure.get_figheight() + 0.2 + 1.7 * SMALL / 72 * -(-len(labels) // beside))


def titled(axes: Any, label: str, inches: float) -> None:
    """A panel's title, in as many lines as its width takes."""
    axes.set_title("\n".join(wrap(label, int(inches * 11), max_lines=3, placeholder=" …")), fontsize=9)


def line_key(label: str, style: Any, **look: Any) -> Any:
    """The key of a kind of line, whatever its colour."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=INK, linestyle=style, label=label, **{"linewidth": 1.2, **look})


def band_alpha(runs: Sequence[Any]) -> float:
    """How strong the bands of so many runs in one plot are; 0 is none."""
    return BAND if len(runs) <= MANY else 0


def band_keys(runs: Sequence[Any], label: str = "95 %, new problems", times: float = 1) -> list[Any]:
    """The key of the bands of these runs in one plot, where it has any."""
    return [band_key(label, times * BAND)] if band_alpha(runs) else []


def said_of_bands(runs: Sequence[Any], said: str) -> str:
    """What a caption says of the bands of these runs in one plot."""
    return said if band_alpha(runs) else f" Of more than {MANY} runs no bands are drawn: the CSV has them."


def band_key(label: str, alpha: float, colour: str = INK) -> Any:
    """The key of a kind of band."""
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, alpha=alpha, linewidth=0, label=label)


def columns_of(count: int) -> int:
    """How many of so many panels are beside each other."""
    return max(1, min(count, 2 if count <= 6 else 4))


def size_of(count: int) -> tuple[float, float]:
    """A figure for so many panels, in inches, without the legend below."""
    wide = columns_of(count)
    return 7.2 if wide == 1 else 9.6, 0.6 + (3.4, 3.0, 0, 2.2)[wide - 1] * -(-count // wide)


def panels(figure: Any, count: int, columns: int | None = None) -> list[Any]:
    """So many axes with the same shares, in rows."""
    wide = min(count, columns or columns_of(count))
    grid = figure.subplots(-(-count // wide), wide, sharey=True, squeeze=False).ravel()
    for empty in grid[count:]:
        empty.set_axis_off()
    return list(grid[:count])


def big(value: float) -> str:
    """A number in few characters: 10k, 5M, 2e15."""
    if value and not 1e-3 <= value < 1e9:
        return f"{value:.0e}".replace("e+", "e")
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
