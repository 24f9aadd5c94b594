"""Axes of samples, of shares and of large numbers."""

from collections.abc import Sequence
from typing import Any

from cli.report.drawing import INK


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


def big(value: float) -> str:
    """A number in few characters: 10k, 5M, 2e15."""
    if value and not 1e-3 <= value < 1e9:
        return f"{value:.0e}".replace("e+", "e")
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
