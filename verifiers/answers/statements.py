r"""Answers read as what they are: a value, a tuple, a set, several values, a region of numbers, a relation, words.

Runs in the comparing process only. What cannot be read to its end raises Unread: nothing is thrown away.
"""

import re
from itertools import pairwise, zip_longest
from typing import Any

import sympy

from verifiers.answers.formulas import GREEK, Formula
from verifiers.answers.readings import Ordered, Proportion, Read, Region, Relation, Unordered, Value, Words
from verifiers.answers.regions import region_of
from verifiers.answers.signs import undressed
from verifiers.answers.tokens import Token, Unread, closing, cut, tokens_of, written
from verifiers.answers.words import is_harmless, leads_to_itself, scaled, unit_of, unit_with_power

_SIGNS = frozenset(("=", "<", ">", r"\le", r"\ge", r"\ne", r"\in", r"\approx", r"\equiv", r"\notin"))
_JOINTS = frozenset((",", ";", "and", "or", r"\lor", r"\land"))
_SETS = {
    r"\mathbbR": sympy.S.Reals, r"\mathbbZ": sympy.S.Integers, r"\mathbbQ": sympy.S.Rationals,
    r"\mathbbN": sympy.S.Naturals, r"\mathbbC": sympy.S.Complexes, r"\emptyset": sympy.S.EmptySet,
}  # fmt: skip
_CHOSEN = re.compile(
    r"(?:\{\s*\})?[_^]\s*(?:\{([0-9]{1,4})\}|([0-9]))\s*([CP])\s*_\s*(?:\{([0-9]{1,4})\}|([0-9]))"
    r"|(?<![A-Za-z0-9_])([0-9]{1,4})([CP])([0-9]{1,4})"
)
_CHOOSE = re.compile(r"\{\s*([0-9a-z]+)\s*\\choose\s*([0-9a-z]+)\s*\}|^([0-9a-z]+)\s*\\choose\s*([0-9a-z]+)$")
_MODULUS = re.compile(
    r"\\(?:pmod|bmod|mod)\s*(?:\{\s*([^{}]*?)\s*\}|([0-9a-z]+))|\(\s*\\(?:text|mathrm"
    r"|operatorname)\s*\{\s*mod\s*\}\s*([0-9a-z]+)\s*\)"
    r"|\(\s*\\?(?:bmod|mod)\s*\{?\s*([0-9a-z]+)\s*\}?\s*\)|\\text\s*\{\s*\(?\s*mod(?:ulo)?\s*"
    r"(?:([0-9a-z]+)\s*\)?\s*\}|\}\s*([0-9a-z]+)\s*\)?)"
)
_NAME = re.compile(
    r"[A-Z]{2,4}|(?:m?\\(?:angle|triangle|overline|vec)\{?|m)?[A-Z]{1,4}\}?|\[[A-Z]{3,6}\]"
    r"|(?:\\mathbb)?[A-Za-z](?:_\{?[\w+,-]+\}?)?'*(?:\^\{?-1\}?)?(?:[(\[][^()]*[)\]])?|\([A-Za-z](?:,[A-Za-z])+\)"
    r"|\\(?:angle|overline|vec|hat|bar|triangle)\{?[A-Za-z]{1,4}\}?|[a-z](?::[a-z])+"
)


def read(text: str) -> Read:
    """What an answer says; Unread where a part of it cannot be read."""
    text = undressed(text)
    modulus = _MODULUS.search(text)
    if modulus:
        text = text[: modulus.start()] + text[modulus.end() :]
    text = _CHOOSE.sub(r"\\binom{\1\3}{\2\4}", _CHOSEN.sub(_chosen, text))
    found = statement(tokens_of(text))
    if modulus:
        return _with_modulus(found, next(group for group in modulus.groups() if group))
    return found


def _chosen(match: re.Match[str]) -> str:
    n, kind, k = (match[1] or match[2], match[3], match[4] or match[5]) if match[3] else match.group(6, 7, 8)
    ways = f"\\binom{{{n}}}{{{k}}}"
    return ways if kind == "C" else f"({ways}\\cdot {k}!)"


def _with_modulus(found: Read, modulus: str) -> Read:
    if isinstance(found, Relation) and found.signs in (("=",), (r"\equiv",)):
        found = found.sides[-1] if found.names[0] else found
    if not isinstance(found, Value):
        raise Unread("a modulus")
    return found._replace(modulus=modulus)


def statement(tokens: list[Token]) -> Read:
    """What tokens say, separators included."""
    parts, joints = cut(tokens, _JOINTS)
    if len(parts) == 1:
        return _item(parts[0])
    kept = [part for part in parts if part]
    lonely = any(
        not part and joints[place - 1] in (",", ";") and joints[place] in (",", ";")
        for place, part in enumerate(parts[1:-1], 1)
    )
    if len(kept) < 2 or not parts[0] or not parts[-1] or lonely:
        raise Unread("a separator with nothing beside it")
    joint = "or" if set(joints) & {"or", r"\lor"} else "and" if set(joints) & {"and", r"\land"} else ","
    items = [_item(part) for part in kept]
    flat = [one for item in items for one in _parts_of(item)]
    return Unordered(tuple(flat), joint=joint)


def _parts_of(item: Read) -> tuple[Any, ...]:
    """The two values of one with both signs in it; else itself."""
    return item.items if isinstance(item, Unordered) and not item.braces else (item,)


def _item(tokens: list[Token]) -> Read:
    if not tokens:
        raise Unread("nothing")
    if builder := _set_builder(tokens):
        return builder
    sides, signs = cut(tokens, _SIGNS)
    if len(sides) == 1:
        return _side(tokens)
    if not all(sides):
        raise Unread("a relation without one of its sides")
    names = tuple(_name_of(side) for side in sides)
    read_sides = tuple(
        Words(name) if name and not _is_symbol(side) else _side(side) for name, side in zip(names, sides, strict=True)
    )
    return Relation(read_sides, tuple(signs), names)


def _name_of(side: list[Token]) -> str:
    """A side that is only a name, as it is written; "" for any other."""
    if all(token.kind == "text" for token in side):
        words = " ".join(token.text for token in side)
        return words if not any(character.isdigit() for character in words) and leads_to_itself(words.split()) else ""
    name = written(side)
    if name in ("e", "i", r"\infty", r"\emptyset") or any(token.kind == "text" for token in side):
        return ""
    if side[0].text in GREEK and not name.startswith(r"\pi"):
        name_after = re.fullmatch(r"(?:_\{?\w+\}?)?'*", written(side[1:]))
        return name if name_after else ""
    return name if _NAME.fullmatch(name) else ""


def _is_symbol(side: list[Token]) -> bool:
    try:
        value = Formula(side).whole()
    except Unread:
        return False
    return bool(value.is_Symbol)


def _set_builder(tokens: list[Token]) -> Region | None:
    r"""\{x : x > 0\} and \{x \in \mathbb{R} \mid x > 0\}."""
    if tokens[0].text != r"\{" or closing(tokens, 0) != len(tokens) - 1:
        return None
    for sign in ("|", ":"):
        parts, _ = cut(tokens[1:-1], frozenset((sign,)))
        if len(parts) == 2 and all(parts):
            left = statement(parts[0])
            name = left.expr if isinstance(left, Value) else left.sides[0].expr if isinstance(left, Relation) else None
            within = region_of(statement(parts[1]))
            if name is None or not name.is_Symbol or within is None or within.name not in ("", name.name):
                raise Unread("a set of what fulfils a condition")
            return Region(within.numbers)
    return None


def _side(tokens: list[Token]) -> Read:
    parts, signs = cut(tokens, frozenset((r"\cup", r"\cap", r"\setminus")))
    if signs:
        return _combined(parts, signs)
    if len(tokens) == 1 and tokens[0].text in _SETS:
        return Region(_SETS[tokens[0].text])
    if all(token.kind == "text" for token in tokens):
        return Words(" ".join(token.text for token in tokens))
    if tokens[0].text in ("(", "[", r"\{") and closing(tokens, 0) == len(tokens) - 1:
        return _enclosed(tokens)
    parts, _ = cut(tokens, frozenset(":"))
    if len(parts) > 1:
        return Proportion(tuple(value(part) for part in parts))
    return _signed_values(tokens)


def _combined(parts: list[list[Token]], signs: list[str]) -> Region:
    regions = [region_of(_side(part)) if part else None for part in parts]
    result: Any = None
    for sign, region in zip(["", *signs], regions, strict=True):
        if region is None:
            raise Unread("a union of what is no set")
        numbers = region.numbers
        if not sign:
            result = numbers
        elif sign == r"\cup":
            result = sympy.Union(result, numbers)
        else:
            result = sympy.Intersection(result, numbers) if sign == r"\cap" else sympy.Complement(result, numbers)
    return Region(result)


def _enclosed(tokens: list[Token]) -> Read:
    opening, inside, end = tokens[0].text, tokens[1:-1], tokens[-1].text
    if opening == r"\{":
        if not inside:
            return Region(sympy.S.EmptySet)
        found = statement(inside)
        return Unordered(found.items if isinstance(found, Unordered) and not found.braces else (found,), braces=True)
    parts, joints = cut(inside, frozenset((",", ";")))
    if not joints:
        if opening == "(" and end == ")" and inside:
            return statement(inside)
        return _signed_values(tokens)
    if not all(parts):
        raise Unread("a tuple with an empty place")
    return Ordered(opening, tuple(_item(part) for part in parts), end)


def _signed_values(tokens: list[Token]) -> Read:
    if not any(token.text in (r"\pm", r"\mp") for token in tokens):
        return value(tokens)
    both = tuple(value(tokens, pm) for pm in (1, -1))
    return both[0] if both[0] == both[1] else Unordered(both)


def value(tokens: list[Token], pm: int = 1) -> Value:
    """The expression that tokens are, with words around it that leave it as it is."""
    lead = 0
    while lead < len(tokens) and tokens[lead].kind == "text":
        lead += 1
    before = " ".join(token.text for token in tokens[:lead]).split()
    sign = 1
    if before and before[-1].lower() in ("negative", "minus"):
        before, sign = before[:-1], -1
    if any(character.isdigit() for word in before for character in word) or not leads_to_itself(before):
        raise Unread("words that change a number")
    tokens = [token for token in tokens[lead:] if token.text not in (r"\$", "$", "€", "£")]
    formula, tail = _with_tail(tokens)
    percent = any(token.text in (r"\%", "%") or token.text.lower() in ("percent", "percentage") for token in tail)
    expr = sign * Formula(formula, pm).whole()
    words = " ".join(token.text for token in tail if token.kind in ("text", "upright")).split()
    return _dressed(
        expr,
        [word for word in words if not (percent and word.lower() in ("percent", "percentage"))],
        percent,
        formula,
        tail,
    )


_SINGLE_UNITS = frozenset("mgshLl")
_BETWEEN_UNITS = frozenset(("/", r"\cdot", "^", "{", "}", "2", "3", "-1", "-", "1", r"\%", "%", "."))


def _with_tail(tokens: list[Token]) -> tuple[list[Token], list[Token]]:
    """The tokens of the expression, and those of words and units behind it."""
    end, depth = len(tokens), 0
    for place, token in enumerate(tokens):
        depth += (token.text in ("(", "{", "[")) - (token.text in (")", "}", "]"))
        last = place == len(tokens) - 1 or tokens[place + 1].text in ("^", "/")
        single = token.kind == "upright" and token.text in _SINGLE_UNITS and last and place > 0
        numeral = (single and tokens[place - 1].kind in ("number", "repeating")) or (
            single and tokens[place - 1].text == "}"
        )
        if depth == 0 and (token.kind == "text" or token.text in (r"\%", "%") or numeral):
            end = place
            break
    formula, tail = tokens[:end], tokens[end:]
    if any(token.kind not in ("text", "upright") and token.text not in _BETWEEN_UNITS for token in tail):
        raise Unread("more behind the words")
    if any(token.kind == "number" and before.text not in ("^", "{", "-") for before, token in pairwise(tail)):
        raise Unread("a second number behind the words")
    if any(token.text == "^" and not following for token, following in zip_longest(tail, tail[1:])) or (
        tail and tail[-1].text in ("/", r"\cdot", "{", "-")
    ):
        raise Unread("a unit that is not finished")
    if sum(token.text in (r"\%", "%") for token in tail) > 1:
        raise Unread("a percentage of a percentage")
    if len(formula) > 2 and formula[-2].text == r"\circ" and formula[-1].text in ("C", "F"):
        formula = formula[:-1]
    if tail and tail[0].kind == "upright" and tail[0].text in ("C", "F") and formula and formula[-1].text == r"\circ":
        tail = tail[1:]
    return formula, tail


def _dressed(expr: Any, words: list[str], percent: bool, formula: list[Token], tail: list[Token]) -> Value:
    bare = [token for token in formula if token.text not in ("-", "+", "^", r"\circ")]
    if len(bare) > 1 and expr.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan):
        raise Unread("a calculation with infinity")
    if words:
        if expr.is_Rational:
            number, words = scaled(expr, words)
            expr = sympy.sympify(number)
        if not all(
            is_harmless(word.strip("()")) or unit_of([word.strip("()")])
            for part in words
            for word in part.split("/")
            if word
        ):
            raise Unread("words that change a number")
    decimals = None
    if len(bare) == 1 and bare[0].kind == "number" and "." in bare[0].text and bare[0].text.replace(".", "").isdigit():
        behind = bare[0].text.partition(".")[2]
        decimals = (len(behind), len(bare[0].text.replace(".", "").lstrip("0")))
    repeats = len(bare) == 1 and bare[0].kind == "repeating"
    unit = unit_with_power([word for part in words for word in part.strip("()").split("/")[:1]], written(tail))
    if not unit and formula[-1].text == r"\circ":
        unit = "degree"
    return Value(expr, percent, unit, decimals, repeats)
