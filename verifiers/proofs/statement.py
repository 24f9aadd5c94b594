"""A problem's theorem: the only source of what is to be proved, whatever a sample says it proves."""

import re
from dataclasses import dataclass
from typing import Any

from verifiers.proofs.lexer import NAME
from verifiers.verifier import Problem

_OPENING = re.compile(rf"^(?:theorem|lemma)\s+({NAME})", re.MULTILINE)
_ENDING = re.compile(r"\s*:=\s*(?:by\b\s*)?(?:sorry\s*)?\Z")


@dataclass(frozen=True)
class Statement:
    """A trusted theorem: `header` is the file before it, `signature` its text from `theorem` up to the `:=`."""

    header: str
    name: str
    signature: str

    def source(self, body: str) -> str:
        """The one command that is checked: our own signature, then somebody's proof from line `body_line` on."""
        return f"{self.signature} :=\n{body}\n"

    @property
    def plain_name(self) -> str:
        """The name without the quotes that Lean may need: `imo-1` of `«imo-1»`."""
        return self.name.replace("«", "").replace("»", "")

    @property
    def body_line(self) -> int:
        """The line, from 1, on which the proof begins in `source`."""
        return self.signature.count("\n") + 2


FORMS = (("header", "formal_statement"), ("lean4_src_header", "lean4_formalization"))
"""Fields of what precedes a theorem and of the theorem: miniF2F's and DeepSeek's, and those of ProofNet#."""


def read_statement(row: dict[str, Any]) -> dict[str, str]:
    """A data row's theorem as the fields `header` and `statement`.

    The row has either `lean`, a whole file that ends in `sorry`, or one of FORMS; `formal_statement` alone is a whole
    file where it imports. A doc comment right before the theorem is left out. Raises KeyError, TypeError or ValueError
    where the row holds no theorem without a proof.
    """
    text, start = _file(row)
    openings = [opening for opening in _OPENING.finditer(text) if opening.start() >= start]
    if not openings:
        raise ValueError("it has no theorem at the start of a line")
    start = openings[-1].start()
    statement = text[start:].rstrip()
    ending = _ENDING.search(statement)
    if ending is None or ":" not in statement[: ending.start()]:
        raise ValueError("its theorem does not end in ':= by', ':= sorry' or ':= by sorry'")
    return {"header": _without_doc(text[:start].strip()) + "\n", "statement": statement[: ending.start()]}


def _file(row: dict[str, Any]) -> tuple[str, int]:
    """The text up to where the proof begins, and where in it the theorem may begin."""
    if row.get("lean") is not None:
        return _text(row, "lean"), 0
    before, name = next((form for form in FORMS if row.get(form[1]) is not None), FORMS[0])
    formal = _text(row, name)
    if row.get(before) is None and formal.lstrip().startswith("import "):
        return formal, 0
    header = _text(row, before).rstrip()
    return f"{header}\n\n{formal.strip()}", len(header)


def _text(row: dict[str, Any], name: str) -> str:
    text = row[name]
    if not isinstance(text, str):
        raise TypeError(f"{name} must be a text")
    return text


def _without_doc(header: str) -> str:
    """A header without a doc comment at its end, which would document nothing."""
    doc = header.rfind("/-")
    return header[:doc].rstrip() if header.endswith("-/") and header.startswith("/--", doc) else header


def statement_of(problem: Problem) -> Statement:
    """The statement of a problem whose data holds `header` and `statement`."""
    signature = str(problem.data["statement"])
    opening = _OPENING.match(signature)
    if opening is None:
        raise ValueError(f"the statement of {problem.key} does not begin with 'theorem NAME'")
    return Statement(str(problem.data["header"]), opening[1], signature)
