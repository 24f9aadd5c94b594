"""Stands for numpy where tests run: the little that public tests use of it, on plain numbers, lists and tuples.

`allclose` and `testing.assert_allclose` say what numpy's own say, and raise where they raise. Nothing is an instance
of the types. Any other name raises Broken: such tests cannot be run here. Standard library only, Python 3.9 and later.
"""

from __future__ import annotations

import cmath
import sys
from math import prod
from types import ModuleType
from typing import Any, NoReturn

from verifiers.sandbox.inside.broken import Broken

_INF = float("inf")
_LEAST, _MOST = -(1 << 63), 1 << 64  # an int beyond these is an object to a numpy array, though not to a scalar


def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """numpy's: |a - b| <= atol + rtol * |b| for each pair, shapes broadcast; ValueError or TypeError as there."""
    (shape, left), (other, right) = _array(a), _array(b)
    shape, lefts, rights = _broadcast(shape, left, other, right)
    return all(_close(x, y, rtol, atol, equal_nan) for x, y in zip(lefts, rights))  # noqa: B905 (Python 3.9)


def assert_allclose(actual: Any, desired: Any, rtol: float = 1e-07, atol: float = 0, **_: Any) -> None:
    """numpy.testing's: nan equals nan, shapes must be the same unless one is a number."""
    here, there = _array(actual)[0], _array(desired)[0]
    if here and there and here != there:
        raise AssertionError("shapes differ")
    if not allclose(actual, desired, rtol, atol, equal_nan=True):
        raise AssertionError("not close")


def _array(value: Any, least: float = -_INF, most: float = _INF) -> tuple[tuple[int, ...], list[Any]]:
    """The shape and the numbers of nested lists and tuples."""
    if isinstance(value, (list, tuple)):
        parts = [_array(item, _LEAST, _MOST) for item in value]
        if len({shape for shape, _ in parts}) > 1:
            raise ValueError("the array is ragged")
        inner = parts[0][0] if parts else ()
        return (len(parts), *inner), [number for _, numbers in parts for number in numbers]
    if not isinstance(value, (int, float, complex)) or (isinstance(value, int) and not least <= value < most):
        raise TypeError("not a number")
    return (), [value]


def _broadcast(
    shape: tuple[int, ...], left: list[Any], other: tuple[int, ...], right: list[Any]
) -> tuple[tuple[int, ...], list[Any], list[Any]]:
    """Both as one shape."""
    size = max(len(shape), len(other))
    shape, other = (1,) * (size - len(shape)) + shape, (1,) * (size - len(other)) + other
    if any(x != y and 1 not in (x, y) for x, y in zip(shape, other)):  # noqa: B905
        raise ValueError("operands could not be broadcast together")
    both = tuple(y if x == 1 else x for x, y in zip(shape, other))  # noqa: B905
    return both, _spread(left, shape, both), _spread(right, other, both)


def _spread(numbers: list[Any], shape: tuple[int, ...], wide: tuple[int, ...]) -> list[Any]:
    for axis in range(len(shape) - 1, -1, -1):
        if shape[axis] != wide[axis]:
            run = prod(wide[axis + 1 :])
            runs = [numbers[at : at + run] for at in range(0, len(numbers), run)] if run else []
            numbers = [number for part in runs for number in part * wide[axis]]
    return numbers


def _close(x: Any, y: Any, rtol: float, atol: float, equal_nan: bool) -> bool:
    x, y = (number if isinstance(number, complex) else float(number) for number in (x, y))
    if equal_nan and cmath.isnan(x) and cmath.isnan(y):
        return True
    return bool(x == y or (cmath.isfinite(y) and _size(x - y) <= atol + rtol * _size(y)))


def _size(number: Any) -> float:
    try:
        return float(abs(number))
    except OverflowError:  # a complex number whose parts are finite
        return _INF


class _Nothing(type):
    def __instancecheck__(cls, _: object) -> bool:
        return False


class ndarray(metaclass=_Nothing):
    """No value of a test is one."""


class _StandIn(ModuleType):
    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise Broken("they use " + self.__name__ + "." + name + ", which is not here")


def stand_in_for_numpy() -> None:
    """Make `import numpy` give it, in this process."""
    numpy, testing = _StandIn("numpy"), _StandIn("numpy.testing")
    testing.__dict__.update(assert_allclose=assert_allclose)
    numpy.__dict__.update(
        allclose=allclose, ndarray=ndarray, float64=ndarray, float32=ndarray, testing=testing, inf=_INF,
        nan=float("nan"), __path__=[],
    )  # fmt: skip
    sys.modules.update({"numpy": numpy, "numpy.testing": testing})
