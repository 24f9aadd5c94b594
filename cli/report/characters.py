"""Coverage curves in a terminal."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from string import ascii_lowercase

from cli.output import room
from models.views import CoverageRow

WIDTH = 78


def coverage_in_characters(curves: Mapping[str, Sequence[CoverageRow]], height: int = 18) -> str:
    """Coverage against k, drawn with characters; nothing where it is known at no k.

    Several curves are of a letter each: a terminal may have no colours.
    """
    import plotext

    if all(row.coverage is None for curve in curves.values() for row in curve):
        return ""
    plotext.clear_figure()
    plotext.theme("clear")
    plotext.plotsize(min(WIDTH, room() or WIDTH), height)
    plotext.xscale("log")
    markers = ascii_lowercase if len(curves) > 1 else ["braille"]
    for (name, curve), marker in zip(curves.items(), cycle(markers)):
        known = [(row.k, 100 * row.coverage) for row in curve if row.coverage is not None]
        if known:
            plotext.plot(*map(list, zip(*known, strict=True)), label=name, marker=marker)
    ks = sorted({row.k for curve in curves.values() for row in curve})
    decades = [k for k in ks if str(k).strip("0") == "1"]
    plotext.xticks(decades, [f"{k:,}" for k in decades])
    plotext.ylim(0, 100)
    plotext.title("coverage, %")
    plotext.xlabel("samples per problem, k")
    return str(plotext.build())
