r"""Spelling of mathematical answers: the many ways to write one answer, brought to one, as far as text alone can."""

import re
from fractions import Fraction
from functools import lru_cache

from verifiers.answers.numbers import LONGEST
from verifiers.answers.phrases import is_unfinished, phrase
from verifiers.answers.signs import undressed
from verifiers.answers.words import UNITS

PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_LONGEST_ANSWER = 2_000
_LAYERS = 20
_MARKDOWN = 5
"""The group of what markdown wraps."""
_WRAPPED = re.compile(
    r"\$\$(.*)\$\$|\$(.*)\$|\\\((.*)\\\)|\\\[(.*)\\\]|(?:\*{1,3}|_{1,3}|`)([^*`]*[^*`_])(?:\*{1,3}|_{1,3}|`)"
    r"|\\boxed\s*\{([^{}]*)\}|\\begin\{(?:aligned|align\*?|equation\*?|gathered)\}(.*)\\end\{[a-z*]+\}",
    re.DOTALL,
)
_DOTS = re.compile(r"\.(?:\\dot\s*\{?[0-9]\}?|[0-9])*\\dot\s*\{?[0-9]\}?")
_DOTTED = re.compile(r"\\dot\s*\{?([0-9])\}?")
_BAR = re.compile(r"(?<=[.0-9])\s*\\(?:overline|bar|overset\{[^{}]*\}|dot)\s*(?:\{([0-9]+)\}|([0-9]))")
_GOES_ON = re.compile(r"(?P<sign>-?)(?P<whole>[0-9]*)\.(?P<decimals>[0-9]{3,40})\s*(?:\\ldots|\.\.\.+|…)")
_REPEATED = re.compile(r"(?P<once>[0-9]*?)(?:(?P<one>[0-9])(?P=one){2,}|(?P<again>[0-9]{2,6}?)(?P=again){1,})")
_LABEL = re.compile(
    r"\\(?:text|textbf|mathrm|mbox)\s*\{\s*(?:the\s+)?(?:final\s+)?answer\s*(?:is)?\s*[:=]?\s*\}\s*:?", re.IGNORECASE
)
_BASED = re.compile(
    r"[({]?\s*(?:\\(?:text|mathrm|mbox)\s*\{)?\s*([0-9A-F]{1,50}?(?:\\mathrm\{[A-F]\}[0-9A-F]*)*)\s*\}?\s*[)}]?\s*_\s*"
    r"(?:\{?\s*(?:\\text\s*\{)?\s*([0-9]{1,2}|[a-z]{3,11})\s*\}?\s*\}?)"
)
_BASES = {
    name: str(place)
    for place, name in enumerate(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], 2
    )
}
_BASES |= {"sixteen": "16"}
_MEASURES = frozenset(UNITS.values())


@lru_cache(maxsize=20_000)
def spelled(answer: str) -> str:
    """One spelling for the commonest ways to write the same: no spacing commands, no delimiters, plain numbers."""
    if PLAIN_NUMBER.fullmatch(answer):
        return answer.removeprefix("-") if answer == "-0" else answer
    answer = " ".join(answer.split())
    if len(answer) > _LONGEST_ANSWER:
        return answer
    answer = _without_wrapping(undressed(_without_wrapping(answer))).strip()
    answer = _LABEL.sub("", answer)
    if (figures := _FIGURES.fullmatch(answer)) and re.search("[0-9]", figures[1]):
        answer = figures[1].strip()
    if "." in answer:
        answer = _repeating(answer)
    if (based := _BASED.fullmatch(answer)) and not is_unfinished(answer):
        base = _BASES.get(based[2], based[2])
        if base.isdigit():
            return (
                f"{re.sub(r'[^0-9A-F]', '', based[1])}_{{{base}}}"
                if len(base) > 1
                else f"{re.sub(r'[^0-9A-F]', '', based[1])}_{base}"
            )
    answer = answer.rstrip(" ,;").removesuffix(".") if not answer.endswith("..") else answer
    return _plain_number(answer) or answer.strip()


def _without_wrapping(answer: str) -> str:
    answer = answer.strip()
    for _ in range(_LAYERS):
        wrapped = _WRAPPED.fullmatch(answer)
        if wrapped and (wrapped.lastindex == _MARKDOWN or "$" not in wrapped.group(wrapped.lastindex or 0)):
            inner = wrapped.group(wrapped.lastindex or 0)
            answer = inner.strip().lstrip("&").strip()
        elif answer[:1] == "{" and _closes_at_end(answer):
            answer = answer[1:-1].strip()
        else:
            break
    return answer


def _closes_at_end(answer: str) -> bool:
    depth = 0
    for place, character in enumerate(answer):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return place == len(answer) - 1
    return False


def _repeating(answer: str) -> str:
    r"""0.\dot{3}, 0.\bar3 and 0.333\ldots as 0.\overline{3}."""
    if r"\dot" in answer:
        answer = _DOTS.sub(_dotted, answer)
    answer = _BAR.sub(lambda found: f"\\overline{{{found[1] or found[2]}}}", answer)
    goes_on = _GOES_ON.fullmatch(answer)
    repeated = _REPEATED.fullmatch(goes_on["decimals"]) if goes_on else None
    if goes_on and repeated:
        again = repeated["one"] or repeated["again"]
        return f"{goes_on['sign']}{goes_on['whole']}.{repeated['once']}\\overline{{{again}}}"
    return answer


def _dotted(decimals: re.Match[str]) -> str:
    """The decimals between the first dot and the last one are those that come again."""
    text = decimals[0]
    first, last = text.index("\\dot"), text.rindex("\\dot")
    again = _DOTTED.sub(r"\1", text[first:last]) + _DOTTED.sub(r"\1", text[last:])
    return f"{text[:first]}\\overline{{{again}}}"


def _plain_number(answer: str) -> str | None:
    """A number alone or among words (`12 dollars`); of a percentage, with `\\%`; of a length, with its unit."""
    if (
        len(answer) > 2 * LONGEST
        or is_unfinished(answer)
        or re.search(r"[=<>_!&|]|\\(?!%|\$|times|cdot|frac(?![A-Za-z])|,)", answer)
    ):
        return None
    if ("\\frac" in answer or "/" in answer) and not re.search(r"[A-Za-z]", answer.replace("\\frac", "")):
        return _plain_ratio(answer)
    found = phrase(answer, names=False)
    if found is None or "/" in found.unit or _LETTER_BEHIND.search(answer):
        return None
    if found.unit.partition("^")[0] in _MEASURES and not found.number.endswith("%"):
        unit, _, power = found.unit.partition("^")
        return f"{found.number}\\text{{ {unit}}}" + (f"^{power}" if power else "")
    return found.number


_LETTER_BEHIND = re.compile(r"[0-9]\s*[a-zA-Z](?:\s*\^\s*\{?[23]\}?)?$")
"""An unknown as likely as a unit: `3m` is three metres only where that is asked for."""


def _plain_ratio(answer: str) -> str | None:
    """A decimal for a fraction in figures alone, 1/2 or 3 1/2; LaTeX keeps its form."""
    found = None if "\\" in answer else phrase(answer)
    return found.number if found else None


_DECIMAL_COMMA = re.compile(r"-?(?:0,[0-9]*[1-9]|[1-9][0-9]*,(?:[0-9]?[1-9]|[0-9]{3,}[1-9]))")
_TEXT = re.compile(r"\\(?:text|textbf|textit|textnormal|mathrm|mbox)\s*\{([^{}\\]*)\}")
_FIGURES = re.compile(r"\\(?:text|textbf|textnormal|mathrm|mbox)\s*\{((?:[^{}\\]|\\[$%])*)\}")
_WORDS = re.compile(r"\(?([A-Za-z][A-Za-z0-9 .,'-]*?)\)?")
_IN_BASE = re.compile(r"(?P<digits>[0-9A-F]{1,50})_\{?(?P<base>[0-9]{1,2})\}?")
_MEASURED = re.compile(rf"(-?[0-9.]+)\\text\{{ ({'|'.join(sorted(_MEASURES))})\}}(\^[23])?")
_LETTER = re.compile(r"(?:\\(?:text|textbf|textit|textnormal|mathrm|mbox)\s*\{\s*)?\(?([A-Z])\)?\.?\s*\}?\.?")


def words(answer: str) -> str | None:
    r"""The words of an answer that is nothing else, `\text{Evelyn}` or `(C)`, in lower case; None of a formula."""
    inner = _TEXT.sub(r" \1 ", answer).strip() if "\\" in answer else answer
    phrase = _WORDS.fullmatch(inner)
    if phrase is None:
        return None
    text = " ".join(phrase.group(1).lower().replace(",", " ").strip(" .").split())
    if inner is answer and any(character.isdigit() for character in text) and not re.search("[a-z]{3}", text):
        return None
    return text


def same_spelling(gold: str, candidate: str) -> bool | None:
    """Whether two spelled answers are equal, as far as their spelling can tell; None when it cannot."""
    if gold == candidate:
        return True
    candidate = _with_point(candidate, gold)
    if PLAIN_NUMBER.fullmatch(gold) and PLAIN_NUMBER.fullmatch(candidate):
        return gold == candidate
    if (share := _share(gold, candidate)) is not None:
        return share
    if (measured := _same_measure(gold, candidate)) is not None:
        return measured
    if (letters := (_LETTER.fullmatch(gold), _LETTER.fullmatch(candidate))) and letters[0] and letters[1]:
        return letters[0][1] == letters[1][1]
    ours, theirs = words(gold), words(candidate)
    if ours and theirs and min(len(ours), len(theirs)) > 1 and ("\\" in gold + candidate or _is_prose(ours)):
        return ours == theirs
    if based := _IN_BASE.fullmatch(candidate):
        return _same_in_base(gold, based["digits"], int(based["base"]))
    if based := _IN_BASE.fullmatch(gold):
        return candidate == based["digits"]
    return None


def _is_prose(text: str) -> bool:
    return re.search("[a-z]{3}", text) is not None


def _share(gold: str, candidate: str) -> bool | None:
    """Whether a percentage and a plain number are one, 28 % being 28 as well as 0.28; None of anything else."""
    percent, plain = (gold, candidate) if gold.endswith("%") else (candidate, gold)
    number = percent.removesuffix("\\%")
    if number == percent or not (PLAIN_NUMBER.fullmatch(number) and PLAIN_NUMBER.fullmatch(plain)):
        return None
    if Fraction(plain) == Fraction(number) / 100:
        return True
    return Fraction(plain) == Fraction(number) and (percent is gold or abs(Fraction(number)) >= 1)


def _same_measure(gold: str, candidate: str) -> bool | None:
    """Whether numbers of which one or both have a unit are the same; None of anything else."""
    ours, theirs = _MEASURED.fullmatch(gold), _MEASURED.fullmatch(candidate)
    if not ours and not theirs:
        return None
    if ours and theirs:
        return ours.groups() == theirs.groups()
    plain, found = (candidate, ours) if ours else (gold, theirs)
    assert found is not None
    if ours and plain.replace(" ", "") == f"{ours[1]}{ours[2]}{ours[3] or ''}":
        return True
    return plain == found[1] if PLAIN_NUMBER.fullmatch(plain) else None


def _with_point(answer: str, gold: str) -> str:
    """A decimal comma as a point where the true answer has one; elsewhere, and in a true answer, 1,5 is two numbers."""
    return answer.replace(",", ".") if "." in gold and _DECIMAL_COMMA.fullmatch(answer) else answer


def _same_in_base(gold: str, digits: str, base: int) -> bool | None:
    """The same digits in the same base; of a gold answer without one, the number that they are."""
    ours = _IN_BASE.fullmatch(gold)
    try:
        if ours:
            return (ours["digits"].lstrip("0"), ours["base"]) == (digits.lstrip("0"), str(base))
        return int(digits, base) == int(gold)
    except ValueError:  # no such base, a digit that it has not, or a gold answer that is no whole number
        return None
