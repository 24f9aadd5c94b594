"""When two values are one, with their units, percent signs and decimals. Runs in the comparing process only."""

import sympy

from verifiers.answers.numerals import same_expression, same_number
from verifiers.answers.readings import Value


def same_value(gold: Value, other: Value) -> bool:
    """Whether two values are one, as far as their units, moduli and decimals let them be."""
    if gold.modulus and other.modulus and gold.modulus != other.modulus:
        return False
    if gold.unit and other.unit and gold.unit != other.unit:
        return False
    if gold.percent != other.percent:
        percent, plain = (gold, other) if gold.percent else (other, gold)
        return same_number(percent.expr / 100, plain.expr)
    if gold.decimals and not other.decimals:
        return same_expression(other.expr, gold.expr) or _stands_for_exact(gold, other)
    if other.decimals and not gold.decimals:
        return same_expression(gold.expr, other.expr) or _stands_for_exact(other, gold)
    return same_expression(gold.expr, other.expr)


def same_share(gold: Value, other: Value) -> bool:
    """Whether a percentage and a number are one: 28 % is 0.28, and, where that is asked for, 28."""
    percent, plain = (gold, other) if gold.percent else (other, gold)
    if same_value(gold, other):
        return True
    large = percent.expr.is_number and bool(abs(percent.expr) >= 1)
    return (gold.percent or large) and same_number(percent.expr, plain.expr)


_ENOUGH = 6
"""Digits behind the point, and in all, that a decimal must have to stand for a number that it only approximates."""


def _stands_for_exact(decimal: Value, exact: Value) -> bool:
    """Whether a decimal is as good as an exact value that has no shorter decimal of its own."""
    assert decimal.decimals is not None
    behind, digits = decimal.decimals
    if min(behind, digits) < _ENOUGH or exact.repeats or not exact.expr.is_number or exact.expr.has(sympy.I):
        return False
    if exact.expr.is_Rational and _is_decimal(exact.expr.q):
        return False
    unit = sympy.Rational(1, 10**behind)
    beyond = sympy.N((exact.expr - decimal.expr) * sympy.sign(decimal.expr), 30)
    return bool(abs(beyond) <= unit / 2 or 0 <= beyond < unit)  # rounded, or cut off


def _is_decimal(denominator: int) -> bool:
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    return denominator == 1
