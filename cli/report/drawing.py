"""How plots become figures: on white and in the reader's colours, with panels and a legend below them."""

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


def columns_of(count: int) -> int:
    """How many of so many panels are beside each other."""
    return max(1, min(count, 2 if count <= 6 else 4))


def size_of(count: int) -> tuple[float, float]:
    """A figure for so many panels, in inches, without the legend below."""
    wide = columns_of(count)
    return 7.2 if wide == 1 else 9.6, 0.6 + (3.4, 3.0, 0, 2.2)[wide - 1] * -(-count // wide)


def panels(figure: Any, count: int, columns: int | None = None, *, sharey: bool = True) -> list[Any]:
    """So many axes in rows, with the same shares where they share y."""
    wide = min(count, columns or columns_of(count))
    grid = figure.subplots(-(-count // wide), wide, sharey=sharey, squeeze=False).ravel()
    for empty in grid[count:]:
        empty.set_axis_off()
    return list(grid[:count])
