"""Programs whose output a problem's own checker judges: several answers may be right.

A checker is C++ in testlib's way: it is started with the names of three files (input, output, answer) and ends with 0
where the output is right, 1, 2, 4 or 8 where it is wrong. It comes from a data file, so it is compiled and run in the
sandbox as a candidate is, each compiled once a process, and in a jail of its own: no candidate sees an answer. Whatever
else it does (it does not compile, crashes, hangs, gives points) judges nothing: that is our failure.
https://github.com/MikeMirzayanov/testlib
"""

import marshal
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from verifiers.errors import InfrastructureError
from verifiers.programs.blocks import CPP_TAGS, PYTHON_TAGS
from verifiers.programs.compare import same_tokens
from verifiers.programs.compilers import Binary, compiled
from verifiers.programs.lacks import lacks_compiler
from verifiers.programs.outcomes import detail
from verifiers.programs.stdio import (
    Refuse,
    StdioTest,
    compared,
    extract_program,
    held_tests,
    limits_of,
    run_compiled,
    run_tests,
)
from verifiers.sandbox import MIB, Ended, Limits, Program, TestResult, the_sandbox
from verifiers.verifier import Judgement, Problem, Verifier

_WRONG = {1: "wrong answer", 2: "wrong format", 4: "more than the answer", 8: "less than the answer"}
_LIMITS = Limits(cpu_seconds=20, memory_bytes=1024 * MIB, file_bytes=128 * MIB, scratch_bytes=384 * MIB)
_NOT_STARTED = 70
_START = Program.python(f"""
import marshal, os, sys
try:
    for name, data in zip(("checker", "input", "output", "answer"), marshal.loads(sys.stdin.buffer.read())):
        fd = os.open(name, os.O_WRONLY | os.O_CREAT, 0o700)
        with open(fd, "wb") as file:
            file.write(data)
    os.execv("./checker", ("checker", "input", "output", "answer"))
except BaseException as error:
    print("it could not be started:", repr(error), file=sys.stderr)
    sys.exit({_NOT_STARTED})  # 1 would be a checker's word
""")
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[<\"](?:[^\">\n]*/)?testlib\.h[>\"].*$", re.MULTILINE)

_testlib: Path | None = None


def configure(testlib: Path | None) -> None:
    """Name the file testlib.h that checkers of this process include."""
    global _testlib
    _testlib = testlib


def _judge(
    run: Callable[[str, Callable[[Program], Judgement]], Judgement], problem: Problem, candidate: str
) -> Judgement:
    tests = held_tests(problem, ("test_cases",))
    checker = problem.data.get("checker")
    checked: list[TestResult] = []
    refuse = _refusing(problem.key, compiled(_whole(checker)), checked) if checker else compared(same_tokens)
    judgement = run(candidate, lambda program: run_tests(program, tests, limits_of(problem), refuse))
    spent = judgement.cpu_seconds + sum(result.cpu_seconds for result in checked)
    return replace(judgement, cpu_seconds=spent, facts={**judgement.facts, "checker": bool(checker)})


def _interpreted(source: str, run: Callable[[Program], Judgement]) -> Judgement:
    return run(Program.python(source))


def _refusing(key: str, binary: Binary | Judgement, checked: list[TestResult]) -> Refuse:
    """What the checker says of an output; `checked` gets how it ended each time."""
    if not isinstance(binary, Binary):
        raise InfrastructureError(f"the checker of {key} does not compile: {binary.detail}")

    def refuse(test: StdioTest, output: bytes) -> str:
        files = marshal.dumps((binary.code, test.given, output, test.expected), 2)
        run = the_sandbox().run(_START, [files], _LIMITS, slot="driver")
        result = run.results[0]
        checked.append(result)
        if result.finished:
            return ""
        if result.ended is Ended.exited and result.exit_code in _WRONG:
            return detail(result) if result.errors.strip() else _WRONG[result.exit_code]
        said = detail(result) if result.ended is Ended.exited else result.ended.name.replace("_", " ")
        raise InfrastructureError(f"the checker of {key} failed ({said or result.ended.name})")

    return refuse


def _whole(checker: str) -> str:
    """A checker's source with testlib.h in the place of its first include."""
    if not _INCLUDE.search(checker):
        return checker
    if _testlib is None:
        raise InfrastructureError(_NO_TESTLIB)
    try:
        header = _testlib.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InfrastructureError(f"MONKEYS_TESTLIB names a file that cannot be read ({error})") from error
    before, rest = _INCLUDE.split(checker, maxsplit=1)
    return f"{before}{header}\n{_INCLUDE.sub('', rest)}"


def lacks_checker() -> str:
    """What this machine lacks to run checkers, which most often include testlib.h."""
    return lacks_compiler() or ("" if _testlib and _testlib.is_file() else _NO_TESTLIB)


_NO_TESTLIB = (
    "There is no testlib.h, which this set's checkers include: set MONKEYS_TESTLIB to the file "
    "(https://github.com/MikeMirzayanov/testlib)."
)

CODECONTESTS_PLUS_CHECKER = Verifier(
    "checker", "2", partial(extract_program, PYTHON_TAGS), partial(_judge, _interpreted), lacks=lacks_checker
)
CODECONTESTS_PLUS_CPP = Verifier(
    "cpp", "2", partial(extract_program, CPP_TAGS), partial(_judge, run_compiled), lacks=lacks_checker
)
