"""The repositories of the real instances, outside any container: where patches are made by editing files."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.shared_data import shared, shared_rows
from verifiers.verifier import Problem

Edit = Callable[[Path], object]


def instances() -> dict[str, dict[str, Any]]:
    """The rows of the real instances by id, their lists as lists."""
    rows = shared_rows("swebench_lite/flask/rows.jsonl")
    lists = ("FAIL_TO_PASS", "PASS_TO_PASS")
    return {row["instance_id"]: {**row, **{name: json.loads(row[name]) for name in lists}} for row in rows}


def problem(row: Mapping[str, Any]) -> Problem:
    """The problem of a row."""
    return Problem(row["instance_id"], {name: row[name] for name in row if name != "patch"}, row["patch"])


class Checkout:
    """One repository at its base commit, in a folder of ours."""

    def __init__(self, row: Mapping[str, Any], folder: Path) -> None:
        self.row, self.folder = row, folder
        packed = shared(f"swebench_lite/flask/{row['instance_id']}.tar.gz")
        subprocess.run(["tar", "-xzf", packed, "-C", folder, "--no-same-owner"], check=True)

    def patch(self, edit: Edit = lambda _: None, *, gold: bool = True) -> str:
        """The diff that an edit makes, of the base commit or, beside it, of the gold patch."""
        self._git("reset", "-q", "--hard", self.row["base_commit"])
        self._git("clean", "-fdxq")
        if gold:
            self._git("apply", "-", stdin=self.row["patch"])
        edit(self.folder)
        self._git("add", "-A", "--force")
        return self._git("diff", "--cached", "--binary", self.row["base_commit"])

    def _git(self, *arguments: str, stdin: str = "") -> str:
        command = ["git", "-c", f"safe.directory={self.folder}", "-C", str(self.folder), *arguments]
        done = subprocess.run(command, input=stdin.encode(), stdout=subprocess.PIPE, check=True)
        return done.stdout.decode()


def appended(path: str, text: str) -> Edit:
    """Text at the end of a file, which is made where it is not there."""

    def edit(folder: Path) -> None:
        with (folder / path).open("a") as file:
            file.write(text)

    return edit


def replaced(path: str, old: str, new: str) -> Edit:
    """Another text in a file in place of the first such; the old one has to be there."""

    def edit(folder: Path) -> None:
        before = (folder / path).read_text()
        assert old in before, f"{path} has no {old!r}"
        (folder / path).write_text(before.replace(old, new, 1))

    return edit


def both(*edits: Edit) -> Edit:
    """One after the other."""
    return lambda folder: [edit(folder) for edit in edits]
