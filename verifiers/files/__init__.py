"""Rows of a data file (JSONL, a JSON array, CSV, each also as .gz; Parquet), a person's mistakes told in one sentence.

What a file is goes by its first bytes; only CSV, which has none of its own, goes by its name. Memory does not grow
with a file's length (verifiers/files/rows.py says what may be held at once).
"""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath

from verifiers.errors import UserError
from verifiers.files.rows import Row, array_rows, csv_rows, json_lines, parquet_rows

__all__ = ["FORMS", "PARQUET", "STDIN", "Row", "check_file", "read_rows"]

STDIN = Path("-")

FORMS = "JSONL, a JSON array or CSV (each also as .gz), or Parquet"
"""What is read, as help texts and sentences say it."""

SUFFIXES = {".jsonl", ".json", ".csv", ".tsv", ".gz", ".parquet"}
"""Of files of which one is named where a person gives a folder."""

GZIP, PARQUET, UTF_8 = b"\x1f\x8b", b"PAR1", codecs.BOM_UTF8

OTHERS = {
    b"PK\x03\x04": "a zip archive", b"\x89PNG": "a PNG image", b"\xff\xd8\xff": "a JPEG image", b"GIF8": "a GIF image",
    b"%PDF": "a PDF", b"BZh": "a bzip2 file", b"\xfd7zXZ": "an xz file", b"\x28\xb5\x2f\xfd": "a zstd file",
    b"SQLite": "an SQLite database", b"ARROW1": "an Arrow file", b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file", b"\x7fELF": "a program", b"\xff\xfe": "UTF-16 text", b"\xfe\xff": "UTF-16 text",
    b"\x80\x02": "a pickle", b"\x80\x03": "a pickle", b"\x80\x04": "a pickle", b"\x80\x05": "a pickle",
    b"<": "HTML or XML", b"---": "YAML", PARQUET: "Parquet within gzip", GZIP: "gzip within gzip",
}  # fmt: skip
"""First bytes -> what a file is that is not read."""


def read_rows(file: Path) -> Iterator[Row]:
    """Yield a file's rows in order, those of standard input for `-`; UserError where it holds no such rows.

    NaN and infinities stay what they are. Values of CSV are texts.
    """
    with _opened(file) as opened:
        head = opened.peek(len(PARQUET))
        try:
            if head.startswith(PARQUET):
                yield from parquet_rows(opened, file)
            elif head.startswith(GZIP):
                with gzip.open(opened) as unpacked:
                    yield from _text_rows(io.BufferedReader(unpacked), file)
            else:
                yield from _text_rows(opened, file)
        except UnicodeDecodeError as error:
            raise UserError(f"{file} is not UTF-8 text ({error.reason}); wanted is {FORMS}.") from error
        except (OSError, EOFError, zlib.error) as error:
            raise UserError(f"{file} cannot be read to its end ({error}).") from error


def check_file(file: Path) -> None:
    """UserError unless there is such a file that can be read, or pipe: a device such as /dev/zero has no end."""
    if file.is_dir():
        inside = next((each for each in sorted(file.iterdir()) if each.suffix in SUFFIXES), None)
        raise UserError(f"{file} is a folder; name a file in it" + (f", such as {inside}." if inside else "."))
    if not file.exists():
        raise UserError(f"There is no data file {file}.")
    if not file.is_file() and not file.is_fifo():
        raise UserError(f"{file} is neither a file nor a pipe.")
    try:
        if file.is_file():
            with file.open("rb") as opened:
                opened.read(1)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}).") from error


@contextmanager
def _opened(file: Path) -> Iterator[io.BufferedReader]:
    if file == STDIN:
        given = sys.stdin.buffer
        yield given if isinstance(given, io.BufferedReader) else io.BufferedReader(given)  # type: ignore[arg-type]
        return
    check_file(file)
    with file.open("rb") as opened:
        yield opened


def _text_rows(opened: io.BufferedReader, file: Path) -> Iterator[Row]:
    if opened.peek(len(UTF_8)).startswith(UTF_8):
        opened.read(len(UTF_8))
    start, suffix = opened.peek(1).lstrip(), PurePath(file.name.lower().removesuffix(".gz")).suffix
    is_json = start.startswith((b"{", b"["))
    other = next((said for first, said in OTHERS.items() if start.startswith(first)), None)
    if not is_json and (other or suffix in (".yaml", ".yml")):
        raise UserError(f"{file} is {other or 'YAML'}; wanted is {FORMS}.")
    if start.startswith(b"["):
        yield from array_rows(opened, file)
    elif suffix in (".csv", ".tsv") and not is_json:
        yield from csv_rows(opened, file, "\t" if suffix == ".tsv" else ",")
    else:
        yield from json_lines(opened, file)
