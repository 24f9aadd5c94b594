"""The files by which test runners and Python itself are told to run something else: which of them a patch changes.

All is found by names in the container's folders, not asked of git, whose own settings `patch` can change.
"""

import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as NotIni
from pathlib import PurePosixPath
from typing import Any

from verifiers.errors import InfrastructureError
from verifiers.patches.repository import TESTBED, Repository

_HOOKS = "|".join(
    (
        r"(conftest|sitecustomize|usercustomize)([./].*)?",
        r"\.?pytest\.(ini|toml)",
        r"[^/]*\.pth",
        r"[^/]*\.(dist|egg)-info(/.*)?",  # they name plugins, wherever on Python's path they lie
        r"tests/(.*/)?[^/]*\.pyc?",  # what tests import; no problem is solved there
        r"\.git/(config|hooks/.*|info/.*)",
    )
)
"""Files that honest patches hardly ever need."""
_CONFIGS = ("tox.ini", "setup.cfg", "pyproject.toml")
"""Files that honest patches may need, and that can name plugins and commands."""
_KEPT = "/tmp/monkeys-kept"
_BEFORE = rf"""
set -eo pipefail
export LC_ALL=C
hooks='{_HOOKS}' configs='{"|".join(_CONFIGS)}'
wanted() {{
    find . ! -type d -regextype posix-extended -regex "\./(.*/)?($1)" \
        ! -regex '\./(.*/)?(test_[^/]+|[^/]+_test|tests)\.py' "${{@:2}}" 2>/dev/null
}}
"""
_LIST = """
wanted "$hooks|$configs" -type f -print0 | xargs -0 -r sha256sum -z --
wanted "$hooks|$configs" ! -type f -printf '%64C@  %p\\0'
"""
_DIGEST, _FROM = 64, len("  ./")
_KEEP = f"""
for kind in hooks configs; do
    mkdir -p "{_KEPT}/$kind"
    wanted "${{!kind}}" -print0 | xargs -0 -r cp -a --parents -t "{_KEPT}/$kind"
done
"""
_PUT_BACK = f"""
for kind in "$@"; do
    wanted "${{!kind}}" -print0 | xargs -0 -r rm -f --
    cp -a "{_KEPT}/$kind/." .
done
"""
_NAMING = ("addopts", "pytest11", "entry_points", "entry-points")
"""The last two may name a file that has the rest."""
_MOST_CONFIGS, _LARGEST_CONFIG = 20, 1 << 20


class Hooks:
    """Those of one repository, made before a patch is there; the rest is asked right after it came."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        if self._run(_KEEP):
            raise InfrastructureError("The files that configure the tests could not be kept.")
        self._before = self._listed()

    def changed(self) -> tuple[list[str], list[str]]:
        """The paths of hooks and configuration that were changed, made or removed; those of them that hook in."""
        entries = self._before ^ self._listed()
        paths = sorted({entry[_DIGEST + _FROM :].decode("utf-8", "replace") for entry in entries})
        configs = [path for path in paths if _configures(path)]
        hooking = [path for path in configs if len(configs) > _MOST_CONFIGS or self._names_others(path)]
        return paths, hooking + [path for path in paths if not _configures(path)]

    def put_back(self, hooking: list[str]) -> str:
        """Make all hooks what they were, and configuration too where some of it hooks in; why not, or ""."""
        kinds = ["hooks", "configs"] if any(map(_configures, hooking)) else ["hooks"]
        return "what hooks into the tests cannot be taken out of it" if self._run(_PUT_BACK, *kinds) else ""

    def _listed(self) -> set[bytes]:
        """Every file's path and digest; of a link, when it was last touched, which no patch can set."""
        listed = self._repository.run(["/bin/bash", "-c", _BEFORE + _LIST])
        return set(listed.output.split(b"\0")) - {b""}

    def _run(self, script: str, *arguments: str) -> int | None:
        return self._repository.run(["/bin/bash", "-c", _BEFORE + script, "bash", *arguments]).exit_code

    def _names_others(self, path: str) -> bool:
        """Whether a file of configuration names other plugins or commands than before."""
        read = self._repository.container.read
        before, after = (read(f"{folder}/{path}", _LARGEST_CONFIG) or b"" for folder in (f"{_KEPT}/configs", TESTBED))
        return named(path, before) != named(path, after)


def named(path: str, content: bytes) -> list[Any]:
    """What a file of configuration says of plugins and, for tox, of commands; all of it where it cannot be read."""
    lines = "\n".join(content.decode("utf-8", "replace").splitlines())
    try:
        if path.endswith(".toml"):
            return list(_of(tomllib.loads(lines)))
        parser = ConfigParser(strict=False, interpolation=None, allow_no_value=True)
        parser.read_string(lines)
    except (NotIni, ValueError, RecursionError):
        return [lines]
    sections = {name: dict(section) for name, section in parser.items()}
    runs = [section for name, section in sections.items() if name.startswith("testenv")]
    return [*_of(sections), *(runs if path.endswith("tox.ini") else ())]


def _of(tree: object) -> Iterator[Any]:
    """The values of the settings that name plugins, at whatever depth."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in _NAMING:
                yield value
            else:
                yield from _of(value)


def _configures(path: str) -> bool:
    return PurePosixPath(path).name in _CONFIGS
