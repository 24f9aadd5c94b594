"""Lean's tokens, as its own tokeniser splits them: what is a word of the program and what a comment or a text.

After https://github.com/leanprover/lean4 at v4.28.0, src/Lean/Parser/Basic.lean and src/Init/Meta/Defs.lean. Where
versions of Lean, or the grammar around a token, would split a text differently, there is no guess: the token is
`unreadable`, since a reader that is out of step takes a program for a text.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_LETTER = "A-Za-zΑ-ΟΡΤ-Ωα-κμ-ωϊ-ϻἀ-῾℀-⅏𝒜-𝖟"
_REST = rf"{_LETTER}0-9_'!?₀-₉ₐ-ₜᵢ-ᵪⱼ"
PART = rf"(?:«[^»\n]{{0,200}}»|[{_LETTER}_][{_REST}]*)"
NAME = rf"{PART}(?:\.{PART})*"
NAME_ENDS = rf"(?![{_REST}]|\.[{_LETTER}_«])"
"""What must follow a name for it to end there."""

_SIGNS_OF_LETTERS = "λΠΣª²³¹ºʰ-˿⁰-ⁿᴬ-ᵡᵫ-ᵿᶛ-ᶿ𝟎-𝟿"
_NUMBER = r"0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9][0-9_]*)?"
_CHARACTER = r"'(?:\\(?:x[0-9a-fA-F]{2}|u\{?[0-9a-fA-F]{1,6}\}?|.)|[^\\'])'"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<line>--[^\n]*) | (?P<doc>/-[-!]) | (?P<block>/-)
    | (?P<raw>r(?P<hashes>\#*)") | (?P<text>") | (?P<character>{_CHARACTER})
    | (?P<word>eval%|{NAME}) | (?P<number>{_NUMBER})
    | (?P<sign>⁻¹'|''|:=|=>|<;>|<-|[{_SIGNS_OF_LETTERS}]|[^\w\s«]) | (?P<unreadable>\S)
    )""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r'(?:[^"\\]|\\.)*"', re.DOTALL)
_PIECE = re.compile(r'(?:[^"\\{]|\\.)*(["{])', re.DOTALL)
_MARK = re.compile(r"/-|-/")

INTERPOLATED = ("s!", "m!", "f!")
_MAY_BE_GLUED = ("line", "block", "doc", "character")
_ENDED = frozenset("()[]{}⟨⟩,;·|") | {"", ":=", "=>", "<;>"}
"""Signs that no longer sign of Lean goes on from with a quote or a dash, as `∑'` does from `∑`."""


class Lexeme(NamedTuple):
    """`kind` is word, number, sign, text, doc or unreadable; `text` what was read, of a text and a comment its mark."""

    kind: str
    text: str
    start: int


def tokens(text: str, place: int = 0) -> Iterator[Lexeme]:
    """The tokens from a place on; comments are left out but for doc comments. Nothing follows what is never closed."""
    braces, before, after = _Braces(), "", -1
    while match := _TOKEN.match(text, place):
        kind = match.lastgroup or ""
        start, end = match.start(kind), _end(text, match)
        word = text[start : match.end()]
        readable = end is not None and not (kind in _MAY_BE_GLUED and start == after and before not in _ENDED)
        if kind == "doc":
            readable = readable and text[match.end() : match.end() + 1] != "/"  # "/--/" has ended in some versions
        elif kind == "number":
            readable = text[match.end() : match.end() + 1] not in ("'", '"')
        elif kind == "text":
            end, readable = braces.open_text(text, match.end(), before)
        elif word == "}" and braces.in_text:
            kind = "text"
            end, readable = braces.close_term(text, match.end())
        elif kind == "sign":
            braces.depth += (word == "{") - (word == "}")
        if not readable:
            yield Lexeme("unreadable", word, start)
        elif kind not in ("line", "block", "character"):
            yield Lexeme("text" if kind == "raw" else kind, word, start)
        if end is None:
            return
        place = after = end
        before = word if kind in ("sign", "text") or word in INTERPOLATED or word.endswith("»") else ";"


def _end(text: str, match: re.Match[str]) -> int | None:
    """The place after a token that needs no counting of braces; None where it is never closed."""
    if match["block"] or match["doc"]:
        return comment_end(text, match.end())
    if match["raw"]:
        closing = '"' + match["hashes"]
        place = text.find(closing, match.end())
        return place + len(closing) if place >= 0 else None
    return match.end()


class _Braces:
    """Where the braces of a text hold terms: `s!"{n} apples"`; a text may stand in such a term again.

    Whether a text without a mark has such braces depends on the command that takes it. Both readings must end at the
    same place, and the terms count as read.
    """

    def __init__(self) -> None:
        self.depth = 0
        self._open: list[tuple[int, int | None]] = []  # the braces around each text, and where it has to end

    @property
    def in_text(self) -> bool:
        return bool(self._open) and self.depth == 0

    def open_text(self, text: str, place: int, before: str) -> tuple[int | None, bool]:
        """From behind a quote: the place after the text, or after the brace of its first term; whether it is clear."""
        plain = _PLAIN.match(text, place)
        if plain and "{" not in plain[0]:
            return plain.end(), True
        self._open.append((self.depth, plain.end() if plain and before not in INTERPOLATED else None))
        return self._piece(text, place)

    def close_term(self, text: str, place: int) -> tuple[int | None, bool]:
        """The same from behind the brace that closes a term."""
        return self._piece(text, place)

    def _piece(self, text: str, place: int) -> tuple[int | None, bool]:
        piece = _PIECE.match(text, place)
        if piece is None:
            return None, False
        self.depth = 0
        if piece[1] == "{":
            return piece.end(), True
        self.depth, wanted = self._open.pop()
        return piece.end(), wanted in (None, piece.end())


def comment_end(text: str, place: int) -> int | None:
    """The place after a block comment, which may hold others, opened just before; None where nothing closes it."""
    depth = 1
    while depth:
        mark = _MARK.search(text, place)
        if mark is None:
            return None
        depth += 1 if mark[0] == "/-" else -1
        place = mark.end()
    return place
