"""From what an LLM wrote to the block of tactics that is to be checked."""

import re
import textwrap
from collections.abc import Iterator
from itertools import takewhile

from verifiers.proofs.comments import comment_end
from verifiers.proofs.statement import statement_of
from verifiers.verifier import Candidate, Problem

_END = re.compile(r"```|Write a lean4")
_TOKEN = re.compile(r'--[^\n]*|/-|"(?:\\.|[^"\\])*"?|[()\[\]{}⟨⟩]|:=', re.DOTALL)
_BETWEEN_STEPS = re.compile(r"(?<!<);(?!>)")

_MENTIONS = 8
"""How many of the last mentions of a theorem are looked at: each may be read to the end of the text."""


def extract_block(problem: Problem, text: str) -> Candidate | None:
    """The block of tactics in a text.

    `file`: where the text states the problem's theorem by its name, what follows the last such statement's `:=`; a last
    word about it that gives no proof does not count where there was one before.
    `continuation`: otherwise the text goes on from a prompt that ends in `by (`, up to the bracket that closes it.
    Either ends at a code fence or at the prompt's own next example.
    """
    text = text.replace("\r\n", "\n")
    named = list(re.finditer(rf"\b(?:theorem|lemma)\s+{re.escape(statement_of(problem).name)}(?!\S)", text))
    if not named:
        block, how = _cut(text), "continuation"
    else:
        proofs = (_tactics(_cut(_after_signature(text, one.end()))) for one in reversed(named[-_MENTIONS:]))
        block, how = next((proof for proof in proofs if proof.strip()), ""), "file"
    block = textwrap.dedent("\n".join(line.rstrip() for line in block.split("\n"))).strip("\n")
    return Candidate(block, how) if block.strip() else None


def extract_steps(problem: Problem, text: str) -> Candidate | None:
    """The tactics that the paper would run one by one, a line each, up to one that can never be a tactic.

    Split as in https://github.com/ScalingIntelligence/large_language_monkeys at ed2bdb0, llmonk/evaluate/minif2f.py:
    at newlines and at `;`, bullets and indentation dropped. There an empty step, a closing bracket and a code fence
    each fail like any wrong tactic, so nothing after them matters.
    """
    del problem
    steps = (step.replace("·", "").strip() for line in text.split("\n") for step in _BETWEEN_STEPS.split(line))
    kept = list(takewhile(lambda step: step not in ("", ")") and not _END.match(step), steps))
    return Candidate("\n".join(kept)) if kept else None


def _cut(text: str) -> str:
    """The text up to a fence, the prompt's next example or the first bracket `)` that closes nothing in it."""
    end = _END.search(text)
    text = text[: end.start()] if end else text
    depth = 0
    for token, place in _tokens(text, 0):
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth < 0:
            return text[:place]
    return text


def _after_signature(text: str, start: int) -> str:
    """What follows the first `:=` outside brackets, with what precedes it on its line turned into blanks."""
    depth = 0
    for token, place in _tokens(text, start):
        if token == ":=" and depth <= 0:
            return _blank_before(text, place + 2)
        depth += (token in "([{⟨") - (token in ")]}⟩")
    return ""


def _tactics(body: str) -> str:
    """A proof's tactics: what follows its `by`, or `exact` around a term."""
    by = re.match(r"\s*by(?![\w'.!?])", body)
    if by:
        return _blank_before(body, by.end())
    return f"exact (\n{body.rstrip()}\n)" if body.strip() else ""


def _blank_before(text: str, place: int) -> str:
    """The text from a place on, in its old column, since columns have a meaning in Lean."""
    return " " * (place - text.rfind("\n", 0, place) - 1) + text[place:]


def _tokens(text: str, place: int) -> Iterator[tuple[str, int]]:
    """Brackets and `:=` outside comments and strings, each with its place."""
    while token := _TOKEN.search(text, place):
        place = token.end()
        if token[0] == "/-":
            place = comment_end(text, place) or len(text)
        elif not token[0].startswith(("--", '"')):
            yield token[0], token.start()
