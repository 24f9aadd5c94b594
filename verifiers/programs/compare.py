"""What a program printed against what it should have printed. Runs outside the sandbox, on bytes."""

import re
from decimal import Decimal, DecimalException

_NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?\Z")
_LONGEST_NUMBER = 400


def same_tokens(output: bytes, expected: bytes) -> bool:
    """Equal but for white space."""
    return output.split() == expected.split()


def same_as_paper(output: bytes, expected: bytes) -> bool:
    """As the paper and CodeContests' own judge compare: white space and case aside, numbers within an absolute 1e-5.

    Unlike them it takes neither `1_0` nor `nan` for a number, and integers are compared as integers.
    https://github.com/ScalingIntelligence/large_language_monkeys/blob/ed2bdb0/llmonk/evaluate/code_contests_utils/execution_server.py
    """
    ours, theirs = output.lower().split(), expected.lower().split()
    if ours == theirs:
        return True
    return len(ours) == len(theirs) and all(a == b or _close(a, b) for a, b in zip(ours, theirs, strict=True))


def _close(a: bytes, b: bytes) -> bool:
    if max(len(a), len(b)) > _LONGEST_NUMBER or not _NUMBER.match(a) or not _NUMBER.match(b):
        return False
    if a.lstrip(b"+-").isdigit() and b.lstrip(b"+-").isdigit():
        return int(a) == int(b)
    return abs(float(a) - float(b)) < 1e-5


def same_lines(output: bytes, expected: bytes) -> bool:
    """As LiveCodeBench compares: as many lines, each equal but for its edges, or its words equal as exact numbers.

    https://github.com/LiveCodeBench/LiveCodeBench/blob/15808c7/lcb_runner/evaluation/testing_util.py
    """
    ours, theirs = _lines(output), _lines(expected)
    return len(ours) == len(theirs) and all(a == b or _same_numbers(a, b) for a, b in zip(ours, theirs, strict=True))


def _lines(text: bytes) -> list[str]:
    return [line.strip() for line in text.decode("utf-8", "surrogateescape").strip().split("\n")]


def _same_numbers(a: str, b: str) -> bool:
    try:
        return [Decimal(word) for word in a.split()] == [Decimal(word) for word in b.split()]
    except (DecimalException, ValueError):  # a ValueError: half a surrogate pair
        return False
