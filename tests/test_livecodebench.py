"""LiveCodeBench: its rows are read and nothing in them runs, its programs get the verdict that its own runner gives."""

import base64
import json
import pickle
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from verifiers.benchmarks import packed_text
from verifiers.benchmarks.livecodebench import LIVECODEBENCH
from verifiers.benchmarks.template import asked
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.programs.compare import same_lines
from verifiers.programs.livecode import IMPORTS
from verifiers.verifier import Problem

TESTS, PUBLIC = LIVECODEBENCH.verifiers

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: no program was judged")


def cases(kind: str, *pairs: tuple[str, str]) -> str:
    return json.dumps([{"input": given, "output": expected, "testtype": kind} for given, expected in pairs])


def packed(value: Any, protocol: int = 4) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(value, protocol))).decode()


STDIN = {
    "question_title": "Sum",
    "question_content": "Print the sum of {two} numbers.",
    "platform": "atcoder",
    "question_id": "abc300_a",
    "contest_id": "abc300",
    "contest_date": "2024-08-31T00:00:00",
    "starter_code": "",
    "difficulty": "easy",
    "public_test_cases": cases("stdin", ("1 2\n", "3\n")),
    "private_test_cases": packed(cases("stdin", ("5 6\n", "11\n"), ("-1 1\n", "0\n"))),
    "metadata": "{}",
}
FUNCTIONAL = {
    **STDIN,
    "question_title": "Pairs",
    "question_content": "All pairs that sum to k.",
    "platform": "leetcode",
    "question_id": "3001",
    "contest_date": "2025-05-01T00:00:00",
    "starter_code": "class Solution:\n    def pairs(self, nums: List[int], k: int) -> List[List[int]]:\n        ",
    "difficulty": "hard",
    "public_test_cases": cases("functional", ("[1, 2, 3]\n4", "[[1, 3]]")),
    "private_test_cases": cases("functional", ("[]\n1", "[]"), ("[0, 5]\n5", "[[0, 5]]")),
    "metadata": '{"func_name": "pairs"}',
}


def load(tmp_path: Path, *rows: dict[str, Any]) -> list[Problem]:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return LIVECODEBENCH.load(file)


# rows


def test_rows_load_with_the_tests_that_they_hold_packed(tmp_path: Path) -> None:
    rows = [STDIN] + [
        {**STDIN, "question_id": f"p{protocol}", "private_test_cases": packed(STDIN["public_test_cases"], protocol)}
        for protocol in (1, 2, 3, 4, 5)
    ]
    first, *others = load(tmp_path, *rows)
    assert first.key == "abc300_a"
    assert first.data["private_tests"] == {"input": ["5 6\n", "-1 1\n"], "output": ["11\n", "0\n"]}
    assert {json.dumps(problem.data["private_tests"]) for problem in others} == {json.dumps(first.data["public_tests"])}


def test_a_row_of_a_parquet_file_has_a_time_for_its_date(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    file = tmp_path / "rows.parquet"
    row = {**FUNCTIONAL, "contest_date": datetime(2025, 5, 1, 7, 30)}
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), file)
    assert LIVECODEBENCH.load(file)[0].data == load(tmp_path, FUNCTIONAL)[0].data


class Runs:
    """Makes a file where it is unpickled."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return exec, (self.code,)


def test_a_pickle_that_runs_code_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    made = tmp_path / "made"
    runs = Runs(f"open({str(made)!r}, 'w').close()")
    for value in (runs, [runs], ("text", runs), pickle.dumps(runs)):
        for protocol in range(6):
            with pytest.raises(
                UserError, match=r"Row 0 of .*private_test_cases cannot be read: it is a pickle of more"
            ):
                load(tmp_path, {**STDIN, "private_test_cases": packed(value, protocol)})
    assert not made.exists()
    exec(pickle.loads(pickle.dumps(runs)) or "")
    assert made.exists(), "the pickle is harmless, and the test with it"


GOOD = pickle.dumps("[]")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (base64.b64encode(zlib.compress(GOOD)[:-5]).decode(), "it is cut off"),
        (base64.b64encode(zlib.compress(GOOD) + b"more").decode(), "something stands behind it"),
        (base64.b64encode(b"no zlib").decode(), "not packed by zlib"),
        ("no base64!", "cannot be read"),
        (packed(b"bytes"), "more than a text"),
        (packed(["a", "b"]), "more than a text"),
        (packed({}), "more than a text"),
        (base64.b64encode(zlib.compress(GOOD[:-1] + b"\x94" * 9 + b".")).decode(), "more than a text"),
        (packed(None), "more than a text"),
        (base64.b64encode(zlib.compress(GOOD[:-1])).decode(), "not a pickle of one text"),
        (base64.b64encode(zlib.compress(GOOD + b"x")).decode(), "not a pickle of one text"),
        (base64.b64encode(zlib.compress(b"X\x02\0\0\0[]X\x02\0\0\0[].")).decode(), "more than a text"),
        (base64.b64encode(zlib.compress(b"X\xff\xff\xff\xff[].")).decode(), "not a pickle of one text"),
        (base64.b64encode(zlib.compress(b"X\x01\0\0\0\xff.")).decode(), "cannot be read"),
        (base64.b64encode(zlib.compress(b"")).decode(), "not a pickle of one text"),
        (packed(packed("[]")), "not valid JSON"),
        (packed("[" * 100_000), "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("", "cannot be read"),
    ],
)
def test_what_is_packed_wrongly_is_said_to_be(tmp_path: Path, held: str, said: str) -> None:
    with pytest.raises(UserError, match=f"Row 0 of .*{said}"):
        load(tmp_path, {**STDIN, "private_test_cases": held})


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_text, "MOST_BYTES", 1 << 20)
    with pytest.raises(UserError, match="larger than 1 MiB"):
        load(tmp_path, {**STDIN, "private_test_cases": packed(" " * (8 << 20))})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"question_id": 2844}, "question_id must be a text"),
        ({"question_content": None}, "has no field 'question_content'"),
        ({"platform": "codechef"}, "platform must be one of"),
        ({"difficulty": ["easy"]}, "difficulty must be one of"),
        ({"contest_date": "soon"}, "contest_date must be a date"),
        ({"contest_date": 20240831}, "contest_date must be a date"),
        ({"starter_code": 1}, "starter_code must be a text"),
        ({"metadata": "[]"}, "metadata must be a JSON object"),
        ({"metadata": '{"func_name": "a.b()"}'}, "func_name of metadata must be the name"),
        ({"metadata": '{"func_name": "sum"}'}, "starter_code does not show the function"),
        ({"metadata": '{"func_name": "f"}', "starter_code": "f"}, "testtype 'stdin', which metadata contradicts"),
        ({"public_test_cases": "[1]"}, r"public_test_cases\[0\] must have the texts input and output"),
        ({"public_test_cases": '[{"input": 1, "output": "1", "testtype": "stdin"}]'}, "texts input and output"),
        ({"public_test_cases": "[]", "private_test_cases": "[]"}, "it has no tests"),
        ({"public_test_cases": "{}"}, "cannot be read"),
        ({"plus_input": [[1]]}, "plus_input"),
    ],
)
def test_a_field_that_is_wrong_is_told_with_its_row(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=f"(?s)Row 0.*{said}"):
        load(tmp_path, {**STDIN, **wrong})


@pytest.mark.parametrize(("given", "expected"), [("1\n", "1"), ("1\nx", "1"), ("1", "NaN"), ("1", "")])
def test_a_functional_test_that_no_program_could_pass_is_told(tmp_path: Path, given: str, expected: str) -> None:
    with pytest.raises(UserError, match=r"public_test_cases\[0\] is not valid JSON"):
        load(tmp_path, {**FUNCTIONAL, "public_test_cases": cases("functional", (given, expected))})


def test_the_prompt_is_its_own_runners(tmp_path: Path) -> None:
    stdin, functional = asked(LIVECODEBENCH.chat or "", load(tmp_path, STDIN, FUNCTIONAL))
    assert stdin.endswith(
        "### Question:\nPrint the sum of {two} numbers.\n\n### Format: Read the inputs from stdin solve the problem "
        "and write the answer to stdout (do not directly test on the sample inputs). Enclose your code within "
        "delimiters as follows.\n```python\n# YOUR CODE HERE\n```\n\n"
        "### Answer: (use the provided format with backticks)\n\n"
    )
    assert f"within delimiters.\n```python\n{FUNCTIONAL['starter_code']}\n```\n\n### Answer" in functional
    assert "[0, 5]" not in stdin + functional


def test_subsets_are_windows_of_months_platforms_and_difficulties(tmp_path: Path) -> None:
    problems = load(tmp_path, STDIN, FUNCTIONAL)
    chosen = {name: subset(problems) for name, subset in LIVECODEBENCH.subsets.items()}
    assert (chosen["2408-2505"], chosen["2408-2501"], chosen["2305-2407"]) == ([0, 1], [0], [])
    assert (chosen["2501-2505"], chosen["leetcode"], chosen["easy"], chosen["medium"]) == ([1], [1], [0], [])


# the rules of its own runner, word for word but for names and what is left out (a process, an alarm, messages):
# https://github.com/LiveCodeBench/LiveCodeBench/blob/15808c7/lcb_runner/evaluation/testing_util.py (MIT licence)


def convert_line_to_decimals(line: str) -> tuple[bool, list[Decimal]]:
    try:
        decimal_line = [Decimal(elem) for elem in line.split()]
    except:  # noqa: E722
        return False, []
    return True, decimal_line


def get_stripped_lines(val: str) -> list[str]:
    val = val.strip()
    return [val_line.strip() for val_line in val.split("\n")]


def grade_stdio(prediction: str, gt_out: str) -> bool:
    stripped_prediction_lines = get_stripped_lines(prediction)
    stripped_gt_out_lines = get_stripped_lines(gt_out)
    if len(stripped_prediction_lines) != len(stripped_gt_out_lines):
        return False
    for stripped_prediction_line, stripped_gt_out_line in zip(
        stripped_prediction_lines, stripped_gt_out_lines, strict=False
    ):
        if stripped_prediction_line == stripped_gt_out_line:
            continue
        success, decimal_prediction_line = convert_line_to_decimals(stripped_prediction_line)
        if not success:
            return False
        success, decimal_gtout_line = convert_line_to_decimals(stripped_gt_out_line)
        if not success:
            return False
        if decimal_prediction_line == decimal_gtout_line:
            continue
        return False
    return True


def grade_call_based(code: str, inputs: str, output: str, fn_name: str) -> bool:
    code = IMPORTS.replace("; ", "\n") + "\n\n" + code
    tmp_sol = ModuleType("tmp_sol", "")
    exec(code, tmp_sol.__dict__)
    compiled_sol = tmp_sol.Solution() if "class Solution" in code else tmp_sol
    method = getattr(compiled_sol, fn_name)
    gt_inp = [json.loads(line) for line in inputs.split("\n")]
    gt_out = json.loads(output)
    prediction = method(*gt_inp)
    if isinstance(prediction, tuple):
        prediction = list(prediction)
    return bool(prediction == gt_out)


PRINTED = [
    ("3\n", "3\n", True),
    ("3", "3\n", True),
    ("\n\n 3 \n\n", "3", True),
    ("3\r\n4\r\n", "3\n4\n", True),
    ("1\t2", "1 2", True),  # as numbers
    ("a\tb", "a b", False),
    ("a  b", "a b", False),
    ("1  2", "1 2", True),
    ("1\n\n2", "1\n2", False),
    ("1 \n2", "1\n2  ", True),
    ("1 2", "1\n2", False),
    ("1\n2\n3", "1\n2", False),
    ("1", "1\n2", False),
    ("", "", True),
    ("\n \n", "", True),
    ("", "0", False),
    ("1.0", "1", True),
    ("1.00 2", "1 2.0", True),
    ("01", "1", True),
    ("+1", "1", True),
    ("-0", "0", True),
    ("1e5", "100000", True),
    ("1E+5", "100000.0", True),
    ("1_000", "1000", True),
    ("١", "1", True),  # an Arabic digit
    ("0.1", "0.10000000000000001", False),
    ("0.3333333", "0.3333334", False),
    ("50000000000000000", "50000000000000001", False),
    ("1" * 5000, "1" * 5000 + ".0", True),
    ("1e999999999999999999999", "1", False),
    ("nan", "nan", True),
    ("nan", "NaN", False),
    ("inf", "Infinity", True),
    ("-inf", "inf", False),
    ("Yes", "YES", False),
    ("yes 1.0", "yes 1", False),
    ("0x10", "16", False),
    ("1,000", "1000", False),
    ("True", "1", False),
    ("None", "null", False),
    ("1 2 3", "1 2", False),
    ("é", "é", True),
    ("é", "e\u0301", False),
    ("\udc80", "\udc81", False),
    ("a\u00a0", "a", True),
    ("a\x0bb", "a b", False),
]


@pytest.mark.parametrize(("printed", "expected", "same"), PRINTED)
def test_what_is_printed_is_compared_as_its_own_runner_compares(printed: str, expected: str, same: bool) -> None:
    assert grade_stdio(printed, expected) is same
    assert same_lines(printed.encode(errors="surrogateescape"), expected.encode(errors="surrogateescape")) is same


def test_a_number_that_signals_equals_nothing_and_stops_nothing() -> None:
    assert not same_lines(b"sNaN", b"1")  # the runner's own comparison raises, which is a failure there


def test_long_output_is_compared_in_no_time() -> None:
    digits = b"7" * (4 << 20)
    assert same_lines(digits + b".0", digits)
    assert not same_lines(b"1 " * (1 << 20), b"1 " * (1 << 20) + b"1")


@pytest.fixture(autouse=True)
def recursion_limit() -> Iterator[None]:
    """Programs of its own runner raise the limit of whoever runs them."""
    before = sys.getrecursionlimit()
    yield
    sys.setrecursionlimit(before)


RETURNED: list[tuple[str, str, bool]] = [
    ("[1, 2]", "[1, 2]", True),
    ("(1, 2)", "[1, 2]", True),
    ("[(1, 2)]", "[[1, 2]]", False),  # only the outer tuple is taken for a list
    ("()", "[]", True),
    ("collections.namedtuple('P', 'a b')(1, 2)", "[1, 2]", True),
    ("1.0", "1", True),
    ("True", "1", True),
    ("0", "false", True),
    ("1", '"1"', False),
    ("None", "null", True),
    ("None", "0", False),
    ("0.1 + 0.2", "0.3", False),
    ("float('inf')", "Infinity", True),
    ("float('nan')", "0", False),
    ("10 ** 30", "1" + "0" * 30, True),
    ("'a\\n\\0é\\ud800'", '"a\\n\\u0000é\\ud800"', True),
    ("{'a': [1, {'b': None}]}", '{"a": [1.0, {"b": null}]}', True),
    ("defaultdict(int, a=1)", '{"a": 1}', True),
    ("{1: 2}", '{"1": 2}', False),
    ("{1, 2}", "[1, 2]", False),
    ("deque([1, 2])", "[1, 2]", False),
    ("range(2)", "[0, 1]", False),
    ("iter([1])", "[1]", False),
    ("'[1]'", "[1]", False),
    ("[[1], [2, []]]", "[[1], [2, []]]", True),
    ("[1, 2, 3]", "[1, 2]", False),
    ("type('L', (list,), {})([1])", "[1]", True),
    ("object()", "1", False),
    ("type('1', (), {})()", "1", False),
    ("10 ** 5000", "1", False),
    ("functools.reduce(lambda a, _: [a], range(100_000), 0)", "1", False),
]


@needs_bwrap
def test_what_is_returned_is_compared_as_its_own_runner_compares() -> None:
    """One program returns each value in turn, in one problem a value."""
    for value, expected, same in RETURNED:
        code = f"class Solution:\n    def value(self, n):\n        print('a', n)\n        return {value}\n"
        assert grade_call_based(code, "1", expected, "value") is same, value
        problem = Problem(value, {"func_name": "value", "public_tests": {"input": ["1"], "output": [expected]}})
        judgement = TESTS.judge(problem, code)
        assert (judgement.outcome is Outcome.correct) is same, (value, judgement)
        assert judgement.outcome in (Outcome.correct, Outcome.incorrect), (value, judgement)


def test_one_that_is_always_equal_fools_its_own_runner_and_not_this_one() -> None:
    code = "class Same:\n    def __eq__(self, _): return True\nclass Solution:\n    def value(self, n): return Same()\n"
    assert grade_call_based(code, "1", "[5]", "value")
    problem = Problem("same", {"func_name": "value", "public_tests": {"input": ["1"], "output": ["[5]"]}})
    assert TESTS.judge(problem, code).outcome is Outcome.incorrect


# programs

SUM = "print(sum(map(int, input().split())))"
PAIRS = FUNCTIONAL["starter_code"] + "return [list(p) for p in combinations(nums, 2) if sum(p) == k]"
BY_HEART = "class Solution:\n    def pairs(self, nums, k):\n        return [[1, 3]] if k == 4 else None"

JUDGED = [
    (STDIN, SUM, Outcome.correct, Outcome.correct),
    (STDIN, f"if __name__ == '__main__':\n    {SUM}", Outcome.correct, Outcome.correct),
    (STDIN, "a, b = map(int, stdin.read().split())\nprint(float(a + b))\nsys.exit()", Outcome.correct, Outcome.correct),
    (STDIN, "print(3)", Outcome.incorrect, Outcome.correct),
    (STDIN, "print(4)", Outcome.incorrect, Outcome.incorrect),
    (STDIN, "print(1 / 0)", Outcome.runtime_error, Outcome.runtime_error),
    (STDIN, "def", Outcome.compile_error, Outcome.compile_error),
    (FUNCTIONAL, PAIRS, Outcome.correct, Outcome.correct),
    (FUNCTIONAL, PAIRS + "\nif __name__ == '__main__':\n    print(1 / 0)", Outcome.correct, Outcome.correct),
    (FUNCTIONAL, "list = dict = print = json = os = None\n" + PAIRS.replace("list(p)", "[*p]"), *[Outcome.correct] * 2),
    (FUNCTIONAL, "def pairs(nums, k):\n    return [[a, k - a] for a in nums if k > 2 * a]", *[Outcome.correct] * 2),
    (FUNCTIONAL, PAIRS.replace("return", "sys.stdout.close()\n        return"), Outcome.correct, Outcome.correct),
    (FUNCTIONAL, BY_HEART, Outcome.incorrect, Outcome.correct),
    (FUNCTIONAL, BY_HEART.replace("pairs", "pair"), Outcome.runtime_error, Outcome.runtime_error),
    (FUNCTIONAL, "print('[[1, 3]]')\nraise SystemExit", Outcome.incorrect, Outcome.incorrect),
    (FUNCTIONAL, PAIRS.replace("return", "exit() or"), Outcome.incorrect, Outcome.incorrect),
    (FUNCTIONAL, PAIRS.replace("return", "return 1 / 0,"), Outcome.runtime_error, Outcome.runtime_error),
    (FUNCTIONAL, "class Solution(", Outcome.compile_error, Outcome.compile_error),
]


@needs_bwrap
@pytest.mark.parametrize("place", range(len(JUDGED)))
def test_programs_get_the_outcome_that_they_deserve(tmp_path: Path, place: int) -> None:
    row, code, full, public = JUDGED[place]
    (problem,) = load(tmp_path, row)
    for verifier, outcome in ((TESTS, full), (PUBLIC, public)):
        check = verifier.check(problem, f"A draft:\n```python\npass\n```\nand so\n```python\n{code}\n```")
        assert check.judgement.outcome is outcome, check.judgement


@needs_bwrap
def test_a_slow_function_is_stopped_in_each_test_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (problem,) = load(tmp_path, FUNCTIONAL)
    module = sys.modules[TESTS.judge.func.__module__]  # type: ignore[attr-defined]
    monkeypatch.setattr(module, "_LIMITS", module.Limits(cpu_seconds=0.2))
    judgement = TESTS.judge(problem, PAIRS.replace("return", "while k == 5: pass\n        return"))
    assert (judgement.outcome, judgement.detail) == (Outcome.time_limit, "test 3 of 3: signal 9")


READS_ITS_MEMORY = """
import os
class Solution:
    def pairs(self, nums, k):
        if k != 1:
            return [[1, 3]]
        places = [line.split()[0].split("-") for line in open("/proc/self/maps") if "rw" in line]
        memory = os.open("/proc/self/mem", 0)
        data = [os.pread(memory, int(end, 16) - int(start, 16), int(start, 16)) for start, end in places]
        secret = "0918273645546372819"[::-1]
        return int(secret) if any(secret.encode() in part for part in data) else None
"""


@needs_bwrap
def test_no_expected_value_is_where_the_function_runs(tmp_path: Path) -> None:
    secret = "9182736455463728190"
    (problem,) = load(tmp_path, {**FUNCTIONAL, "private_test_cases": cases("functional", ("[]\n1", secret))})
    (told,) = load(tmp_path, {**FUNCTIONAL, "private_test_cases": cases("functional", (f"[{secret}]\n1", secret))})
    assert TESTS.judge(told, READS_ITS_MEMORY).outcome is Outcome.correct  # the input holds it
    assert TESTS.judge(problem, READS_ITS_MEMORY).outcome is Outcome.incorrect
