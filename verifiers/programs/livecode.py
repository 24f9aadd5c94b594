"""LiveCodeBench's programs, by the rules of its own runner.

A problem is judged by what a program prints, or by what a method of its class Solution (or a function) returns. The
rules are those of https://github.com/LiveCodeBench/LiveCodeBench/blob/15808c7/lcb_runner/evaluation/testing_util.py:
the imports before a program, 6 seconds a test (CPU time here), 4 GB, what is equal. Unlike there every test has a
process of its own, a program that prints is run as `python main.py` would (its guard and `global` hold), one that ends
with an exit code is wrong, and the code is found by this project's rules: the last block in Python, finished or not,
where the runner takes the last two lines that hold a fence.

Only values that JSON has can be equal to what is expected: a class with an equality of its own equals nothing.
"""

import json
from collections.abc import Sequence
from functools import partial

from verifiers.programs.blocks import PYTHON_TAGS
from verifiers.programs.compare import same_lines
from verifiers.programs.lacks import lacks_sandbox
from verifiers.programs.stdio import PUBLIC_FIELDS, TEST_FIELDS, compared, extract_program, held_tests, run_tests
from verifiers.sandbox import MIB, Limits, Program
from verifiers.verifier import Judgement, Problem, Verifier

_MODULES = (
    "string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics", "itertools",
    "functools", "operator", "io", "sys", "json",
)  # fmt: skip
IMPORTS = "; ".join(
    [f"from {name} import *" for name in [*_MODULES, "builtins", "typing"]]
    + [f"import {name}" for name in _MODULES]
    + ["sys.setrecursionlimit(50000)"]
)
"""The runner's imports, on one line."""

_LIMITS = Limits(cpu_seconds=6, memory_bytes=4096 * MIB)
_MARK = b"\n\0answer: "
_ANSWER = f"""
import json, os

def plain(value):
    kind = type(value)
    if value is None or kind is bool:
        return value
    for exact, convert in ((int, int.__index__), (float, float.__float__), (str, str.__str__)):
        if issubclass(kind, exact):
            return convert(value)
    if issubclass(kind, list):
        return [plain(item) for item in list.__iter__(value)]
    if issubclass(kind, dict) and all(type(key) is str for key in dict.keys(value)):
        return {{key: plain(item) for key, item in dict.items(value)}}
    raise TypeError

text = os.pread(0, os.fstat(0).st_size, 0).decode("utf-8", "surrogatepass")
value = method(*[json.loads(line) for line in text.split("\\n")])
if isinstance(value, tuple):
    value = list(tuple.__iter__(value))
try:
    answer = json.dumps(plain(value))
except (TypeError, ValueError, RecursionError):
    answer = ""
sent = memoryview({_MARK!r} + answer.encode())
while sent:
    sent = sent[os.write(1, sent):]
os._exit(0)
"""
"""Calls `method` with what standard input holds, and writes what it returned behind all that was printed.

What JSON has not, is too deep or has too many digits for it is written as nothing, which equals nothing.
"""


def _calling(name: str, candidate: str) -> str:
    """The source of a program that answers by returning: no guard of `__main__` holds in it."""
    found = f"Solution().{name}" if "class Solution" in candidate else name
    behind = f"__import__('builtins').exec({_ANSWER!r}, {{'method': {found}}})"
    return f"__name__ = 'solution'; {IMPORTS}\n{candidate}\n\n{behind}\n"


def same_value(output: bytes, expected: bytes) -> bool:
    """Whether what came behind the mark equals the expected JSON, as Python compares: 1, 1.0 and true are equal."""
    _, mark, answer = output.rpartition(_MARK)
    try:
        return bool(mark) and json.loads(answer) == json.loads(expected)
    except (ValueError, RecursionError):  # not JSON, or too deep to be
        return False


def _judge(fields: Sequence[str], problem: Problem, candidate: str) -> Judgement:
    tests = held_tests(problem, fields)
    name = problem.data.get("func_name")
    source = _calling(str(name), candidate) if name else f"{IMPORTS}\n{candidate}"
    compare = same_value if name else same_lines
    return run_tests(Program.python(source, reuse=len(tests) > 1), tests, _LIMITS, compared(compare), slot="contest")


_EXTRACT = partial(extract_program, PYTHON_TAGS)

LIVECODEBENCH_TESTS = Verifier("tests", "1", _EXTRACT, partial(_judge, TEST_FIELDS), lacks=lacks_sandbox)
LIVECODEBENCH_PUBLIC = Verifier("public", "1", _EXTRACT, partial(_judge, PUBLIC_FIELDS), lacks=lacks_sandbox)
"""What one has without the set: the tests that the question shows."""
