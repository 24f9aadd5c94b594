"""`monkeys export`: a run's samples as a file."""

import gzip
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click

from tasks.engines.recorded import COLUMNS
from verifiers.errors import Unavailable, UserError

Row = tuple[Any, ...]
"""A sample, in the order of COLUMNS."""

ROWS = 10_000
"""Rows of a Parquet row group."""


@click.command()
@click.argument("run")
@click.argument("file", type=click.Path(path_type=Path), required=False)
def export(run: str, file: Path | None) -> None:
    """Write RUN's samples to FILE (.jsonl, .jsonl.gz or .parquet), or as JSONL to stdout; `monkeys import` reads them.

    A run in flight is written as it is at this moment.

    \b
    Example:
      monkeys export 1 samples.parquet
      monkeys export 1 | head
    """
    from models.questions.find import find_run
    from tasks.runs.exports import export_samples

    found = find_run(run)
    rows = export_samples(found.id)
    if file is None or str(file) == "-":
        count = _write_lines(rows, lambda line: sys.stdout.write(line))
    else:
        write = _writer(file)
        with _whole_or_nothing(file) as part:
            count = write(part, rows)
    click.echo(f"{count:,} samples of run {found.id}.", err=True)


def _writer(file: Path) -> Callable[[Path, Iterator[Row]], int]:
    if file.suffix == ".parquet":
        return _write_parquet
    if file.name.endswith((".jsonl.gz", ".json.gz")):
        return _write_gzip
    if file.suffix in (".jsonl", ".json"):
        return _write_jsonl
    raise UserError(f"FILE must end in .jsonl, .jsonl.gz or .parquet, not {file.name!r}.")


@contextmanager
def _whole_or_nothing(file: Path) -> Iterator[Path]:
    """A name to write under, renamed when all is well; an existing file is never overwritten."""
    if file.exists():
        raise UserError(f"{file} exists already; choose another name, or remove it.")
    part = file.with_name(file.name + ".part")
    try:
        yield part
        part.rename(file)
    except OSError as error:
        raise Unavailable(f"{file} cannot be written ({error.strerror or error}).") from error
    finally:
        part.unlink(missing_ok=True)


def _write_lines(rows: Iterator[Row], write: Callable[[str], Any]) -> int:
    count = 0
    for row in rows:
        known = {name: value for name, value in zip(COLUMNS, row, strict=True) if value is not None}
        write(json.dumps(known, ensure_ascii=False) + "\n")
        count += 1
    return count


def _write_jsonl(file: Path, rows: Iterator[Row]) -> int:
    with file.open("w", encoding="utf-8") as opened:
        return _write_lines(rows, opened.write)


def _write_gzip(file: Path, rows: Iterator[Row]) -> int:
    with gzip.open(file, "wt", encoding="utf-8") as opened:
        return _write_lines(rows, opened.write)


def _write_parquet(file: Path, rows: Iterator[Row]) -> int:
    import pyarrow as arrow
    from pyarrow.parquet import ParquetWriter

    schema = arrow.schema([(name, column.arrow) for name, column in COLUMNS.items()])
    count = 0
    with ParquetWriter(file, schema) as writer:
        for first in rows:
            group = [_with_scores_as_text(row) for row in chain([first], islice(rows, ROWS - 1))]
            writer.write_table(arrow.Table.from_pylist(group, schema))
            count += len(group)
    return count


def _with_scores_as_text(row: Row) -> dict[str, Any]:
    known = dict(zip(COLUMNS, row, strict=True))
    return {**known, "scores": None if known["scores"] is None else json.dumps(known["scores"])}
