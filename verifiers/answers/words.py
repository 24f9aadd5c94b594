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
    "l liter liters litre litres", "gal gallon gallons", "cent cents", "dollar dollars usd", "degree degrees deg",
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
        "half halves third thirds quarter quarters fourth fourths fifth fifths sixth sixths seventh sevenths "
        "eighth eighths ninth ninths tenth tenths hundredth hundredths thousandth thousandths hundreds "
        "thousands millions billions trillions twice thrice double doubled doubles triple tripled triples "
        "quadruple quadrupled minus negative plus times divided multiplied added subtracted over under above "
        "below between up exceed exceeds exceeding squared cubed factorial remainder modulo mod except "
        "excluding almost nearly barely nearest close away short shy fold point out raised power root sqrt "
        "log sine cosine inverse reciprocal opposite odd-numbered both either non percent percentage pct "
        "infinite infinity sometimes unless instead rather beyond within maybe possibly perhaps wrong "
        "incorrect false multiples multiple divisible factor factors log ln squares cubes"
    )
)
"""None of these may stand beside a number that is taken as it is written. The last ones make it none."""

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
    [
        "square",
        "cube",
        "root",
        "part",
        "fraction",
        "share",
        "some",
        "most",
        "out",
        "factor",
        "factors",
        "divisor",
        "divisors",
    ]
)


def is_harmless(word: str) -> bool:
    """Whether a word beside a number leaves it as it is: a unit, an ordinal's ending, a noun of three letters."""
    name = word.strip(".,:;'\"!*_").lower()
    if name in CHANGING or word in SCALES or name in SCALES:
        return False
    parts = name.replace("'", "-").split("-")
    if len(parts) > 1:
        return all(not part or is_harmless(part) or part in ("s", "ll", "t") for part in parts)
    if len(name) == 1 and name != "a":
        return unit_of([word]) != ""
    return not name or name in UNITS or name in SHORT or name in ORDINALS or (name.isalpha() and len(name) > 2)


def leads_to_itself(before: list[str]) -> bool:
    """Whether words before a number leave it as it is: `the total is`, but not `half of`."""
    lower = [word.strip(".,:;'\"!*_()").lower() for word in before]
    if len(lower) > 1 and lower[-1] == "of" and lower[-2] in _OF:
        return False
    return all(is_harmless(word) for word in lower)


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
_AREA, _VOLUME = {"square", "sq", "squared"}, {"cubic", "cu", "cubed"}


def unit_with_power(words: list[str], text: str) -> str:
    """The unit that words name, `cm^2` where they or the text they are from speak of squares."""
    unit = unit_of(words)
    if not unit:
        return ""
    names = {word.strip(".,;").lower() for word in words}
    power = _POWER.search(text)
    raised = "2" if names & _AREA else "3" if names & _VOLUME else power[1] if power else ""
    return f"{unit}^{raised}" if raised else unit
