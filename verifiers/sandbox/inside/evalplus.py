"""Differential tests of evalplus' own files: a reference solution says what is right, on inputs of plain data.

Rules as in https://github.com/evalplus/evalplus at e5d0ed0 (0.3.1): evalplus/eval/__init__.py and _special_oracle.py
say what agrees, evalplus/data/mbpp.py which lists of MBPP's inputs are tuples, sets or complex numbers. The reference
is code of a data file and runs here, where the tests run. Python 3.9 and later; numpy says what is close.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable
from typing import Any

from verifiers.sandbox.inside.broken import MOST_OF_ANSWERS, OURS, THEIRS, Broken
from verifiers.sandbox.inside.frames import write_all
from verifiers.sandbox.inside.stand_ins import peer

_SAME_SET = (
    "similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly", "larg_nnum",
    "intersection_array", "find_dissimilar", "Diff",
)  # fmt: skip
_NOT_NONE = ("check_str", "text_match_three", "text_starta_endb")


def differ(candidate: Any, inputs: str, name: str, program: str, atol: float, number: int) -> None:
    """Check a candidate, on a JSON list of lists of arguments, by the function of that name in a reference program.

    `number` is that of a problem of MBPP, 0 for HumanEval. AssertionError where they disagree, Broken where the
    reference fails.
    """
    names: dict[str, Any] = {"__name__": "reference"}
    try:
        exec(compile(program, "reference.py", "exec", dont_inherit=True), names)
        reference, given = names[name], restored(number, json.loads(inputs))
    except Exception as error:
        raise Broken("the reference solution does not run: " + repr(error)[:100]) from error
    for arguments in given:
        expected = _expected(reference, arguments, OURS if peer.spent < MOST_OF_ANSWERS else THEIRS)
        if number and name in _NOT_NONE:
            expected = expected is not None
        assert agrees(arguments, candidate(*arguments), expected, atol, name, number)


def _expected(reference: Callable[..., Any], arguments: Any, fault: bytes) -> Any:
    write_all(1, fault)
    try:
        return reference(*copy.deepcopy(arguments))
    except Exception as error:
        raise Broken("the reference solution raises " + repr(error)[:100]) from error
    finally:
        write_all(1, THEIRS)


def agrees(arguments: Any, got: Any, expected: Any, atol: float, name: str, number: int) -> bool:
    """Whether an answer is as good as the reference's."""
    if name == "find_zero" and not number:
        return abs(_polynomial(arguments[0], got)) <= atol
    same = got == expected
    if number:
        same = _special(arguments, got, expected, atol, name, same)
    if same:
        return True
    if not atol and _floats(expected):
        atol = 1e-6
    if not atol or type(got) is not type(expected):
        return False
    if isinstance(expected, (list, tuple)) and len(got) != len(expected):
        return False
    return bool(__import__("numpy").allclose(got, expected, rtol=1e-07, atol=atol))


def _special(arguments: Any, got: Any, expected: Any, atol: float, name: str, same: bool) -> bool:
    """What evalplus takes for the same in problems of MBPP whose sentence leaves it open."""
    if name in _SAME_SET:
        return set(got) == set(expected)
    if name in _NOT_NONE:
        return bool(got == expected if isinstance(got, bool) else expected == (got is not None))
    if name == "are_equivalent":
        return True
    if name == "sum_div":
        return bool(same or got == 0)
    if name == "surface_Area":
        return bool(same or abs(got - _pyramid(*arguments)) <= atol)
    if name == "digit_distance_nums":
        return bool(same or got == _digit_distance(*arguments))
    return same


def _floats(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, float) for item in value)
    return isinstance(value, float)


def _polynomial(coefficients: list[float], x: float) -> float:
    return sum(coefficient * math.pow(x, power) for power, coefficient in enumerate(coefficients))


def _pyramid(base: float, height: float) -> int:
    """The surface of a square pyramid whose height is that of its tip above the base."""
    return round(base**2 + 2 * base * math.sqrt((base / 2) ** 2 + height**2))


def _digit_distance(one: int, other: int) -> int:
    """The differences of the digits of two numbers, the shorter with zeros before it."""
    size = max(len(str(one)), len(str(other)))
    return sum(abs(int(x) - int(y)) for x, y in zip(str(one).zfill(size), str(other).zfill(size)))  # noqa: B905


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _each(kind: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda arguments: [kind(argument) for argument in arguments]


def _first(kind: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda arguments: [kind(arguments[0]), *arguments[1:]]


def _list_of_tuples(value: Any) -> Any:
    return [tuple(item) for item in value]


def _tuple_of_tuples(value: Any) -> Any:
    return tuple(tuple(item) for item in value)


def _sets(value: Any) -> Any:
    return [set(item) if isinstance(item, list) and item else {} for item in value]


_RESTORED: dict[tuple[int, ...], Callable[[Any], Any]] = {
    (2, 116, 132, 143, 222, 261, 273, 394, 399, 421, 424, 429, 470, 560, 579, 596, 616, 630, 726, 740, 744, 809): _each(
        tuple
    ),
    (63, 64, 70, 94, 120, 237, 272, 299, 400, 409, 417, 438, 473, 614, 780): _each(_list_of_tuples),
    (75, 413, 444, 753): _first(_list_of_tuples),
    (106, 750): lambda arguments: [arguments[0], tuple(arguments[1])],
    (115,): _first(_sets),
    (124,): lambda arguments: [float(arguments[0]), complex(arguments[1])],
    (250, 307, 405, 446, 617, 720, 763, 808): _first(tuple),
    (252,): _first(complex),
    (259, 401, 445): _each(_tuple_of_tuples),
    (278,): _first(lambda value: tuple(tuple(item) if isinstance(item, list) else item for item in value)),
    (580, 615, 791): _tuples,
    (722,): _first(lambda value: {key: tuple(item) for key, item in value.items()}),
}


def restored(number: int, inputs: list[Any]) -> list[Any]:
    """The inputs of a problem of MBPP with the types that JSON has not; any error where they have another form."""
    for numbers, kind in _RESTORED.items():
        if number in numbers:
            return [kind(arguments) for arguments in inputs]
    return inputs
