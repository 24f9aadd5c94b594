"""What a sample declares before its theorem and uses in the proof: theorems, lemmas and definitions.

They go with the proof, in a namespace of their own that only the proof opens: so no name of theirs can stand for one
in the statement. With them goes what `preamble` reads. Nothing else does: `variable`, notation, instances, axioms,
attributes but `simp`.
"""

import re
import textwrap
from collections.abc import Sequence
from itertools import pairwise, takewhile
from typing import NamedTuple

from verifiers.outcome import Outcome
from verifiers.proofs.declarations import Declaration, cut, declarations, tidy, words
from verifiers.proofs.lexer import NAME, NAME_ENDS
from verifiers.proofs.policy import Policy
from verifiers.proofs.preamble import is_setting, limits, opens
from verifiers.proofs.report import Report
from verifiers.proofs.statement import Statement
from verifiers.proofs.words import refusal

NAMESPACE = "OfTheSample"

_MOST = 64
_HEAD = re.compile(rf"(?:@\[simp\] )?(?:noncomputable )?(?:theorem|def|abbrev)\s+(?!«?_root_\b){NAME}{NAME_ENDS}")
_HEADS = re.compile(r"^(?=@\[simp\] |noncomputable |theorem\b|def\b|abbrev\b)", re.MULTILINE)
_SIMP = re.compile(r"@\[[^\]\n]*\bsimp\b")


class Proof(NamedTuple):
    """A block of tactics, and the commands that it needs: what is set, then the declarations, first ones first."""

    block: str
    helpers: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """The proof of a theorem as a candidate: the block alone, or behind its helpers and a line for the theorem."""
        if not self.helpers:
            return self.block
        return "".join(f"{helper}\n\n" for helper in self.helpers) + _line(name) + textwrap.indent(self.block, "  ")

    @staticmethod
    def read(candidate: str, name: str) -> "Proof":
        """The proof in such a text."""
        declared, found, block = candidate.rpartition(f"\n\n{_line(name)}")
        if not found:
            return Proof(candidate)
        lines = declared.split("\n\n")
        settings = list(takewhile(is_setting, lines))
        declared = "\n\n".join(lines[len(settings) :])
        places = [0, *(head.start() for head in _HEADS.finditer(declared))]
        declarations = [declared[start:end].strip() for start, end in pairwise([*places, len(declared)])]
        return Proof(textwrap.dedent(block), (*settings, *filter(None, declarations)))

    def closed(self) -> "Proof":
        """The same without opened namespaces."""
        return Proof(self.block, tuple(helper for helper in self.helpers if helper not in opens(self.helpers)))

    def body(self, block: str) -> str:
        """What stands behind our statement's `:=` with a block as the proof."""
        own = [] if all(map(is_setting, self.helpers)) else [f"open {NAMESPACE}"]
        opened = "".join(f"{command} in\n" for command in (*own, *opens(self.helpers)))
        return f"{opened}by\n{textwrap.indent(block, '  ')}"


def _line(name: str) -> str:
    return f"theorem {name} := by\n"


def helpers_before(text: str, place: int, block: str, name: str) -> tuple[str, ...]:
    """The declarations before a place that a block uses, or that those use, as they are shown to Lean.

    Not one named as the theorem itself, and of several of a name the last; `simp` lemmas count as used.
    """
    found = [one for one in declarations(text[:place]) if one.leads and one.name and one.word != "example"]
    used, kept, seen = _parts(block), [], {name}
    for one in reversed(found[-_MOST:]):
        simp = _SIMP.search(one.modifiers) is not None
        if one.name in seen or not (simp or one.name.split(".")[-1] in used):
            continue
        seen.add(one.name)
        kept.append(_shown(text[:place], one, simp))
        used |= _parts(kept[-1])
    return tuple(reversed(kept))


def _parts(text: str) -> set[str]:
    """The parts of each name: `aux.symm` and `h.aux` both use `aux`."""
    return {part for word in words(text) for part in word.split(".")}


def _shown(text: str, one: Declaration, simp: bool) -> str:
    """A declaration's text without doc comment and most modifiers, and with `theorem` for `lemma`, which is Mathlib's.

    Where that changes what stands before its name, the name has a line of its own, in its old column.
    """
    end = one.word_start + len(one.word)
    before = "@[simp] " * simp + "noncomputable " * (one.word in ("def", "abbrev") and "noncomputable" in one.modifiers)
    before += "theorem" if one.word == "lemma" else one.word
    line = text.rfind("\n", 0, end) + 1
    moved = "" if text[line:end] == before else "\n" + " " * (end - line)
    return tidy(before + moved + cut(text[end:]))


def in_namespace(helpers: Sequence[str]) -> str:
    """Helpers as commands of a file, to stand before the theorem."""
    before = "".join(f"{helper}\n\n" for helper in helpers)
    limited = "".join(f"{command} in\n" for command in limits(helpers))
    return f"namespace {NAMESPACE}\n\n{before}end {NAMESPACE}\n\n{limited}" if helpers else ""


def refused(statement: Statement, body: str, helpers: Sequence[str], policy: Policy) -> Report | None:
    """What the check of the text says of a proof that no Lean is to see, in a Lean here as in a server."""
    for helper in helpers:
        head = re.match("", helper) if is_setting(helper) else _HEAD.match(helper)
        if head is None:
            return Report(Outcome.incorrect, f"it declares more than theorems and definitions: {helper[:60]}")
        if found := refusal(helper[head.end() :], policy):
            return Report(found.outcome, found.detail)
    found = refusal(body, policy)
    if found is None:
        return None
    line = statement.body_line + body.count("\n", 0, found.place)
    return Report(found.outcome, found.detail, (line,))
