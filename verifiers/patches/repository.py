"""What is done to the repository in a container before the tests run: by git, on what the image and the row say."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from threading import Event
from typing import Any

from verifiers.errors import InfrastructureError, JudgingStopped
from verifiers.patches.container import Container, Ending, Ran

TESTBED = "/testbed"
_PATCH = "/tmp/patch.diff"
_LARGEST_TEST_FILE = 64 << 20
_APPLY = (
    ("git", "apply", "--verbose"),
    ("git", "apply", "--verbose", "--3way"),
    ("git", "apply", "--verbose", "--reject"),
    ("patch", "--batch", "--forward", "--fuzz=5", "-p1", "-i"),
)
"""As the official harness tries one after the other."""
_TIDY = "git checkout -- . ; git clean -fd"
_TEST_FILES = """
set -e
mkdir "$1"
export GIT_INDEX_FILE="$1/index"
git read-tree "$2"
git apply --cached "$1.patch"
git diff --cached --name-only --no-renames --diff-filter=d -z "$2" > "$1/names"
git checkout-index --prefix="$1/tree/" -z --stdin < "$1/names"
cat "$1/names"
"""
_STATUS = "git status --porcelain --untracked-files=all --ignored --no-renames -z 2>/dev/null"
_PUT_BACK = 'for path in "$@"; do git checkout -q HEAD -- "$path" 2>/dev/null || rm -rf -- "$path"; done'


class Cut(Exception):
    """A command was ended by a limit: the patch is to blame where it was already there."""

    def __init__(self, ran: Ran) -> None:
        super().__init__(ran.ended.name)
        self.ran = ran


class Repository:
    """The repository of one container; each command has the whole time that a patch has."""

    def __init__(self, container: Container, seconds: float, stop: Event) -> None:
        self.container = container
        self._seconds, self._stop = seconds, stop

    def run(self, command: Sequence[str], or_ended: Ending = Ending.exited) -> Ran:
        """A command that ended by itself, or so; raises Cut, JudgingStopped or InfrastructureError where it did not."""
        ran = self.container.run(command, seconds=self._seconds, stop=self._stop, folder=TESTBED)
        if ran.ended is Ending.stopped:
            raise JudgingStopped
        if ran.ended is Ending.gone:
            raise InfrastructureError("The container ended while the patch was judged.")
        if ran.ended not in (Ending.exited, or_ended):
            raise Cut(ran)
        return ran

    def test_files(self, row: Mapping[str, Any]) -> dict[str, bytes]:
        """What the problem's test patch makes of the files that it touches, asked before any candidate is there."""
        folder = "/tmp/monkeys-tests"
        try:
            self.container.write(f"{folder}.patch", row["test_patch"].encode())
            ran = self.run(["/bin/bash", "-c", _TEST_FILES, "bash", folder, row["base_commit"]])
        except Cut as cut:
            raise InfrastructureError(f"The problem's test files could not be made: {cut}.") from cut
        if ran.exit_code != 0:
            said = ran.output.decode("utf-8", "replace").strip()[-200:]
            raise InfrastructureError(f"The problem's test patch does not fit its image: {said}")
        names = [name for name in ran.output.decode("utf-8", "replace").split("\0") if name]
        files = {name: self.container.read(f"{folder}/tree/{name}", _LARGEST_TEST_FILE) for name in names}
        self.run(["rm", "-rf", folder, f"{folder}.patch"])
        return {name: content for name, content in files.items() if content is not None}

    def changed(self) -> set[str]:
        """The paths that differ from the base commit, untracked and ignored ones among them."""
        entries = self.run(["/bin/bash", "-c", _STATUS]).output.decode("utf-8", "replace").split("\0")
        return {entry[3:] for entry in entries if entry}

    def apply(self, patch: bytes) -> str:
        """Apply a patch as the official harness does; what was wrong, or "" where it is applied."""
        self.container.write(_PATCH, patch)
        said = b""
        for attempt, command in enumerate(_APPLY):
            if attempt:
                self.run(["/bin/bash", "-c", _TIDY])
            ran = self.run([*command, _PATCH])
            if ran.exit_code == 0:
                return ""
            said = said or ran.output
        if self.run(["git", "apply", "--check", "--reverse", _PATCH]).exit_code == 0:
            return ""
        lines = said.decode("utf-8", "replace").replace("\0", "").splitlines()
        errors = (line for line in lines if line.startswith("error:") and "while searching for" not in line)
        return next(errors, "git gave no reason")[:200]

    def put_back(self, paths: Sequence[str]) -> None:
        """Make files what they are at the base commit, or nothing."""
        self.run(["/bin/bash", "-c", _PUT_BACK, "bash", *paths])

    def held(self) -> bool:
        """Let nothing in the container go on; whether that could be done: not so where processes fork without end."""
        try:
            self.container.hold()
        except InfrastructureError:
            return False
        return True

    def changed_since(self, files: Mapping[str, bytes]) -> list[str]:
        """Those of the files (path: content) that have another content now."""
        read = self.container.read
        return [path for path, content in files.items() if read(f"{TESTBED}/{path}", len(content)) != content]


def configures_tests(path: str) -> bool:
    """Whether a file is one by which test runners and Python itself can be told to run something, or otherwise."""
    name = PurePosixPath(path).name
    return name in ("tox.ini", "setup.cfg", "pyproject.toml") or hooks_tests(path)


def hooks_tests(path: str) -> bool:
    """Whether it is such a file that honest patches hardly ever need."""
    name = PurePosixPath(path).name
    names = ("conftest.py", "sitecustomize.py", "usercustomize.py", "pytest.ini", ".pytest.ini")
    return name in names or name.endswith(".pth")
