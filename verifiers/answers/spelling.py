r"""Spelling of mathematical answers: the many ways to write one answer, brought to one, as far as text alone can."""

import re

from verifiers.answers.numbers import LONGEST, NUMBER, canonical

ONE_NUMBER = re.compile(
    r"(?:(?:[a-z]|The )[A-Za-z']+[ ,:]+)*(?P<number>[^A-Za-z]+?)"
    r"(?P<percent>\s*(?:\\?%|percent(?:age)?|pct))?(?:[ -]\(?[a-z][A-Za-z.'/-]+\)?)*\.?"
)
"""A number alone or with words around it: `12 dollars`, but not `June 20` or `2x`."""
_SPACED = re.compile(r"-?[1-9][0-9]{0,2}(?: [0-9]{3})+(?:\.[0-9]+)?")
_DROPPED = re.compile(r"\\(?:left|right)(?![A-Za-z])\.?|(?<!\\)\\[!,;:]\s*|\\displaystyle(?![A-Za-z])")
_WRAPPED = re.compile(
    r"\$\$(.*)\$\$|\$(.*)\$|\\\((.*)\\\)|\\\[(.*)\\\]|\*\*(.*)\*\*|`(.*)`|\\boxed\s*\{([^{}]*)\}", re.DOTALL
)


def spelled(answer: str) -> str:
    """One spelling for the commonest ways to write the same: no spacing commands, no delimiters, plain numbers."""
    answer = " ".join(answer.split())
    while (wrapped := _WRAPPED.fullmatch(answer)) and "$" not in (inner := wrapped.group(wrapped.lastindex or 0)):
        answer = inner.strip()
    answer = _DROPPED.sub("", answer.replace("{,}", ",").replace("−", "-"))
    answer = re.sub(r"\\[dtc]frac(?![A-Za-z])", r"\\frac", answer)
    answer = answer.rstrip(" ,;:").removesuffix(".") if not answer.endswith("..") else answer
    return _plain_number(answer) or answer.strip()


def _plain_number(answer: str) -> str | None:
    """A number alone or among words (`12 dollars`); of a percentage, the number and `\\%`."""
    found = ONE_NUMBER.fullmatch(answer) if len(answer) <= LONGEST else None
    if found is None:
        return None
    text = found["number"].strip()
    number = NUMBER.fullmatch(text.replace(" ", "") if _SPACED.fullmatch(text) else text)
    return canonical(number) + ("\\%" if found["percent"] else "") if number else None


PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_DECIMAL_COMMA = re.compile(r"-?(?:0,[0-9]*[1-9]|[1-9][0-9]*,(?:[0-9]?[1-9]|[0-9]{3,}[1-9]))")
_TEXT = re.compile(r"\\(?:text|textbf|textnormal|mathrm|mbox)\s*\{([^{}\\]*)\}")
_WORDS = re.compile(r"\(?([A-Za-z][A-Za-z .'-]*?)\)?")
_IN_BASE = re.compile(r"(?P<digits>[0-9]{1,50})_\{?(?P<base>[0-9]{1,2})\}?")
_UNIT_POWER = re.compile(r".*\\(?:text|textnormal|mathrm|mbox)\s*\{[^{}]*\}\s*\^\{?([0-9])\}?")


def words(answer: str) -> str | None:
    r"""The words of an answer that is nothing else, `\text{Evelyn}` or `(C)`, in lower case; None of a formula."""
    inner = _TEXT.fullmatch(answer)
    found = _WORDS.fullmatch(inner.group(1).strip() if inner else answer)
    return " ".join(found.group(1).lower().split()) if found else None


def same_spelling(gold: str, candidate: str) -> bool | None:
    """Whether two spelled answers are equal, as far as their spelling can tell; None when it cannot."""
    if gold == candidate:
        return True
    gold, candidate = _with_point(gold, candidate), _with_point(candidate, gold)
    if PLAIN_NUMBER.fullmatch(gold) and PLAIN_NUMBER.fullmatch(candidate):
        return gold == candidate
    ours, theirs = words(gold), words(candidate)
    if "\\" in gold + candidate and ours and theirs and min(len(ours), len(theirs)) > 1:
        return ours == theirs
    powers = _UNIT_POWER.fullmatch(gold), _UNIT_POWER.fullmatch(candidate)
    if powers[0] and powers[1] and powers[0].group(1) != powers[1].group(1):
        return False
    if based := _IN_BASE.fullmatch(candidate):
        return _same_in_base(gold, based["digits"], int(based["base"]))
    return None


def _with_point(answer: str, other: str) -> str:
    """A decimal comma as a point where the other answer has one; elsewhere 1,5 is two numbers."""
    return answer.replace(",", ".") if "." in other and _DECIMAL_COMMA.fullmatch(answer) else answer


def _same_in_base(gold: str, digits: str, base: int) -> bool | None:
    """math-verify does not read bases: to it, 10_2 and 10_3 are ten."""
    ours = _IN_BASE.fullmatch(gold)
    try:
        if ours:
            return (int(ours["digits"]), ours["base"]) == (int(digits), str(base))
        return int(digits, base) == int(gold)
    except ValueError:  # no such base, a digit that it has not, or a gold answer that is no whole number
        return None
