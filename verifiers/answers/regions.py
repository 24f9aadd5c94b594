"""Conditions, intervals and unions as sets of real numbers. Runs in the comparing process only."""

from typing import Any

import sympy

from verifiers.answers.readings import Ordered, Read, Region, Relation, Unordered, Value

_FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", "=": "=", r"\ne": r"\ne"}
_RELATIONS: dict[str, Any] = {
    "<": sympy.Lt,
    ">": sympy.Gt,
    r"\le": sympy.Le,
    r"\ge": sympy.Ge,
    "=": sympy.Eq,
    r"\ne": sympy.Ne,
}


def region_of(read: Read) -> Region | None:
    """The numbers that an answer describes, None where it describes none."""
    if isinstance(read, Region):
        return read
    if isinstance(read, Ordered):
        return _interval(read)
    if isinstance(read, Unordered):
        return _finite(read) if read.braces else _joined(read)
    return _related(read) if isinstance(read, Relation) else None


def _interval(read: Ordered) -> Region | None:
    if len(read.items) != 2 or not all(isinstance(item, Value) for item in read.items):
        return None
    start, end = (item.expr for item in read.items)
    if not (start.is_extended_real and end.is_extended_real) or not bool(start < end):
        return None
    return Region(sympy.Interval(start, end, read.opening == "(", read.closing == ")"))


def _finite(read: Unordered) -> Region | None:
    if not all(isinstance(item, Value) for item in read.items):
        return None
    return Region(sympy.FiniteSet(*(item.expr for item in read.items)))


def _joined(read: Unordered) -> Region | None:
    """Conditions joined by `or` and `and`; intervals, which are always all meant."""
    regions = [region_of(item) for item in read.items]
    if any(region is None for region in regions) or (read.joint == "," and not _are_conditions(read)):
        return None
    names = {region.name for region in regions if region}
    if len(names) > 1:
        return None
    sets = [region.numbers for region in regions if region]
    both = read.joint in ("and", ",") and _are_conditions(read)
    return Region(sympy.Intersection(*sets) if both else sympy.Union(*sets), names.pop())


def _are_conditions(read: Unordered) -> bool:
    return all(isinstance(item, Relation) and "=" not in item.signs and r"\in" not in item.signs for item in read.items)


def _related(read: Relation) -> Region | None:
    if read.signs == (r"\in",):
        within = region_of(read.sides[1])
        return Region(within.numbers, read.names[0]) if read.names[0] and within else None
    if not all(sign in _FLIPPED for sign in read.signs) or not all(isinstance(side, Value) for side in read.sides):
        return None
    symbols = {symbol for side in read.sides for symbol in side.expr.free_symbols}
    if len(symbols) != 1:
        return None
    (symbol,) = symbols
    found = [
        _fulfilling(left.expr, sign, right.expr, symbol)
        for left, sign, right in zip(read.sides, read.signs, read.sides[1:], strict=False)
    ]
    if any(numbers is None for numbers in found):
        return None
    return Region(sympy.Intersection(*found), symbol.name)


def _fulfilling(left: Any, sign: str, right: Any, symbol: Any) -> Any:
    """The real numbers for which a relation in one unknown holds."""
    if right == symbol:
        left, sign, right = right, _FLIPPED[sign], left
    if left == symbol and right.is_extended_real:
        return {
            "<": lambda: sympy.Interval.open(-sympy.oo, right),
            r"\le": lambda: sympy.Interval(-sympy.oo, right),
            ">": lambda: sympy.Interval.open(right, sympy.oo),
            r"\ge": lambda: sympy.Interval(right, sympy.oo),
            "=": lambda: sympy.FiniteSet(right),
            r"\ne": lambda: sympy.Complement(sympy.S.Reals, sympy.FiniteSet(right)),
        }[sign]()
    real = sympy.Symbol("x", real=True)
    relation = _RELATIONS[sign](left.subs(symbol, real), right.subs(symbol, real))
    if relation in (True, False):
        return sympy.S.Reals if relation == True else sympy.S.EmptySet  # noqa: E712
    try:
        return relation.as_set()
    except (NotImplementedError, TypeError, ValueError, AttributeError):
        return None
