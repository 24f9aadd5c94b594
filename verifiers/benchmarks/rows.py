"""Rows of a data file (JSONL, .gz, Parquet) or of a public data set, as dicts, with a person's mistakes caught."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from verifiers.errors import UserError
from verifiers.verifier import Problem

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


def hub_rows(path: str, config: str | None, split: str) -> Iterator[Row]:
    """Rows of a public data set on the Hugging Face hub; UserError where it cannot be reached."""
    import datasets

    try:
        yield from datasets.load_dataset(path, config, split=split)
    except Exception as error:  # the library raises a dozen kinds, all meaning "could not be had"
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
        raise UserError(
            f"The data set {path} could not be loaded from the hub ({reason}); give a local copy with --data "
            "(and --shots for the few-shot examples)."
        ) from error


def make_problems(file: Path | None, rows: Iterator[Row], to_problem: Callable[[Row, int], Problem]) -> list[Problem]:
    """Problems of rows; `to_problem(row, line)` gets the line number from 0 and raises KeyError on a missing field."""
    where = str(file) if file else "the data set"
    problems: dict[str, Problem] = {}
    for line, row in enumerate(rows):
        try:
            problem = to_problem(row, line)
        except KeyError as error:
            raise UserError(f"Row {line} of {where} (from 0) has no field {error}.") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise UserError(f"Row {line} of {where} (from 0) is not a problem of this benchmark ({error}).") from error
        if problem.key in problems:
            raise UserError(f"{where} has two problems with the key {problem.key!r}.")
        if not problem.key or "\0" in problem.key:
            raise UserError(f"Row {line} of {where} (from 0) has no usable key.")
        problems[problem.key] = problem
    if not problems:
        raise UserError(f"{where} holds no problem.")
    return list(problems.values())
