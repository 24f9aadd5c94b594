"""Programs that read and write files that their problem names, and limits that no row gave."""

import shutil
from typing import Any

import pytest

from tests.shared_data import shared_case
from verifiers.benchmarks.codecontests import CODECONTESTS
from verifiers.outcome import Outcome
from verifiers.sandbox import find_packages
from verifiers.verifier import Judgement, Problem

VERIFIERS = {verifier.name: verifier for verifier in CODECONTESTS.verifiers}
SUMS = {"input": ["1 2\n", "5 7\n", "-4 4\n"], "output": ["3\n", "12\n", "0\n"]}

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: no program was judged")
needs_packages = pytest.mark.skipif(not find_packages().folder, reason="NO PACKAGES: `make set-up` installs them")
needs_compiler = pytest.mark.skipif(shutil.which("g++") is None, reason="NO G++: no C++ program was judged")


def judged(source: str, verifier: str = "strict", tests: Any = SUMS, **data: Any) -> Judgement:
    problem = Problem("p", {"description": "", "public_tests": tests, **data})
    return VERIFIERS[verifier].judge_safely(problem, source)


FILES = {"input_file": "input.txt", "output_file": "output.txt"}
ADD = "a, b = map(int, {}.read().split())\n"
PROGRAMS = {
    "both are files": ADD.format("open('input.txt')") + "open('output.txt', 'w').write(str(a + b))",
    "by an absolute path": ADD.format("open('/tmp/input.txt')") + "print(a + b, file=open('/tmp/output.txt', 'w'))",
    "both are streams": "import sys\n" + ADD.format("sys.stdin") + "print(a + b)",
    "reads a file": ADD.format("open('input.txt')") + "print(a + b)",
    "writes a file": "import sys\n" + ADD.format("sys.stdin") + "open('output.txt', 'w').write(str(a + b))",
    "streams that are files": "import sys\nsys.stdin = open('input.txt')\nsys.stdout = open('output.txt', 'w')\n"
    "print(sum(map(int, input().split())))",
    "prints beside its file": ADD.format("open('input.txt')")
    + "print('debug')\nopen('output.txt', 'w').write(str(a + b))",
    "appends": ADD.format("open('input.txt')") + "open('output.txt', 'a').write(str(a + b))",
}
WRONG = {
    "writes something else": (PROGRAMS["both are files"].replace("a + b", "a - b"), Outcome.incorrect),
    "writes another file": (PROGRAMS["both are files"].replace("output", "out"), Outcome.incorrect),
    "leaves a folder": ("import os\nos.mkdir('output.txt')", Outcome.incorrect),
    "leaves a link": ("import os\nos.symlink('input.txt', 'output.txt')", Outcome.incorrect),
    "leaves a pipe": ("import os\nos.mkfifo('output.txt')", Outcome.runtime_error),
    "reads what it left": ("print(open('left').read())\nopen('left', 'w').write('12')", Outcome.runtime_error),
    "reads another file": ("print(open('inputs.txt').read())", Outcome.runtime_error),
}  # fmt: skip


@needs_bwrap
@pytest.mark.parametrize("source", PROGRAMS.values(), ids=PROGRAMS)
def test_a_program_reads_and_writes_the_files_or_the_streams(source: str) -> None:
    judgement = judged(source, **FILES)
    assert judgement.outcome is Outcome.correct, judgement.detail


@needs_bwrap
@pytest.mark.parametrize(("source", "outcome"), WRONG.values(), ids=WRONG)
def test_a_program_that_writes_no_right_file_is_not_right(source: str, outcome: Outcome) -> None:
    assert judged(source, **FILES).outcome is outcome


@needs_bwrap
def test_every_verifier_knows_the_files() -> None:
    for name in ("paper", "strict", "public"):
        assert judged(PROGRAMS["both are files"], name, **FILES).outcome is Outcome.correct
        assert judged(PROGRAMS["both are files"], name).outcome is Outcome.runtime_error


@needs_bwrap
@needs_compiler
def test_a_cpp_program_reads_and_writes_them() -> None:
    source = """#include <cstdio>
int main() { freopen("input.txt", "r", stdin); freopen("output.txt", "w", stdout);
    int a, b; scanf("%d %d", &a, &b); printf("%d", a + b); }"""
    assert judged(source, "cpp", **FILES).outcome is Outcome.correct
    assert judged(source.replace("a + b", "a"), "cpp", **FILES).outcome is Outcome.incorrect
    streams = source.replace('freopen("input.txt", "r", stdin); freopen("output.txt", "w", stdout);', "")
    assert judged(streams, "cpp", **FILES).outcome is Outcome.correct


@needs_bwrap
def test_an_input_of_any_size_is_there() -> None:
    tests = {"input": ["7 " * 12_000_000], "output": ["12000000"]}
    source = "print(open('input.txt').read().count('7'), file=open('output.txt', 'w'))"
    assert judged(source, tests=tests, **FILES).outcome is Outcome.correct


@needs_bwrap
@needs_packages
@pytest.mark.parametrize("name", ["i_file_io", "numpy", "sortedcontainers", "sympy"])
def test_right_programs_that_were_once_refused(name: str) -> None:
    own = "i_file_io" if name == "i_file_io" else "sum"
    (problem,) = CODECONTESTS.load(shared_case(f"programs/{own}.problem.json"))
    judgement = VERIFIERS["strict"].judge_safely(problem, shared_case(f"programs/{name}.py").read_text())
    assert judgement.outcome is Outcome.correct, judgement.detail


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"time_limit": float("nan")}, "time_limit of the problem must be a number above 0, not 'nan'"),
        ({"time_limit": float("inf")}, "time_limit of the problem must be a number above 0"),
        ({"time_limit": -1}, "time_limit of the problem must be a number above 0"),
        ({"time_limit": "2"}, "time_limit of the problem must be a number above 0"),
        ({"time_limit": {"seconds": "2"}}, "seconds of the problem must be a number above 0"),
        ({"memory_limit_bytes": -5}, "memory_limit_bytes of the problem must be a number above 0"),
        ({"tests": {"input": "12", "output": "34"}}, "public_tests of the problem must have a list of texts input"),
        ({"tests": {"input": ["1", "2"], "output": ["1"]}}, "public_tests of the problem has 2 inputs and 1 outputs"),
        ({"tests": [["1", "2"]]}, "public_tests of the problem must have input and output"),
        ({"tests": {"input": [], "output": []}}, "the problem has no tests"),
    ],
)
def test_a_problem_of_no_file_that_cannot_be_judged_by_is_no_programs_fault(data: dict[str, Any], said: str) -> None:
    judgement = judged("print(1)", **data)
    assert judgement.outcome is Outcome.infrastructure_error
    assert said in judgement.detail


@needs_bwrap
def test_more_memory_than_the_machine_has_is_all_of_it() -> None:
    assert judged(PROGRAMS["both are streams"], memory_limit_bytes=10**25).outcome is Outcome.correct
