"""Recorded samples in a file: which columns they have, and a person's mistakes in them."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from models.rows import storable
from verifiers.benchmarks.rows import Row, read_rows
from verifiers.errors import UserError
from verifiers.outcome import Outcome

LARGEST_INDEX = 2**31 - 1


class Recorded(NamedTuple):
    """One recorded sample; `outcome` is its label, where it has one."""

    problem: str
    sample_index: int
    outcome: Outcome | None
    text: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    finish_reason: str | None
    logprob: float | None
    seed: int | None
    usd: float | None
    gpu_seconds: float | None
    scores: Mapping[str, float] | None


COLUMNS = (*Recorded._fields[:3], "correct", *Recorded._fields[3:])
"""The columns of an export, and those that an import understands."""


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
    def value(name: str, convert: Callable[[Any], Any]) -> Any:
        given = row.get(theirs[name])
        if given is None or (isinstance(given, float) and math.isnan(given)):
            return None
        try:
            return convert(given)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} cannot be {str(given)[:60]!r}") from error

    problem, index = value("problem", _key), value("sample_index", _whole)
    if problem is None or index is None:
        raise ValueError("problem and sample_index must not be empty")
    if not base <= index <= LARGEST_INDEX:
        raise ValueError(f"a sample_index of {index} is impossible where the first is {base} (--base)")
    outcome, correct = value("outcome", Outcome), value("correct", _bool)
    if outcome is None and correct is not None:
        outcome = Outcome.correct if correct else Outcome.incorrect
    elif correct is not None and correct != (outcome == Outcome.correct):
        raise ValueError(f"its outcome is {outcome}, but correct is {str(correct).lower()}")
    return Recorded(
        problem,
        index - base,
        outcome,
        value("text", _text),
        value("prompt_tokens", _count),
        value("completion_tokens", _count),
        value("finish_reason", _text),
        value("logprob", _number),
        value("seed", _whole),
        value("usd", _amount),
        value("gpu_seconds", _amount),
        value("scores", _scores),
    )


def _key(given: Any) -> str:
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise TypeError
    key = str(given)
    if not key or "\0" in key:
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
    if not 0 <= count <= LARGEST_INDEX:
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
