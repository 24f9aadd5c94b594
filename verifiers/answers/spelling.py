r"""Spelling of mathematical answers: the many ways to write one answer, brought to one, as far as text alone can."""

import re
from fractions import Fraction

from verifiers.answers.numbers import LONGEST, NUMBER, canonical, spell

ONE_NUMBER = re.compile(
    r"(?:(?:[a-z]|The )[A-Za-z']+[ ,:]+)*(?P<number>[^A-Za-z]+?)"
    r"(?P<percent>\s*(?:\\?%|percent(?:age)?|pct))?(?:[ -]\(?[a-z][A-Za-z.'/-]+\)?)*\.?"
)
"""A number alone or with words around it: `12 dollars`, but not `June 20` or `2x`."""
_CHANGING = re.compile(
    r"\b(?:not|than|least|most|half|third|quarter|twice|double|triple|minus|negative|root|over|under|above|below|between)"
    r"\b.*[0-9]|[0-9]\s*(?:squared|cubed|factorial|dozen)\b"
)
"""Words that make another number of the one beside them."""
_LARGE = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SPACED = re.compile(r"-?[1-9][0-9]{0,2}(?: [0-9]{3})+(?:\.[0-9]+)?")
_DROPPED = re.compile(
    r"\\(?:left|right)(?![A-Za-z])\.?|(?<!\\)\\[!,;:]\s*|\\displaystyle(?![A-Za-z])|(?<=\\)big(?=cup)"
)
_WRAPPED = re.compile(
    r"\$\$(.*)\$\$|\$(.*)\$|\\\((.*)\\\)|\\\[(.*)\\\]|\*\*(.*)\*\*|`(.*)`|\\boxed\s*\{([^{}]*)\}", re.DOTALL
)
_ARRAY = re.compile(r"[(\[]\s*\\begin\s*\{array\}\s*\{[clr|\s]*\}(.*?)(?:\\\\)?\s*\\end\s*\{array\}\s*[)\]]", re.DOTALL)
_ANGLES = re.compile(r"\\langle(?![A-Za-z])([^\\<>]*(?:\\(?!langle|rangle)[^\\<>]*)*)\\rangle(?![A-Za-z])")
_QUANTITY = re.compile(r"\\text\s*\{\s*([-+]?[0-9.,/]+(?: [a-z. ]+)?)\}")
_REPEATING = re.compile(r"(-?)([0-9]{0,20})\.([0-9]{0,20})\\(?:overline|bar)\s*\{?([0-9]{1,20}?)\}?")


def spelled(answer: str) -> str:
    """One spelling for the commonest ways to write the same: no spacing commands, no delimiters, plain numbers."""
    answer = " ".join(answer.split())
    while (wrapped := _WRAPPED.fullmatch(answer)) and "$" not in (inner := wrapped.group(wrapped.lastindex or 0)):
        answer = inner.strip()
    answer = _DROPPED.sub("", answer.replace("{,}", ",").replace("−", "-"))
    answer = re.sub(r"\\[dtc]frac(?![A-Za-z])", r"\\frac", answer)
    answer = _ARRAY.sub(r"\\begin{pmatrix}\1\\end{pmatrix}", answer)
    answer = _ANGLES.sub(r"(\1)", answer)
    if quantity := _QUANTITY.fullmatch(answer):
        answer = quantity.group(1)
    if repeating := _REPEATING.fullmatch(answer):
        return _fraction(repeating)
    answer = answer.rstrip(" ,;:").removesuffix(".") if not answer.endswith("..") else answer
    return _plain_number(answer) or answer.strip()


def _fraction(repeating: re.Match[str]) -> str:
    r"""0.1\overline{6} as \frac{1}{6}: no other notation of its value is exact."""
    sign, whole, once, again = repeating.groups()
    value = Fraction(
        int(whole + once + again or "0") - int(whole + once or "0"), (10 ** len(again) - 1) * 10 ** len(once)
    )
    return f"{sign}{value}" if value.denominator == 1 else f"{sign}\\frac{{{value.numerator}}}{{{value.denominator}}}"


def _plain_number(answer: str) -> str | None:
    """A number alone or among words (`12 dollars`); of a percentage, the number and `\\%`."""
    phrase = ONE_NUMBER.fullmatch(answer) if len(answer) <= LONGEST else None
    if phrase is None or _CHANGING.search(answer):
        return None
    text = phrase["number"].strip()
    number = NUMBER.fullmatch(text.replace(" ", "") if _SPACED.fullmatch(text) else text)
    if number is None:
        return None
    name = answer[phrase.end("number") :].split(maxsplit=1)
    if name and (zeros := _LARGE.get(name[0].strip("."))):
        return spell(Fraction(canonical(number)) * 10**zeros)
    return canonical(number) + ("\\%" if phrase["percent"] else "")


PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_DECIMAL_COMMA = re.compile(r"-?(?:0,[0-9]*[1-9]|[1-9][0-9]*,(?:[0-9]?[1-9]|[0-9]{3,}[1-9]))")
_TEXT = re.compile(r"\\(?:text|textbf|textnormal|mathrm|mbox)\s*\{([^{}\\]*)\}")
_WORDS = re.compile(r"\(?([A-Za-z][A-Za-z .'-]*?)\)?")
_IN_BASE = re.compile(r"(?P<digits>[0-9]{1,50})_\{?(?P<base>[0-9]{1,2})\}?")
_UNIT = re.compile(r"\\(?:text|textnormal|mathrm|mbox)\s*\{([^{}]*)\}(?:\s*\^\{?[0-9]\}?)?$")
_UNITS = {
    name: names.split()[0]
    for names in (
        "mm millimeter millimeters", "cm centimeter centimeters", "m meter meters", "km kilometer kilometers",
        "in in. inch inches", "ft ft. foot feet", "yd yard yards", "mi mile miles", "s sec second seconds",
        "min minute minutes", "h hr hrs hour hours", "day days", "week weeks", "year years", "mg milligram milligrams",
        "g gram grams", "kg kilogram kilograms", "oz ounce ounces", "lb lbs pound pounds", "ml milliliter milliliters",
        "l liter liters", "cent cents", "dollar dollars", "degree degrees", "radian radians",
    )
    for name in names.split()
}  # fmt: skip
_UNIT_POWER = re.compile(r".*\\(?:text|textnormal|mathrm|mbox)\s*\{[^{}]*\}\s*\^\{?([0-9])\}?")


def words(answer: str) -> str | None:
    r"""The words of an answer that is nothing else, `\text{Evelyn}` or `(C)`, in lower case; None of a formula."""
    inner = _TEXT.fullmatch(answer)
    phrase = _WORDS.fullmatch(inner.group(1).strip() if inner else answer)
    return " ".join(phrase.group(1).lower().split()) if phrase else None


def same_spelling(gold: str, candidate: str) -> bool | None:
    """Whether two spelled answers are equal, as far as their spelling can tell; None when it cannot."""
    if gold == candidate:
        return True
    candidate = _with_point(candidate, gold)
    if PLAIN_NUMBER.fullmatch(gold) and PLAIN_NUMBER.fullmatch(candidate):
        return gold == candidate
    if (share := _share(gold, candidate)) is not None:
        return share
    ours, theirs = words(gold), words(candidate)
    if "\\" in gold + candidate and ours and theirs and min(len(ours), len(theirs)) > 1:
        return ours == theirs
    powers = _UNIT_POWER.fullmatch(gold), _UNIT_POWER.fullmatch(candidate)
    if powers[0] and powers[1] and powers[0].group(1) != powers[1].group(1):
        return False
    units = _unit(gold), _unit(candidate)
    if units[0] and units[1] and units[0] != units[1]:
        return False
    if based := _IN_BASE.fullmatch(candidate):
        return _same_in_base(gold, based["digits"], int(based["base"]))
    return None


def _share(gold: str, candidate: str) -> bool | None:
    """Whether a percentage and a plain number are one, 28 % being 28 as well as 0.28; None of anything else."""
    percent, plain = (gold, candidate) if gold.endswith("%") else (candidate, gold)
    number = percent.removesuffix("\\%")
    if number == percent or not (PLAIN_NUMBER.fullmatch(number) and PLAIN_NUMBER.fullmatch(plain)):
        return None
    return Fraction(plain) in (Fraction(number), Fraction(number) / 100)


def _unit(answer: str) -> str | None:
    """The unit that an answer ends in, where it is one of those that are mistaken for each other."""
    unit = _UNIT.search(answer)
    return _UNITS.get(unit[1].strip().lower()) if unit else None


def _with_point(answer: str, gold: str) -> str:
    """A decimal comma as a point where the true answer has one; elsewhere, and in a true answer, 1,5 is two numbers."""
    return answer.replace(",", ".") if "." in gold and _DECIMAL_COMMA.fullmatch(answer) else answer


def _same_in_base(gold: str, digits: str, base: int) -> bool | None:
    """math-verify does not read bases: to it, 10_2 and 10_3 are ten."""
    ours = _IN_BASE.fullmatch(gold)
    try:
        if ours:
            return (int(ours["digits"]), ours["base"]) == (int(digits), str(base))
        return int(digits, base) == int(gold)
    except ValueError:  # no such base, a digit that it has not, or a gold answer that is no whole number
        return None
