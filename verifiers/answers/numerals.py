"""When two sympy expressions are one number, or one function of their symbols. Runs in the comparing process only."""

from typing import Any

import sympy
from sympy.core.function import AppliedUndef

_DIGITS = 50
_CLOSE = sympy.Float("1e-40")
_POINTS = (
    (sympy.Rational(337, 211), sympy.Rational(53, 97)),
    (sympy.Rational(-269, 167), sympy.Rational(-61, 103)),
    (sympy.Rational(29, 113), sympy.Rational(-83, 71)),
    (sympy.Rational(1009, 101), sympy.Rational(37, 59)),
)
"""A start and a step for the numbers that stand for the symbols, in order of their names."""


def same_number(one: Any, other: Any) -> bool:
    """Whether two expressions without symbols are one number, infinities included."""
    if one == other:
        return True
    if getattr(one, "free_symbols", True) or getattr(other, "free_symbols", True):
        return same_expression(one, other)
    if one.is_Rational and other.is_Rational:
        return False
    if any(side in (sympy.oo, -sympy.oo, sympy.zoo, sympy.nan) for side in (one, other)):
        return False
    return _near(one, other)


def _near(one: Any, other: Any) -> bool:
    ours, theirs = (sympy.N(side, _DIGITS, maxn=2000) for side in (one, other))
    if not (_is_known(ours) and _is_known(theirs)):
        return False
    size = abs(ours) + abs(theirs)
    if min(abs(ours), abs(theirs)) < _CLOSE:  # one of them is nothing, or too small to tell
        return bool((one - other).equals(0))
    return bool(abs(ours - theirs) <= _CLOSE * size)


def _is_known(value: Any) -> bool:
    return bool(value.is_number) and not value.has(sympy.nan, sympy.zoo, sympy.oo) and not value.free_symbols


def same_expression(one: Any, other: Any) -> bool:
    """Whether two expressions are the same number, matrix or function of their symbols."""
    if isinstance(one, sympy.MatrixBase) or isinstance(other, sympy.MatrixBase):
        return (
            isinstance(one, sympy.MatrixBase)
            and isinstance(other, sympy.MatrixBase)
            and one.shape == other.shape
            and all(map(same_expression, one.flat(), other.flat()))
        )
    if one == other:
        return True
    if not (one.free_symbols or other.free_symbols):
        return same_number(one, other)
    return _agree(one, other)


def _agree(one: Any, other: Any) -> bool:
    """Whether two expressions are equal at several points, of which two at least must tell."""
    symbols = sorted(one.free_symbols | other.free_symbols, key=lambda symbol: symbol.name)
    one, other = (side.replace(lambda part: isinstance(part, AppliedUndef), _called) for side in (one, other))
    told = 0
    for start, step in _POINTS:
        point = {symbol: start + place * step for place, symbol in enumerate(symbols)}
        ours, theirs = (side.subs(point) for side in (one, other))
        if not (ours.is_number and theirs.is_number) or any(
            side.has(sympy.nan, sympy.zoo, sympy.oo) for side in (ours, theirs)
        ):
            continue
        if not same_number(ours, theirs):
            return False
        told += 1
    return told >= 2


def _called(call: Any) -> Any:
    """A function of no known form as a certain one, so that f(x + 1) is f(1 + x) and no f(x)."""
    share = sympy.Rational(1 + sum(map(ord, call.func.__name__)) % 89, 13)
    return sum((place + 2) * sympy.atan(argument + share) for place, argument in enumerate(call.args)) + share
