"""Problems of rows: those of a file or of a public data set, with a person's mistakes caught."""

from collections.abc import Callable, Iterator
from pathlib import Path

from verifiers.errors import UserError
from verifiers.files import Row
from verifiers.verifier import Problem


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
