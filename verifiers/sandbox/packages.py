"""What programs may import beside Python's standard library, as judges of contests and public test sets have it.

The packages stand in a folder of their own, are made for the very Python that jails run, and are mounted there
read-only. They are not those of this process, and none of them is imported before a program does.
"""

import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

from verifiers.errors import Unavailable, UserError
from verifiers.sandbox.jail import find_python, version_of
from verifiers.sandbox.reach import out_of_reach

INSTALL = f"{sys.executable} -m verifiers.programs.install"
DEFAULT = Path(sys.prefix, "packages")
"""Where they are put and looked for, unless `use_packages` names another folder: beside what this process imports."""

_folder: Path | None = None


class Packages(NamedTuple):
    """What programs of this process may import."""

    folder: Path | None
    """None where nothing can be; `lack` says why, in one sentence."""
    versions: dict[str, str]
    """Name of a distribution -> its version, sorted."""
    lack: str = ""

    @property
    def told(self) -> str:
        """As in `numpy 2.4.6, sympy 1.14.0`."""
        return ", ".join(f"{name} {version}" for name, version in self.versions.items())


def use_packages(folder: Path | None) -> None:
    """Name the folder, None for DEFAULT, that programs of jails started from now on import from.

    UserError where there is none by that name.
    """
    global _folder
    if folder and not folder.is_dir():
        raise UserError(f"There is no folder of packages at {folder}: `pip install --target` makes one.")
    _folder = folder and folder.resolve()


def find_packages() -> Packages:
    """The packages of the folder that `use_packages` named, as far as the sandbox's Python and user can read them."""
    return _find(_folder or DEFAULT)


def may_import(module: str) -> bool:
    """Whether programs find a top-level module: of the standard library, or in the folder."""
    folder = find_packages().folder
    return module in sys.stdlib_module_names or bool(folder and _is_there(folder / module))


def _is_there(path: Path) -> bool:
    return path.is_dir() or path.with_suffix(".py").is_file() or any(path.parent.glob(f"{path.name}.*.so"))


@cache
def _find(folder: Path) -> Packages:
    wheels = sorted(folder.glob("*.dist-info/WHEEL"))
    if not wheels:
        return Packages(None, {}, f"There are no packages for programs at {folder}: `{INSTALL}` installs them.")
    if closed := out_of_reach(folder):
        return Packages(None, {}, f"Programs can import no packages: {closed} is closed to other users.")
    try:
        version = version_of(find_python().path)
    except Unavailable as error:
        return Packages(None, {}, str(error))
    for wheel in wheels:
        if not _fits(wheel.read_text(encoding="utf-8", errors="replace"), version):
            name = wheel.parent.name.partition("-")[0]
            python = f"the sandbox's {'.'.join(map(str, version))} ({find_python().path})"
            return Packages(None, {}, f"{name} at {folder} is for another Python than {python}: `{INSTALL}` mends it.")
    pairs = [wheel.parent.name.removesuffix(".dist-info").partition("-") for wheel in wheels]
    return Packages(folder, {name: number for name, _, number in pairs})


def _fits(wheel: str, version: tuple[int, ...]) -> bool:
    """Whether a wheel's tags (https://peps.python.org/pep-0425/) name this Python; they stand in its file WHEEL."""
    tags = [line.removeprefix("Tag: ").split("-") for line in wheel.splitlines() if line.startswith("Tag: ")]
    fitting = {"py3", "py" + "".join(map(str, version)), "cp" + "".join(map(str, version))}
    return any(fitting & set(tag[0].split(".")) or tag[1:2] == ["abi3"] for tag in tags)
