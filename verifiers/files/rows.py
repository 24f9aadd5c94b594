"""Rows of an opened file, by what it holds: JSONL, a JSON array, CSV or Parquet. Each raises UserError on a mistake.

Of a file no more is held at once than one line, element or field, of at most LONGEST_ROW bytes, and of Parquet some
rows.
"""

import codecs
import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from verifiers.errors import UserError

Row = dict[str, Any]

LONGEST_ROW = 256 * 2**20
"""Bytes of a line, of an element of an array, of a field of CSV."""

PIECE = 2**20
"""Bytes of an array that are read at a time, at first."""

BATCH_BYTES, BATCH_ROWS = 64 * 2**20, 10_000
"""Most of a Parquet file at a time; a row has the bytes that its file has on average."""


def lines(opened: IO[bytes], file: Path) -> Iterator[str]:
    """Lines of UTF-8, with their ends."""
    number = 0
    while line := opened.readline(LONGEST_ROW + 1):
        number += 1
        if len(line) > LONGEST_ROW:
            raise UserError(f"Line {number} of {file} has more than {LONGEST_ROW:,} bytes.")
        yield line.decode()


def json_lines(opened: IO[bytes], file: Path) -> Iterator[Row]:
    """A row a line, or one row where the file is one object over many lines."""
    for number, line in enumerate(lines(opened, file), 1):
        if line.isspace():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            row = _one_object(line, error, opened, file) if number == 1 else None
            if row is None:
                raise _no_json(f"Line {number} of {file}", error) from error
        if not isinstance(row, dict):
            raise UserError(f"Line {number} of {file} is not a JSON object.")
        yield row


def _no_json(where: str, error: Exception) -> UserError:
    if isinstance(error, RecursionError):
        return UserError(f"{where} is nested too deeply.")
    return UserError(f"{where} is not valid JSON ({error.msg if isinstance(error, json.JSONDecodeError) else error}).")


def _one_object(line: str, error: Exception, opened: IO[bytes], file: Path) -> Any:
    """The file as one value, None where it is none; `line` is its first line, `error` what that lacks by itself."""
    if not isinstance(error, json.JSONDecodeError) or error.pos < len(line.rstrip()):
        return None
    rest = opened.read(LONGEST_ROW + 1)
    if len(rest) > LONGEST_ROW:
        raise UserError(f"{file} is one JSON value of more than {LONGEST_ROW:,} bytes.")
    try:
        return json.loads(line + rest.decode())
    except (ValueError, RecursionError):
        return None


_BEFORE, _END = re.compile(r"\s*([\[,])\s*"), re.compile(r"\s*(\[\s*)?\]")


def array_rows(opened: IO[bytes], file: Path) -> Iterator[Row]:
    """Elements of an array, each as soon as it is whole."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    text, place, number, wanted = "", 0, 0, PIECE
    while not (end := _END.match(text, place)):
        where = f"Element {number} of {file} (from 0)"
        try:
            row, place = _element(text, place, "," if number else "[")
        except json.JSONDecodeError as error:
            piece = opened.read(wanted)
            if not piece:
                raise _no_json(where, error) from error
            if len(text) - place > LONGEST_ROW:
                raise UserError(f"{where} has more than {LONGEST_ROW:,} bytes.") from error
            text, place, wanted = text[place:] + decode(piece), 0, wanted * 2
            continue
        except (ValueError, RecursionError) as error:
            raise _no_json(where, error) from error
        if not isinstance(row, dict):
            raise UserError(f"{where} is not a JSON object.")
        yield row
        number, wanted = number + 1, PIECE
    if text[end.end() :].strip() or opened.read(PIECE).strip():
        raise UserError(f"{file} goes on after its JSON array.")


def _element(text: str, place: int, before: str) -> tuple[Any, int]:
    """The next element, and where it ends; JSONDecodeError where it may be only that the text is cut."""
    found = _BEFORE.match(text, place)
    if found is None or found[1] != before:
        raise json.JSONDecodeError(f"no {before}", text, place)
    return json.JSONDecoder().raw_decode(text, found.end())


def csv_rows(opened: IO[bytes], file: Path, delimiter: str) -> Iterator[Row]:
    """Rows below a header, each value a text."""
    csv.field_size_limit(LONGEST_ROW)
    reader = csv.reader(lines(opened, file), delimiter=delimiter, strict=True)
    try:
        header = next(reader, [])
        if twice := next((name for name in header if header.count(name) > 1), None):
            raise UserError(f"{file} has two columns {twice!r}.")
        for row in reader:
            if row and len(row) != len(header):
                raise UserError(
                    f"Line {reader.line_num} of {file} has {len(row)} values, but its header has {len(header)}."
                )
            if row:
                yield dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise UserError(f"Line {reader.line_num} of {file} is not valid CSV ({error}).") from error


def parquet_rows(opened: IO[bytes], file: Path) -> Iterator[Row]:
    """Rows of a file that can be gone back in."""
    import pyarrow
    import pyarrow.parquet

    if not opened.seekable():
        raise UserError(f"{file} is Parquet, which must come as a file.")
    try:
        with pyarrow.parquet.ParquetFile(opened) as parquet:
            size = sum(parquet.metadata.row_group(each).total_byte_size for each in range(parquet.num_row_groups))
            fitting = BATCH_BYTES * parquet.metadata.num_rows // max(size, 1)
            for batch in parquet.iter_batches(batch_size=max(1, min(BATCH_ROWS, fitting))):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} is not a readable Parquet file ({error}).") from error
