"""Kinds of plain values of the standard library whose modules most programs never import."""

from __future__ import annotations

from typing import Any

from verifiers.sandbox.inside.kinds import Kind


def kinds_of(module: str) -> dict[type, Kind]:
    """Class -> kind, of one of these modules; imports it."""
    return _MAKERS[module]()


def _array() -> dict[type, Kind]:
    from array import array

    def make(typecode: str, data: bytes) -> Any:
        made = array(typecode)
        made.frombytes(data)
        return made

    def fill(value: Any, parts: list[Any]) -> None:
        value[:] = make(*parts)

    return {array: Kind(b"A", lambda value: [value.typecode, value.tobytes()], make, fill=fill)}


def _decimal() -> dict[type, Kind]:
    from decimal import Decimal

    return {Decimal: Kind(b"m", lambda value: [Decimal.__str__(value)], Decimal)}


def _fractions() -> dict[type, Kind]:
    from fractions import Fraction

    return {Fraction: Kind(b"F", lambda value: [value.numerator, value.denominator], Fraction)}


def _uuid() -> dict[type, Kind]:
    from uuid import UUID

    return {UUID: Kind(b"u", lambda value: [value.bytes], lambda data: UUID(bytes=data))}


def _datetime() -> dict[type, Kind]:
    import datetime as dt

    def day(value: Any) -> list[Any]:
        return [value.year, value.month, value.day]

    def time(value: Any) -> list[Any]:
        return [value.hour, value.minute, value.second, value.microsecond, value.tzinfo, value.fold]

    def span(value: Any) -> list[Any]:
        return [value.days, value.seconds, value.microseconds]

    return {
        dt.date: Kind(b"1", day, dt.date),
        dt.datetime: Kind(
            b"2", lambda value: day(value) + time(value), lambda *parts: dt.datetime(*parts[:8], fold=parts[8])
        ),
        dt.time: Kind(b"3", time, lambda *parts: dt.time(*parts[:5], fold=parts[5])),
        dt.timedelta: Kind(b"4", span, dt.timedelta),
        dt.timezone: Kind(b"5", lambda value: [*value.__getinitargs__()], dt.timezone),
    }


_MAKERS = {"array": _array, "decimal": _decimal, "fractions": _fractions, "uuid": _uuid, "datetime": _datetime}
