"""Numbers as LLMs write them, brought to one exact spelling, so that equal answers are equal texts."""

import re
from fractions import Fraction
from typing import NamedTuple

LONGEST = 100
"""Characters of a number that could be an answer; int() and Fraction stay cheap below it."""

NUMBER = re.compile(
    r"""
    (?:(?P<sign>[-−+])\s?)? (?:\\?[$€£¥]\s?)? (?P<inner>[-−]?)   # -5, -$5, $-5, \$5
    (?P<digits> [0-9]++ (?:,[0-9]++)* (?:\.[0-9]++)? | \.[0-9]++ )
    (?: [ ]{1,3} (?P<top>[0-9]++) [ ]?/[ ]? (?P<bottom>[0-9]++)  # 3 1/2
      | [ ]?/[ ]? (?P<below>[0-9]++) (?![/.,]?[0-9]) )?          # 7/2
    """,
    re.VERBOSE,
)
_RUN = re.compile(r"(?<![A-Za-z0-9^])(?<![A-Za-z0-9})]_)[0-9][0-9.,/ ]*+")
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")


class Found(NamedTuple):
    """A number in canonical form, and where in its text it stands."""

    number: str
    start: int
    end: int


def last_number(text: str) -> Found | None:
    """The last number in the text; a minus between two things is no sign."""
    size = 256
    run = None
    while True:
        for run in _RUN.finditer(text, max(0, len(text) - size)):  # noqa: B007
            pass
        if size >= len(text) or (run and run.start() > len(text) - size):
            break
        size *= 8
    if run is None:
        return None
    number = None
    for number in NUMBER.finditer(text, max(0, run.start() - 4), run.end()):  # noqa: B007
        pass
    if number is None or number.end() - number.start() > LONGEST:
        return None
    before = text[max(0, number.start() - 20) : number.start()]
    spaced = number["sign"] and text[number.end("sign")].isspace()
    binary = spaced or before[-1:].isalnum() or before.rstrip()[-1:].isdigit() or before.rstrip()[-1:] == ")"
    return Found(canonical(number, signed=not binary), number.start(), number.end())


def canonical(number: re.Match[str], signed: bool = True) -> str:
    """One spelling per value: 1,234.50 -> 1234.5, -0 -> 0, 7/2 -> 3.5, 1/3 -> 1/3; 1,2 stays as it is."""
    digits, top, bottom, below = number.group("digits", "top", "bottom", "below")
    minus = signed and (number["sign"] not in (None, "+") or number["inner"] != "")
    if "," in digits:
        if not _THOUSANDS.fullmatch(digits):
            return number.group().strip()
        digits = digits.replace(",", "")
    whole, point, decimals = digits.partition(".")
    text = whole.lstrip("0") or "0"
    if point and (kept := decimals.rstrip("0")):
        text = f"{text}.{kept}"
    if below or bottom:
        if int(below or bottom) == 0:
            return number.group().strip()
        text = spell(Fraction(text) / int(below) if below else Fraction(text) + Fraction(int(top), int(bottom)))
    return f"-{text}" if minus and text != "0" else text


def spell(value: Fraction) -> str:
    """A decimal where the value has a finite one, else the reduced fraction."""
    places = next((n for n in range(40) if 10**n % value.denominator == 0), None)
    if places is None:
        return str(value)
    digits = str(value.numerator * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits
