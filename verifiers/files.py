"""Rows of a data file (JSONL, .gz, Parquet) as dicts, with a person's mistakes in it told in one sentence."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from verifiers.errors import UserError

Row = dict[str, Any]


def read_rows(file: Path) -> Iterator[Row]:
    """Yield a file's rows in order; raise UserError when it is missing, malformed or holds something else."""
    if not file.is_file():
        raise UserError(f"There is no data file {file}.")
    if file.suffix == ".parquet":
        yield from _parquet_rows(file)
        return
    open_text = gzip.open if file.suffix == ".gz" else open
    number = 0
    try:
        with open_text(file, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise UserError(f"Line {number} of {file} is not a JSON object.")
                yield row
    except json.JSONDecodeError as error:
        raise UserError(f"Line {number} of {file} is not valid JSON ({error.msg}).") from error
    except RecursionError as error:
        raise UserError(f"Line {number} of {file} is nested too deeply.") from error
    except (UnicodeDecodeError, OSError, EOFError) as error:
        raise UserError(f"{file} cannot be read after line {number} ({error}).") from error


def _parquet_rows(file: Path) -> Iterator[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(batch_size=10_000):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{file} is not a readable Parquet file ({error}).") from error
