"""The plain values that cross between a candidate and its tests, and how each is taken apart and made again.

A value crosses by what its builtin class holds, whatever the methods of a subclass say. Containers that change are
made empty and then filled, so that they may hold themselves. Standard library only, Python 3.9 and later.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from itertools import chain
from typing import Any


class PlainKind:
    """One class of plain values.

    parts: what a value holds, as a list. make: a value of these parts. new and fill: an empty container, and putting
    the parts into one in place of what it held; None where that can't be.
    """

    def __init__(
        self,
        tag: bytes,
        parts: Callable[[Any], list[Any]],
        make: Callable[..., Any] | None = None,
        new: Callable[[], Any] | None = None,
        fill: Callable[[Any, list[Any]], None] | None = None,
    ) -> None:
        self.tag, self.parts, self.make, self.new, self.fill = tag, parts, make, new, fill


def _pairs(value: Any) -> list[Any]:
    return list(chain.from_iterable(dict.items(value)))


def _fill_dict(value: Any, parts: list[Any]) -> None:
    dict.clear(value)
    for at in range(0, len(parts), 2):
        dict.__setitem__(value, parts[at], parts[at + 1])


def _fill_ordered(value: Any, parts: list[Any]) -> None:
    value.clear()
    for at in range(0, len(parts), 2):
        value[parts[at]] = parts[at + 1]


def _fill_default(value: Any, parts: list[Any]) -> None:
    value.default_factory = parts[0]
    _fill_dict(value, parts[1:])


def _fill_list(value: Any, parts: list[Any]) -> None:
    list.__setitem__(value, slice(None), parts)


def _fill_set(value: Any, parts: list[Any]) -> None:
    set.clear(value)
    set.update(value, parts)


def _fill_deque(value: Any, parts: list[Any]) -> None:
    deque.clear(value)
    deque.extend(value, parts)


def _fill_bounded(value: Any, parts: list[Any]) -> None:
    _fill_deque(value, parts[1:])


def _fill_bytes(value: Any, parts: list[Any]) -> None:
    value[:] = parts[0]


def _items(*parts: Any) -> Any:
    return dict(zip(parts[::2], parts[1::2])).items()  # noqa: B905 (strict= came with Python 3.10)


KINDS: dict[type, PlainKind] = {
    list: PlainKind(b"l", list.copy, new=list, fill=_fill_list),
    tuple: PlainKind(b"t", lambda value: list(tuple.__iter__(value)), lambda *parts: parts),
    dict: PlainKind(b"d", _pairs, new=dict, fill=_fill_dict),
    set: PlainKind(b"S", lambda value: list(set.__iter__(value)), new=set, fill=_fill_set),
    frozenset: PlainKind(b"Z", lambda value: list(frozenset.__iter__(value)), lambda *parts: frozenset(parts)),
    range: PlainKind(b"r", lambda value: [value.start, value.stop, value.step], range),
    slice: PlainKind(b"/", lambda value: [value.start, value.stop, value.step], slice),
    bytearray: PlainKind(b"B", lambda value: [bytes(memoryview(value))], bytearray, fill=_fill_bytes),
    deque: PlainKind(b"q", lambda value: list(deque.__iter__(value)), new=deque, fill=_fill_deque),
    Counter: PlainKind(b"C", _pairs, new=Counter, fill=_fill_dict),
    OrderedDict: PlainKind(
        b"O", lambda value: list(chain.from_iterable(value.items())), new=OrderedDict, fill=_fill_ordered
    ),
    defaultdict: PlainKind(
        b"D", lambda value: [value.default_factory, *_pairs(value)], new=defaultdict, fill=_fill_default
    ),
    type({}.keys()): PlainKind(b"k", list, lambda *parts: dict.fromkeys(parts).keys()),
    type({}.values()): PlainKind(b"w", list, lambda *parts: dict(enumerate(parts)).values()),
    type({}.items()): PlainKind(b"e", lambda value: list(chain.from_iterable(value)), _items),
    type(NotImplemented): PlainKind(b"n", lambda _: [], lambda: NotImplemented),
    type(...): PlainKind(b".", lambda _: [], lambda: ...),
}
BOUNDED = PlainKind(
    b"Q",
    lambda value: [value.maxlen, *deque.__iter__(value)],
    lambda size, *parts: deque(parts, size),
    fill=_fill_bounded,
)
"""A deque of at most so many items: it can't be made empty before its size is known."""
BY_TAG = {kind.tag: kind for kind in (*KINDS.values(), BOUNDED)}


_LATE = {
    b"A": "array",
    b"m": "decimal",
    b"F": "fractions",
    b"u": "uuid",
    b"z": "zoneinfo",
    b"P": "pathlib",
    b"_": "types",
    b"a": "numpy",
    **dict.fromkeys((b"1", b"2", b"3", b"4", b"5"), "datetime"),
}
"""Kinds of modules that most programs never import."""


_loaded: set[str] = set()


def _load(module: str) -> None:
    _loaded.add(module)
    if module in sys.modules or module in _LATE.values():
        from verifiers.sandbox.inside.late_kinds import kinds_of

        for cls, kind in kinds_of(module).items():
            KINDS[cls], BY_TAG[kind.tag] = kind, kind


def kind_of(value: object) -> PlainKind | None:
    """Of a value whose class is exactly one that crosses as it is."""
    cls = type(value)
    found = KINDS.get(cls)
    if found is None and cls.__module__ in _LATE.values() and cls.__module__ not in _loaded:
        _load(cls.__module__)
        found = KINDS.get(cls)
    return BOUNDED if cls is deque and value.maxlen is not None else found  # type: ignore[attr-defined]


def kind_by_tag(tag: bytes) -> PlainKind:
    """LookupError where there is none."""
    if tag not in BY_TAG:
        _load(_LATE[tag])
    return BY_TAG[tag]


SCALARS = (str, bytes, float, complex, int)


def plain_base(cls: type) -> type | None:
    """The plain class that a class of a program derives from: a value of it holds one of these."""
    for base in type.mro(cls):
        if base.__module__ in _LATE.values() and base.__module__ not in _loaded:
            _load(base.__module__)
        if base.__module__ == "types" and base is not cls:  # a namespace with methods
            continue
        if any(base is each for each in (*SCALARS, *KINDS)):  # a metaclass may lie
            return base
    return None


def numpy_scalar(value: object) -> tuple[str, bytes] | None:
    """(dtype, bytes) of a scalar of numpy; None for anything else."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value).__module__ != "numpy" or not isinstance(value, numpy.generic):
        return None
    return None if value.dtype.names else (value.dtype.str, value.tobytes())


def make_scalar(dtype: str, data: bytes) -> Any:
    """The scalar again; ImportError where there is no numpy."""
    from verifiers.sandbox.inside.late_kinds import make_array

    return make_array(dtype, "1", data)[0]


MOST_RECORDS = 100


def record_kind(cls: type, number: int) -> PlainKind | None:
    """Of the instances of a class that both sides define, which cross as their attributes; None where they can't."""
    tag = bytes((128 + number,))
    enum = sys.modules.get("enum")
    if enum and isinstance(cls, enum.EnumMeta):
        return PlainKind(tag, lambda value: [value.name], lambda name: cls[name])
    new: Any = cls.__new__
    if new is not object.__new__ or issubclass(cls, BaseException) or plain_base(cls):
        return None
    slots = [name for base in cls.__mro__ for name in _names(base.__dict__.get("__slots__", ()))]

    def parts(value: Any) -> list[Any]:
        held = dict(getattr(value, "__dict__", {}))
        held.update((name, getattr(value, name)) for name in slots if hasattr(value, name))
        return [part for name, part in held.items() for part in (name, part)]

    def fill(value: Any, parts: list[Any]) -> None:
        attributes = getattr(value, "__dict__", {})
        attributes.clear()
        for name, part in zip(parts[::2], parts[1::2]):  # noqa: B905
            if type(name) is not str:
                raise TypeError("not a name")
            if name in slots:
                next(base for base in cls.__mro__ if name in base.__dict__).__dict__[name].__set__(value, part)
            else:
                attributes[name] = part

    return PlainKind(tag, parts, new=lambda: object.__new__(cls), fill=fill)


def _names(slots: Any) -> tuple[str, ...]:
    names = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))
