"""What crosses between a candidate and its tests is the same on the other side, and bytes from anyone are refused."""

import datetime
from collections import deque
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy
import pytest

from verifiers.sandbox.inside.codec import Shared, TooLarge, decode, encode


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, -1, 2**200, -(2**200), 0.1, float("inf"), 1 + 2j, "", "ü\ud800", b"\xff", bytearray(b"a"),
        [], [1, [2, (3,)]], (), {"a": [1], 2: None}, {1, 2}, frozenset({1}), range(1, 9, 2), deque([1], 3),
        Decimal("1.10"),
        Fraction(1, 3), datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(1), slice(1), ...,
    ],
)  # fmt: skip
def test_plain_values_cross_exactly(value: object) -> None:
    back = decode(encode(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    "value", [numpy.arange(6).reshape(2, 3), numpy.array([]), numpy.float32(0.1), numpy.bool_(True)]
)
def test_arrays_of_numpy_cross_exactly(value: Any) -> None:
    back = decode(encode(value))
    assert type(back) is type(value)
    assert back.dtype == value.dtype
    assert (back == value).all()


def test_no_object_crosses_without_a_description() -> None:
    class Equal(int):
        pass

    for value in (Equal(3), object(), len, (x for x in (1, 2)), numpy.array([object()])):
        with pytest.raises(TypeError, match="is not plain"):
            encode(value)


def test_containers_that_hold_themselves_or_each_other_cross_at_any_depth() -> None:
    endless: list[object] = []
    endless.append(endless)
    back = decode(encode(endless))
    assert back[0] is back
    row = [0]
    rows = decode(encode([row, row]))
    assert rows[0] is rows[1]
    deep: list[object] = []
    for _ in range(50_000):
        deep = [deep]
    assert encode(decode(encode(deep))) == encode(deep)


def test_changes_of_shared_containers_are_told_and_applied() -> None:
    here, there = Shared(), Shared()
    value: Any = {"a": [1], "b": {2}}
    back = decode(encode(value, here), there)
    here.remember()
    there.remember()
    assert there.changes() == ()
    back["a"].append(back)
    back["b"].clear()
    here.apply(decode(encode(there.changes(), there), here))
    assert value["a"][1] is value
    assert value["b"] == set()
    with pytest.raises(TooLarge):
        here.apply(((99, ()),))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"?",
        b"i",
        b"l\xff\xff\xff\xff",
        b"N" * 2,
        b"s\x01\0\0\0\xff",
        b"S\x01\0\0\0l\0\0\0\0",
        b"l\x01\0\0\0" * 999,
        b"@\x01\0\0\0",
        b"t\x01\0\0\0@\0\0\0\0",
        b"\x80\0\0\0\0",
        b"oN",
        b"yN",
        b"m\x01\0\0\0s\x01\0\0\0x",
    ],
)
def test_bytes_that_are_no_value_are_refused(data: bytes) -> None:
    with pytest.raises(TooLarge):
        decode(data)
