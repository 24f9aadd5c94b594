"""Kinds of plain values of the standard library whose modules most programs never import."""

from __future__ import annotations

from typing import Any

from verifiers.sandbox.inside.kinds import PlainKind


def kinds_of(module: str) -> dict[type, PlainKind]:
    """Class -> kind, of one of these modules; imports it."""
    return _MAKERS[module]()


def _array() -> dict[type, PlainKind]:
    from array import array

    def make(typecode: str, data: bytes) -> Any:
        made = array(typecode)
        made.frombytes(data)
        return made

    def fill(value: Any, parts: list[Any]) -> None:
        value[:] = make(*parts)

    return {array: PlainKind(b"A", lambda value: [value.typecode, value.tobytes()], make, fill=fill)}


def _decimal() -> dict[type, PlainKind]:
    from decimal import Decimal

    return {Decimal: PlainKind(b"m", lambda value: [Decimal.__str__(value)], Decimal)}


def _fractions() -> dict[type, PlainKind]:
    from fractions import Fraction

    return {Fraction: PlainKind(b"F", lambda value: [value.numerator, value.denominator], Fraction)}


def _uuid() -> dict[type, PlainKind]:
    from uuid import UUID

    return {UUID: PlainKind(b"u", lambda value: [value.bytes], lambda data: UUID(bytes=data))}


def _datetime() -> dict[type, PlainKind]:
    import datetime as dt

    def day(value: Any) -> list[Any]:
        return [value.year, value.month, value.day]

    def zone(value: Any) -> Any:
        tz = value.tzinfo
        if tz is None or type(tz) is dt.timezone or type(tz).__module__ == "zoneinfo":
            return tz
        return dt.timezone(value.utcoffset(), value.tzname())  # of a class of its own: what it says now

    def time(value: Any) -> list[Any]:
        return [value.hour, value.minute, value.second, value.microsecond, zone(value), value.fold]

    def span(value: Any) -> list[Any]:
        return [value.days, value.seconds, value.microseconds]

    return {
        dt.date: PlainKind(b"1", day, dt.date),
        dt.datetime: PlainKind(
            b"2", lambda value: day(value) + time(value), lambda *parts: dt.datetime(*parts[:8], fold=parts[8])
        ),
        dt.time: PlainKind(b"3", time, lambda *parts: dt.time(*parts[:5], fold=parts[5])),
        dt.timedelta: PlainKind(b"4", span, dt.timedelta),
        dt.timezone: PlainKind(b"5", lambda value: [*value.__getinitargs__()], dt.timezone),
    }


def _zoneinfo() -> dict[type, PlainKind]:
    from zoneinfo import ZoneInfo

    return {ZoneInfo: PlainKind(b"z", lambda value: [value.key], ZoneInfo)}


def _pathlib() -> dict[type, PlainKind]:
    import pathlib

    kinds = (pathlib.PosixPath, pathlib.PurePosixPath, pathlib.PureWindowsPath)

    def make(place: int, text: str) -> Any:
        return kinds[place](text)

    return {cls: PlainKind(b"P", lambda value: [kinds.index(type(value)), str(value)], make) for cls in kinds}


def _types() -> dict[type, PlainKind]:
    from types import SimpleNamespace

    def fill(value: Any, parts: list[Any]) -> None:
        vars(value).clear()
        vars(value).update(zip(map(str, parts[::2]), parts[1::2]))  # noqa: B905

    def parts(value: Any) -> list[Any]:
        return [part for pair in vars(value).items() for part in pair]

    return {SimpleNamespace: PlainKind(b"_", parts, new=SimpleNamespace, fill=fill)}


def _numpy() -> dict[type, PlainKind]:
    import numpy

    def parts(value: Any) -> list[Any]:
        if value.dtype.names:
            raise TypeError("an array of records is not plain")
        items = value.ravel().tolist() if value.dtype.hasobject else [value.tobytes()]
        return [value.dtype.str, ",".join(map(str, value.shape)), *items]

    def fill(value: Any, parts: list[Any]) -> None:
        value[...] = make_array(*parts)

    return {numpy.ndarray: PlainKind(b"a", parts, make_array, fill=fill)}


def make_array(dtype: str, shape: str, *items: Any) -> Any:
    """An array of numpy; ImportError where there is none."""
    import numpy

    sizes = tuple(map(int, filter(None, shape.split(","))))
    if dtype == "|O":
        array = numpy.empty(len(items), object)
        for place, item in enumerate(items):
            array[place] = item
        return array.reshape(sizes)
    if "O" in dtype or type(items[0]) is not bytes:
        raise ValueError("no array")
    return numpy.frombuffer(items[0], numpy.dtype(dtype)).reshape(sizes).copy()


_MAKERS = {
    "array": _array, "decimal": _decimal, "fractions": _fractions, "uuid": _uuid, "datetime": _datetime,
    "zoneinfo": _zoneinfo, "pathlib": _pathlib, "types": _types, "numpy": _numpy,
}  # fmt: skip
