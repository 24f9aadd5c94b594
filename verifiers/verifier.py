"""Problems, candidates and verifiers: the shapes that every benchmark fills."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Event
from typing import Any, NamedTuple

from verifiers.errors import InfrastructureError, JudgeAway
from verifiers.outcome import Outcome


@dataclass(frozen=True)
class Problem:
    """One thing to be solved: a key unique in its benchmark, and the data set's own fields (JSON values).

    reference: a text that is known to be right, where the set has one. It is not stored and stands in no prompt.
    """

    key: str
    data: Mapping[str, Any]
    reference: str | None = field(default=None, compare=False, repr=False)

    @cached_property
    def content_hash(self) -> str:
        """Hex SHA-256 of the data: two problems with one key and different contents are different problems."""
        text = json.dumps(self.data, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Candidate(NamedTuple):
    """What a verifier extracted from a text; `how` names the rule that found it where a verifier has several."""

    text: str
    how: str = ""


@dataclass(frozen=True)
class Judgement:
    """A verifier's word on one candidate: `detail` is one short line for a person, `facts` JSON for queries.

    log: what judging printed, where that is worth keeping; it is untrusted.
    """

    outcome: Outcome
    detail: str = ""
    cpu_seconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    log: bytes = b""


class Check(NamedTuple):
    """The whole verification of one text."""

    candidate: Candidate | None
    judgement: Judgement


@dataclass(frozen=True)
class Verifier:
    """A named, versioned pair: extract (problem, text -> candidate or nothing), judge (problem, candidate -> outcome).

    `extract` never raises on any text and takes time linear in it. `judge` is deterministic as far as it can be,
    keeps its own time limits, owns whatever processes it needs (made on first use, gone with this process), and
    raises InfrastructureError when it, and not the candidate, failed, and JudgeAway where nothing can be judged just
    now. `classes` numbers candidates so that equal answers share a number (for majority votes); without it equal texts
    are equal answers. `lacks` says in one sentence what this machine lacks to judge, or "".

    judge_until: `judge` for those that take minutes. It raises JudgingStopped soon after the event is set; workers
    claim each candidate first, so that no two judge it at once.
    """

    name: str
    version: str
    extract: Callable[[Problem, str], Candidate | None]
    judge: Callable[[Problem, str], Judgement]
    classes: Callable[[Sequence[str]], list[int]] | None = None
    queue: str = "verify"
    lacks: Callable[[], str] = lambda: ""
    judge_until: Callable[[Problem, str, Event], Judgement] | None = None

    def check(self, problem: Problem, text: str) -> Check:
        """Extract and judge; our own failure becomes its outcome."""
        candidate = self.extract(problem, text)
        if candidate is None:
            return Check(None, Judgement(Outcome.no_answer))
        try:
            return Check(candidate, self.judge_safely(problem, candidate.text))
        except JudgeAway as error:
            return Check(candidate, Judgement(Outcome.infrastructure_error, str(error)[:500]))

    def judge_safely(self, problem: Problem, candidate: str, stop: Event | None = None) -> Judgement:
        """Judge; an InfrastructureError becomes its outcome. `stop` reaches those that take minutes."""
        try:
            if self.judge_until is not None and stop is not None:
                return self.judge_until(problem, candidate, stop)
            return self.judge(problem, candidate)
        except InfrastructureError as error:
            return Judgement(Outcome.infrastructure_error, str(error)[:500])
