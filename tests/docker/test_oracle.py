"""Prompts that show files of a problem's image; the image is asked for nothing else, and nothing stays."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tasks.runs.request import RunRequest, chosen_problems
from tests.shared_data import shared
from verifiers.errors import UserError
from verifiers.patches import PatchLimits, configure
from verifiers.patches.limits import patch_settings
from verifiers.patches.oracle import files_of

pytestmark = pytest.mark.docker

ROWS = "swebench_lite/flask/rows.jsonl"


@pytest.fixture(autouse=True)
def asked_here(docker_host: str, flask_images: list[str]) -> Iterator[None]:
    """Ask the tests' daemon, and leave nothing there."""
    before = patch_settings()
    configure({"DOCKER_HOST": docker_host}, PatchLimits(), None)
    yield
    ours = ["--filter", f"label=monkeys.pid={os.getpid()}"]
    listing = ["docker", "-H", docker_host, "ps", "-a", "--format", "{{.Names}}", *ours]
    assert subprocess.run(listing, capture_output=True, text=True, check=True).stdout == ""
    configure(before.environ, before.limits, before.images)


def test_the_oracle_shows_the_files_that_the_right_patch_touches_as_they_were_before_it() -> None:
    problems, prompts = chosen_problems(RunRequest("swebench-lite", "m", 1, data=shared(ROWS), form="oracle"))
    for problem, prompt in zip(problems, prompts, strict=True):
        (path,) = problem.data["gold_files"]
        shown = [line for line in prompt.split("\n") if line.startswith("[start of ")]
        assert shown == ["[start of README.rst]", f"[start of {path}]"]
        code = prompt.partition(f"[start of {path}]\n")[2].partition("\n[end of ")[0]
        lines = [line.partition(" ")[2] for line in code.split("\n")]
        patch = problem.reference or ""
        removed = [line[1:] for line in patch.split("\n") if line.startswith("-") and not line.startswith("---")]
        added = [line[1:] for line in patch.split("\n") if line.startswith("+") and len(line) > 30]
        assert set(removed) <= set(lines)
        assert not set(added[1:]) & set(lines)


def test_only_regular_files_that_are_there_are_read(flask_images: list[str]) -> None:
    held = files_of(flask_images[0], "/testbed", ["README.rst", "src", "src/none.py", "none/x"])
    assert list(held) == ["README.rst"]
    assert held["README.rst"].startswith(b"Flask")


def test_an_image_that_is_nowhere_is_one_sentence() -> None:
    with pytest.raises(
        UserError, match=r"^The files that a prompt shows could not be read \(.*column `oracle`"
    ) as refused:
        files_of("127.0.0.1:9/nothing:here", "/testbed", ["x"])
    assert "\n" not in str(refused.value)
