"""Tables for people, and the same rows as JSON or CSV for programs."""

import csv
import datetime
import decimal
import io
import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, AnyStr

import click
from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from models.views import CostRow
    from models.views.analysed import CoverageFitRow

Rows = Sequence[Any]
"""Mappings, or objects whose fields are the columns."""

COSTS = {"flops": "FLOPs", "gpu_seconds": "GPU-seconds", "usd": "dollars"}
"""What costs are counted in, and the words for it."""

RESTS_ON = {
    "charged": "as charged",
    "usage": "by the tokens billed",
    "samples": "by the sample",
    "gpu_hours": "by the GPU-hour",
    "estimated": "estimated, each prompt once a batch",
    "mixed": "charged in several ways",
}
"""What dollars rest on, by `usd_from` of the view cost."""

AT_ONCE = 1_000
"""Rows that are printed at once; the first so many say how wide a table's columns are."""

NARROW = 12
"""Texts are not cut below this width to keep another column."""

NUMBER = int | float | decimal.Decimal | None

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What could move a terminal's cursor, colour it, or turn its text around."""


def dollars_rest_on(cost: "CostRow") -> str | None:
    """What a run's dollars rest on, in words; None where it has none."""
    if cost.usd is None or cost.usd_from is None:
        return None
    least = f"; at least: {cost.attempts_unmeasured:,} attempts were billed more than is known"
    return RESTS_ON[cost.usd_from] + (least if cost.attempts_unmeasured else "")


def number_of(count: int, thing: str) -> str:
    """So many of a thing, in words: "1 work", "2,000 works"."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def harmless(text: str) -> str:
    """Text from anywhere, fit for a terminal: control characters are shown, not obeyed."""
    return CONTROL.sub(lambda found: repr(found.group())[1:-1], text)


def print_rows(
    rows: Iterable[Any], form: str | None, columns: Sequence[str] | None = None, least: Sequence[str] = ()
) -> None:
    """Print rows as a table, or as the JSON or CSV that --json and --csv ask for; rows that come one by one need
    `columns`.

    A terminal that is too narrow gets the columns that fit: those of `least` go first, then from the right.
    """
    columns = columns or columns_of(rows := list(rows))
    if form == "csv":  # which programs read: UTF-8, whatever the terminal has
        _echo(line.encode() for line in csv_lines(rows, columns))
    else:
        _echo(json_lines(rows, columns) if form == "json" else table_lines(rows, columns, room(), least))


def print_facts(facts: Mapping[str, Any], form: str | None) -> None:
    """Print one row: for people a line for each column, so that none is left out."""
    if form:
        print_rows([facts], form)
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name:{width}}  {printed(value)}")


def _echo(lines: Iterable[AnyStr]) -> None:
    """Print what may be millions of lines, many at once."""
    pieces = iter(lines)
    while several := list(islice(pieces, AT_ONCE)):
        click.echo(several[0][:0].join(several), nl=False)


def json_lines(rows: Iterable[Any], columns: Sequence[str]) -> Iterator[str]:
    """A JSON array of rows, in pieces."""
    before = "["
    for row in rows:
        written = json.dumps(dict(zip(columns, _cells(row, columns), strict=True)), default=_plain, indent=1)
        yield before + "\n " + written.replace("\n", "\n ")
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def csv_lines(rows: Iterable[Any], columns: Sequence[str]) -> Iterator[str]:
    """Rows as CSV with a line of heads, in pieces."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for cells in chain([list(columns)], (map(_csv_cell, _cells(row, columns)) for row in rows)):
        writer.writerow(cells)
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def rows_as_csv(rows: Rows, columns: Sequence[str] | None = None) -> str:
    """Rows as CSV with a line of heads."""
    return "".join(csv_lines(rows, columns or columns_of(rows)))


def in_words(laws: Sequence["CoverageFitRow"]) -> list["CoverageFitRow"]:
    """Fits with their parameters as one text each, beside them the 95 % interval."""
    return [law._replace(parameters=_parameters(law)) for law in laws]  # type: ignore[arg-type]


def _parameters(law: "CoverageFitRow") -> str:
    if law.family == "average" and law.parameters:
        return "those of its two laws"
    low, high = law.parameters_low or {}, law.parameters_high or {}
    return ", ".join(
        f"{name} {printed(value)}" + (f" [{printed(low[name])}, {printed(high[name])}]" if name in low else "")
        for name, value in law.parameters.items()
    )


def columns_of(rows: Rows) -> Sequence[str]:
    """The names of what rows hold, of which all have the same."""
    return list(rows[0] if isinstance(rows[0], Mapping) else rows[0]._fields) if rows else []


def _cells(row: Any, columns: Sequence[str]) -> list[Any]:
    return [row[name] if isinstance(row, Mapping) else getattr(row, name) for name in columns]


def room() -> int | None:
    """Characters in a line of the terminal that is written to; None where it is none: all is printed then."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def text_table(rows: Rows, columns: Sequence[str], least: Sequence[str] = ()) -> str:
    """Rows as a table of aligned columns that fits the terminal: numbers to the right, a rule below the heads."""
    return "".join(table_lines(rows, columns, room(), least))


def table_lines(
    rows: Iterable[Any], columns: Sequence[str], room: int | None = None, least: Sequence[str] = ()
) -> Iterator[str]:
    """Such a table line by line, for lines of so much room; the first rows say how wide columns are."""
    rows = iter(rows)
    first = [_cells(row, columns) for row in islice(rows, AT_ONCE)]
    cells = [[printed(value) for value in row] for row in first]
    right = [all(isinstance(value, NUMBER) for value in values) for values in zip(*first, strict=True)]
    right = right or [False] * len(columns)
    widths = [max(map(_width, [name, *(row[at] for row in cells)])) for at, name in enumerate(columns)]
    shown = _fitting(widths, right, [*map(list(columns).index, least), *range(len(columns))[::-1]], room)

    def line(texts: Sequence[str]) -> str:
        padded = (_padded(texts[at], width, to_right=right[at]) for at, width in shown.items())
        return "  ".join(padded).rstrip() + "\n"

    yield line(columns)
    yield "  ".join("─" * width for width in shown.values()) + "\n"
    yield from map(line, cells)
    for row in rows:
        yield line([printed(value) for value in _cells(row, columns)])
    if left_out := [name for at, name in enumerate(columns) if at not in shown]:
        yield f"({len(left_out)} of the columns left out: --json has them, or a wider terminal)\n"


def _fitting(widths: Sequence[int], right: Sequence[bool], leave: Sequence[int], room: int | None) -> dict[int, int]:
    """Places of the columns that fit, with their widths: texts are cut to NARROW first, then columns go as in `leave`.

    The last one stays.
    """
    shown = dict(enumerate(widths))
    going = list(dict.fromkeys(leave))[:-1]

    def over() -> int:
        return 0 if room is None else sum(shown.values()) + 2 * (len(shown) - 1) - room

    while over() > 0:
        least = {at: width if right[at] else min(width, NARROW) for at, width in shown.items()}
        if sum(least.values()) + 2 * (len(least) - 1) <= (room or 0) or not going:
            widest = max((at for at in shown if shown[at] > least[at]), key=shown.__getitem__, default=None)
            if widest is None:
                break
            shown[widest] -= 1
        else:
            del shown[going.pop(0)]
    return shown


def _padded(text: str, width: int, *, to_right: bool) -> str:
    """A cell of this width; of a longer name the middle is left out, of a longer sentence the end."""
    if _width(text) > width and not to_right:
        keep = 0 if " " in text else max(0, width - 1) // 3
        text = _begin(text, width - 1 - keep) + "…" + (_begin(text[::-1], keep)[::-1] if keep else "")
    blank = " " * (width - _width(text))
    return blank + text if to_right else text + blank


def _begin(text: str, width: int) -> str:
    """As much of a text as takes at most this width."""
    return set_cell_size(text, width).rstrip() if not text.isascii() else text[:width]


def _width(text: str) -> int:
    """Places in a line of a terminal: some characters take two, some none."""
    return len(text) if text.isascii() else cell_len(text)


def printed(value: Any) -> str:
    """A value as a cell of a table for people: short, one line, harmless."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1e3 else f"{value:,.0f}" if abs(value) < 1e12 else f"{value:.3g}"
    if isinstance(value, datetime.datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, datetime.timedelta):
        return str(datetime.timedelta(seconds=round(value.total_seconds())))
    if isinstance(value, dict) and all(isinstance(each, int | float) for each in value.values()):
        value = ", ".join(f"{name} {printed(each)}" for name, each in sorted(value.items()))
    text = harmless(value if isinstance(value, str) else json.dumps(value, default=_plain))
    text = text.replace("\n", "⏎")
    return text if len(text) <= 80 else text[:79] + "…"


def _csv_cell(value: Any) -> Any:
    return json.dumps(value, default=_plain) if isinstance(value, dict | list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return str(value)
