"""Logs in, grades out: what real test runners print of tests with canaries, and what forged logs are worth."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.shared_data import shared_rows
from verifiers.errors import InfrastructureError
from verifiers.patches.evidence import doubt, seen
from verifiers.patches.grader import Grade, Grader, GradingRanAway
from verifiers.patches.script import Canaries, canaries, with_evidence

pytest.importorskip("swebench")
START, END, CODE = ">>>>> Start Test Output", ">>>>> End Test Output", ">>>>> Test Exit Code"
SYMPY = """
import sys
from sympy.testing.runtests import PyTestReporter, SymPyTests
tests = SymPyTests(PyTestReporter(verbose=True), (), False, 1)
tests._testfiles = sys.argv[1:]
sys.exit(0 if tests.test(sort=True) else 1)
"""
EARLY = """
import os, stat
pipe = [fd for fd in range(30) if os.path.exists(f"/proc/self/fd/{{fd}}") and stat.S_ISFIFO(os.fstat(fd).st_mode)][-1]
os.write(pipe, {text!r})
os._exit({code})
"""
CLASS = """
import unittest

class Here(unittest.TestCase):
    def test_one(self):
        self.assertEqual(1, {one})

    def test_two(self):
        pass
"""
FUNCTIONS = "def test_one():\n    assert 1 == {one}\n\n\ndef test_two():\n    pass\n"


class Runner(NamedTuple):
    """A real test runner, as a problem's row describes it, its test file, and its tests' names in the lists."""

    parser: str
    command: str
    path: str
    text: str
    names: tuple[str, str]


RUNNERS = {
    "pytest": Runner(
        "parse_log_flask",
        "pytest -rA -p no:cacheprovider tests/test_it.py",
        "tests/test_it.py",
        FUNCTIONS,
        ("tests/test_it.py::test_one", "tests/test_it.py::test_two"),
    ),
    "pytest, verbose": Runner(
        "parse_log_astropy",
        "pytest -rA -vv -p no:cacheprovider -o console_output_style=classic --tb=no tests/test_it.py",
        "tests/test_it.py",
        FUNCTIONS,
        ("tests/test_it.py::test_one", "tests/test_it.py::test_two"),
    ),
    "unittest, as django's runner prints": Runner(
        "parse_log_django",
        "PYTHONPATH=tests python -m unittest -v it_tests.test_it",
        "tests/it_tests/test_it.py",
        CLASS,
        ("test_one (it_tests.test_it.Here.test_one)", "test_two (it_tests.test_it.Here.test_two)"),
    ),
    "sympy": Runner(
        "parse_log_sympy",
        "python sympy_test.py it/tests/test_it.py",
        "it/tests/test_it.py",
        FUNCTIONS,
        ("test_one", ""),
    ),
}


class Ran(NamedTuple):
    """A run of a real runner on tests with canaries."""

    row: dict[str, Any]
    log: bytes
    code: int
    placed: list[Canaries]


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    made = Grader(cpu_seconds=1.0)
    yield made
    made.warm.close()


def run(grader: Grader, folder: Path, runner: Runner, one: int = 1, source: str = "", conftest: str = "") -> Ran:
    """`one`: what the first test compares 1 with; source and conftest: code of a candidate."""
    script = f"#!/bin/bash\nset -uxo pipefail\n: '{START}'\n{runner.command}\n: '{END}'\ngit checkout nothing\n"
    row = {
        **{"instance_id": "it", "image": "", "repo": "", "version": "", "eval_type": "pass_and_fail"},
        **{"FAIL_TO_PASS": [runner.names[0]], "PASS_TO_PASS": [name for name in runner.names[1:] if name]},
        **{"eval_script": script, "log_parser": runner.parser},
    }
    test_file = folder / runner.path
    test_file.parent.mkdir(parents=True, exist_ok=True)
    test_file.write_text(source + runner.text.format(one=one))
    (folder / "conftest.py").write_text(conftest)
    (folder / "sympy_test.py").write_text(SYMPY)
    recorded = grader.script(row)
    placed = canaries(recorded, runner.parser, {runner.path: test_file.read_bytes()})
    (folder / "eval.sh").write_bytes(with_evidence(recorded, placed))
    environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    ran = subprocess.run(["bash", "eval.sh"], cwd=folder, env=environ, stdout=subprocess.PIPE, timeout=60)
    return Ran(row, ran.stdout, ran.returncode, placed)


@pytest.fixture(scope="module")
def honest(grader: Grader, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """pytest on tests that pass."""
    return run(grader, tmp_path_factory.mktemp("honest"), RUNNERS["pytest"])


def graded(grader: Grader, ran: Ran) -> tuple[Grade, str]:
    grade = grader.grade(ran.row, ran.log, ran.placed)
    return grade, doubt(ran.code, grade, ran.placed, [])


@pytest.mark.parametrize("runner", RUNNERS.values(), ids=RUNNERS)
def test_an_honest_run_is_believed_with_every_canary_seen(grader: Grader, tmp_path: Path, runner: Runner) -> None:
    ran = run(grader, tmp_path / "right", runner)
    grade, doubts = graded(grader, ran)
    assert (grade.resolved, doubts, ran.code) == (True, "", 1), ran.log.decode()
    assert [seen(grade, each) for each in ran.placed] == [6]
    grade, _ = graded(grader, run(grader, tmp_path / "wrong", runner, one=2))
    assert (grade.resolved, grade.applied, grade.fail_to_pass.passed) == (False, True, 0)
    assert grade.fail_to_pass.failed == (runner.names[0],)


def forged(runner: Runner, status: str = "PASSED") -> str:
    """Lines that the runner's official parser takes for both tests' passing."""
    if runner.parser in ("parse_log_flask", "parse_log_astropy"):
        return "\n" + "".join(f"{status} {name}\n" for name in runner.names)
    return "\n" + "".join(f"{name}{' ...' if '(' in name else ''} ok\n" for name in runner.names if name)


@pytest.mark.parametrize("runner", RUNNERS.values(), ids=RUNNERS)
def test_lines_printed_when_the_process_ends_contradict_the_runner(
    grader: Grader, tmp_path: Path, runner: Runner
) -> None:
    late = f"import atexit\natexit.register(print, {forged(runner)!r}, flush=True)\n"
    grade, doubts = graded(grader, run(grader, tmp_path, runner, one=2, source=late))
    assert grade.resolved
    assert "reported as failed and as passed" in doubts


@pytest.mark.parametrize("runner", RUNNERS.values(), ids=RUNNERS)
def test_forged_lines_and_an_early_end_show_no_canary(grader: Grader, tmp_path: Path, runner: Runner) -> None:
    failures = "\nFAILED x\ntest_x (y) ... FAIL\ntest_y F\n"  # what the official check of the exit code asks for
    early = EARLY.format(text=(failures + forged(runner)).encode(), code=1)
    ran = run(grader, tmp_path, runner, one=2, source=early)
    grade, doubts = graded(grader, ran)
    assert (grade.resolved, doubts) == (True, "the tests were not seen to run")
    zero = ran._replace(code=0, log=ran.log.replace(f"{CODE}: 1".encode(), f"{CODE}: 0".encode()))
    assert "ended with exit code 0" in graded(grader, zero)[1]


def test_a_hook_that_makes_every_report_pass_lets_failing_canaries_pass(grader: Grader, tmp_path: Path) -> None:
    hook = (
        "import pytest\n"
        "@pytest.hookimpl(hookwrapper=True)\n"
        "def pytest_runtest_makereport(item, call):\n"
        "    report = (yield).get_result()\n"
        "    report.outcome = 'passed'\n"
        "def pytest_sessionfinish(session, exitstatus):\n"
        "    session.exitstatus = CODE\n"
    )
    for code, reason in ((0, "ended with exit code 0"), (1, "")):
        folder = tmp_path / str(code)
        folder.mkdir()
        grade, doubts = graded(
            grader, run(grader, folder, RUNNERS["pytest"], one=2, conftest=hook.replace("CODE", str(code)))
        )
        assert reason in doubts
        assert grade.resolved is (code == 0)  # the official cross-check sees the other


def test_marks_that_a_patch_prints_before_the_tests_are_not_believed(grader: Grader, tmp_path: Path) -> None:
    ran = run(grader, tmp_path, RUNNERS["pytest"], one=2)
    setup = f"{START}\n{forged(RUNNERS['pytest'])}FAILED x\n{END}\n".encode()
    grade, doubts = graded(grader, ran._replace(log=setup + ran.log))
    assert grade.resolved
    assert doubts == "the marks where the tests start and end are not there once and in order"


def test_an_exit_code_that_the_log_says_and_the_daemon_does_not_is_not_believed(grader: Grader, honest: Ran) -> None:
    grade, doubts = graded(
        grader, honest._replace(log=honest.log.replace(f"{CODE}: 1".encode(), f"{CODE}: 0".encode()))
    )
    assert grade.resolved
    assert doubts == "the tests ended with exit code 1, and their output says 0"
    grade, doubts = graded(grader, honest._replace(code=139))
    assert doubts == "the tests ended with exit code 139, and their output says 1"


def test_a_test_file_that_was_rewritten_is_named(grader: Grader, honest: Ran) -> None:
    grade = grader.grade(honest.row, honest.log, honest.placed)
    assert (
        doubt(honest.code, grade, honest.placed, ["tests/test_it.py"])
        == "the test files were rewritten: tests/test_it.py"
    )


def test_a_file_whose_tests_are_all_skipped_needs_no_canaries_beside_one_that_ran(
    grader: Grader, tmp_path: Path
) -> None:
    runner = RUNNERS["pytest"]
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_skipped.py").write_text("import pytest\npytest.importorskip('nothing')\n")
    ran = run(grader, tmp_path, runner._replace(command=runner.command + " tests/test_skipped.py"))
    skipped = canaries(grader.script(ran.row), runner.parser, {"tests/test_skipped.py": b""})
    grade, doubts = graded(grader, ran._replace(placed=ran.placed + skipped))
    assert (grade.resolved, doubts) == (True, "")
    lone = grader.grade(ran.row, ran.log, skipped)
    assert doubt(ran.code, lone, skipped, []) == "the tests were not seen to run"
    claimed = ran._replace(
        placed=ran.placed + skipped,
        log=ran.log.replace(b"PASSED tests", b"PASSED tests/test_skipped.py::test_x\nPASSED tests", 1),
    )
    assert graded(grader, claimed)[1] == "the tests were not seen to run"


def test_canaries_stand_only_in_test_modules_that_the_command_names(grader: Grader) -> None:
    row = shared_rows("swebench_lite/flask/rows.jsonl")[0]
    script = grader.script(row)
    files = {
        "tests/test_basic.py": b"x = 1",
        "tests/test_apps/cliapp/app.py": b"",
        "tests/test_cli.py": b"",
        "a.txt": b"",
    }
    placed = canaries(script, row["log_parser"], files)
    assert [each.path for each in placed] == ["tests/test_basic.py"]
    assert placed[0].text.startswith("\n\n\ndef test_")
    assert sum(test.fails for test in placed[0].tests) == 3
    again = canaries(script, row["log_parser"], files)
    assert {test.name for test in again[0].tests}.isdisjoint(test.name for test in placed[0].tests)


def test_the_official_verdict_is_the_official_harness_own(grader: Grader) -> None:
    for row in shared_rows("swebench_lite/flask/rows.jsonl"):
        names = [*json.loads(row["FAIL_TO_PASS"]), *json.loads(row["PASS_TO_PASS"])]
        log = f"{START}\n" + "".join(f"PASSED {name}\n" for name in names) + f"{END}\n{CODE}: 0\n"
        grade = grader.grade(row, log.encode())
        assert (grade.resolved, grade.applied) == (True, True)
        assert grade.fail_to_pass.passed == grade.fail_to_pass.of == 2
        worse = grader.grade(row, log.replace(f"PASSED {names[-1]}\n", f"FAILED {names[-1]}\n").encode())
        assert not worse.resolved
        assert worse.pass_to_pass.failed == (names[-1],)


def test_a_log_on_which_an_official_parser_runs_away_is_the_samples_fault(grader: Grader, honest: Ran) -> None:
    log = f"{START}\n{'_ ' * 2000}{'.py:' * 2000}\n{END}\n".encode()
    with pytest.raises(GradingRanAway, match="CPU time"):
        grader.grade({**honest.row, "log_parser": "parse_log_sympy"}, log)
    assert grader.grade(honest.row, honest.log, honest.placed).resolved  # another child answers


def test_a_log_is_graded_whatever_bytes_it_has_and_leaves_no_file(
    grader: Grader, honest: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    noise = bytes(range(256)) * 10 + "\u2028\x85".encode()
    grade, doubts = graded(grader, honest._replace(log=noise + honest.log))
    assert (grade.resolved, doubts) == (True, "")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_row_that_the_harness_does_not_understand_is_our_failure(grader: Grader, honest: Ran) -> None:
    with pytest.raises(InfrastructureError, match="parse_log_nothing"):
        grader.grade({**honest.row, "log_parser": "parse_log_nothing"}, honest.log)
    with pytest.raises(InfrastructureError, match="does not say where its tests start and end"):
        canaries("#!/bin/bash\npytest\n", "parse_log_flask", {})
