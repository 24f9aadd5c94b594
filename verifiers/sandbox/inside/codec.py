"""Values as bytes, between a candidate's process and the tests' process; runs inside the jail, on both sides.

Plain values (kinds.py) cross as they are, at any depth; a container that comes twice is one container on the other
side, within a message and, where both sides keep `Shared`, between messages. What is not plain crosses as what
`describe` makes of it, a tuple of plain values, and is what `resolve` makes of that. Standard library only, Python 3.9
and later.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from operator import is_
from typing import Any

from verifiers.sandbox.inside.kinds import PlainKind, kind_by_tag, kind_of, make_scalar, numpy_scalar

MOST_BYTES = 64 << 20
MOST_ITEMS = 2_000_000
DEEPEST = 100_000
_MANY = 64
_EXACT = 1 << 53
_NUMBERS: dict[type, bytes] = {list: b"L", tuple: b"U"}  # of many numbers
_SIZE, _FLOAT = struct.Struct("=I"), struct.Struct("=d")
_SCALARS = b"NTfisbxc"
_UNFINISHED = object()


class TooLarge(ValueError):
    """A value is too large or not well formed."""


class Parts(tuple):  # type: ignore[type-arg]
    """A tuple of the conversation's own, which is no container of anybody's; it arrives as a tuple."""


class Shared:
    """The containers that both sides hold, by numbers that both count alike, and what each last held."""

    def __init__(self) -> None:
        self.objects: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.records: list[tuple[type, PlainKind]] = []  # classes that both sides have, in the same order
        self._held: list[tuple[PlainKind, list[Any]] | None] = []

    def kind_of(self, value: Any) -> PlainKind | None:
        """How it is taken apart, None where it is not plain."""
        found = kind_of(value)
        if found is None and self.records:
            return next((kind for cls, kind in self.records if cls is type(value)), None)
        return found

    def add(self, value: Any) -> int:
        """Count one."""
        number = len(self.objects)
        self.objects.append(value)
        self.numbers[id(value)] = number
        return number

    def settle(self, number: int, value: Any) -> None:
        self.objects[number] = value
        self.numbers[id(value)] = number

    def remember(self) -> None:
        """Before anything of this side runs: what the containers hold now is what the other side knows."""
        for value in self.objects[len(self._held) :]:
            kind = self.kind_of(value)
            self._held.append((kind, kind.parts(value)) if kind and kind.fill else None)

    def changes(self) -> Parts:
        """(number, parts) of those that hold something else since."""
        changed = []
        for number, held in enumerate(self._held):
            if held:
                kind, before = held
                parts = kind.parts(self.objects[number])
                if len(parts) != len(before) or (not all(map(is_, parts, before)) and not _same_data(parts, before)):
                    changed.append(Parts((number, Parts(parts))))
                    self._held[number] = kind, parts
        return Parts(changed)

    def apply(self, changes: tuple[Any, ...]) -> None:
        """The other side's changes; TooLarge where they are none."""
        try:
            for number, parts in changes:
                value = self.objects[number]
                kind = self.kind_of(value)
                kind.fill(value, list(parts))  # type: ignore[union-attr, misc]
                if number < len(self._held):
                    self._held[number] = kind, kind.parts(value)  # type: ignore[union-attr, assignment]
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            raise TooLarge("not a change") from error

    def forget(self, since: int = 0) -> None:
        """Those from this number on."""
        for value in self.objects[since:]:
            self.numbers.pop(id(value), None)
        del self.objects[since:], self._held[since:]


def _same_data(parts: list[Any], before: list[Any]) -> bool:
    """Of what is taken apart into fresh bytes."""
    return {*map(type, parts)} <= {str, bytes} and parts == before


def encode(value: Any, shared: Shared | None = None, describe: Callable[[Any], Any] | None = None) -> bytes:
    """The bytes of a value; raise TooLarge beyond the caps and TypeError for what is not plain, without `describe`."""
    shared = shared or Shared()
    out = bytearray()
    stack = [iter((value,))]
    while stack:
        for item in stack[-1]:
            kind = type(item)  # one function: each that runs costs a fresh process some 30 µs
            if kind is int:
                data = item.to_bytes(item.bit_length() // 8 + 1, "big", signed=True)
                out += b"i" + _SIZE.pack(len(data)) + data
            elif kind is str:
                data = item.encode("utf-8", "surrogatepass")
                out += b"s" + _SIZE.pack(len(data)) + data
            elif item is None:
                out += b"N"
            elif kind is bool:
                out += b"T" if item else b"f"
            elif kind is float:
                out += b"x" + _FLOAT.pack(item)
            elif kind is bytes:
                out += b"b" + _SIZE.pack(len(item)) + item
            elif kind is complex:
                out += b"c" + struct.pack("=dd", item.real, item.imag)
            elif kind is Parts:
                out += b"p" + _SIZE.pack(len(item))
                stack.append(iter(item))
                break
            else:
                inner = _compound(item, out, shared, describe)
                if inner is not None:
                    stack.append(iter(inner))
                    if len(stack) > DEEPEST:
                        raise TooLarge("a value is too deep")
                    break
            if len(out) > MOST_BYTES:
                raise TooLarge("a value is too large")
        else:
            stack.pop()
    return bytes(out)


def _compound(
    value: Any, out: bytearray, shared: Shared, describe: Callable[[Any], Any] | None
) -> list[Any] | tuple[Any, ...] | None:
    """Write the head of what is no scalar; what has to follow it, None for nothing."""
    known = shared.numbers.get(id(value))
    if known is not None:
        out += b"@" + _SIZE.pack(known)
        return None
    kind = shared.kind_of(value)
    if kind is None:
        plain = numpy_scalar(value)
        if plain is None and describe is None:
            raise TypeError(f"a {type(value).__name__} is not plain")
        out += b"y" if plain else b"o"
        return (Parts(plain) if plain else describe(value),)  # type: ignore[misc]
    shared.add(value)
    parts = kind.parts(value)
    if len(parts) > MOST_ITEMS:
        raise TooLarge("a value has too many items")
    if type(value) in _NUMBERS and _numbers(out, _NUMBERS[type(value)], parts):
        return None
    out += kind.tag + _SIZE.pack(len(parts))
    return parts or None


def _numbers(out: bytearray, tag: bytes, items: list[Any]) -> bool:
    """Many plain numbers that a float holds, as a whole: a tenth of the time. Whether they were."""
    if len(items) < _MANY or not {*map(type, items)} <= {int, float}:
        return False
    whole = [type(item) is int for item in items]
    if any(abs(item) > _EXACT for item, is_int in zip(items, whole) if is_int):  # noqa: B905
        return False
    out += tag + _SIZE.pack(len(items)) + bytes(whole) + struct.pack(f"={len(items)}d", *items)
    return True


def decode(data: bytes, shared: Shared | None = None, resolve: Callable[[Any], Any] | None = None) -> Any:
    """The value of bytes that may come from anyone; raise TooLarge where they are not a value."""
    try:
        value, end = _decode(data, shared or Shared(), resolve)
    except (struct.error, LookupError, TypeError, AttributeError, ArithmeticError, ValueError, ImportError) as error:
        raise TooLarge("not a value: " + repr(error)[:100]) from error
    if end != len(data):
        raise TooLarge("not a value: it has an end before its end")
    return value


def _decode(data: bytes, shared: Shared, resolve: Callable[[Any], Any] | None) -> tuple[Any, int]:
    parts: list[Any] = []
    at, size, opened = 0, 1, None  # of the innermost value that is being read
    stack: list[Any] = []
    while True:
        if len(parts) == size:
            if not stack:
                return parts[0], at
            value = _closed(opened, parts, shared, resolve) if opened else tuple(parts)
            size, parts, opened = stack.pop()
            parts.append(value)
            continue
        tag = data[at : at + 1]
        at += 1
        if tag in _SCALARS and tag:
            value, at = _scalar(tag, data, at)
            parts.append(value)
        elif tag == b"@":
            parts.append(shared.objects[_SIZE.unpack_from(data, at)[0]])
            at += 4
        elif tag == b"o" or tag == b"y":
            stack.append((size, parts, opened))
            size, parts, opened = 1, [], (tag, None, 0, None)
        else:
            many = _SIZE.unpack_from(data, at)[0]
            at += 4
            if many > len(data) - at:
                raise TooLarge("a value is cut off")
            if tag in b"LU":
                value = _from_numbers(data, at, many, list if tag == b"L" else tuple)
                shared.add(value)
                parts.append(value)
                at += 9 * many
                continue
            stack.append((size, parts, opened))
            size, parts, opened = many, [], None
            if tag != b"p":
                kind = kind_by_tag(tag) if tag < b"\x80" else shared.records[tag[0] - 128][1]
                made = kind.new() if kind.new else _UNFINISHED
                opened = tag, kind, shared.add(made), made


def _scalar(tag: bytes, data: bytes, at: int) -> tuple[Any, int]:
    """The value that begins behind its tag, and where it ends."""
    if tag in b"isb":
        end = at + 4 + _SIZE.unpack_from(data, at)[0]
        if end > len(data):
            raise TooLarge("a value is cut off")
        part = data[at + 4 : end]
        if tag == b"i":
            return int.from_bytes(part, "big", signed=True), end
        return (part if tag == b"b" else part.decode("utf-8", "surrogatepass")), end
    if tag == b"x":
        return _FLOAT.unpack_from(data, at)[0], at + 8
    if tag == b"c":
        return complex(*struct.unpack_from("=dd", data, at)), at + 16
    return (None if tag == b"N" else tag == b"T"), at


def _closed(opened: Any, parts: list[Any], shared: Shared, resolve: Callable[[Any], Any] | None) -> Any:
    """A compound value whose parts have been read."""
    tag, kind, number, made = opened
    if any(part is _UNFINISHED for part in parts):
        raise TooLarge("a value that does not change holds itself")
    if kind is None:
        return make_scalar(*parts[0]) if tag == b"y" else resolve(parts[0])  # type: ignore[misc]
    if kind.new:
        kind.fill(made, parts)
        return made
    made = kind.make(*parts)
    shared.settle(number, made)
    return made


def _from_numbers(data: bytes, at: int, size: int, kind: type) -> Any:
    floats = struct.unpack_from(f"={size}d", data, at + size)
    return kind(int(item) if whole else item for item, whole in zip(floats, data[at : at + size]))  # noqa: B905
