"""The back end that checks this process's proofs: a Lean here or a Kimina Lean Server, chosen by `configure`."""

from pathlib import Path

from verifiers.errors import InfrastructureError
from verifiers.proofs.helpers import refused
from verifiers.proofs.local import LocalLean
from verifiers.proofs.policy import Policy
from verifiers.proofs.report import Backend, ProofLimits, Report
from verifiers.proofs.statement import Statement
from verifiers.proofs.toolchain import LakeProject

_chosen: Backend | None = None


def configure(
    project: Path | None = None,
    kimina_url: str | None = None,
    *,
    limits: ProofLimits = ProofLimits(),  # noqa: B008 (frozen, as the next)
    policy: Policy = Policy(),  # noqa: B008
) -> None:
    """Choose the back end of this process: a built Lake project is preferred to a server, since it checks more.

    Starts nothing. With neither, every check is an infrastructure error that says what to set.
    """
    from verifiers.proofs.kimina import KiminaServer  # imports httpx, which few need

    if project is not None:
        use(LocalLean(LakeProject(project), limits, policy))
    elif kimina_url is not None:
        use(KiminaServer(kimina_url, limits, policy))
    else:
        use(None)


def use(backend: Backend | None) -> None:
    """Make this back end the one that the verifiers ask; another one's processes end."""
    global _chosen
    if _chosen is not None and _chosen is not backend:
        _chosen.close()
    _chosen = backend


def chosen() -> Backend:
    """The back end that the verifiers ask."""
    if _chosen is None:
        raise InfrastructureError(_NONE)
    return _chosen


def check(statement: Statement, body: str, *helpers: str) -> Report:
    """What that back end says of a proof, or the check of its text, which is the same for all of them."""
    backend = chosen()
    return refused(statement, body, helpers, backend.policy) or backend.check(statement, body, *helpers)


def lacks() -> str:
    """What this machine lacks to check proofs, in a sentence, or ""; nothing is started to find out."""
    return _NONE if _chosen is None else _chosen.lacks()


_NONE = (
    "No Lean to check proofs with: set MONKEYS_LEAN_PROJECT to a built Mathlib project or "
    "MONKEYS_KIMINA_URL to a Kimina Lean Server."
)
