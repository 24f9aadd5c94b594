"""Recorded samples: the columns that imports read and exports write, and how a file's values become ours.

Numbers and truth values may be given as texts, since CSV has nothing else.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from reprlib import Repr
from typing import Any, NamedTuple

from models.storable import MOST, storable
from tasks.engines.engine import Completion
from verifiers.files import Row
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
    if type(given) is int and abs(given) < 2**63:
        return given
    if isinstance(given, str) and len(given) < 20:
        given = int(given)
    if isinstance(given, bool) or not isinstance(given, int | float) or given != int(given) or abs(given) >= 2**63:
        raise TypeError
    return int(given)


def _count(given: Any) -> int:
    count = _whole(given)
    if not 0 <= count <= LARGEST:
        raise ValueError
    return count


def _number(given: Any) -> float:
    if isinstance(given, str):
        given = float(given)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise TypeError
    return float(given)


def _amount(given: Any) -> float:
    amount = _number(given)
    if not 0 <= amount <= MOST:
        raise ValueError
    return amount


TRUTHS = {"0": False, "1": True, "false": False, "true": True}


def _bool(given: Any) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str):
        return TRUTHS[given.lower()]
    if given not in (0, 1):
        raise ValueError
    return bool(given)


def _scores(given: Any) -> dict[str, float]:
    scores = json.loads(given) if isinstance(given, str) else given
    if not isinstance(scores, dict):
        raise TypeError
    return {_key(name): _score(score) for name, score in scores.items() if score is not None}


def _score(given: Any) -> float:
    score = _number(given)
    if not math.isfinite(score):
        raise ValueError
    return score


def _chosen_by(given: Any) -> str:
    return {"when_solved": "when_solved", "planned": "planned"}[given]


class Column(NamedTuple):
    """How a value of a file becomes ours (TypeError, ValueError or KeyError where not), and its types elsewhere."""

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
    "biased_by": Column(_chosen_by, "text", "string"),
}
"""The columns of an export, in order, and those that an import understands."""

OF_COMPLETION = [name for name in COLUMNS if name in {each.name for each in fields(Completion)}]
"""Those of them that an engine gives, under the names of the table sample."""

TEXTS = ("text", "thinking")
"""Those of them that may be an empty text; elsewhere one is no value."""

_CONVERT = {name: column.convert for name, column in COLUMNS.items()}


class Recorded(NamedTuple):
    """One recorded sample; `outcome` is its label, where it has one.

    biased_by: planned, where a plan chose by outcomes that it be drawn; when_solved, where right samples stopped its
    run; None where no outcome was looked at.
    """

    problem: str
    sample_index: int
    outcome: Outcome | None
    completion: Completion
    scores: Mapping[str, float] | None
    biased_by: str | None


def converted(row: Row) -> Row:
    """The values of our columns as ours, without those that are not given; ValueError where one cannot be."""
    values: Row = {}
    for name, given in row.items():
        if given is None or given != given:  # nan is no value
            continue
        try:
            values[name] = _CONVERT[name](given)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            if given != "" or name in TEXTS:
                raise ValueError(f"{name} cannot be {short(given)!r}") from error
    return values


def short(given: Any) -> str:
    """A value of any kind and depth in a few characters."""
    return (Repr().repr(given) if isinstance(given, list | dict) else str(given))[:60]


def recorded(values: Row, key: str, index: int) -> Recorded:
    """A sample of converted values; ValueError where its two labels are not of one mind."""
    outcome, correct = values.get("outcome"), values.get("correct")
    if outcome is None and correct is not None:
        outcome = Outcome.correct if correct else Outcome.incorrect
    elif correct is not None and correct != (outcome == Outcome.correct):
        raise ValueError(f"its outcome is {outcome}, but correct is {str(correct).lower()}")
    if values.get("biased_by") == "planned" and not index:
        raise ValueError("it is a problem's first sample, which no plan chose by outcomes")
    completion = Completion(*map(values.get, _FIELDS))
    return Recorded(key, index, outcome, completion, values.get("scores"), values.get("biased_by"))


_FIELDS = [each.name for each in fields(Completion)]
