"""Recorded samples in a file: the columns that imports read and exports write, and a person's mistakes in them."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from models.storable import storable
from tasks.engines.engine import Completion
from verifiers.errors import UserError
from verifiers.files import Row, read_rows
from verifiers.outcome import Outcome
from verifiers.ranges import LARGEST

LONGEST_KEY = 500
"""Characters of a problem's key or a reward model's name, which are keys of tables."""


def _key(given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise TypeError
    key = str(given)
    if not key or len(key) > LONGEST_KEY or storable(key) != key:
        raise ValueError
    return key


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise TypeError
    return storable(given)


def _whole(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int | float) or given != int(given) or abs(given) >= 2**63:
        raise TypeError
    return int(given)


def _count(given: Any) -> int:
    count = _whole(given)
    if not 0 <= count <= LARGEST:
        raise ValueError
    return count


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TypeError
    return float(given)


def _amount(given: Any) -> float:
    amount = _number(given)
    if not 0 <= amount < math.inf:
        raise ValueError
    return amount


def _bool(given: Any) -> bool:
    if given not in (0, 1):
        raise ValueError
    return bool(given)


def _scores(given: Any) -> dict[str, float]:
    scores = json.loads(given) if isinstance(given, str) else given
    if not isinstance(scores, dict):
        raise TypeError
    return {_key(name): _number(score) for name, score in scores.items() if score is not None}


class Column(NamedTuple):
    """How a value of a file becomes ours (TypeError or ValueError where it cannot), and its types elsewhere."""

    convert: Callable[[Any], Any]
    sql: str
    arrow: str


COLUMNS = {
    "problem": Column(_key, "text", "string"),
    "sample_index": Column(_whole, "int", "int64"),
    "outcome": Column(Outcome, "text", "string"),
    "correct": Column(_bool, "bool", "bool"),
    "text": Column(_text, "text", "large_string"),
    "thinking": Column(_text, "text", "large_string"),
    "prompt_tokens": Column(_count, "int", "int64"),
    "completion_tokens": Column(_count, "int", "int64"),
    "thinking_tokens": Column(_count, "int", "int64"),
    "finish_reason": Column(_text, "text", "string"),
    "logprob": Column(_number, "float8", "float64"),
    "seed": Column(_whole, "bigint", "int64"),
    "usd": Column(_amount, "float8", "float64"),
    "gpu_seconds": Column(_amount, "float8", "float64"),
    "scores": Column(_scores, "jsonb", "string"),
}
"""The columns of an export, in order, and those that an import understands."""

OF_COMPLETION = [name for name in COLUMNS if name in {each.name for each in fields(Completion)}]
"""Those of them that an engine gives, under the names of the table sample."""


class Recorded(NamedTuple):
    """One recorded sample; `outcome` is its label, where it has one."""

    problem: str
    sample_index: int
    outcome: Outcome | None
    completion: Completion
    scores: Mapping[str, float] | None


@dataclass(frozen=True)
class Source:
    """A file and how it is to be read.

    columns: our name -> the file's; base: the file's first index; where: (the file's column, its value as text) that
    rows must have.
    """

    file: Path
    columns: Mapping[str, str] = field(default_factory=dict)
    base: int = 0
    where: Sequence[tuple[str, str]] = ()


def read_recorded(source: Source) -> Iterator[Recorded]:
    """Yield a file's samples in its order; UserError, with the row, on a mistake."""
    unknown = next((name for name in source.columns if name not in COLUMNS), None)
    if unknown is not None:
        raise UserError(f"There is no column {unknown!r} of ours; there are {', '.join(COLUMNS)}.")
    theirs = {name: source.columns.get(name, name) for name in COLUMNS}
    needed = {theirs["problem"], theirs["sample_index"], *source.columns.values(), *(name for name, _ in source.where)}
    for number, row in enumerate(read_rows(source.file)):
        if not needed <= row.keys():
            missing = sorted(needed - row.keys())[0]
            raise UserError(
                f"Row {number} of {source.file} (from 0) has no column {missing!r}; it has "
                f"{', '.join(map(str, row))}. --column ours=theirs says what a column is called there."
            )
        if all(str(row[name]) == value for name, value in source.where):
            try:
                yield _recorded(row, theirs, source.base)
            except ValueError as error:
                raise UserError(f"Row {number} of {source.file} (from 0): {error}.") from error


def _recorded(row: Row, theirs: Mapping[str, str], base: int) -> Recorded:
    def value(name: str) -> Any:
        given = row.get(theirs[name])
        if given is None or (isinstance(given, float) and math.isnan(given)):
            return None
        try:
            return COLUMNS[name].convert(given)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} cannot be {str(given)[:60]!r}") from error

    problem, index = value("problem"), value("sample_index")
    if problem is None or index is None:
        raise ValueError("problem and sample_index must not be empty")
    if not base <= index <= LARGEST:
        raise ValueError(f"a sample_index of {index} is impossible where the first is {base} (--base)")
    outcome, correct = value("outcome"), value("correct")
    if outcome is None and correct is not None:
        outcome = Outcome.correct if correct else Outcome.incorrect
    elif correct is not None and correct != (outcome == Outcome.correct):
        raise ValueError(f"its outcome is {outcome}, but correct is {str(correct).lower()}")
    completion = Completion(**{name: value(name) for name in OF_COMPLETION})
    return Recorded(problem, index - base, outcome, completion, value("scores"))
