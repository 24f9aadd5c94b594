"""What a format of another tool is: how to know its files, and what a row of theirs is in our columns."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from verifiers.files import Row, read_rows

QUESTIONS = (
    "question", "problem", "prompt", "Question", "question_content", "problem_statement", "description", "query",
)  # fmt: skip
"""Fields of public data sets that hold what is asked, in order of preference."""


class Format(NamedTuple):
    """Files that another tool writes. Each callable may raise ValueError, and KeyError, on a row that is not theirs.

    fits(row): whether a file's first row is one of theirs.
    row(theirs, label): their row in our columns and `question`; lists in it are a problem's samples, in order.
    labels(theirs): what in a row may say whether a sample is correct, the one that is taken first.
    parts(row): a file's row as rows of theirs, where it holds many.
    one: a field of which one file may hold one value, since other values are the same samples again.
    read(file): the rows of a file that is none of ours.
    llm: a field that names the llm.
    attempts: whether each file is an attempt, so that two of them may be the same.
    """

    about: str
    fits: Callable[[Row], bool]
    row: Callable[[Row, str | None], Row]
    labels: Callable[[Row], Sequence[str]] = lambda _: ()
    parts: Callable[[Row], Iterable[Row]] = lambda row: (row,)
    one: str | None = None
    read: Callable[[Path], Iterator[Row]] = read_rows
    llm: str | None = None
    attempts: bool = False


def question_of(fields: Any) -> str | None:
    """What is asked, by the first field that holds it."""
    if not isinstance(fields, Mapping):
        return None
    return next((fields[name] for name in QUESTIONS if isinstance(fields.get(name), str)), None)


def labels_of_each(value: Any, samples: int) -> Any:
    """A metric as labels of samples; nothing where it is one number for several, which says of none what it is."""
    if isinstance(value, list):
        return value if len(value) == samples else None
    return [value] if samples == 1 else None


def natural(name: str) -> list[str | int]:
    """A key that sorts names as people do: 2 before 10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]{1,18})", name)]
