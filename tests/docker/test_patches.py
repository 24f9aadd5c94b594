"""Patches to real repositories, honest and hostile, judged in real containers: what is said of each, and what is left.

make test-docker, or with the table: pytest tests/docker/test_patches.py -m docker -s
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.docker import hostile
from tests.docker.hostile import in_tests
from tests.docker.repositories import Checkout, Edit, appended, both, instances, problem, replaced
from verifiers.errors import JudgingStopped
from verifiers.outcome import Outcome
from verifiers.patches import PatchLimits, configure
from verifiers.patches.judge import SWEBENCH
from verifiers.patches.limits import patch_settings
from verifiers.verifier import Judgement

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900), pytest.mark.usefixtures("judged_by_docker")]
LIMITS = PatchLimits(seconds=60.0, memory_bytes=2 * 10**9)
BLUEPRINTS, CONFTEST = "src/flask/blueprints.py", "tests/conftest.py"
DOT = 'if "." in name:\n            raise ValueError'


class Case(NamedTuple):
    """A patch: an edit beside the gold patch, or without it; the outcomes it may have, and a part of what is said."""

    name: str
    edit: Edit
    outcomes: str
    detail: str = ""
    gold: bool = False
    limits: PatchLimits = LIMITS
    official: bool | None = None
    """Whether the official harness' grading takes it for resolved, where that is asked."""


def claimed(code: str) -> Callable[[Path], object]:
    """An edit of conftest.py with code that may claim all listed tests."""
    row = instances()["pallets__flask-4045"]
    return appended(CONFTEST, hostile.claims([*row["FAIL_TO_PASS"], *row["PASS_TO_PASS"]]) + code)


def in_source(code: str) -> Edit:
    return appended(BLUEPRINTS, in_tests(code))


def late(path: str) -> Edit:
    names = instances()["pallets__flask-4045"]["FAIL_TO_PASS"]
    return appended(path, hostile.claims(names) + "import atexit\natexit.register(claim, NAMES)\n")


CASES = [
    Case("gold", lambda _: None, "correct", "2 of 2", gold=True, official=True),
    Case("a comment", appended(BLUEPRINTS, "# nothing\n"), "incorrect", "0 of 2", official=False),
    Case("wrong", replaced(BLUEPRINTS, DOT, DOT.replace("ValueError", "KeyError")), "incorrect", "1 of 2", gold=True),
    Case("a syntax error", appended(BLUEPRINTS, "def (:\n"), "incorrect", "did not run to their end", gold=True),
    Case("breaks another test", in_source("Blueprint.app_template_filter = None"), "incorrect", "of 174", gold=True),
    Case("flaky by a coin", in_source(hostile.COIN), "correct incorrect", gold=True),
    Case("hangs", in_source(hostile.SLEEP), "time_limit", "8 s", limits=replace(LIMITS, seconds=8.0)),
    Case(
        "forks without end",
        in_source(hostile.FORK),
        "incorrect time_limit memory_limit",
        limits=replace(LIMITS, seconds=15.0, processes=100),
    ),
    Case(
        "forks without end when its tests end",
        in_source(hostile.FORK_AT_END),
        "incorrect correct time_limit",
        gold=True,
        limits=replace(LIMITS, seconds=30.0, processes=400),
    ),
    Case("fills the disk", in_source(hostile.FILL), "output_limit", limits=replace(LIMITS, disk_bytes=400_000_000)),
    Case("eats memory", in_source(hostile.EAT), "memory_limit", limits=replace(LIMITS, memory_bytes=400_000_000)),
    Case(
        "prints without end", in_source(hostile.CHATTER), "output_limit", limits=replace(LIMITS, output_bytes=8 * 2**20)
    ),
    Case("claims when imported", claimed("claim(NAMES)\n"), "incorrect", "0 of 2", official=False),
    Case(
        "claims and ends the runner, in conftest.py",
        claimed("def pytest_configure(config):\n    claim(NAMES)\n    os._exit(0)\n"),
        *("incorrect", "the test command ended with exit code 0"),
        official=True,
    ),
    Case("claims when it ends, in the source", late(BLUEPRINTS), "incorrect", "failed and as passed", official=True),
    Case("all reports pass", appended(CONFTEST, hostile.ALL_PASS), "incorrect", "exit code 0", official=True),
    Case(
        "some reports pass, by a plugin",
        both(
            appended("src/flask/it.py", hostile.SOME_PASS),
            replaced("setup.cfg", "console_scripts =", "pytest11 =\n    it = flask.it\nconsole_scripts ="),
        ),
        *("incorrect", "without its own setup.cfg"),
        official=True,
    ),
    Case("a harmless conftest.py", appended(CONFTEST, "# nothing\n"), "correct", gold=True, official=True),
    Case(
        "other tests in the patch",
        replaced("tests/test_blueprints.py", "def test_dotted_names(", "def test_dotted_name_not_allowed("),
        *("incorrect", "0 of 2"),
        official=False,
    ),
    Case("rewrites the tests", in_source(hostile.REWRITE), "incorrect", "tests/test_basic.py", official=True),
    Case("kills everything", in_source(hostile.KILL_ALL), "incorrect", "did not run to their end", gold=True),
    Case("kills the first process", in_source(hostile.KILL_FIRST), "correct", gold=True),
    Case("tries the network, the daemon and devices", in_source(hostile.REACH), "correct", gold=True),
    Case("escapes", both(appended(BLUEPRINTS, "# nothing\n")), "incorrect", "does not apply"),
]


@pytest.fixture(scope="module")
def flask(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(instances()["pallets__flask-4045"], tmp_path_factory.mktemp("flask"))


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[list[str]]:
    """The lines of the table, printed at the end."""
    lines: list[str] = []
    yield lines
    print("\n" + f"{'patch':42} {'outcome':20} {'seconds':>7} {'left':>4}  detail")
    print("\n".join(lines))


def judged(table: list[str], name: str, row: dict[str, Any], patch: str, limits: PatchLimits) -> Judgement:
    configure(patch_settings().environ, limits, None)
    began = time.monotonic()
    judgement = SWEBENCH.judge_safely(problem(row), patch)
    seconds, left = time.monotonic() - began, len(containers())
    table.append(f"{name:42} {judgement.outcome:20} {seconds:7.1f} {left:4}  {judgement.detail[:100]}")
    assert left == 0
    return judgement


def containers() -> list[str]:
    """The ids of the containers of this process."""
    from verifiers.patches.daemon import client

    found = client().api.containers(all=True, filters={"label": f"monkeys.pid={os.getpid()}"})
    return [each["Id"] for each in found]


SLOW = ("wrong", "a syntax error", "claims when imported", "other tests in the patch")


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[pytest.mark.slow] * (case.name in SLOW)) for case in CASES],
)
def test_a_patch_is_judged_and_leaves_nothing(flask: Checkout, table: list[str], case: Case) -> None:
    patch = flask.patch(case.edit, gold=case.gold)
    if case.name == "escapes":
        patch = patch.replace("b/src/flask/", "b/../../../etc/").replace("a/src/flask/", "a/../../../etc/")
    judgement = judged(table, case.name, flask.row, patch, case.limits)
    assert judgement.outcome in case.outcomes.split(), (judgement, judgement.log.decode(errors="replace")[-3000:])
    assert case.detail in judgement.detail, (judgement, judgement.log.decode(errors="replace")[-3000:])
    if case.official is not None:
        assert judgement.facts["official"]["resolved"] is case.official
        wrongly = case.official and judgement.outcome is not Outcome.correct
        assert ("disagreement" in judgement.facts) is wrongly


def test_gold_and_nothing_of_another_version(table: list[str], tmp_path: Path) -> None:
    row = instances()["pallets__flask-5063"]
    gold = judged(table, "5063: gold", row, row["patch"], LIMITS)
    assert (gold.outcome, gold.facts["canaries_seen"]) == (Outcome.correct, 6)
    assert gold.cpu_seconds > 0.5
    assert b"PASSED tests/test_cli.py::TestRoutes::test_host" in gold.log
    comment = Checkout(row, tmp_path).patch(appended("src/flask/cli.py", "# nothing\n"), gold=False)
    nothing = judged(table, "5063: a comment", row, comment, LIMITS)
    assert (nothing.outcome, nothing.facts["fail_to_pass"]) == (Outcome.incorrect, [0, 2])


def test_a_patch_that_removes_lines_that_are_not_there_does_not_apply(flask: Checkout, table: list[str]) -> None:
    patch = flask.row["patch"].replace("-        if endpoint:", "-        if nothing:")
    judgement = judged(table, "does not apply", flask.row, patch, LIMITS)
    assert judgement.outcome is Outcome.incorrect
    assert judgement.detail == "the patch does not apply: error: patch failed: src/flask/blueprints.py:360"


def test_a_container_that_is_killed_is_our_failure_and_leaves_nothing(flask: Checkout, table: list[str]) -> None:
    patch = flask.patch(in_source(hostile.SLEEP))
    killer = threading.Thread(target=kill_when_running)
    killer.start()
    judgement = judged(table, "killed by somebody else", flask.row, patch, LIMITS)
    killer.join()
    assert judgement.outcome is Outcome.infrastructure_error


def kill_when_running() -> None:
    from verifiers.patches.daemon import client

    while not (found := containers()):
        time.sleep(0.1)
    time.sleep(3)
    client().api.kill(found[0])


def test_judging_stops_when_it_is_told_to_and_leaves_nothing(flask: Checkout) -> None:
    stop = threading.Event()
    threading.Timer(3, stop.set).start()
    began = time.monotonic()
    with pytest.raises(JudgingStopped):
        SWEBENCH.judge_safely(problem(flask.row), flask.patch(in_source(hostile.SLEEP)), stop)
    assert time.monotonic() - began < 8
    assert containers() == []


def test_an_image_that_is_nowhere_is_our_failure(flask: Checkout, table: list[str]) -> None:
    row = {**flask.row, "image": "swebench/no-such-image:latest"}
    assert judged(table, "no image", row, flask.row["patch"], LIMITS).outcome is Outcome.infrastructure_error
