"""When two answers are the same. Runs in the worker process only: sympy can hang and eat memory.

Both are read to their end (verifiers/answers/statements.py) or compared as they are written; numbers are equal as
exact numbers, expressions where they agree at several points to thirty digits.
"""

import re
from functools import lru_cache
from itertools import pairwise
from typing import Any

import sympy

from verifiers.answers.numerals import same_expression, same_number
from verifiers.answers.readings import Ordered, Proportion, Read, Region, Relation, Unordered, Value, Words
from verifiers.answers.regions import region_of
from verifiers.answers.statements import read
from verifiers.answers.tokens import Unread
from verifiers.answers.values import same_share, same_value

_FLIPPED = {"<": ">", ">": "<", r"\le": r"\ge", r"\ge": r"\le", "=": "=", r"\ne": r"\ne", r"\equiv": r"\equiv"}
_NEEDLESS_SPACE = re.compile(r"(?<![0-9A-Za-z])\s+|\s+(?![0-9A-Za-z])")
_MOST = 12
"""Parts that are compared in any order; more are compared in the order that they stand in."""


def math_verify_equal(gold: str, candidate: str) -> bool:
    """Whether a candidate says what the gold answer says: the verifier `math-verify`, which is not the library."""
    if _written(gold) == _written(candidate):
        return True
    ours, theirs = reading(gold), reading(candidate)
    if isinstance(ours, Value) and isinstance(theirs, Value) and ours.percent != theirs.percent:
        return same_share(ours, theirs)
    return ours is not None and theirs is not None and same(ours, theirs)


def _written(text: str) -> str:
    return _NEEDLESS_SPACE.sub("", text.strip())


@lru_cache(maxsize=500)
def reading(text: str) -> Read | None:
    """What an answer says, None where it cannot be read to its end."""
    try:
        return read(text)
    except (Unread, ValueError, TypeError, AttributeError, ZeroDivisionError, NotImplementedError, RecursionError):
        return None


def same(gold: Read, other: Read) -> bool:
    """Whether a reading says what the gold answer's says."""
    if isinstance(gold, Value) and isinstance(other, Value):
        return same_value(gold, other)
    if isinstance(gold, Relation) and isinstance(other, Relation):
        return _same_relation(gold, other)
    if isinstance(other, Relation) and (value := stands_for(other)) is not None and same(gold, value):
        return True
    if isinstance(gold, Relation) and (value := stands_for(gold)) is not None and same(value, other):
        return True
    if isinstance(gold, Region) and gold.numbers is sympy.S.EmptySet and isinstance(other, Words):
        return other.text.lower().strip(" .").removeprefix("the ") in ("empty set", "no solution", "no solutions")
    if isinstance(gold, Words) and isinstance(other, Words):
        return " ".join(gold.text.lower().split()) == " ".join(other.text.lower().split())
    if isinstance(gold, Proportion) and isinstance(other, Proportion):
        return _all_same(gold.parts, other.parts)
    if isinstance(gold, Ordered) and isinstance(other, Ordered) and _same_ordered(gold, other):
        return True
    if isinstance(gold, Ordered) and isinstance(other, Unordered) and _same_listed(gold, other):
        return True
    if isinstance(gold, Unordered) and isinstance(other, Unordered) and _same_unordered(gold, other):
        return True
    if isinstance(gold, Unordered) != isinstance(other, Unordered) and _same_single(gold, other):
        return True
    return _same_region(gold, other)


def stands_for(relation: Relation) -> Any:
    """What a relation says that its name is: x = 5, 5 = x, x = 2 + 3 = 5, x in (1, 2); None where it names nothing."""
    if relation.signs == (r"\in",) and relation.names[0]:
        return relation.sides[1]
    if relation.signs == (r"\approx",) and relation.names[0]:
        return relation.sides[1]
    if any(sign not in ("=", r"\approx") for sign in relation.signs):
        return None
    sides = list(relation.sides)
    if relation.names[0] and not all(relation.names):
        sides = sides[1:]
    elif relation.names[-1] and len(sides) == 2:
        sides = sides[:1]
    exact = (
        sides[: relation.signs.index(r"\approx") + len(sides) - len(relation.signs)]
        if r"\approx" in relation.signs
        else sides
    )
    if len(sides) == len(relation.sides) and not all(isinstance(side, Value) for side in sides):
        return None
    if not exact or not all(same(one, other) for one, other in pairwise(exact)):
        return None
    if not all(map(_is_near, sides[len(exact) - 1 :], sides[len(exact) :])):
        return None
    return None if _is_of_itself(relation, exact[-1]) else exact[-1]


def _is_near(one: Any, other: Any) -> bool:
    """Whether a value may be rounded to another: the square root of 2 to 1, but 5 to no 6."""
    numbers = [sympy.N(side.expr) for side in (one, other) if isinstance(side, Value) and side.expr.is_number]
    if len(numbers) < 2 or not all(number.is_real for number in numbers):
        return True
    return bool(abs(numbers[0] - numbers[1]) <= sympy.Rational(1, 2)) and not all(
        side.expr.is_Integer for side in (one, other)
    )


def _is_of_itself(relation: Relation, value: Any) -> bool:
    """Whether a name's value has the name in it, as x = x^2 + 1 has, or a pair's names stand in another order."""
    named = _names(relation)
    places = named[1:-1].split(",") if named.startswith("(") else []
    unordered = bool(places) and places != sorted(places)
    return unordered or (isinstance(value, Value) and named in {str(symbol) for symbol in value.expr.free_symbols})


def _same_relation(gold: Relation, other: Relation) -> bool:
    ours, theirs = stands_for(gold), stands_for(other)
    if ours is not None and theirs is not None:
        named = _names(gold), _names(other)
        if same(ours, theirs) and (named[0] == named[1] or _are_graphs(*named, ours)):
            return True
    if len(gold.signs) == len(other.signs) == 1 and _is_same_condition(gold, other):
        return True
    regions = region_of(gold), region_of(other)
    if regions[0] and regions[1] and "=" not in gold.signs + other.signs:
        return regions[0].name == regions[1].name and _same_numbers(regions[0].numbers, regions[1].numbers)
    return False


def _names(relation: Relation) -> str:
    return next((name for name in relation.names if name), "")


def _are_graphs(one: str, other: str, ours: Read) -> bool:
    """Whether y = 2x and f(x) = 2x are one function: both sides have an unknown, one name is y, one is of x."""
    if not (isinstance(ours, Value) and ours.expr.free_symbols):
        return False
    shapes = {"y" if name == "y" else "f" if name.endswith(("(x)", "(t)", "(n)")) else "" for name in (one, other)}
    return shapes == {"y", "f"}


def _is_same_condition(gold: Relation, other: Relation) -> bool:
    """Whether one is the other brought to another side or multiplied by a number: 2x + 3y = 6 and 4x + 6y - 12 = 0."""
    sides = [side for relation in (gold, other) for side in relation.sides]
    if not all(isinstance(side, Value) for side in sides) or any(side.percent or side.unit for side in sides):
        return False
    one, two = (sides[0].expr - sides[1].expr, sides[2].expr - sides[3].expr)
    if (
        one == 0
        or two == 0
        or isinstance(one, sympy.MatrixBase)
        or one.free_symbols != two.free_symbols
        or not one.free_symbols
    ):
        return False
    point = {
        symbol: sympy.Rational(17 + 10 * place, 7) for place, symbol in enumerate(sorted(one.free_symbols, key=str))
    }
    below = two.subs(point)
    if below == 0 or not below.is_number:
        return False
    share = (
        sympy.nsimplify(one.subs(point) / below)
        if not (one.subs(point) / below).is_Rational
        else one.subs(point) / below
    )
    if not share.is_real or share == 0 or not same_expression(one, share * two):
        return False
    sign = other.signs[0] if share > 0 else _FLIPPED.get(other.signs[0], "")
    return gold.signs[0] == sign


def _all_same(ours: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    return len(ours) == len(theirs) and all(same(one, other) for one, other in zip(ours, theirs, strict=True))


def _same_ordered(gold: Ordered, other: Ordered) -> bool:
    return (gold.opening, gold.closing) == (other.opening, other.closing) and _all_same(gold.items, other.items)


def _same_listed(gold: Ordered, other: Unordered) -> bool:
    """Whether a tuple's places are listed in their order, or by their names: x = 1, y = 2 for (1, 2)."""
    plain = not other.braces and other.joint == "," and (gold.opening, gold.closing) == ("(", ")")
    return plain and _all_same(gold.items, _values_by_name(other))


def _values_by_name(several: Unordered) -> tuple[Any, ...]:
    """Its parts; where each is a value of a name, the values in the order of the names."""
    named = [(_names(item), stands_for(item)) for item in several.items if isinstance(item, Relation)]
    if len(named) == len(several.items) and all(name and value is not None for name, value in named):
        return tuple(value for _, value in sorted(named, key=lambda pair: pair[0]))
    return several.items


def _same_unordered(gold: Unordered, other: Unordered) -> bool:
    ours, theirs = (_distinct(one.items) if one.braces else list(one.items) for one in (gold, other))
    if _in_any_order(ours, theirs):
        return True
    named = [all(isinstance(item, Relation) for item in items) for items in (ours, theirs)]
    distinct = len({_names(item) for item in ours if isinstance(item, Relation)}) == len(ours)
    if named == [True, False] and distinct:  # y_1 = x + 1, y_2 = x - 2 without their names
        values = tuple(stands_for(item) for item in ours)
        return None not in values and _all_same(values, tuple(theirs))
    return False


def _distinct(items: tuple[Any, ...]) -> list[Any]:
    kept: list[Any] = []
    for item in items[:_MOST] if len(items) > _MOST else items:
        if not any(type(item) is type(other) and same(item, other) for other in kept):
            kept.append(item)
    return kept + list(items[_MOST:])


def _in_any_order(ours: list[Any], theirs: list[Any]) -> bool:
    if len(ours) != len(theirs):
        return False
    if len(ours) > _MOST:
        return _all_same(tuple(ours), tuple(theirs))
    left = list(theirs)
    for item in ours:
        found = next((place for place, other in enumerate(left) if same(item, other)), None)
        if found is None:
            return False
        del left[found]
    return True


def _same_single(gold: Read, other: Read) -> bool:
    """Whether a set of one element is that element, `x = 1 or x = 1` being 1."""
    several, single = (gold, other) if isinstance(gold, Unordered) else (other, gold)
    assert isinstance(several, Unordered)
    if several.joint == "," and not several.braces and not any(isinstance(item, Relation) for item in several.items):
        return False  # 5,5 is a pair, or five and a half
    items = _distinct(several.items)
    return isinstance(single, Value) and len(items) == 1 and same(items[0], single)


def _same_region(gold: Read, other: Read) -> bool:
    if not any(
        isinstance(one, Region | Relation) or (isinstance(one, Unordered) and not one.braces) for one in (gold, other)
    ):
        return False
    if (isinstance(gold, Relation) and "=" in gold.signs) or (isinstance(other, Relation) and "=" in other.signs):
        return False
    ours, theirs = region_of(gold), region_of(other)
    if ours is None or theirs is None or (ours.name and theirs.name and ours.name != theirs.name):
        return False
    return _same_numbers(ours.numbers, theirs.numbers)


def _same_numbers(ours: Any, theirs: Any) -> bool:
    if ours == theirs:
        return True
    parts = [sorted(one.args if isinstance(one, sympy.Union) else [one], key=_place) for one in (ours, theirs)]
    return len(parts[0]) == len(parts[1]) and all(map(_same_piece, *parts))


def _place(piece: Any) -> Any:
    return float(piece.inf) if piece is not sympy.S.EmptySet and piece.inf.is_extended_real else 0.0


def _same_piece(one: Any, other: Any) -> bool:
    if isinstance(one, sympy.Interval) and isinstance(other, sympy.Interval):
        ends = one.left_open == other.left_open and one.right_open == other.right_open
        return ends and same_number(one.start, other.start) and same_number(one.end, other.end)
    if isinstance(one, sympy.FiniteSet) and isinstance(other, sympy.FiniteSet) and len(one) == len(other):
        return all(same_number(*pair) for pair in zip(sorted(one, key=float), sorted(other, key=float), strict=True))
    return bool(one == other)
