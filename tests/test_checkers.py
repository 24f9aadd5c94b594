"""CodeContests+: a problem's own checker says which output is right, and a checker that fails is our failure."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.settings import read_settings
from verifiers.benchmarks.codecontests import CODECONTESTS
from verifiers.benchmarks.codecontests_plus import CODECONTESTS_PLUS
from verifiers.benchmarks.template import asked
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.programs import checker
from verifiers.programs.compilers import compiled
from verifiers.verifier import Problem

CHECKER, CPP = CODECONTESTS_PLUS.verifiers
PAPER, PUBLIC = CODECONTESTS.verifiers[0], CODECONTESTS.verifiers[3]

needs_jails = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: no program was judged")
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="NO G++: no checker was compiled")

TESTLIB = """
#ifndef STAND_IN
#define STAND_IN
#include <cstdio>
#include <cstdlib>
enum Result { _ok, _wa, _pe, _fail };
struct Stream {
    FILE *file;
    int readInt() { int n; if (fscanf(file, "%d", &n) != 1) { fprintf(stderr, "not a number"); exit(_pe); } return n; }
};
static Stream inf, ouf, ans;
static void registerTestlibCmd(int argc, char **argv) {
    if (argc != 4) exit(_fail);
    inf.file = fopen(argv[1], "r"), ouf.file = fopen(argv[2], "r"), ans.file = fopen(argv[3], "r");
}
static void quitf(Result result, const char *said) { fprintf(stderr, "%s", said); exit(result); }
#endif
"""
PARTS = """// two numbers that make n, and no less balanced than the answer's
  # include "lib/testlib.h" // and its end
int main(int argc, char *argv[]) {
    registerTestlibCmd(argc, argv);
    int n = inf.readInt(), a = ouf.readInt(), b = ouf.readInt(), best = ans.readInt();
    if (a + b != n) quitf(_wa, "they do not make n");
    if (a * b < best * (n - best)) quitf(_wa, "not balanced");
    quitf(_ok, "balanced");
}
#include "testlib.h"
"""
PLAIN = """
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    int n;
    if (fscanf(fopen(argv[2], "r"), "%d", &n) != 1) return 3;
    if (n == 60) abort();
    for (volatile int i = 0; n == 61; i = 0) {}
    return n;
}
"""
ROW = {
    "source": "Codeforces",
    "id": "1_A",
    "title": "Parts",
    "description": "Print two numbers that make n.",
    "time_limit": 1000,
    "memory_limit": 256,
    "checker": PARTS,
    "test_cases": [{"input": "4\n", "output": "2 2\n"}, {"input": "5\n", "output": "2 3\n"}],
    "true_positive_rate": 0.95,
    "true_negative_rate": None,
    "validator": "",
}
FIRST_NUMBER = {**ROW, "checker": PLAIN, "test_cases": [{"input": "", "output": "the answer"}] * 2}


@pytest.fixture(autouse=True)
def testlib(tmp_path: Path) -> Iterator[Path]:
    """The file, of which this process's checkers know."""
    file = tmp_path / "some.h"
    file.write_text(TESTLIB)
    checker.configure(file)
    yield file
    checker.configure(None)


def load(tmp_path: Path, *rows: dict[str, Any]) -> list[Problem]:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return CODECONTESTS_PLUS.load(file)


# rows


def test_a_row_loads_in_seconds_bytes_and_with_its_checker(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, {**ROW, "id": "none", "test_cases": []}, ROW)
    assert problem.key == "1_A"
    assert problem.data["time_limit"] == 1.0
    assert problem.data["memory_limit_bytes"] == 256_000_000
    assert problem.data["test_cases"] == {"input": ["4\n", "5\n"], "output": ["2 2\n", "2 3\n"]}
    assert problem.data["checker"] == PARTS
    assert asked(CODECONTESTS_PLUS.chat or "", [problem])[0].endswith("```python.\n\nPrint two numbers that make n.")


def test_the_reliable_problems_have_good_rates_in_both(tmp_path: Path) -> None:
    rates = [(0.95, None), (0.9, 1.0), (1, 0.89)]
    rows = [
        {**ROW, "id": str(number), "true_positive_rate": rate, "true_negative_rate": other}
        for number, (rate, other) in enumerate(rates)
    ]
    assert CODECONTESTS_PLUS.subsets["reliable"](load(tmp_path, *rows)) == [1]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"id": 1}, "id must be a text"),
        ({"description": 1}, "description must be a text"),
        ({"time_limit": "1000"}, "time_limit must be a number from 0 to .*, not '1000'"),
        ({"time_limit": float("inf")}, "time_limit must be a number from 0 to .*, not inf"),
        ({"time_limit": float("nan")}, "time_limit must be a number from 0 to 1,000,000,000,000, not NaN"),
        ({"time_limit": 10**400}, "time_limit must be a number from 0 to"),
        ({"memory_limit": -1}, "memory_limit must be a number from 0 to .*, not -1"),
        ({"memory_limit": True}, "memory_limit must be a number from 0 to .*, not true or false"),
        ({"memory_limit": 256_000_000}, "memory_limit must be MB"),
        ({"title": 7}, "title must be a text"),
        ({"checker": ["int main() {}"]}, "checker must be a text"),
        ({"test_cases": {"input": ["1"]}}, "test_cases must be a list"),
        ({"test_cases": ["1"]}, r"test_cases\[0\] must have the texts input and output"),
        ({"test_cases": [{"input": "1", "output": 1}]}, r"test_cases\[0\] must have the texts input and output"),
        ({"generated_checker": "print(1)"}, "generated_checker"),
        ({"private_tests": {"input": ["1"], "output": ["1"]}}, "codecontests reads it"),
    ],
)
def test_a_field_that_is_wrong_is_told_with_its_row(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=f"(?s)Row 0.*{said}"):
        load(tmp_path, {**ROW, **wrong})


def test_a_row_without_its_tests_is_none_of_the_set(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no field 'test_cases'"):
        load(tmp_path, {name: value for name, value in ROW.items() if name != "test_cases"})
    with pytest.raises(UserError, match="holds no problem"):
        load(tmp_path, {**ROW, "test_cases": []})


# checkers


@needs_jails
@needs_compiler
def test_several_answers_are_right_and_others_wrong(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, {**ROW, "time_limit": 200})
    told = {
        "n = int(input())\nprint(n // 2, n - n // 2)": (Outcome.correct, "2 tests"),
        "n = int(input())\nprint(n - n // 2)\nprint(n // 2)": (Outcome.correct, "2 tests"),
        "print(2, 2)": (Outcome.incorrect, "test 2 of 2: they do not make n"),
        "print(1, int(input()) - 1)": (Outcome.incorrect, "test 1 of 2: not balanced"),
        "print('a')": (Outcome.incorrect, "test 1 of 2: not a number"),
        "print(1 / 0)": (Outcome.runtime_error, "test 1 of 2: ZeroDivisionError: division by zero"),
        "while True: pass": (Outcome.time_limit, "test 1 of 2: signal 9"),
    }
    judged = {code: CHECKER.check(problem, f"```python\n{code}\n```").judgement for code in told}
    assert {code: (each.outcome, each.detail) for code, each in judged.items()} == told
    assert next(iter(judged.values())).facts["checker"]
    cpp = '#include <stdio.h>\nint main() { int n; scanf("%d", &n); printf("%d %d", (n + 1) / 2, n / 2); }'
    assert CPP.check(problem, f"```cpp\n{cpp}\n```").judgement.outcome is Outcome.correct
    assert CPP.check(problem, f"```cpp\n{cpp.replace('+ 1', '')}\n```").judgement.outcome is Outcome.incorrect
    assert CPP.check(problem, "```cpp\nint main( {}\n```").judgement.outcome is Outcome.compile_error


@needs_jails
@needs_compiler
def test_a_checker_that_fails_is_our_failure_and_the_next_candidate_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker, "_LIMITS", checker.Limits(cpu_seconds=0.2, memory_bytes=256 << 20))
    (problem,) = load(tmp_path, FIRST_NUMBER)
    ours = "the checker of 1_A failed"
    told = {
        "0": (Outcome.correct, "2 tests"),
        "1": (Outcome.incorrect, "test 1 of 2: wrong answer"),
        "2": (Outcome.incorrect, "test 1 of 2: wrong format"),
        "4": (Outcome.incorrect, "test 1 of 2: more than the answer"),
        "8": (Outcome.incorrect, "test 1 of 2: less than the answer"),
        "3": (Outcome.infrastructure_error, f"{ours} (exit code 3)"),
        "7": (Outcome.infrastructure_error, f"{ours} (exit code 7)"),
        "60": (Outcome.infrastructure_error, f"{ours} (signal 6)"),
        "61": (Outcome.infrastructure_error, f"{ours} (cpu limit)"),
        "00": (Outcome.correct, "2 tests"),
    }
    judged = {n: CHECKER.judge_safely(problem, f"print({n!r})") for n in told}
    assert {n: (each.outcome, each.detail) for n, each in judged.items()} == told
    assert "retries" not in judged["00"].facts  # the candidate's jail was left as it should be


@needs_jails
@needs_compiler
def test_a_checker_that_cannot_be_started_is_our_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "_LIMITS", checker.Limits(file_bytes=1 << 16))
    (problem,) = load(tmp_path, {**FIRST_NUMBER, "test_cases": [{"input": "1" * (1 << 17), "output": "1"}]})
    judgement = CHECKER.judge_safely(problem, "print(0)")
    assert judgement.outcome is Outcome.infrastructure_error
    assert "it could not be started: OSError(27, 'File too large')" in judgement.detail


@needs_jails
@needs_compiler
def test_a_checker_that_does_not_compile_is_our_failure(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, {**ROW, "checker": "int main( {}"})
    for _ in range(2):
        judgement = CHECKER.judge_safely(problem, "print(1)")
        assert judgement.outcome is Outcome.infrastructure_error
        assert judgement.detail.startswith("the checker of 1_A does not compile: <stdin>:1:")


@needs_jails
@needs_compiler
def test_a_checker_is_compiled_once(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, {**FIRST_NUMBER, "checker": PLAIN + "// compiled once"})
    before = compiled.cache_info()
    for code in ("print(0)", "print(1)", "print(2)"):
        CHECKER.judge(problem, code)
    after = compiled.cache_info()
    assert (after.misses - before.misses, after.hits - before.hits) == (1, 2)
    assert after.maxsize


@needs_jails
def test_without_a_checker_the_words_are_compared(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, {**ROW, "checker": " "})
    halves = "n = int(input())\nprint(n // 2, '\\n', n - n // 2)"
    assert CHECKER.judge(problem, halves).outcome is Outcome.correct
    assert CHECKER.judge(problem, halves.replace("n // 2, '\\n', n -", "n - n // 2,")).outcome is Outcome.incorrect


def test_a_checker_needs_testlib_and_says_what_to_set(tmp_path: Path, testlib: Path) -> None:
    (problem,) = load(tmp_path, ROW)
    testlib.unlink()
    judgement = CHECKER.judge_safely(problem, "print(2, 2)")
    assert judgement.outcome is Outcome.infrastructure_error
    assert judgement.detail.startswith("MONKEYS_TESTLIB names a file that cannot be read")
    checker.configure(None)
    judgement = CHECKER.judge_safely(problem, "print(2, 2)")
    assert judgement.outcome is Outcome.infrastructure_error
    assert "set MONKEYS_TESTLIB to the file" in judgement.detail
    assert CHECKER.lacks()
    settings = read_settings({"MONKEYS_TESTLIB": "~/testlib.h"})
    assert settings.testlib == Path.home() / "testlib.h"


READS_ALL = """
#include <stdio.h>
int main(int argc, char **argv) {
    FILE *output = fopen(argv[2], "r"), *answer = fopen(argv[3], "r");
    return fgetc(output) != '1' || fgetc(answer) != 't';
}
"""


@needs_jails
@needs_compiler
def test_no_candidate_sees_the_answer_and_no_checker_the_candidate(tmp_path: Path) -> None:
    finds = "import os\nprint(0 if [name for name in os.listdir() if 'the answ' + 'er' in open(name).read()] else 1)"
    (problem,) = load(tmp_path, {**FIRST_NUMBER, "checker": READS_ALL})
    assert CHECKER.judge(problem, finds).outcome is Outcome.correct


# the public tests only


@needs_jails
def test_a_program_that_knows_the_public_tests_by_heart_is_right_by_them_alone() -> None:
    data = {
        "description": "",
        "public_tests": {"input": ["1", "2"], "output": ["1.0", "4"]},
        "private_tests": {"input": ["3"], "output": ["9"]},
    }
    square, by_heart = "```\nprint(int(input()) ** 2)\n```", "```\nprint({'1': 1, '2': 4}[input()])\n```"
    assert PUBLIC.check(Problem("p", data), square).judgement.outcome is Outcome.correct
    assert PUBLIC.check(Problem("p", data), by_heart).judgement.outcome is Outcome.correct
    assert PUBLIC.check(Problem("p", data), "```\nprint(1)\n```").judgement.outcome is Outcome.incorrect
    assert PAPER.check(Problem("p", data), square).judgement.outcome is Outcome.correct
    assert PAPER.check(Problem("p", data), by_heart).judgement.outcome is Outcome.runtime_error
    hidden = Problem("p", {**data, "public_tests": {"input": [], "output": []}})
    assert PUBLIC.check(hidden, square).judgement.detail == "the problem has no public tests"
