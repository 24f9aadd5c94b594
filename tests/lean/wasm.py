"""The fetched WebAssembly Lean in the place of a Lake project's: the same jail, protocol, limits and supervisor."""

from dataclasses import dataclass
from pathlib import Path

from tests.lean.fetch import node
from verifiers.proofs.jail import jailed

DRIVER = Path(__file__).with_name("driver.js").absolute()


@dataclass(frozen=True)
class WasmLean:
    """A fetched Lean by its folder."""

    root: Path

    def command(self) -> list[str]:
        command = [str(node(self.root)), "--stack-size=8000", str(DRIVER)]
        return jailed(
            [*command, str(self.root / "package" / "lean.js"), str(self.root / "oleans")], [self.root, DRIVER], {}
        )

    def lacks(self) -> str:
        return ""
