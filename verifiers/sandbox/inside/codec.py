"""Plain data as bytes, between a candidate's process and the tests' process; runs inside the jail, on both sides.

Only exact plain values cross: None, bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, range.
A subclass crosses as the plain value under it and an iterator as its items, so that no method of the
candidate's (an `__eq__` that is always true) ever runs where the tests are. Anything else crosses as its type's name.
Standard library only, Python 3.9 and later.
"""

import struct
from itertools import islice
from typing import Any

MOST_BYTES = 64 << 20
MOST_ITEMS = 2_000_000
DEEPEST = 200
_MANY = 64
_EXACT = 1 << 53

_SEQUENCES = ((list, b"l"), (tuple, b"t"), (set, b"S"), (frozenset, b"Z"))
_NUMBERS = {b"l": b"L", b"t": b"U"}  # of many numbers


class TooLarge(ValueError):
    """A value is too large, too deep or not well formed."""


class Items:
    """The items of an iterator: it can be looped over and equals nothing but itself."""

    def __init__(self, items: list) -> None:  # type: ignore[type-arg]
        self._items = items

    def __iter__(self) -> Any:
        return iter(self._items)

    def __next__(self) -> Any:
        if not self._items:
            raise StopIteration
        return self._items.pop(0)


class Opaque:
    """A value that is not plain data: it has a type name, and equals nothing but itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return "<" + self.name + ">"


def encode(value: Any) -> bytes:
    """The bytes of a value; raise TooLarge beyond the caps."""
    out = bytearray()
    _encode(value, out, 0)
    return bytes(out)


def _encode(value: Any, out: bytearray, depth: int) -> None:
    if depth > DEEPEST or len(out) > MOST_BYTES:
        raise TooLarge("a value is too large or too deep")
    kind = type(value)
    if value is None:
        out += b"N"
    elif kind is bool:
        out += b"T" if value else b"F"
    elif issubclass(kind, int):
        number = int.__index__(value)
        _chunk(out, b"i", number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True))
    elif issubclass(kind, float):
        out += b"f" + struct.pack("=d", float.__float__(value))
    elif issubclass(kind, complex):
        out += b"c" + struct.pack("=dd", complex.real.__get__(value), complex.imag.__get__(value))
    elif issubclass(kind, str):
        _chunk(out, b"s", str.encode(value, "utf-8", "surrogatepass"))
    elif issubclass(kind, (bytes, bytearray)):
        _chunk(out, b"b" if issubclass(kind, bytes) else b"B", bytes(memoryview(value)))
    elif issubclass(kind, dict):
        _items(out, b"d", list(dict.items(value)), depth)
    elif kind is range:
        _items(out, b"r", [value.start, value.stop, value.step], depth)
    else:
        for plain, tag in _SEQUENCES:
            if issubclass(kind, plain):
                items = list(plain.__iter__(value))
                if tag not in _NUMBERS or not _numbers(out, tag, items):
                    _items(out, tag, items, depth)
                return
        if hasattr(kind, "__iter__") and (hasattr(kind, "__next__") or kind.__name__.startswith("dict_")):
            _items(out, b"I", list(islice(value, MOST_ITEMS + 1)), depth)
        else:
            _chunk(out, b"o", str(kind.__name__).encode("utf-8", "replace")[:200])


def _chunk(out: bytearray, tag: bytes, data: bytes) -> None:
    out += tag + struct.pack("=I", len(data)) + data


def _items(out: bytearray, tag: bytes, items: list, depth: int) -> None:  # type: ignore[type-arg]
    if len(items) > MOST_ITEMS:
        raise TooLarge("a value has too many items")
    out += tag + struct.pack("=I", len(items))
    for item in items:
        if tag == b"d":
            _encode(item[0], out, depth + 1)
            _encode(item[1], out, depth + 1)
        else:
            _encode(item, out, depth + 1)


def _numbers(out: bytearray, tag: bytes, items: list) -> bool:  # type: ignore[type-arg]
    """Many plain numbers that a float holds, as a whole: a tenth of the time. Whether they were."""
    if not _MANY <= len(items) <= MOST_ITEMS or not {*map(type, items)} <= {int, float}:
        return False
    whole = [type(item) is int for item in items]
    if any(abs(item) > _EXACT for item, is_int in zip(items, whole) if is_int):  # noqa: B905
        return False
    out += _NUMBERS[tag] + struct.pack("=I", len(items)) + bytes(whole) + struct.pack(f"={len(items)}d", *items)
    return True


def decode(data: bytes) -> Any:
    """The value of bytes that may come from anyone; raise TooLarge where they are not a value."""
    try:
        value, end = _decode(data, 0, 0)
    except (struct.error, IndexError, UnicodeDecodeError, TypeError, OverflowError, ValueError) as error:
        raise TooLarge("not a plain value") from error
    if end != len(data):
        raise TooLarge("not a plain value")
    return value


def _decode(data: bytes, at: int, depth: int) -> "tuple[Any, int]":
    if depth > DEEPEST:
        raise TooLarge("a value is too deep")
    tag, at = data[at : at + 1], at + 1
    if tag in b"NTF" and tag:
        return {b"N": None, b"T": True, b"F": False}[tag], at
    if tag == b"f":
        return struct.unpack_from("=d", data, at)[0], at + 8
    if tag == b"c":
        return complex(*struct.unpack_from("=dd", data, at)), at + 16
    size = struct.unpack_from("=I", data, at)[0]
    at += 4
    if size > len(data) - at:
        raise TooLarge("a value is cut off")
    if tag in b"isbBo":
        part = data[at : at + size]
        return _scalar(tag, part), at + size
    if tag in b"LU":
        floats = struct.unpack_from(f"={size}d", data, at + size)
        numbers = [int(item) if whole else item for item, whole in zip(floats, data[at : at + size])]  # noqa: B905
        return (numbers if tag == b"L" else tuple(numbers)), at + 9 * size
    items = []
    for _ in range(2 * size if tag == b"d" else size):
        item, at = _decode(data, at, depth + 1)
        items.append(item)
    if tag == b"d":
        return dict(zip(items[::2], items[1::2])), at  # noqa: B905 (strict= came with Python 3.10)
    if tag == b"r":
        return range(*items), at
    if tag == b"I":
        return Items(items), at
    return {b"l": list, b"t": tuple, b"S": set, b"Z": frozenset}[tag](items), at


def _scalar(tag: bytes, part: bytes) -> Any:
    if tag == b"i":
        return int.from_bytes(part, "big", signed=True)
    if tag == b"s":
        return part.decode("utf-8", "surrogatepass")
    if tag == b"o":
        return Opaque(part.decode("utf-8", "replace"))
    return part if tag == b"b" else bytearray(part)
