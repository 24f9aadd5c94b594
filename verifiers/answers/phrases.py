r"""One number in words: `12 dollars`, `negative 5`, `1.5 million`, `2\frac{1}{2} hours`; not `5 or 6`."""

import re
from fractions import Fraction
from typing import NamedTuple

from verifiers.answers.numbers import LONGEST, NUMBER, Found, canonical, spell
from verifiers.answers.signs import undressed
from verifiers.answers.words import (
    BENDING,
    COUNTS,
    ORDINALS,
    SCALES,
    TURNING,
    is_changed_by,
    is_harmless,
    leads_to_itself,
    scaled,
    unit_of,
    unit_with_power,
)

_WRAPPED = re.compile(r"\\(?:text|textbf|textit|textrm|textnormal|mathrm|mbox|operatorname)\s*\{([^{}]*)\}")
_TRIMMED = " \t\n*_~`:"
_QUOTED = re.compile(r"([\"'])([^\"']*)\1")
_CORRECTED = re.compile(
    r"\s*(?:\(\s*(?:and\s+)?not\b\s*[^()\s][^()]*\)|,?\s+(?:and\s+)?not\s+[-$\\0-9][^\s]*)(?=[\s.*]*$)"
)
_NOT_BUT = re.compile(r"not\b[^.]{1,40}?,?\s+but\s+(?:rather\s+)?", re.IGNORECASE)
_FRAC = re.compile(r"\\frac\s*(?:\{\s*([0-9]{1,30})\s*\}|([0-9]))\s*(?:\{\s*([0-9]{1,30})\s*\}|([0-9]))(?!\s*[!^_])")
_POWER_OF_TEN = re.compile(
    r"(?P<number>[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:\s*(?:\\times|\\cdot|[*xX])\s*10\s*(?:\^"
    r"|\*\*)\s*(?:\{\s*([-+]?[0-9]{1,3})\s*\}"
    r"|\(\s*([-+]?[0-9]{1,3})\s*\)|([-+]?[0-9]{1,3}))|[eE]([-+]?[0-9]{1,3}))(?![0-9.])"
)
_SPACED = re.compile(r"(?<![0-9.,])[1-9][0-9]{0,2}(?: [0-9]{3})+(?![0-9]|\s*/)")
_SIGN = re.compile(r"(?:negative|minus)\s+(?=[$€£\\]?\s?[0-9.\\])", re.IGNORECASE)
_LEAD = re.compile(r"(?:[^\s0-9$€£¥\\.(\[+=<>^|/*-][^\s0-9$€£¥\\=<>^|/*+()]*[ \t]+|[A-Za-z]+[:,][ \t]*|\(|[:≈]\s*)*")
_TAIL_WORD = re.compile(r"[ \t]*[-/(]?[ \t]*([A-Za-z][A-Za-z.'’-]*)[)]?(?:\s*\^\s*\{?[23]\}?)?")
_PERCENT = re.compile(r"\s*(?:\\?%|per ?cent(?:age)?\b(?!\s+points?\b)|pct\b)")
_NOTHING = re.compile(r"[\s.,;:?*_~`)}\]$]*|\s*\\\]\s*|\s*\\\)[\s.*]*")
_POINT = re.compile(r"\\%|\^\s*\\circ|\\\)|\$|[,;:.?)*_]+(?=\s|$)|(?<=\s)!")


class Phrase(NamedTuple):
    """A number in words: canonical, with `\\%` behind it where it is a percentage, and its unit, if known."""

    number: str
    unit: str = ""


def phrase(text: str, names: bool = True) -> Phrase | None:
    """The one number that a few words say; None where they say another thing, or several numbers.

    names: words that begin with a capital may stand before it; `June 20` is then 20.
    """
    text = _corrected(unwrapped(text))
    lead = _LEAD.match(text)
    before = lead.group().split() if lead else []
    text = text[lead.end() :] if lead else text
    sign = 1
    if before and before[-1].lower() in ("negative", "minus"):
        before, sign = before[:-1], -1
    if not leads_to_itself(before) or (not names and not all(_is_common(word) for word in before)):
        return None
    found = _number(text)
    if found is None:
        return None
    number, end = found
    if sign < 0 and number < 0:
        return None
    tail = text[end:]
    if _THOUSAND_LETTER.match(tail) and not names:  # 2k is a product
        return None
    said = _with_tail(sign * number, tail)
    if said is None or not (money := _MONEY.get(text[:end].lstrip(" -+\\")[:1])):
        return said
    return said._replace(unit=money) if said.unit in ("", money) else None


_MONEY = {"$": "dollar", "€": "euro", "¥": "yen"}
"""Signs before a number; that of pounds is none of them, since those are a weight too."""


_THOUSAND_LETTER = re.compile(r"[\s/(-]*[kK](?![A-Za-z])")


def unwrapped(text: str) -> str:
    """The text without the commands around its words, signs as LaTeX."""
    text = undressed(text).strip(_TRIMMED)
    if quoted := _QUOTED.fullmatch(text):
        text = quoted[2]
    if "\\" in text:
        text = _WRAPPED.sub(lambda found: f" {found[1]} ", text).replace("\\$", "$").strip(_TRIMMED)
    return text


def _corrected(text: str) -> str:
    """`5 (not 6)` and `not 6 but 5` as 5."""
    if "not" not in text.lower():
        return text
    text = _NOT_BUT.sub("", text, count=1)
    return _CORRECTED.sub("", text)


def _is_common(word: str) -> bool:
    return len(word.strip(":,")) > 1 and (word[0].islower() or word in ("The", "Answer:", "Answer"))


def _number(text: str) -> tuple[Fraction, int] | None:
    """The number that the text begins with, and where it ends."""
    sign = re.match(r"\s*([-+]?)\s?(?:\\?[$€£¥]\s?)?(-?)", text)
    assert sign is not None
    if sign[1] and sign[2]:
        return None
    start, minus = sign.end(), -1 if "-" in (sign[1], sign[2]) else 1
    if power := _POWER_OF_TEN.match(text, start):
        exponent = int(next(group for group in power.groups()[1:] if group))
        return minus * Fraction(power["number"]) * Fraction(10) ** exponent, power.end()
    if fraction := _FRAC.match(text, start):
        value = _ratio(fraction)
        return None if value is None else (minus * value, fraction.end())
    if spaced := _SPACED.match(text, start):
        text = text[: spaced.start()] + spaced[0].replace(" ", "").ljust(len(spaced[0])) + text[spaced.end() :]
    number = NUMBER.match(text, start)
    if number is None or number.end() - start > LONGEST:
        return None
    try:
        value = Fraction(canonical(number))
    except (ValueError, ZeroDivisionError):
        return None
    end = spaced.end() if spaced else number.end()
    mixed = _FRAC.match(text, end + len(text[end:]) - len(text[end:].lstrip()))
    if mixed and not number["top"] and not number["below"] and value.denominator == 1:
        rest = _ratio(mixed)
        if rest is None or rest >= 1:
            return None
        return minus * (value + rest), mixed.end()
    return minus * value, end


def _ratio(fraction: re.Match[str]) -> Fraction | None:
    top, bottom = int(fraction[1] or fraction[2]), int(fraction[3] or fraction[4])
    return Fraction(top, bottom) if bottom else None


def _with_tail(number: Fraction, tail: str) -> Phrase | None:
    """The number with what follows it, if that is a percent sign, names of large numbers, a unit or harmless words."""
    if percent := _PERCENT.match(tail):
        rest = _words(tail[percent.end() :])
        return None if rest is None or "%" in tail[percent.end() :] else Phrase(spell(number) + "\\%")
    words = _words(tail)
    if words is None:
        return None
    number, words = scaled(number, words)
    if not all(is_harmless(word) or _is_comparing(words, place) for place, word in enumerate(words)):
        return None
    return Phrase(spell(number), unit_with_power(words, tail))


def _is_comparing(words: list[str], place: int) -> bool:
    """Whether a word is the `more` of `5 more`, and not that of `5 more than 7` or `5 or more`."""
    near = [word.lower().strip(".,") for word in words[max(0, place - 1) : place + 2]]
    return words[place].lower().strip(".,") in ("more", "less", "fewer") and not {"than", "or", "and"} & set(near)


def _words(tail: str) -> list[str] | None:
    """The words behind a number, up to where something else begins; None where there is more than words."""
    words: list[str] = []
    place = 0
    if tail[:1].isalpha():
        glued = re.match(r"[A-Za-z]+", tail)
        assert glued is not None
        if (
            glued[0].lower() not in ORDINALS
            and glued[0] not in ("k", "K")
            and not unit_of([glued[0]])
            and len(glued[0]) < 3
        ):
            return None
    while True:
        if mark := _POINT.match(tail, place):
            place = mark.end()
            if mark[0][0] in ".!?" and words is not None and tail[place : place + 1].isspace():
                return words
            continue
        if _NOTHING.fullmatch(tail, place):
            return words
        word = _TAIL_WORD.match(tail, place)
        if aside := _ASIDE.match(tail, place):
            return None if BENDING.intersection(re.findall("[a-z]+", aside[0].lower())) else words
        if word is None:
            return None
        name = word[1].lower().strip(".")
        if name in TURNING and not _goes_on(tail[word.end() :], name):
            return words
        if name in COUNTS:
            return None
        if word[1] in SCALES and not word[0].lstrip()[0].isalpha():
            return None
        words.append(word[1])
        place = word.end()


_ASIDE = re.compile(
    rf"\s+\((?!\s*(?:{'|'.join(SCALES)}|R|sin|cos|tan|log|sqrt|exp|abs)\b)(?=[A-Za-z]{{3}}"
    rf"|[0-9 ]+[a-z]{{3}})[A-Za-z0-9 ,.'$-]*\)[\s.*]*$"
)
_NEXT = re.compile(r"\s*[(\\]?\s*([0-9$]|[A-Za-z]+)")


def _goes_on(rest: str, name: str) -> bool:
    """Whether what begins with such a word may still be a part of the number: `and a half`, `at least`, `by 6`."""
    following = _NEXT.match(_ARTICLE.sub("", rest) if name == "is" else rest)
    if following is None:
        return name in ("and", "of")
    word = following[1].lower()
    if name in _BENT and word in BENDING:
        return True
    if name == "by" and word[0].isdigit():
        return True
    if name in ("in", "per", "for") and _FIGURES_ALONE.fullmatch(rest):
        return True
    return name in ("and", "of") and (not word.isalpha() or word in ("a", "an", *COUNTS, "one"))


_ARTICLE = re.compile(r"^\s*(?:the|an?)\s+")
_BENT = frozenset(("at", "in", "is", "and", "with", "when", "if"))
_FIGURES_ALONE = re.compile(r"[\s$]*[0-9][0-9.,]*[\s$.)}\]]*")


_EQUALS = re.compile(r"(?<![<>!:\\])=|\b(?:which|that) (?:is|equals|gives|makes)\b|\bequals\b|\bis equal to\b")
_UNKNOWN = re.compile(
    r"[0-9)}]\s*[*·]?\s*(?!x\s*[0-9(\\$])[b-zB-Z](?![A-Za-z0-9{])|(?<![A-Za-z])[b-zB-Z]\s*[-+*/^]"
    r"|[-+*/^]\s*[b-zB-Z](?![A-Za-z])"
    r"|\\(?:sqrt|frac|sin|cos|tan|log|ln)\s*\{?\s*[a-zA-Z](?![A-Za-z])|^\s*[a-z]{2}\s*$"
)
"""A left side of an equation that is more than a name and has an unknown in it."""


def is_unfinished(answer: str) -> bool:
    """Whether a sign at either end has nothing beside it, as in `8*`, `8:` and `8)`."""
    ends = answer[:1] in tuple("*_:") or answer[-1:] in tuple("*_:=")
    return ends or any(answer.count(one) != answer.count(two) for one, two in ("()", "[]"))


def said(text: str) -> str | None:
    """The number that a formula or a few words say, of an equation the side that is one; what says another thing as it
    is, and None without a digit."""
    if not any(character in "0123456789½¼¾⅓⅔" or "０" <= character <= "９" for character in text):
        return None
    found = _of_equation(text) if _EQUALS.search(text) else phrase(text)
    return found.number.removesuffix("\\%") if found else text.strip()[:LONGEST] or None


def _of_equation(text: str) -> Phrase | None:
    sides = _EQUALS.split(undressed(text))
    if len(sides) < 2 or any(_UNKNOWN.search(unwrapped(side)) for side in sides[:-1]):
        return None
    numbers = [found for side in sides if not _PARTLY.search(side) and (found := phrase(side))]
    return numbers[-1] if len({found.number for found in numbers}) == 1 else None


_PARTLY = re.compile(r"[0-9].*\b(?:for|in|per|every|each|at|after|on|by|during|within|with|of|from)\b.*[0-9]")
"""A side that goes on behind its number, `42/hour for 8 hours`."""


_REFUSED_BEFORE = re.compile(
    r"(?:\b(?:not|than|at (?:least|most)|twice|double|half|third|quarter|triple|times|under|over|above|below"
    r"|up to|root|almost"
    r"|nearly|except)(?: of)?|[0-9]\s+(?:or|to)|[<>≤≥])[ \t]*[$€£]?$",
    re.IGNORECASE,
)
_REFUSED_AFTER = re.compile(
    r"[ \t]*(?:squared|cubed|factorial|times|or (?:so|more|less|fewer)|and a (?:half|third|quarter)|to the"
    r"|(?:in )?(?:base|binary|octal|hexadecimal)|hal(?:f|ves)|thirds?|quarters?|(?:four|fif|six|seven|eigh|nin|ten"
    r"|hundred|thousand)ths?|at (?:least|most)|and (?:up|over|above)|is (?:not|wrong|incorrect))\b"
    r"|[ \t]*[\^!](?=[0-9{(])"
)
_NEGATIVE = re.compile(r"(?<![0-9])\b(?:negative|minus)[ \t]+[$€£]?$", re.IGNORECASE)
_BINARY = re.compile(r"(?:[0-9)]|\b(?!(?:is|was|be|of|to|by|equals|or)\s)[a-z]+)\s+minus\s+[$€£]?$", re.IGNORECASE)


_IN_FORMULA = re.compile(r"[}{^_]|\\(?![)\]%,;! $])")


def beside(text: str, found: Found) -> str:
    """A number within a text, changed by what stands beside it; what that makes no number of, as it is written."""
    before, after = text[max(0, found.start - 60) : found.start], text[found.end : found.end + 60]
    if before[-1:] in tuple("{}^_") or _IN_FORMULA.match(after):
        left, right = before.split()[-1] if before[-1:].strip() else "", after.split()[0] if after[:1].strip() else ""
        written = f"{left}{text[found.start : found.end]}{right}".strip("$.,;:*()[]")
        return said(written) or written
    written = text[max(0, found.start - 20) : found.end + 20].strip()
    following = re.match(r"[ \t]*([A-Za-z][A-Za-z'-]*)", after)
    if _REFUSED_BEFORE.search(before) or _REFUSED_AFTER.match(after) or (following and is_changed_by(following[1])):
        return f"… {written}"
    number = found.number
    if _NEGATIVE.search(before) and not _BINARY.search(before):
        number = number.removeprefix("-") if number.startswith("-") else f"-{number}"
    scale = re.match(r"[ \t]?([A-Za-z]+)", after)
    if scale and scale[1] in SCALES:
        try:
            return spell(scaled(Fraction(number), after.split()[:2])[0])
        except (ValueError, ZeroDivisionError):
            return number
    return number
