"""Minerva's comparison, and texts that equal answers share. Runs in the comparing process only."""

from typing import Any

import sympy
from sympy.parsing.latex import parse_latex

from verifiers.answers.equality import reading, stands_for
from verifiers.answers.readings import Ordered, Proportion, Read, Region, Relation, Unordered, Value
from verifiers.answers.regions import region_of


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
        if grader == "minerva":
            return _leaf(parse_latex(text))
        found = reading(text)
        return text if found is None else " ".join(sorted(set(_leaves(found))))
    except (MemoryError, RecursionError, ImportError):
        raise
    except Exception:  # what cannot be parsed or evaluated is equal to its own text at most
        return text


def _leaves(found: Read) -> list[str]:
    if isinstance(found, Relation):
        value = stands_for(found)
        return _leaves(value) if value is not None else ["a condition"]
    if isinstance(found, Value):
        return [_leaf(found.expr)]
    if isinstance(found, Ordered | Unordered | Proportion):
        items = found.parts if isinstance(found, Proportion) else found.items
        leaves = [leaf for item in items for leaf in _leaves(item)]
        return ["a condition"] if "a condition" in leaves or region_of(found) else leaves
    return ["a condition"] if isinstance(found, Region) else [found.text.lower()]


def _leaf(expr: Any) -> str:
    if isinstance(expr, sympy.MatrixBase):
        return " ".join(_leaf(element) for element in expr.flat())
    numbers = {symbol: _number_of(symbol.name) for symbol in expr.free_symbols}
    return f"{complex(sympy.N(expr.subs(numbers))):.4g}"


def _number_of(name: str) -> Any:
    return sympy.Rational(1 + sum(ord(letter) * 31**place for place, letter in enumerate(name[:8])) % 997, 991)
