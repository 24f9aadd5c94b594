"""The check of a proof's text before any Lean sees it, the same for a Lean here and for a server.

A Lean here looks at its own syntax tree besides; a server shows none, so there this check has to be enough.
"""

from math import inf
from typing import NamedTuple

from verifiers.outcome import Outcome
from verifiers.proofs.lexer import Lexeme, tokens
from verifiers.proofs.policy import (
    COMMANDS,
    CONFIGURATIONS,
    CONFIGURED,
    CONSTANTS,
    CONSTRUCTORS,
    HASH_COMMANDS,
    PROGRAMS,
    TACTICS_IN_BRACKETS,
    Policy,
)


class Forbidden(NamedTuple):
    """Why a text is not shown to Lean, and the place in it."""

    outcome: Outcome
    detail: str
    place: int


_END = Lexeme("end", "", 0)
_LONGEST_ITEM = 200
_LETTERS_OF_A_SIGN = 3
_LITERAL_SIGNS = frozenset("(){}[],.-") | {":="}


def refusal(text: str, policy: Policy) -> Forbidden | None:
    """The first thing with which a text could do more than prove, and None if there is none.

    Never let through: a new command, a hole, a program that is run while elaborating, an option besides the resource
    limits, a configuration that is not made of literals, and what Lean might read in another way than we do.
    """
    found = [*tokens(text), _END, _END]
    items = _configuration_items(found)
    for index, token in enumerate(found[:-2]):
        if token.kind == "unreadable":
            return Forbidden(Outcome.compile_error, f"it cannot be read from {token.text[:20]} on", token.start)
        detail = _word(found, index, policy) if token.kind == "word" else _sign(found, index, policy)
        if not detail and index in items and not _is_literal(found, index):
            detail = "a proof may not compute a configuration"
        if detail:
            return Forbidden(Outcome.incorrect, detail[:100], token.start)
    return None


def _word(found: list[Lexeme], index: int, policy: Policy) -> str:
    word, following = found[index].text, found[index + 1]
    if word == "set_option":
        if policy.may_set(following.text, _number(found[index + 2])):
            return ""
        return f"a proof may not set the option {following.text}"
    parts = word.replace("«", "").replace("»", "").split(".")
    if _is_keyword(found, index, policy) or parts[-1].startswith("unsafe") or not PROGRAMS.isdisjoint(parts):
        return f"a proof may not use {word}"
    if not policy.native_decide and parts[-1] in CONSTANTS:
        return f"a proof may not use {word}"
    if word == "native" and following.text == ":=" and not policy.native_decide:
        return "a proof may not use native :="
    return ""


def _is_keyword(found: list[Lexeme], index: int, policy: Policy) -> bool:
    """Whether a word is a keyword that no proof may use, or ends in one behind a sign that may have letters: `∘L`."""
    word, before = found[index].text, found[index - 1]
    glued = index > 0 and before.kind == "sign" and before.start + len(before.text) == found[index].start
    read = [word[letters:] for letters in range(_LETTERS_OF_A_SIGN + 1 if glued else 1)]
    return any(one in COMMANDS or one.strip("«»") in policy.forbidden_words() for one in read)


def _number(token: Lexeme) -> float:
    """A number's value, 0 for what is none."""
    try:
        return int(token.text, 0) if token.kind == "number" else 0
    except ValueError:
        return inf


def _sign(found: list[Lexeme], index: int, policy: Policy) -> str:
    sign, following = found[index], found[index + 1]
    if sign.text == "@" and following.text == "[" and following.start == sign.start + 1:
        return "a proof may not give attributes"
    if following.kind != "word":
        return ""
    if sign.text == "+" and following.text.strip("«»") == "native" and not policy.native_decide:
        return "a proof may not use +native"
    if sign.text == "#" and following.start == sign.start + 1 and following.text.startswith(HASH_COMMANDS):
        return f"a proof may not use #{following.text}"
    return ""


def _configuration_items(found: list[Lexeme]) -> set[int]:
    """The places of brackets that open an item of a configuration: `(config := {})`, `simp (zeta := false)`."""
    items = {
        index
        for index in range(len(found) - 2)
        if _opens(found, index) and found[index + 1].text.strip("«»") in CONFIGURATIONS
    }
    for index, token in enumerate(found):
        if token.text.rstrip("!?") not in CONFIGURED:
            continue
        place = index + 1
        while True:
            if found[place].text in ("+", "-") and found[place + 1].kind == "word":
                place += 2
            elif _opens(found, place):
                if found[place + 1].text not in TACTICS_IN_BRACKETS:
                    items.add(place)
                closing = _closing(found, place)
                if closing is None:
                    break
                place = closing + 1
            else:
                break
    return items


def _opens(found: list[Lexeme], index: int) -> bool:
    opening, name, assigned = found[index : index + 3] if index + 3 <= len(found) else (_END, _END, _END)
    return opening.text == "(" and name.kind == "word" and assigned.text == ":="


def _closing(found: list[Lexeme], index: int) -> int | None:
    """The place of the bracket that closes the one at a place; None where an item would be longer than any is."""
    depth = 0
    for place in range(index, min(len(found) - 2, index + _LONGEST_ITEM)):
        depth += (found[place].text == "(") - (found[place].text == ")")
        if depth == 0:
            return place
    return None


def _is_literal(found: list[Lexeme], index: int) -> bool:
    """Whether an item's value is made of literals: numbers, true, false, constructors by their dot, fields of them."""
    closing = _closing(found, index)
    if closing is None:
        return False
    for place in range(index + 3, closing):
        kind, text, _ = found[place]
        if kind == "word":
            known = found[place + 1].text == ":=" or text in ("true", "false")
            if not known and not (found[place - 1].text == "." and text in CONSTRUCTORS):
                return False
        elif kind != "number" and text not in _LITERAL_SIGNS:
            return False
    return True
