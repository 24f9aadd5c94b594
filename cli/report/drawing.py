"""How plots are drawn: figures on white and in the reader's colours, axes of samples, shares and large numbers."""

import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

INK = "#1b1b1f"
"""Text and axes; a page puts its own colour in its place."""

COLOURS = ("#3b7dd8", "#d9662b", "#2a9d6f", "#b65fc2", "#b8901c", "#d64550", "#3fa3b0", "#8a8f98")
"""Of runs; each stands out on white and on black."""


NO_DATE = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""The same numbers make the same file."""


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
    size: tuple[float, float] = (7.2, 4.4)


def save(plot: Plot, files: Sequence[Path]) -> None:
    """Write a plot as PNG, SVG or PDF, on white: drawn once, into each of these files."""
    with _figure(plot) as figure:
        for file in files:
            figure.savefig(file, dpi=160, facecolor="white", metadata=NO_DATE.get(file.suffix))
            figure.set_layout_engine("none")  # it is laid out now


def svg(plot: Plot) -> str:
    """A plot as an SVG element without a background, its text and axes in the colour of the text around it."""
    out = io.StringIO()
    with _figure(plot) as figure:
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :].replace(INK, "currentColor")


@contextmanager
def _figure(plot: Plot) -> Iterator[Any]:
    """A figure with the plot on it; names from outside are shown as they are, never read as mathematics."""
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
            for written in figure.findobj(Text):
                written.set_text(harmless(written.get_text()))
            yield figure
        finally:
            pyplot.close(figure)


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
    if line and None not in low:
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
    axes.set(ylim=(0, 1.02), ylabel=label)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.grid(alpha=0.2, which="major", color=INK)


def scale_of(curves: Sequence[Sequence[float]]) -> str:
    """The axis that shares are told apart on: "logit" where a whole curve is above 90 %, "log" where one is below
    10 %, else "linear".
    """
    whole = [curve for curve in curves if curve]
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


def legend(axes: Any, *styles: Any) -> None:
    """Names without a frame, where there is room; `styles` are the keys of what has no name of its own."""
    handles, _ = axes.get_legend_handles_labels()
    axes.legend(handles=[*handles, *styles], loc="best", frameon=False, fontsize=8)


def legend_below(figure: Any, axes: Sequence[Any], *styles: Any) -> None:
    """One legend of several axes, below them: each name once."""
    named = {label: handle for each in axes for handle, label in zip(*each.get_legend_handles_labels(), strict=True)}
    handles = [*named.values(), *styles]
    labels = [*named, *(style.get_label() for style in styles)]
    longest = max(map(len, labels), default=1)
    figure.legend(
        handles, labels, loc="outside lower center", frameon=False, fontsize=8, ncols=max(1, min(4, 100 // longest))
    )


def line_key(label: str, style: Any, **look: Any) -> Any:
    """The key of a kind of line, whatever its colour."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=INK, linestyle=style, label=label, **{"linewidth": 1.2, **look})


def band_key(label: str, alpha: float, colour: str = INK) -> Any:
    """The key of a kind of band."""
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, alpha=alpha, linewidth=0, label=label)


def panels(figure: Any, count: int, columns: int = 2) -> list[Any]:
    """So many axes with the same shares, in rows."""
    wide = min(count, columns)
    grid = figure.subplots(-(-count // wide), wide, sharey=True, squeeze=False).ravel()
    for empty in grid[count:]:
        empty.set_axis_off()
    return list(grid[:count])


def big(value: float) -> str:
    """A number in few characters: 10k, 5M, 2e15."""
    if value and not 1e-3 <= value < 1e12:
        return f"{value:.0e}".replace("e+", "e")
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
