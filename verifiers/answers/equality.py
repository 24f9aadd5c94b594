"""When two expressions are the same. Runs in the worker process only: sympy and math-verify can hang.

What math-verify takes to be equal is confirmed here for numbers, because it rounds: to six decimals where one
side is a decimal, and to nothing where both are tiny (it finds 2**-99 equal to 2**-98).
"""

import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

import math_verify
import sympy
from latex2sympy2_extended.sets import FiniteSet
from math_verify import ExprExtractionConfig, LatexExtractionConfig
from sympy.core.function import AppliedUndef
from sympy.logic.boolalg import Boolean
from sympy.parsing.latex import parse_latex

_LATEX = [LatexExtractionConfig(boxed_match_priority=0)]
_PLAIN = [ExprExtractionConfig()]
_DECIMAL = re.compile(r"-?[0-9]*\.[0-9]+")
_NUMBER = re.compile(r"[0-9][0-9,.]*")
_PLUS_MINUS = re.compile(r"\\pm(?![A-Za-z])")
_LISTS = frozenset(",;&")
ENOUGH_DIGITS = 6
"""Significant digits a decimal must have to stand for a number that it only approximates."""
CLOSE, EXACT = 2e-6, 1e-12


def math_verify_equal(gold: str, candidate: str) -> bool:
    """Whether math-verify takes the candidate for the gold answer, and, of numbers, whether they truly are."""
    ours, theirs = _parsed(gold), _parsed(candidate)
    if not math_verify.verify(ours, theirs, timeout_seconds=None, allow_set_relation_comp=True):
        return bool(ours and theirs) and (_same_complex(ours[0], theirs[0]) or _same_range(ours[0], theirs[0]))
    if _is_vanishing(theirs) and not _is_vanishing(ours):
        return False
    if _is_condition(ours) and not (theirs and isinstance(theirs[0], Boolean | FiniteSet | sympy.Set)):
        return False
    if "%" in gold + candidate or "percent" in gold + candidate or not (ours and theirs):
        return True
    return _confirmed(gold, candidate, ours[0], theirs[0])


@lru_cache(maxsize=500)
def _parsed(text: str) -> list[Any]:
    if text.count(r"\pm") == 1 and not _LISTS & set(text):  # math-verify reads it only outside of fractions and roots
        text = f"{_PLUS_MINUS.sub('+', text)},{_PLUS_MINUS.sub('-', text)}"
    wrapped = f"\\boxed{{{text}}}" if _balanced(text) else f"${text}$"
    readings = math_verify.parse(wrapped, _LATEX, parsing_timeout=None)
    if not readings or isinstance(readings[0], str):
        plain = math_verify.parse(text, _PLAIN, parsing_timeout=None)
        if len(_NUMBER.findall(text)) == 1 or "=" in text:
            return list(plain) or list(readings)
    return list(readings)


def _balanced(text: str) -> bool:
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0


def _confirmed(gold: str, candidate: str, ours: Any, theirs: Any) -> bool:
    if not (_is_number(ours) and _is_number(theirs)):
        return True
    ours, theirs = ours.doit(), theirs.doit()
    for text, other in ((gold, theirs), (candidate, ours)):
        if _DECIMAL.fullmatch(text) and not other.has(sympy.Float):
            value = sympy.Rational(Fraction(text))
            digits = len(text.replace("-", "").replace(".", "").lstrip("0"))
            return _near(value, other, EXACT) or (digits >= ENOUGH_DIGITS and _near(value, other, CLOSE))
    inexact = ours.has(sympy.Float) or theirs.has(sympy.Float)
    return _near(ours, theirs, CLOSE if inexact else EXACT)


def _is_vanishing(parsed: list[Any]) -> bool:
    """Whether this says that something vanishes, as x + y - 1 = 0: math-verify takes it for the answer 0."""
    relation = parsed[0] if parsed else None
    return (
        isinstance(relation, sympy.Eq)
        and relation.rhs == 0
        and not (relation.lhs.is_Symbol or isinstance(relation.lhs, AppliedUndef) or not relation.lhs.free_symbols)
    )


def _is_condition(parsed: list[Any]) -> bool:
    """Whether this is an equation in several symbols, as x + y = 5: math-verify takes it for the answer 5."""
    relation = parsed[0] if parsed else None
    return isinstance(relation, sympy.Eq) and len(relation.lhs.free_symbols) > 1 and relation.lhs.is_Add


def _same_complex(ours: Any, theirs: Any) -> bool:
    """Whether two expressions in no symbol but i are one complex number: math-verify takes i for any symbol."""
    if not (isinstance(ours, sympy.Expr) and isinstance(theirs, sympy.Expr)):
        return False
    symbols = ours.free_symbols | theirs.free_symbols
    if {symbol.name for symbol in symbols} != {"i"}:
        return False
    one, other = (side.subs(dict.fromkeys(symbols, sympy.I)) for side in (ours, theirs))
    return not (one.has(sympy.Float) or other.has(sympy.Float)) and _near(one, other, EXACT)


def _same_range(ours: Any, theirs: Any) -> bool:
    """Whether two chains of inequalities in one symbol, 1 < x < 2 and 2 > x > 1, leave the same values."""
    if not (isinstance(ours, sympy.And) and isinstance(theirs, sympy.And)):
        return False
    return len(ours.free_symbols) == 1 and ours.free_symbols == theirs.free_symbols and ours.as_set() == theirs.as_set()


def _is_number(value: Any) -> bool:
    return isinstance(value, sympy.Expr) and bool(value.is_number)


def _near(one: Any, other: Any, relative: float) -> bool:
    """Whether two numbers differ by less than a share of their size."""
    if one == other:
        return True
    difference, size = (abs(sympy.N(value, 20)) for value in (one - other, one))
    return bool(difference <= relative * size)


def minerva_equal(gold: str, candidate: str) -> bool:
    """Minerva's is_equiv: the difference of the two, as sympy reads them, simplifies to nothing."""
    try:
        return bool(sympy.simplify(parse_latex(gold) - parse_latex(candidate)) == 0)
    except (MemoryError, RecursionError, ImportError):
        raise
    except Exception:  # whatever cannot be parsed, subtracted or simplified is not equal
        return False


def bucket(grader: str, text: str) -> str:
    """A text that equal expressions share: the numbers in it, with fixed numbers for its symbols."""
    try:
        expression = parse_latex(text) if grader == "minerva" else _parsed(text)[0]
        return text if isinstance(expression, str) else " ".join(sorted(_leaves(expression)))
    except (MemoryError, RecursionError, ImportError):
        raise
    except Exception:  # what cannot be parsed or evaluated is equal to its own text at most
        return text


def _leaves(value: Any) -> list[str]:
    if isinstance(value, sympy.Eq):
        return _leaves(value.rhs)
    if isinstance(value, sympy.MatrixBase):
        return [leaf for element in value.flat() for leaf in _leaves(element)]
    if isinstance(value, sympy.Interval):
        return _leaves(value.start) + _leaves(value.end)
    if isinstance(value, sympy.FiniteSet | FiniteSet | sympy.Tuple | sympy.Union):
        return [leaf for element in value.args for leaf in _leaves(element)]
    if isinstance(value, sympy.Expr):
        numbers = {symbol: _number_of(symbol.name) for symbol in value.free_symbols}
        return [f"{complex(sympy.N(value.subs(numbers))):.4g}"]
    return [type(value).__name__]


def _number_of(name: str) -> Any:
    return sympy.Rational(1 + sum(ord(letter) * 31**place for place, letter in enumerate(name[:8])) % 997, 991)
