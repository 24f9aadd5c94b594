"""What is done to the repository in a container before the tests run: by git, on what the image and the row say."""

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any

from verifiers.errors import InfrastructureError, JudgeAway, JudgingStopped
from verifiers.patches.container import Container, Ending, Ran

TESTBED = "/testbed"
_ENDED = "The container ended while the patch was judged."
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
            raise InfrastructureError(_ENDED)
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

    def held(self) -> bool:
        """Let nothing in the container go on; whether that could be done: not so where processes fork without end."""
        try:
            self.container.hold()
        except (InfrastructureError, JudgeAway):
            self._still_there()
            return False
        return True

    def changed_since(self, files: Mapping[str, bytes]) -> list[str]:
        """Those of the files (path: content) that have another content now."""
        read = self.container.read
        changed = [path for path, content in files.items() if read(f"{TESTBED}/{path}", len(content)) != content]
        if changed:
            self._still_there()
        return changed

    def _still_there(self) -> None:
        """Raise InfrastructureError, or JudgeAway, where it is not the patch that keeps us from the container."""
        if self.container.fate() is Ending.gone:
            raise InfrastructureError(_ENDED)
