"""Words around a number: units and nouns that leave it as it is, names of large numbers, and words that change it."""

import re
from fractions import Fraction


def _each(words: str) -> list[str]:
    return words.split()


_UNITS = (
    "mm millimeter millimeters millimetre millimetres", "cm centimeter centimeters centimetre centimetres",
    "m meter meters metre metres", "km kilometer kilometers kilometre kilometres", "in inch inches",
    "ft foot feet", "yd yds yard yards", "mi mile miles", "s sec secs second seconds", "min mins minute minutes",
    "h hr hrs hour hours", "day days", "week weeks", "month months", "year years yr yrs", "mg milligram milligrams",
    "g gram grams", "kg kilogram kilograms", "oz ounce ounces", "lb lbs pound pounds", "ml milliliter milliliters",
    "l liter liters litre litres", "gal gallon gallons", "cent cents", "dollar dollars usd",
    "euro euros eur", "yen", "degree degrees deg",
    "radian radians rad", "mph", "kmh kph kmph",
)  # fmt: skip
UNITS = {name: names.split()[0] for names in _UNITS for name in names.split()}
"""A unit's names, and the first of them; those that are mistaken for each other have different ones."""

SCALES = {
    "hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12, "dozens": 12,
    "k": 1000, "K": 1000, "score": 20, "gross": 144,
}  # fmt: skip

COUNTS = frozenset(
    _each(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
        "sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety"
    )
)
CHANGING = COUNTS | frozenset(
    _each(
        "no not never neither nor than least most more less fewer greater larger smaller bigger higher lower "
        "half halves halved third quarter quarters hundreds tens thousands "
        "twice thrice double doubled doubles triple tripled triples "
        "quadruple quadrupled minus neg negative negated plus times divided multiplied added subtracted over under "
        "above below between up exceed exceeds exceeding squared cubed factorial remainder modulo mod except "
        "excluding excluded without but almost nearly barely hardly nearest close away short shy fold point out "
        "raised power exponent root sqrt sine cosine inverse inverted reciprocal opposite conjugate complement "
        "reversed odd-numbered both either non percent percentage pct permille bps basis "
        "infinite infinity imaginary imag sometimes unless instead rather beyond within maybe possibly perhaps "
        "guess guessed unsure unknown undefined uncertain wrong incorrect invalid impossible false fail fails failed "
        "reject rejected extraneous cannot too divisible log ln base binary octal hex hexadecimal "
        "about around approx approximately roughly circa ish tops upwards onwards "
        "myriad googol zillion lakh lakhs crore crores mil mill mln bn thou"
    )
)
"""None of these may stand beside a number that is taken as it is written. The last ones make it none."""
_NUMERALS = re.compile(
    r"[a-z]{1,12}illions?(?:ths?)?|(?:hundred|thousand)ths?|(?:ten|eleven|twelf|(?:thir|four|fif|six|seven|eigh|nine)"
    r"(?:teen)?|(?:twen|thir|for|fif|six|seven|eigh|nine)tie)ths?|thirds|sixes"
    r"|(?:one|two|three|four|five|seven|eight|nine|ten|eleven|twelve|[a-z]{3,5}teen)s|[a-z]{3,5}ties(?<!parties)"
    r"(?<!duties)(?<!cities)(?<!beauties)(?<!kitties)|[a-z]+n't"
)
"""Numerals that multiply or divide what they stand behind (5 quintillion, 5 twelfths, 5 threes), and denials."""
_OPERATORS = frozenset(_each("square squares cube cubes sin cos tan exp factor factors multiple multiples"))
"""What these say of a number that they stand before; behind one they are counted."""
BENDING = frozenset(
    _each(
        "least most base binary octal hex hexadecimal tens hundreds thousands millions billions dozens not wrong "
        "incorrect false impossible invalid too never up over above upwards onwards more under below negative "
        "remainder maybe approx approximately half guess rounded estimate unsure"
    )
)
"""After `at`, `in`, `is` and the like, or first in a bracket, these change the number that they follow."""

SHORT = frozenset(_each("a an as at by he in is it of on so to we us be am pm id do go me my"))
TURNING = frozenset(
    _each(
        "in for because since per every each at after on by during with of from which that if when while so "
        "as where is are left if and who whose before until given considering"
    )
)
"""After one of these, behind a number and its unit, begins something that is no part of the number."""
ORDINALS = frozenset(("st", "nd", "rd", "th"))
_OF = frozenset(
    _each("square cube root part fraction share some most out factor factors divisor divisors multiple multiples")
)


_BESIDE = frozenset(
    _each(
        "no not than least most more less fewer greater larger smaller bigger higher lower over under above below "
        "between up except without but nearest close away short point out both either unless instead rather beyond "
        "within too about around base"
    )
)
"""In a sentence these often begin what is no part of the number before them."""


def is_changed_by(word: str) -> bool:
    """Whether the word behind a number in a sentence makes it another: `5 twelfths`, `5 doubled`, `5 wrong`."""
    name = word.lower().strip("-.'")
    return name not in SCALES and bool(name in CHANGING - _BESIDE - COUNTS or _NUMERALS.fullmatch(name))


def is_harmless(word: str) -> bool:
    """Whether a word beside a number leaves it as it is: a unit, an ordinal's ending, a noun of three letters."""
    name = word.strip(".,:;'\"!*_").lower()
    if name in CHANGING or word in SCALES or name in SCALES or _NUMERALS.fullmatch(name):
        return False
    parts = name.replace("'", "-").split("-")
    if len(parts) > 1:
        return all(not part or is_harmless(part) or part in ("s", "ll", "t") for part in parts)
    if len(name) == 1 and word != "a":
        return unit_of([word]) != ""
    return not name or name in UNITS or name in SHORT or name in ORDINALS or (name.isalpha() and len(name) > 2)


def leads_to_itself(before: list[str]) -> bool:
    """Whether words before a number leave it as it is: `the total is`, but not `half of`."""
    lower = [word.strip(".,:;'\"!*_()").lower() for word in before]
    if len(lower) > 1 and lower[-1] == "of" and lower[-2] in _OF:
        return False
    return not _OPERATORS.intersection(lower[-1:]) and all(is_harmless(word) for word in lower)


def scaled(number: Fraction, words: list[str]) -> tuple[Fraction, list[str]]:
    """The number times the names of large numbers that follow it, and the words after those."""
    place = 0
    while place < len(words) and (factor := SCALES.get(words[place].strip(".,!*_"))):
        number *= factor
        place += 1
    return number, words[place:]


def unit_of(words: list[str]) -> str:
    """The unit that words name, by its first name; "" where it is none of those that are mistaken for each other."""
    for word in words:
        name = word.strip(".,;")
        if unit := UNITS.get(name if len(name) == 1 and name != "L" else name.lower()):
            return unit
    return ""


_POWER = re.compile(r"\^\s*\{?\s*([23])")
_BELOW = re.compile(r"(?:/|(?<![A-Za-z])per(?![A-Za-z]))\s*(?:\\text\s*\{\s*)?([A-Za-z]+)")
_AREA, _VOLUME = {"square", "sq", "squared"}, {"cubic", "cu", "cubed"}


def unit_with_power(words: list[str], text: str) -> str:
    """The unit that words name, `cm^2` where they or the text they are from speak of squares."""
    unit = unit_of(words)
    if not unit:
        return ""
    names = {word.strip(".,;").lower() for word in words}
    power = _POWER.search(text)
    raised = "2" if names & _AREA else "3" if names & _VOLUME else power[1] if power else ""
    raised = f"{unit}^{raised}" if raised else unit
    below = _BELOW.search(text)
    return f"{raised}/{UNITS.get(below[1].lower(), below[1])}" if below else raised
