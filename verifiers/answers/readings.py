"""What an answer can be read as."""

from typing import Any, NamedTuple


class Value(NamedTuple):
    """An expression. decimals: digits behind the point, and in all, where it is one decimal number."""

    expr: Any
    percent: bool = False
    unit: str = ""
    decimals: tuple[int, int] | None = None
    repeats: bool = False
    modulus: str = ""


class Ordered(NamedTuple):
    """A tuple or interval: (1, 2], with its brackets."""

    opening: str
    items: tuple[Any, ...]
    closing: str


class Unordered(NamedTuple):
    """A set of its elements, or, where `braces` is not set, several answers joined by `,`, `and` or `or`."""

    items: tuple[Any, ...]
    braces: bool = False
    joint: str = ","


class Region(NamedTuple):
    """A set of numbers; `name` is the unknown that is in it, if one was named."""

    numbers: Any
    name: str = ""


class Proportion(NamedTuple):
    """2:3, and a time of day."""

    parts: tuple[Any, ...]


class Relation(NamedTuple):
    """Sides and the signs between them; `names` are those sides that are only a name, as they are written."""

    sides: tuple[Any, ...]
    signs: tuple[str, ...]
    names: tuple[str, ...]


class Words(NamedTuple):
    text: str


Read = Value | Ordered | Unordered | Region | Proportion | Relation | Words
