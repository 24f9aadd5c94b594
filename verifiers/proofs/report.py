"""What a back end is: who checks a proof, what it may use meanwhile, and what is said of it."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from verifiers.outcome import Outcome
from verifiers.proofs.policy import Policy
from verifiers.proofs.statement import Statement


@dataclass(frozen=True)
class ProofLimits:
    """What one proof may use: CPU seconds, wall seconds, and bytes of memory of its own (not the mapped library)."""

    cpu_seconds: float = 60.0
    wall_seconds: float = 240.0
    memory_bytes: int = 6 << 30


@dataclass(frozen=True)
class Report:
    """What a back end says of one proof; `lines` are the lines of `Statement.source` that have errors, from 1."""

    outcome: Outcome
    detail: str = ""
    lines: tuple[int, ...] = ()
    cpu_seconds: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


class Backend(Protocol):
    """Checks that a body, with the declarations that it uses, proves a statement.

    Raises InfrastructureError where no check was possible. It is asked only about texts that its policy lets through.
    """

    @property
    def policy(self) -> Policy: ...

    def check(self, statement: Statement, body: str, *helpers: str) -> Report: ...

    def lacks(self) -> str:
        """What this machine lacks to check with it, in a sentence, or ""; starts nothing."""

    def close(self) -> None:
        """End whatever processes it started; a later check starts them anew."""
