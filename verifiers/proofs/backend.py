"""What checks proofs: a Lean here or a Kimina Lean Server, behind one interface, chosen by `configure`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.proofs.policy import Policy
from verifiers.proofs.statement import Statement


@dataclass(frozen=True)
class Limits:
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
    """Checks that a body proves a statement; raises InfrastructureError where no check was possible."""

    def check(self, statement: Statement, body: str) -> Report: ...

    def close(self) -> None:
        """End whatever processes it started; a later check starts them anew."""


_chosen: Backend | None = None


def configure(
    project: Path | None = None,
    kimina_url: str | None = None,
    *,
    limits: Limits = Limits(),
    policy: Policy = Policy(),  # noqa: B008 (frozen)
) -> None:
    """Choose the back end of this process: a built Lake project is preferred to a server, since it checks more.

    Starts nothing. With neither, every check is an infrastructure error that says what to set.
    """
    from verifiers.proofs.kimina import KiminaServer
    from verifiers.proofs.local import LocalLean
    from verifiers.proofs.toolchain import LakeProject

    if project is not None:
        use(LocalLean(LakeProject(project), limits, policy))
    elif kimina_url is not None:
        use(KiminaServer(kimina_url, limits, policy))
    else:
        use(None)


def use(backend: Backend | None) -> None:
    """Make this back end the one that the verifiers ask."""
    global _chosen
    if _chosen is not None:
        _chosen.close()
    _chosen = backend


def chosen() -> Backend:
    """The back end that the verifiers ask."""
    if _chosen is None:
        raise InfrastructureError(
            "No Lean to check proofs with: set MONKEYS_LEAN_PROJECT to a built Mathlib project or "
            "MONKEYS_KIMINA_URL to a Kimina Lean Server."
        )
    return _chosen
