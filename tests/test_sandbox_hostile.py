"""Every hostile program gets its outcome, whoever runs the sandbox, and leaves nothing behind."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.hostile.calls import FUNCTIONS
from tests.hostile.stdio import PROGRAMS, Hostile

ROOT = Path(__file__).parents[1]
NOBODY = 65534
PARTS = 2  # most of them wait for a limit
WHO = ("root", "an ordinary user") if os.getuid() == 0 else ("an ordinary user",)

pytestmark = [
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: the hostile programs were not run"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def judged() -> Iterator[dict[str, dict[str, Any]]]:
    """Who ran the sandbox -> name of the program -> what was said of it; everyone at once."""
    with TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "verifiers", f"{folder}/verifiers")
        shutil.copytree(ROOT / "tests/hostile", f"{folder}/tests/hostile")
        os.chmod(folder, 0o755)  # a checkout may be closed to others
        started = [(who, _start(who, part, folder)) for who in WHO for part in range(PARTS)]
        said: dict[str, dict[str, Any]] = {who: {"ends": []} for who in WHO}
        for who, process in started:
            output, errors = process.communicate()
            assert process.returncode == 0, errors
            *rows, end = map(json.loads, output.splitlines())
            said[who] |= {row["name"]: row for row in rows}
            said[who]["ends"].append(end)
        yield said


def _start(who: str, part: int, folder: str) -> "subprocess.Popen[str]":
    if who == "root" or os.getuid() != 0:
        python, uid = sys.executable, None
    else:
        python, uid = sys._base_executable, NOBODY  # type: ignore[attr-defined]
    return subprocess.Popen(
        [python, "-B", "-m", "tests.hostile", str(part), str(PARTS)],
        cwd=folder,
        user=uid,
        group=uid,
        extra_groups=[] if uid else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_there_are_at_least_eighty_of_them() -> None:
    assert len({hostile.name for hostile in PROGRAMS + FUNCTIONS}) == len(PROGRAMS + FUNCTIONS) >= 80


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("hostile", PROGRAMS + FUNCTIONS, ids=lambda hostile: hostile.name)
def test_it_gets_its_outcome_and_the_next_program_runs(
    judged: dict[str, dict[str, Any]], hostile: Hostile, who: str
) -> None:
    if hostile.language == "cpp" and hostile.name not in judged[who]:
        pytest.skip("NO G++: hostile C++ programs were not run")
    said = judged[who][hostile.name]
    assert said["outcome"] in hostile.outcomes.split(), said["detail"]
    assert said["healthy"]


@pytest.mark.parametrize("who", WHO)
def test_no_process_mount_or_group_is_left(judged: dict[str, dict[str, Any]], who: str) -> None:
    for end in judged[who]["ends"]:
        assert end["leftovers"] == []
        assert (end["uid"] == 0) == (who == "root")
