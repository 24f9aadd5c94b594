"""Tables for people, and the same rows as JSON or CSV for programs."""

import csv
import datetime
import decimal
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

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

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What could move a terminal's cursor, colour it, or turn its text around."""


def dollars_rest_on(cost: "CostRow") -> str | None:
    """What a run's dollars rest on, in words; None where it has none."""
    if cost.usd is None or cost.usd_from is None:
        return None
    least = f"; at least: {cost.attempts_unmeasured:,} attempts were billed more than is known"
    return RESTS_ON[cost.usd_from] + (least if cost.attempts_unmeasured else "")


def harmless(text: str) -> str:
    """Text from anywhere, fit for a terminal: control characters are shown, not obeyed."""
    return CONTROL.sub(lambda found: repr(found.group())[1:-1], text)


def print_rows(rows: Rows, form: str | None, columns: Sequence[str] | None = None) -> None:
    """Print rows as a table, or as the JSON or CSV that --json and --csv ask for."""
    columns = columns or columns_of(rows)
    if form == "json":
        click.echo(
            json.dumps(
                [dict(zip(columns, _cells(row, columns), strict=True)) for row in rows], default=_plain, indent=1
            )
        )
    elif form == "csv":
        click.echo(rows_as_csv(rows, columns), nl=False)
    else:
        click.echo(text_table(rows, columns), nl=False)


def rows_as_csv(rows: Rows, columns: Sequence[str] | None = None) -> str:
    """Rows as CSV with a line of heads."""
    columns = columns or columns_of(rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_csv_cell, _cells(row, columns)) for row in rows)
    return out.getvalue()


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


def text_table(rows: Rows, columns: Sequence[str]) -> str:
    """Rows as a table of aligned columns: numbers to the right, a rule below the heads."""
    values = [_cells(row, columns) for row in rows]
    cells = [[printed(value) for value in row] for row in values]
    widths = [max([len(name), *(len(row[place]) for row in cells)]) for place, name in enumerate(columns)]
    right = [
        all(isinstance(row[place], int | float | decimal.Decimal | None) for row in values)
        for place in range(len(columns))
    ]

    def line(texts: Sequence[str]) -> str:
        padded = (
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(texts, widths, right, strict=True)
        )
        return "  ".join(padded).rstrip() + "\n"

    return line(columns) + "  ".join("─" * width for width in widths) + "\n" + "".join(map(line, cells))


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
