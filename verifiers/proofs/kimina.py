"""Proofs checked by a Kimina Lean Server, https://github.com/project-numina/kimina-lean-server (POST /api/check).

Weaker than the Lean on this host, and recorded as such: the server reports messages, not syntax trees, types or
constants. So the check of a proof's text has to be enough, the statement is our own text around it, and the axioms
are those that `#print axioms` names on a line of ours. There is no second check by the kernel.
"""

from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import httpx

from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.proofs.helpers import in_namespace
from verifiers.proofs.policy import Policy
from verifiers.proofs.report import ProofLimits, Report
from verifiers.proofs.statement import Statement

_FACTS = {"backend": "kimina", "replayed": False, "statement": "text", "syntax": "words"}
_SLACK_SECONDS = 60.0


@dataclass(frozen=True)
class KiminaServer:
    """A server by its URL; its own queueing is bounded by a minute on top of a proof's wall time."""

    url: str
    limits: ProofLimits = field(default_factory=ProofLimits)
    policy: Policy = field(default_factory=Policy)

    def check(self, statement: Statement, body: str, *helpers: str) -> Report:
        """Check a body by its messages and its axioms."""
        before = statement.header.rstrip() + "\n\n" + in_namespace(helpers)
        code = f"{before}{statement.source(body)}\n#print axioms {statement.name}\n"
        return self._judge(statement, _Lines.of(before, code), self._ask(code))

    def lacks(self) -> str:
        """Nothing that could be told without asking the server."""
        return ""

    def close(self) -> None:
        """Nothing of ours runs."""

    def _ask(self, code: str) -> dict[str, Any]:
        seconds = self.limits.wall_seconds
        request = {"snippets": [{"id": "proof", "code": code}], "timeout": int(seconds), "reuse": True}
        try:
            reply = httpx.post(f"{self.url.rstrip('/')}/api/check", json=request, timeout=seconds + _SLACK_SECONDS)
            reply.raise_for_status()
            (answer,) = reply.json()["results"]
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
            raise InfrastructureError(f"The Kimina server {self.url} did not answer ({error}).") from error
        if not isinstance(answer, dict):
            raise InfrastructureError(f"The Kimina server {self.url} answered something else.")
        return answer

    def _judge(self, statement: Statement, lines: "_Lines", answer: dict[str, Any]) -> Report:
        error = answer.get("error")
        if error and "timed out" in str(error) and "header" not in str(error):
            return Report(Outcome.time_limit, str(error)[:500], facts=_FACTS)
        response = answer.get("response")
        if error or not isinstance(response, dict) or "message" in response:
            raise InfrastructureError(f"The Kimina server failed: {str(error or response)[:300]}")
        try:
            messages = [_Message.read(message) for message in response.get("messages") or []]
        except (KeyError, TypeError, ValueError) as unreadable:
            raise InfrastructureError(f"The Kimina server's messages cannot be read ({unreadable}).") from unreadable
        shift = lines.shift(messages)
        errors = [message for message in messages if message.severity == "error"]
        if errors:
            places = tuple(message.line + shift - lines.header for message in errors)
            return Report(Outcome.compile_error, errors[0].text[:500], places, facts=_FACTS)
        if response.get("sorries"):
            return Report(Outcome.incorrect, "it has a hole (sorry)", facts=_FACTS)
        printed = [said.text for said in messages if said.line + shift == lines.total and said.severity == "info"]
        axioms = _axioms(statement.name, printed)
        if axioms is None:
            return Report(Outcome.incorrect, "its axioms could not be printed", facts=_FACTS)
        bad = sorted(axioms - set(self.policy.message()["axioms"]))
        facts = {**_FACTS, "axioms": sorted(axioms)}
        if bad:
            return Report(Outcome.incorrect, f"it uses the axiom {bad[0]}"[:500], facts=facts)
        return Report(Outcome.correct, facts=facts)


@dataclass(frozen=True)
class _Message:
    severity: str
    line: int
    text: str

    @classmethod
    def read(cls, message: dict[str, Any]) -> "_Message":
        return cls(str(message["severity"]), int(message["pos"]["line"]), str(message["data"]))


@dataclass(frozen=True)
class _Lines:
    """How many lines were sent, how many of them before our command, and how many imports lead them.

    The server takes the imports off, and only some of its versions count lines from the first one sent.
    """

    total: int
    header: int
    imports: int

    @classmethod
    def of(cls, header: str, code: str) -> "_Lines":
        lines = header.split("\n")[:-1]
        leading = list(takewhile(lambda line: not line.strip() or line.strip().startswith("import "), lines))
        return cls(code.rstrip("\n").count("\n") + 1, len(lines), len(leading))

    def shift(self, messages: list[_Message]) -> int:
        """What to add to a message's line: our question, on the last line, always has a message."""
        return 0 if max((message.line for message in messages), default=0) == self.total else self.imports


def _axioms(name: str, printed: list[str]) -> set[str] | None:
    """What `#print axioms` says, which must be said once and of this theorem."""
    if len(printed) != 1:
        return None
    said = " ".join(printed[0].split())
    if said == f"'{name}' does not depend on any axioms":
        return set()
    before, after = f"'{name}' depends on axioms: [", "]"
    if not (said.startswith(before) and said.endswith(after)):
        return None
    return {axiom.strip() for axiom in said[len(before) : -1].split(",")}
