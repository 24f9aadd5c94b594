"""Text as Postgres can hold it."""

from collections.abc import Mapping
from typing import Any


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
