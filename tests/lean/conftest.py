"""One Lean for all tests here."""

from collections.abc import Iterator

import pytest

from tests.lean.fetch import fetched, folder
from tests.lean.judge import LIMITS
from tests.lean.wasm import WasmLean
from verifiers.proofs.backend import use
from verifiers.proofs.local import LocalLean


@pytest.fixture(scope="session")
def lean_of_the_session() -> Iterator[LocalLean]:
    """A Lean, started by its first proof, which takes half a minute."""
    root = folder()
    if not fetched(root):
        pytest.skip(f"no Lean in {root}: run make test-lean")
    backend = LocalLean(WasmLean(root), LIMITS, start_seconds=900, proofs_a_process=2000, headers_at_once=1)
    yield backend
    backend.close()


@pytest.fixture
def lean(lean_of_the_session: LocalLean) -> LocalLean:
    """That Lean as the back end."""
    use(lean_of_the_session)
    return lean_of_the_session
