"""Lean's declarations in a text that may hold anything else: where one begins, its proof and where that ends."""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from verifiers.proofs.lexer import NAME, NAME_ENDS, Lexeme, tokens
from verifiers.proofs.policy import COMMANDS

_UP_TO_IN = r"(?:(?!\bin\b)[^\n]){0,200}\bin"
_WORDS = rf"private|protected|noncomputable|nonrec|local|(?:set_option|open)\b{_UP_TO_IN}"
_MODIFIER = rf"(?:@\[[^\]\n]{{0,200}}\]|(?:{_WORDS})\b)\s*"
_DECLARATION = re.compile(
    rf"(?P<modifiers>(?:^|(?<=[`>]))[ \t]*(?:{_MODIFIER}){{0,6}})?"
    rf"\b(?P<word>theorem|lemma|example|def|abbrev)\b(?:\s+(?P<name>{NAME}){NAME_ENDS})?",
    re.MULTILINE,
)
THEOREMS = ("theorem", "lemma", "example")

_ENDS = re.compile(
    r"```|~~~|Write a lean4|</\w{1,20}>|<eos>|<end_of_turn>|\[/INST\]|<｜[^｜\n]{1,40}｜>"
    r"|<\|\w{0,20}(?:end|eot|eos|eom|im_|start|return|user|assistant|system)\w{0,20}\|>"
)
"""What ends a proof wherever it stands: a fence, the paper's next example, an LLM's own mark."""

_LONGEST_SIGNATURE = 8_000
_PROSE = re.compile(r"[A-Z][a-z'’]*(?![\w'’]|\.\w)|[^\n]*[a-z]{2}\)?[.:][ \t]*(?:\n|\Z)")
_MARKDOWN = frozenset('#*>`$\\"~!')


@dataclass(frozen=True)
class Declaration:
    """One found: its keyword with what precedes it, its name or "", where it, that word and its signature begin."""

    modifiers: str
    word: str
    name: str
    start: int
    word_start: int
    after_name: int
    leads: bool
    """Whether it stands at the beginning of a line."""


def declarations(text: str) -> list[Declaration]:
    """All words that look like the beginning of one, in order; comments and prose are not told apart."""
    return [
        Declaration(
            (found["modifiers"] or "").strip(), found["word"], (found["name"] or "").replace("«", "").replace("»", ""),
            found.start(), found.start("word"), found.end(), found["modifiers"] is not None,
        )
        for found in _DECLARATION.finditer(text)
    ]  # fmt: skip


def proof_of(text: str, place: int, leads: bool = True) -> str:
    """The tactics of the declaration whose signature begins at a place, "" where it has none before the next."""
    return block_of(_after_signature(text, place, leads))


def block_of(body: str) -> str:
    """A proof's tactics: what follows its `by`, or `exact` around a term; up to where the proof ends."""
    start = re.match(r"\s*(?::=\s*)?(by(?![\w'.!?]))?", body)
    assert start is not None
    if start[1]:
        return cut(_blank_before(body, start.end()))
    term = cut(_blank_before(body, start.end()))
    is_term = ":=" in start[0] or re.match(r"\s*(?:fun\b|λ|⟨)", term)
    return (f"exact (\n{term.rstrip()}\n)" if is_term else term) if term.strip() else ""


def cut(text: str) -> str:
    """The text up to where a proof that begins it ends.

    That is a fence, a mark of the LLM's, a bracket `)` that closes nothing in it, a command at the beginning of a line,
    and there: prose, or anything where the proof is indented.
    """
    end = _ENDS.search(text)
    text = text[: end.start()] if end else text
    first = re.search(r"^([ ]*)\S", text, re.MULTILINE)
    indented = first is not None and len(first[1]) >= 2
    depth = 0
    for token in tokens(text):
        at_margin = token.start == 0 or text[token.start - 1] == "\n"
        if at_margin and (_is_command(text, token) or (depth <= 0 and _is_strange(text, token, indented))):
            return text[: token.start]
        depth += (token.text in "([{⟨") - (token.text in ")]}⟩")
        if token.text == ")" and depth < 0:
            return text[: token.start]
    return text


def _is_command(text: str, token: Lexeme) -> bool:
    if token.kind == "doc" or text.startswith("@[", token.start):
        return True
    if token.text == "#":
        return text[token.start + 1 : token.start + 2].isalpha()
    if token.text in ("open", "set_option"):
        line = text[token.start : token.start + 400].split("\n")[0]
        return re.search(r"\bin\b", line) is None
    return token.kind == "word" and token.text in COMMANDS


def _is_strange(text: str, token: Lexeme, indented: bool) -> bool:
    """Whether no tactic goes on or begins with this token at the beginning of a line."""
    if token.text in (")", "]", "}", "⟩", "|", "·", "<;>"):
        return False
    return (
        indented
        or token.kind in ("number", "unreadable")
        or token.text in _MARKDOWN
        or _PROSE.match(text, token.start, token.start + 2_000) is not None
        or re.compile(r"[-*] ").match(text, token.start) is not None
    )


def _after_signature(text: str, place: int, leads: bool) -> str:
    """What follows the first `:=` outside brackets that is no `let`'s; the mark itself is left, in its old column.

    A signature has a `:` before it. One in the middle of a line goes on to the end of its paragraph only.
    """
    depth, lets, typed = 0, 0, False
    limit = place + _LONGEST_SIGNATURE
    end = _ENDS.search(text, place, limit)
    paragraph = -1 if leads else text.find("\n\n", place, limit)
    stop = min(end.start() if end else limit, paragraph if paragraph >= 0 else limit)
    for token in tokens(text[:stop], place):
        if token.text == ":=" and depth <= 0:
            if lets == 0:
                return _blank_before(text, token.start) if typed else ""
            lets -= 1
        elif token.kind == "word" and token.text in (*THEOREMS, "def"):
            return ""
        lets += depth <= 0 and token.text in ("let", "have", "letI", "haveI")
        typed = typed or (token.text == ":" and depth <= 0)
        depth += (token.text in "([{⟨") - (token.text in ")]}⟩")
    return ""


def _blank_before(text: str, place: int) -> str:
    """The text from a place on, in its old column, since columns have a meaning in Lean."""
    return " " * (place - text.rfind("\n", 0, place) - 1) + text[place:]


def tidy(block: str) -> str:
    """A block without its common indentation, blanks at the ends of lines and empty lines around it."""
    return textwrap.dedent("\n".join(line.rstrip() for line in block.split("\n"))).strip("\n")


def words(text: str) -> Iterator[str]:
    """The names in a text, without their quotes."""
    return (token.text.replace("«", "").replace("»", "") for token in tokens(text) if token.kind == "word")
