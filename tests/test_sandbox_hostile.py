"""Every hostile program gets its outcome, whoever runs the sandbox, and leaves nothing behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.calls import FUNCTIONS
from tests.hostile.stdio import PROGRAMS, Hostile

ROOT = Path(__file__).parents[1]
NOBODY = 65534
WHO = ("root", "an ordinary user") if os.getuid() == 0 else ("an ordinary user",)

pytestmark = [
    pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: the hostile programs were not run"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def judged() -> dict[str, dict[str, Any]]:
    """Who ran the sandbox -> name of the program -> what was said of it; everyone at once."""
    started = {who: _start(who) for who in WHO}
    said = {}
    for who, process in started.items():
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        rows = [json.loads(line) for line in output.splitlines()]
        said[who] = {row["name"]: row for row in rows[:-1]} | {"end": rows[-1]}
    return said


def _start(who: str) -> "subprocess.Popen[str]":
    uid = NOBODY if who != "root" and os.getuid() == 0 else None
    if uid and not _may_read(uid):
        pytest.skip(f"CLOSED CHECKOUT: uid {uid} may not read {ROOT}, so no ordinary user ran the hostile programs")
    return subprocess.Popen(
        [sys.executable, "-B", "-m", "tests.hostile"],
        cwd=ROOT,
        user=uid,
        group=uid,
        extra_groups=[] if uid else None,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _may_read(uid: int) -> bool:
    command = [sys.executable, "-c", "import verifiers.sandbox, tests.hostile"]
    return not subprocess.run(command, cwd=ROOT, user=uid, group=uid, extra_groups=[], capture_output=True).returncode


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
    assert judged[who]["end"]["leftovers"] == []
    assert (judged[who]["end"]["uid"] == 0) == (who == "root")
