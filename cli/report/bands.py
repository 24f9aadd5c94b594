"""Lines with their bands, and what keys and captions say of them."""

from collections.abc import Sequence
from typing import Any

from cli.report.drawing import INK

BAND = 0.18
"""How strong the colour of a band is."""

MANY = 6
"""More runs than these have only their lines in one plot: bands would hide each other."""


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
    if alpha and len(line) == 1 and None not in low:
        axes.vlines(x, low, high, alpha=alpha, color=style["color"], linewidth=7)  # a band would have no width
    elif line and alpha and None not in low:
        axes.fill_between(x, low, high, alpha=alpha, color=style["color"], linewidth=0)


def line_key(label: str, style: Any, **look: Any) -> Any:
    """The key of a kind of line, whatever its colour."""
    from matplotlib.lines import Line2D

    return Line2D([], [], color=INK, linestyle=style, label=label, **{"linewidth": 1.2, **look})


def few(runs: Sequence[Any]) -> bool:
    """Whether so many runs can have more than their lines in one plot."""
    return len(runs) <= MANY


def band_alpha(runs: Sequence[Any]) -> float:
    """How strong the bands of so many runs in one plot are; 0 is none."""
    return BAND if few(runs) else 0


def band_keys(runs: Sequence[Any], label: str = "95 %, new problems", times: float = 1) -> list[Any]:
    """The key of the bands of these runs in one plot, where it has any."""
    return [band_key(label, times * BAND)] if few(runs) else []


def said_of_bands(runs: Sequence[Any], said: str, drawn: str = "bands") -> str:
    """What a caption says of the bands of these runs in one plot, and of what else is `drawn` of few runs only."""
    return said if few(runs) else f" Of more than {MANY} runs no {drawn} are drawn: the CSV has them."


def band_key(label: str, alpha: float, colour: str = INK) -> Any:
    """The key of a kind of band."""
    from matplotlib.patches import Patch

    return Patch(facecolor=colour, alpha=alpha, linewidth=0, label=label)
