"""Values from outside as Postgres can hold them: what cannot be true of a number is not known, so it is None."""

import json
import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

LARGEST_SMALL, LARGEST = 2**31 - 1, 2**63 - 1
"""The largest whole numbers of an integer and of a bigint column."""

MOST = 1e30
"""Dollars, seconds, FLOPs and logprobs beyond this are none, and their sums might no longer be numbers."""

MOST_BITS = 4_096
"""Of a whole number in JSON: longer ones Python does not write."""


def storable(text: str) -> str:
    """The text as Postgres can hold it: no NUL, no lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def is_storable(value: Any) -> bool:
    """Whether Postgres can hold this JSON value as it is, and all of ours can walk it: it may be nested too deeply."""
    try:
        return bool(storable_json(value) == value)
    except RecursionError:
        return False


def storable_json(value: Any) -> Any:
    """The same JSON value with every text as Postgres can hold it."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {storable(str(key)): storable_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(each) for each in value]
    return value


def storable_whole(value: Any, least: int = 0, most: int = LARGEST_SMALL) -> int | None:
    """A whole number of a column; None where it is no number, or out of the column's range."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most else None


def storable_number(value: Any, least: float = -MOST, most: float = MOST) -> float | None:
    """A number; None where it is none, not finite, or beyond what it can be."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    return float(value) if usable else None


def storable_reals(values: Sequence[Any] | None) -> list[float] | None:
    """Numbers as a column of 4-byte floats has them; None where one of them is none or not finite."""
    try:
        reals = None if values is None else array("f", values).tolist()
    except (TypeError, OverflowError):
        return None
    return reals if reals is not None and all(map(math.isfinite, reals)) else None


def storable_facts(facts: Any) -> str:
    """What a verifier says of how it judged, as JSON: what is none is its text, and a number that is none is null."""
    try:
        return json.dumps(_plain(facts), allow_nan=False)
    except Exception as error:  # of a person's own objects: whatever their __str__ raises
        return json.dumps({"left_out": f"{type(error).__name__} as JSON"})


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= MOST_BITS else None
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {storable(str(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return storable(str(value))
