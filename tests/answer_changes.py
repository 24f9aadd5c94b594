"""True answers with one character changed.

A changed answer may still be equal (`01`, `+5`, `p - 1q`): what `may_be_equal` cannot rule out is left out.
"""

import re
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tests.shared_data import shared_rows

_CHARACTERS = "0123456789+-*/^_()[],.xyabeinMk\\ <>=|&:!"
_WORDS = re.compile(r"\\(?:text|mbox|mathrm|textbf)\s*\{[^{}]*\}|[A-Za-z]{3,}")


class Pair(NamedTuple):
    """A true answer, another answer, and the family that it is of."""

    gold: str
    answer: str
    family: str


def golds_of_math() -> list[str]:
    return sorted({row["answer"] for row in shared_rows("math/math500.jsonl")})


def golds_of_gsm8k() -> list[str]:
    return sorted({row["answer"].rpartition("#### ")[2] for row in shared_rows("gsm8k/test.jsonl")})


def changed(golds: list[str], seed: int) -> Iterator[Pair]:
    """Endless true answers with one character put in, left out or replaced, where that makes another answer."""
    random = Random(seed)
    while True:
        gold = random.choice(golds)
        place = random.randrange(len(gold) + 1)
        how = random.randrange(3)
        new = random.choice(_CHARACTERS) if how else ""
        answer = gold[:place] + new + gold[place + (how != 1) :]
        if answer.count("{") == answer.count("}") and answer.strip() and not may_be_equal(gold, answer):
            yield Pair(gold, answer, ("left out", "put in", "replaced")[how])


def may_be_equal(gold: str, answer: str) -> bool:
    """Whether two answers may be equal though they differ: by signs and zeros without meaning, a word's letters, a
    coefficient of one."""
    if r"\!" in gold:
        gold, answer = gold.replace(",", ""), answer.replace(",", "")
    return _bare(gold) == _bare(answer)


_MEANINGLESS = (
    (re.compile(r"\\\\"), "R"),
    (re.compile(r"\\(?:left|right|!|,|;|:)|\\? |~|\\?\$"), ""),
    (re.compile(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))"), ""),
    (_WORDS, lambda found: "W" if "{" in found[0] else found[0].lower()),
    (re.compile(r"\\(?=[a-z]{2,}|W)"), ""),
    (re.compile(r"(?<![0-9.])0+(?=[0-9-]|\.[0-9]|frac)|(?<=[0-9])\+(?=\.)|\b[dt](?=frac)"), ""),
    (re.compile(r"(\.[0-9]*?)0+(?![0-9])"), r"\1"),
    (re.compile(r"\.(?![0-9])"), ""),
    (re.compile(r"(?<=[0-9])[,:](?=[0-9]+$)"), "."),
    (re.compile(r"\+(?=frac)|(?<![0-9a-zA-Z)}])\++|^\+|(?<=[+-])\+|^-?0(?=[+])"), ""),
    (re.compile(r"(?<![0-9.])1(?=[a-zA-Z\\(])|\^1(?![0-9])|/1(?![0-9])|[*]1(?![0-9])|(?<![0-9.])1\*"), ""),
    (re.compile(r"[.,;!_:=]+$|^[_:=]|(?<=[12])!"), ""),
    (re.compile(r"==|:=|=0(?=-)"), "="),
    (re.compile(r"\*(?=[a-zA-Z\\(])"), ""),
    (re.compile(r"(?<![0-9.])\.?0[a-zA-Z.]|(?<=[0-9])e0(?![0-9])"), "0"),
)
"""What stands for nothing, in order, and what is left of it."""


def _bare(text: str) -> str:
    for _ in range(2):
        for pattern, replacement in _MEANINGLESS:
            text = pattern.sub(replacement, text)
    return text
