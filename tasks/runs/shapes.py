"""Shapes of a row: what a dotted name leads to, and the samples of a problem's lists."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.engines.recorded import short
from verifiers.errors import UserError
from verifiers.files import Row

OF_A_PROBLEM = {"problem", "question", "prompt_tokens"}
"""What may be one value beside lists of samples."""

MISSING = object()


def look(row: Row, name: str) -> Any:
    """A column, or what `a.b` or `a.0.b` leads to; MISSING where that is nothing."""
    if name in row:
        return row[name]
    value: Any = row
    for step in name.split("."):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return MISSING
    return value


def needed(row: Row, name: str, number: int, file: Path) -> Any:
    """A column that must be there, else UserError with the row."""
    value = look(row, name)
    if value is MISSING:
        raise UserError(
            f"Row {number} of {file} (from 0) has no column {name!r}; it has {', '.join(map(str, row))[:500]}. "
            "--column ours=theirs says what a column is called there."
        )
    return value


def spread(row: Row) -> list[Row]:
    """The samples of a row; ValueError where its lists are not of one length."""
    for name in ("outcome", "correct"):
        label: Any = row.get(name)
        many = isinstance(label, str) and label[:1] in ("0", "1") and (len(label) > 1 or name == "outcome")
        if many or isinstance(label, list):
            labels, row = _labels(name, label), {each: row[each] for each in row if each != name}
            if labels.keys() & row.keys():
                raise ValueError("its outcomes are given twice")
            row |= labels
    if list not in map(type, row.values()):
        return [row]
    lists = {name: value for name, value in row.items() if isinstance(value, list)}
    first, count = next((name, len(value)) for name, value in lists.items())
    for name, value in lists.items():
        if len(value) != count:
            raise ValueError(f"{first} has {count} values, but {name} has {len(value)}")
    rest = {name: value for name, value in row.items() if name not in lists and value is not None}
    if count > 1 and (single := next((name for name in rest if name not in OF_A_PROBLEM), None)):
        raise ValueError(f"{single} is one value, but the row has {count} samples")
    return [rest | {name: value[place] for name, value in lists.items()} for place in range(count)]


def _labels(name: str, label: str | list[Any]) -> Row:
    """Labels in our columns: 0 and 1, in a list or as "0101", are `correct`, names are outcomes."""
    if isinstance(label, str):
        if label.strip("01"):
            raise ValueError(f"{name} cannot be {short(label)!r}, which is not 0 and 1 only")
        return {"correct": [int(each) for each in label]}
    named = any(isinstance(each, str) and not each.isdecimal() for each in label)
    return {name if named else "correct": label}
