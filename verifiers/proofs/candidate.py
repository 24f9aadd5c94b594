"""From what an LLM wrote to the block of tactics that is to be checked."""

import re
import textwrap
from collections.abc import Iterator
from itertools import takewhile

from verifiers.proofs.declarations import THEOREMS, Declaration, block_of, cut, declarations, proof_of, tidy
from verifiers.proofs.helpers import Proof, helpers_before
from verifiers.proofs.preamble import preamble
from verifiers.proofs.statement import Statement, statement_of
from verifiers.verifier import Candidate, Problem

_STEPS_END = re.compile(r"```|Write a lean4")
_BETWEEN_STEPS = re.compile(r"(?<!<);(?!>)")
_FENCE = re.compile(r"(?:```|~~~)(?:lean4?[ \t](?=[ \t]*\S))?([ \t]*\w{0,20})([ \t]*(?:\n|\Z))?")
_LEAN = ("", "lean", "lean4", "tactics", "tactic")
_HOLE = re.compile(r"\s*(?:exact\s*\(\s*)?(?:sorry|admit)[\s)]*\Z")
_MARK = re.compile(r"\A\s*(?:<\|[^|\n]{1,40}\|>\s*)+")

_LONGEST = 120_000
"""How much of the end of a text is looked at, more than a proof may have."""

_MENTIONS = 6
"""How many fences and theorems of a text are looked at, the last ones."""


def extract_block(problem: Problem, text: str) -> Candidate | None:
    """The block of tactics in a text, with what is set before its theorem and the declarations there that it uses.

    `file`: of the last theorem of the problem's name that has a proof, in a fence if there is one in a fence.
    `fence`: else of the last theorem, of whatever name, in the last fence that has a proof, or all of that fence.
    `continuation`: what goes on from a prompt that ends in `by`, where the text begins with tactics or its first fence
    closes one. Each ends where `declarations.cut` says. A theorem that is `sorry` counts where nothing else does.
    """
    statement = statement_of(problem)
    name = statement.plain_name
    text = _answer(text)
    fallback = None
    for proof, how in _readings(text, statement):
        proof = proof._replace(block=tidy(proof.block))
        if proof.block.strip():
            candidate = Candidate(proof.text(name), how)
            if not _HOLE.match(proof.block):
                return candidate
            fallback = fallback or candidate
    return fallback


def _answer(text: str) -> str:
    """A text's end, without what an LLM thought before it and without the marks that it begins with."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    thought, _, said = text.rpartition("</think>")
    text = said if said.strip() else thought or text
    return _MARK.sub("", text[-_LONGEST:])


def _readings(text: str, statement: Statement) -> Iterator[tuple[Proof, str]]:
    """What may be the proof, the likeliest first."""
    fences, goes_on = _fences(text)
    for piece in (*fences, text):
        yield from ((proof, "file") for proof in _last(piece, statement, named=True))
    if goes_on:
        yield Proof(cut(text)), "continuation"
    for piece in fences:
        yield from ((proof, "fence") for proof in _last(piece, statement))
        yield Proof(block_of(piece)), "fence"
    if not goes_on:
        yield Proof(cut(text)), "continuation"
    yield from ((proof, "file") for proof in _last(text, statement))
    yield from ((proof, "file") for proof in _last(text, statement, named=True, leads=False))


def _last(text: str, statement: Statement, *, named: bool = False, leads: bool = True) -> Iterator[Proof]:
    """The proofs of a text's theorems, or of those of a name, that begin a line or do not; the last ones first."""
    found = [one for one in declarations(text) if one.word in THEOREMS and one.leads is leads]
    chosen = [one for one in found if one.name == statement.plain_name] if named else found
    return (_proof(text, one, statement) for one in chosen[: -_MENTIONS - 1 : -1])


def _proof(text: str, one: Declaration, statement: Statement) -> Proof:
    block = proof_of(text, one.after_name, one.leads)
    if not block.strip():
        return Proof("")
    settings = preamble(text[: one.word_start], statement.header) if one.leads else ()
    return Proof(block, (*settings, *helpers_before(text, one.start, block, statement.plain_name)))


def _fences(text: str) -> tuple[list[str], bool]:
    """What stands in a text's fences of Lean, the last first, and whether the text goes on from a prompt.

    It does where it begins with tactics, indented, and where its first fence closes one: an odd number of bare fences
    stands before the first that can only open. Where that leaves no fence at all, the first may open one after all.
    """
    marks = list(_FENCE.finditer(text))
    opening = next((index for index, mark in enumerate(marks) if mark[1].strip() or mark[2] is None), len(marks))
    closes = opening % 2 == 1
    begins = re.match(r"(?:[ \t]*\n)*( *)\S", text)
    goes_on = (
        closes or not marks or (begins is not None and len(begins[1]) >= 2 and not text.lstrip().startswith("```"))
    )
    pieces, index = [], int(closes and len(marks) > 1)
    while index < len(marks):
        mark = marks[index]
        named = mark[1].strip().lower() if mark[2] is not None else ""
        start = mark.end() if mark[2] is not None else mark.end() - len(mark[1])
        following = marks[index + 1] if index + 1 < len(marks) else None
        if named in _LEAN:
            pieces.append(textwrap.dedent(text[start : following.start() if following else len(text)]))
        closed = following is not None and not following[1].strip() and following[2] is not None
        index += 2 if closed else 1
    return pieces[: -_MENTIONS - 1 : -1], goes_on


def extract_steps(problem: Problem, text: str) -> Candidate | None:
    """The tactics that the paper would run one by one, a line each, up to one that can never be a tactic.

    Split as in https://github.com/ScalingIntelligence/large_language_monkeys at ed2bdb0, llmonk/evaluate/minif2f.py:
    at newlines and at `;`, bullets and indentation dropped. There an empty step, a closing bracket and a code fence
    each fail like any wrong tactic, so nothing after them matters.
    """
    del problem
    steps = (step.replace("·", "").strip() for line in text.split("\n") for step in _BETWEEN_STEPS.split(line))
    kept = list(takewhile(lambda step: step not in ("", ")") and not _STEPS_END.match(step), steps))
    return Candidate("\n".join(kept)) if kept else None
