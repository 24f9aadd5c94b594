"""A problem's theorem: the only source of what is to be proved, whatever a sample says it proves."""

import re
from dataclasses import dataclass
from typing import Any

from verifiers.verifier import Problem

_OPENING = re.compile(r"^(?:theorem|lemma)\s+([^\s:({\[⦃]+)", re.MULTILINE)
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
    def body_line(self) -> int:
        """The line, from 1, on which the proof begins in `source`."""
        return self.signature.count("\n") + 2


def read_statement(row: dict[str, Any]) -> dict[str, str]:
    """A data row's theorem as the fields `header` and `statement`.

    The row has either `lean`, a whole file that ends in `sorry`, or `header` and `formal_statement`.
    Raises ValueError where it holds no theorem without a proof.
    """
    text = row.get("lean")
    if text is None:
        text = f"{row['header'].rstrip()}\n\n{row['formal_statement'].strip()}"
    openings = list(_OPENING.finditer(text))
    if not openings:
        raise ValueError("it has no theorem at the start of a line")
    start = openings[-1].start()
    statement = text[start:].rstrip()
    ending = _ENDING.search(statement)
    if ending is None or ":" not in statement[: ending.start()]:
        raise ValueError("its theorem does not end in ':= by', ':= sorry' or ':= by sorry'")
    return {"header": text[:start].strip() + "\n", "statement": statement[: ending.start()]}


def statement_of(problem: Problem) -> Statement:
    """The statement of a problem whose data holds `header` and `statement`."""
    signature = str(problem.data["statement"])
    opening = _OPENING.match(signature)
    if opening is None:
        raise ValueError(f"the statement of {problem.key} does not begin with 'theorem NAME'")
    return Statement(str(problem.data["header"]), opening[1], signature)
