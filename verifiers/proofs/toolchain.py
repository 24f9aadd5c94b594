"""Where a Lean worker comes from: the command that starts it and what it must be able to read."""

import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

from verifiers.errors import InfrastructureError
from verifiers.proofs.jail import jail_lacks, jailed

CHECKER = Path(__file__).with_name("checker.lean")


class Toolchain(Protocol):
    """Gives the command line of a worker, jail included, and says in a sentence what lacks here for it, or ""."""

    def command(self) -> list[str]: ...

    def lacks(self) -> str: ...


@dataclass(frozen=True)
class LakeProject:
    """A built Lake project, and the Lean that its `lean-toolchain` names; InfrastructureError where it is neither."""

    folder: Path

    def command(self) -> list[str]:
        """Our checker, interpreted by the project's own Lean against the project's libraries."""
        lean = self._sysroot / "bin" / "lean"
        return jailed(
            [str(lean), "-j1", "--run", str(CHECKER)],
            [self._sysroot, CHECKER, *self._libraries],
            {"LEAN_PATH": ":".join(map(str, self._libraries)), "LEAN_SYSROOT": str(self._sysroot)},
        )

    def lacks(self) -> str:
        """The first of a jail, a `lean` on the PATH and a built project that is not here."""
        if missing := jail_lacks():
            return missing
        if shutil.which("lean") is None:
            return f"There is no `lean` on the PATH for the Lean project {self.folder}: install elan."
        try:
            _ = self._libraries
        except InfrastructureError as error:
            return str(error)
        return ""

    @cached_property
    def _sysroot(self) -> Path:
        try:
            prefix = subprocess.run(
                ["lean", "--print-prefix"], cwd=self.folder, capture_output=True, text=True, timeout=600, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise InfrastructureError(f"No working `lean` for the Lean project {self.folder} ({error}).") from error
        return Path(prefix.stdout.strip()).resolve()

    @cached_property
    def _libraries(self) -> list[Path]:
        """The compiled libraries of the project and its packages, where Lake puts them."""
        roots = [self.folder, *sorted((self.folder / ".lake" / "packages").glob("*"))]
        built = [root / ".lake" / "build" / "lib" for root in roots]
        libraries = [folder / "lean" if (folder / "lean").is_dir() else folder for folder in built if folder.is_dir()]
        if not libraries:
            raise InfrastructureError(f"{self.folder} is not a built Lean project: run `lake build` in it.")
        return [folder.resolve() for folder in libraries]
