"""HumanEval+ and MBPP+ in both public forms: references are right, and what only the base tests pass is wrong."""

import json
import math
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.shared_data import shared
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.humaneval import HUMANEVAL
from verifiers.benchmarks.humaneval_plus import HUMANEVAL_PLUS
from verifiers.benchmarks.mbpp import MBPP
from verifiers.benchmarks.mbpp_plus import MBPP_PLUS
from verifiers.benchmarks.template import asked
from verifiers.errors import InfrastructureError, UserError
from verifiers.outcome import Outcome
from verifiers.programs.lacks import lacks_sandbox
from verifiers.programs.plus import BASE, PLUS
from verifiers.programs.unit_tests import judge_by
from verifiers.sandbox import Limits
from verifiers.sandbox.inside.codec import TooLarge, decode, encode
from verifiers.sandbox.inside.evalplus import restored
from verifiers.verifier import Problem

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: no program was judged")

COMPARE = """import numpy as np
from math import inf

def is_floats(x) -> bool:
    if isinstance(x, float):
        return True
    if isinstance(x, (list, tuple)):
        return all(isinstance(i, float) for i in x)
    if isinstance(x, np.ndarray):
        return x.dtype == np.float64 or x.dtype == np.float32
    return False


def assertion(out, exp, atol):
    if atol == 0 and is_floats(exp):
        atol = 1e-6
    if out != exp and atol != 0:
        assert np.allclose(out, exp, rtol=1e-07, atol=atol)
    else:
        assert out == exp, f"out: {out}, exp: {exp}"

"""
EACH = "for i, (inp, exp) in enumerate(zip(inputs, results)):\n"
PEAKS = (
    'from typing import List\n\n\ndef peaks(xs: List[int]) -> List[int]:\n    """ The largest so far, at each. """\n'
)
PEAKS_BODY = "    found = []\n    for x in xs:\n        found.append(max([x] + found))\n    return found\n"
FROM_ZERO = PEAKS_BODY.replace("[x] + found", "[x, 0] + found")
SHARE = 'def share(xs, scale):\n    """ Each of xs as a share of them all, times scale. """\n'
SHARE_BODY = "    found = [x / sum(xs) * scale for x in xs]\n    print('x' * 20000)\n    xs.clear()\n    return found\n"
ZERO = (
    "import math\n\n\ndef poly(xs, x):\n    return sum([c * math.pow(x, i) for i, c in enumerate(xs)])\n\n\n"
    'def find_zero(xs: list):\n    """ Where the line with these coefficients is zero. """\n'
)
POLY = (
    "import math\n\ndef _poly(xs: list, x: float):\n    return sum([c * math.pow(x, i) for i, c in enumerate(xs)])\n\n"
)


class Case(NamedTuple):
    """A row, a right program, and programs that pass only the base tests, or none."""

    row: dict[str, Any]
    right: str
    base_only: str
    wrong: str


def humaneval(number: int, name: str, prompt: str, solution: str, test: str) -> dict[str, Any]:
    """A row of evalplus/humanevalplus."""
    told = {"task_id": f"HumanEval/{number}", "prompt": prompt, "canonical_solution": solution, "entry_point": name}
    return {**told, "test": f"{test}\n\ncheck({name})"}


def mbpp(number: int, code: str, test_list: list[str], test: str) -> dict[str, Any]:
    """A row of evalplus/mbppplus."""
    return {
        "task_id": number, "code": code, "prompt": "Write it.", "source_file": "a.ipynb", "test_imports": [],
        "test_list": test_list, "test": test,
    }  # fmt: skip


def own(task: str, name: str, prompt: str, code: str, base: Any, plus: Any, atol: float = 0) -> dict[str, Any]:
    """A row of HumanEvalPlus.jsonl or MbppPlus.jsonl."""
    return {
        "task_id": task, "prompt": prompt, "entry_point": name, "canonical_solution": code, "contract": "",
        "base_input": base, "plus_input": plus, "atol": atol, **({"assertion": ""} if task[0] == "M" else {}),
    }  # fmt: skip


def function(name: str, answer: str, arguments: str = "a, b") -> str:
    return f"def {name}({arguments}):\n    return {answer}\n"


def own_mbpp(number: int, name: str, right: str, base_only: str, wrong: str, base: Any, plus: Any, **more: Any) -> Case:
    """Answers of a function of two arguments, or of one where an input has only that."""
    answers = [function(name, answer, "a, b" if len(base[0]) > 1 else "a") for answer in (right, base_only, wrong)]
    return Case(own(f"Mbpp/{number}", name, '"""\nWrite it.\n"""\n', answers[0], base, plus, **more), *answers)


PUBLISHED = [
    Case(
        humaneval(
            0, "peaks", PEAKS, PEAKS_BODY,
            f"\n\n{COMPARE}def check(candidate):\n    inputs = [[[1, 3, 2]], [[]], [[-2, -3]]]\n"
            f"    results = [[1, 3, 3], [], [-2, -2]]\n    {EACH}        assertion(candidate(*inp), exp, 0)\n",
        ),
        PEAKS_BODY, FROM_ZERO, "    return 1\n",
    ),
    Case(
        humaneval(
            1, "share", SHARE, SHARE_BODY,
            f"\n\n{COMPARE}def check(candidate):\n    inputs = [[[1, 1, 1], 0.3], [[3, 7], 1.0]]\n"
            f"    results = [[0.1, 0.1, 0.1], [0.3, 0.7]]\n    {EACH}        assertion(candidate(*inp), exp, 0)\n",
        ),
        "    return [scale / sum(xs) * x for x in xs]\n",
        "    return [scale / len(xs)] * len(xs)\n", "    return [0.1]\n",
    ),
    Case(
        humaneval(
            2, "peaks", PEAKS, PEAKS_BODY,
            f"\n{COMPARE}def ref_func(xs):\n{PEAKS_BODY}\ndef check(candidate):\n    inputs = [[[1, 3]], [[-2, -3]]]\n"
            "    for i, inp in enumerate(inputs):\n        assertion(candidate(*inp), ref_func(*inp), 0)\n",
        ),
        PEAKS_BODY, FROM_ZERO, "    return 1\n",
    ),
    Case(  # unpacks a number, as the published one does
        humaneval(
            32, "find_zero", ZERO, "    return -xs[0] / xs[1]\n",
            f"{POLY}def check(candidate):\n    inputs = [[[2, 4]], [[-3, 4]]]\n    results = [-0.5, 0.75]\n    {EACH}"
            "        assert _poly(*candidate(*inp), inp) <= 0.0001\n",
        ),
        "    return -xs[0] / xs[1]\n", "    return -0.5\n", "    return -9.0\n",
    ),
]  # fmt: skip
PUBLISHED_MBPP = [
    Case(
        mbpp(
            3, "def is_odd(n):\n  return n % 2 == 1", ["assert is_odd(3) == True", "assert is_odd(4) == False"],
            f"{COMPARE}inputs = [[3], [4], [-1]]\nresults = [True, False, True]\n"
            f"{EACH}    assertion(is_odd(*inp), exp, 0)\n",
        ),
        function("is_odd", "n % 2 == 1", "n"), function("is_odd", "n == 3", "n"), function("is_odd", "1.5", "n"),
    ),
    Case(
        mbpp(
            4, "import math\ndef least(xs):\n  return min(xs)", ["assert math.isclose(least([0.1, 2]), 0.1)"],
            f"{COMPARE}inputs = [[[0.1, 2]], [[inf]]]\nresults = [0.1, inf]\n"
            f"{EACH}    assertion(least(*inp), exp, 0)\n",
        ),
        function("least", "min(xs) * (1 + 1e-10)", "xs"),
        function("least", "min(xs + [9])", "xs"), function("least", "2", "xs"),
    ),
    Case(  # a name that its tests' own function might have had
        mbpp(
            56, "def check(n):\n  return n == 70", ["assert check(70) == True"],
            f"{COMPARE}inputs = [[70], [71]]\nresults = [True, False]\n{EACH}    assertion(check(*inp), exp, 0)\n",
        ),
        function("check", "n == 70", "n"), function("check", "True", "n"), function("check", "None", "n"),
    ),
]  # fmt: skip
OWN = [
    Case(
        own("HumanEval/0", "peaks", PEAKS, PEAKS_BODY, [[[1, 3, 2]], [[]]], [[[-2, -3]]]),
        PEAKS_BODY, FROM_ZERO, "    return xs\n",
    ),
    Case(
        own("HumanEval/1", "share", SHARE, SHARE_BODY, [[[1.0, 1.0], 1]], [[[3.0, 7.0], 1]]),
        "    return [scale / sum(xs) * x for x in xs]\n", "    return [scale / 2] * 2\n", "    return [0.5]\n",
    ),
    Case(
        own("HumanEval/32", "find_zero", ZERO, "    return -xs[0] / xs[1]\n", [[[2, 4]]], [[[-3, 4]]], 1e-4),
        "    return -xs[0] / xs[1] + 1e-6\n", "    return -0.5\n", "    return -9.0\n",
    ),
]  # fmt: skip
OWN_MBPP = [
    own_mbpp(
        2, "similar_elements", "tuple({*a} & {*b})", "sorted({*a} & {*b})[:1]", "a", [[[1, 2], [2]]], [[[1, 2], [2, 1]]]
    ),
    own_mbpp(16, "text_match_three", "__import__('re').search(a, b)", "True", "None", [["a", "a"]], [["a", "b"]]),
    own_mbpp(106, "add_tuple", "b + tuple(a)", "b + (5,)", "a", [[[5], [9]]], [[[6], [9]]]),
    own_mbpp(115, "empty", "all(x == {} for x in a)", "False", "a", [[[[1], [2]]]], [[[[], []]]]),
    own_mbpp(124, "angle", "b.imag + a", "1.0", "None", [["0", "1j"]], [["1", "2j"]]),
    own_mbpp(164, "are_equivalent", "a == b", "7", "1 / 0", [[1, 2]], [[2, 2]]),
    own_mbpp(295, "sum_div", "a - 1", "[0, 4][a > 4]", "a", [[4], [5]], [[7]]),
    own_mbpp(558, "digit_distance_nums", "0", "1", "7", [[1, 2]], [[12, 5]]),
    own_mbpp(581, "surface_Area", "33", "35", "a", [[3, 4]], [[1, 1]]),
    own_mbpp(746, "sector", "a * 3.14159", "3.14", "complex(3.14)", [[1.0]], [[2.0], [math.inf]], atol=0.01),
]
FORMS = {
    "humaneval-plus, published": (HUMANEVAL_PLUS, PUBLISHED),
    "humaneval-plus, evalplus' own": (HUMANEVAL_PLUS, OWN),
    "mbpp-plus, published": (MBPP_PLUS, PUBLISHED_MBPP),
    "mbpp-plus, evalplus' own": (MBPP_PLUS, OWN_MBPP),
}


def load(benchmark: Benchmark, folder: Path, *rows: dict[str, Any]) -> list[Problem]:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return benchmark.load(file)


@needs_bwrap
@pytest.mark.parametrize("form", FORMS)
def test_plus_refuses_what_base_takes_and_both_take_the_reference(form: str, tmp_path: Path) -> None:
    benchmark, cases = FORMS[form]
    problems = load(benchmark, tmp_path, *(case.row for case in cases))
    for problem, case in zip(problems, cases, strict=True):
        assert not str(problem.data.get("test")).rstrip().endswith("\ncheck(peaks)")  # the tests would run twice
        solution = str(case.row.get("canonical_solution", case.row.get("code")))
        for text, full, weak in (
            (solution, True, True), (case.right, True, True), (case.base_only, False, True), (case.wrong, False, False)
        ):  # fmt: skip
            found = PLUS.check(problem, text).judgement
            always = problem.key == "Mbpp/164" and case.wrong != text  # evalplus takes whatever it returns
            assert (found.outcome is Outcome.correct) == (full or always), (problem.key, text, found)
            found = BASE.check(problem, text).judgement
            if form == "humaneval-plus, published":
                assert found.outcome is Outcome.infrastructure_error
                assert "evalplus' own file does (base_input)" in found.detail
            else:
                assert (found.outcome is Outcome.correct) == weak, (problem.key, text, found)


@needs_bwrap
@pytest.mark.parametrize(
    ("benchmark", "row", "wanted"),
    [
        (
            HUMANEVAL,
            {"test": "exec('import pandas')\ndef check(f):\n    assert f(1) == 1\n"},
            "No module named 'pandas'",
        ),
        (HUMANEVAL_PLUS, {"canonical_solution": "    return x[0]\n"}, "the reference solution raises TypeError"),
        (HUMANEVAL_PLUS, {"canonical_solution": "  return (\n"}, "the reference solution does not run: SyntaxError"),
    ],
)
def test_what_tests_lack_or_their_reference_fails_at_is_nobodys_wrong_answer(
    benchmark: Benchmark, row: dict[str, Any], wanted: str, tmp_path: Path
) -> None:
    head = {"task_id": "a", "prompt": "def f(x):\n", "entry_point": "f"}
    inputs = {"base_input": [[1]], "plus_input": [], "atol": 0} if "canonical_solution" in row else {}
    (problem,) = load(benchmark, tmp_path, {**head, **row, **inputs})
    judgement = benchmark.verifiers[0].check(problem, "    return x\n").judgement
    assert judgement.outcome is Outcome.infrastructure_error
    assert wanted in judgement.detail


@needs_bwrap
def test_a_reference_without_an_end_is_our_failure_and_no_time_limit_of_a_sample() -> None:
    problem = Problem("p", {"prompt": "def f(x):\n", "entry_point": "f"})
    slow = "def f(x):\n    sum(range(10 ** 12))"
    for tests in (f"def check(f):\n    _differ(f, '[[1]]', 'f', {slow!r}, 0, 0)", "sum(range(10 ** 12))"):
        with pytest.raises(InfrastructureError, match="need more than the sandbox gives: cpu_limit"):
            judge_by(tests, problem, "def f(x): return x", Limits(), Limits(cpu_seconds=0.2))


@needs_bwrap
def test_mbpps_setup_code_runs_before_its_asserts(tmp_path: Path) -> None:
    row = {"task_id": 1, "text": "Double it.", "code": "def twice(n): return 2 * n", "challenge_test_list": []}
    row |= {"test_setup_code": "GIVEN = [1, 2]\r\n", "test_list": ["assert twice(GIVEN) == [1, 2, 1, 2]"]}
    (problem,) = load(MBPP, tmp_path, row)
    assert problem.data["prompt"].startswith('"""\nDouble it.\nassert twice')
    assert MBPP.verifiers[0].check(problem, row["code"]).judgement.outcome is Outcome.correct
    assert MBPP.verifiers[0].check(problem, "def twice(n): return n").judgement.outcome is Outcome.incorrect


@needs_bwrap
@pytest.mark.parametrize("number", [6, 56, 164])
def test_a_row_that_names_a_helper_is_tested_by_what_its_asserts_call(number: int) -> None:
    """The public MBPP in HumanEval's shape; 56 is tested by a function named as the tests are, check."""
    (problem,) = (each for each in MBPP.load(shared("code/mbpp_sanitized.jsonl")) if each.key == f"MbppEval/{number}")
    check = MBPP.verifiers[0].check
    assert problem.reference is not None
    assert check(problem, problem.reference).judgement.outcome is Outcome.correct
    assert check(problem, "    return 1").judgement.outcome is Outcome.runtime_error


ROW = PUBLISHED[0].row
MBPP_ROW = PUBLISHED_MBPP[0].row
OWN_ROW = OWN_MBPP[0].row


@pytest.mark.parametrize(
    ("benchmark", "row", "wanted"),
    [
        (MBPP, MBPP_ROW, "mbpp-plus"),
        (MBPP, {**MBPP_ROW, "test": None, "challenge_test_list": ["assert is_odd(5)"]}, "challenge_test_list"),
        (MBPP, {**MBPP_ROW, "test": None, "test_list": "assert is_odd(5)"}, "test_list must be a list of texts"),
        (MBPP, {**MBPP_ROW, "test": None, "test_list": []}, "test_list is empty"),
        (MBPP, {**MBPP_ROW, "test": None, "prompt": 3}, "prompt must be a text"),
        (MBPP, {**MBPP_ROW, "test": None, "test_imports": [3]}, "test_imports must be a list of texts"),
        (HUMANEVAL, OWN[0].row, "humaneval-plus"),
        (HUMANEVAL, {**ROW, "entry_point": "a b"}, "not a name"),
        (HUMANEVAL, {**ROW, "test": 3}, "test must be a text"),
        (HUMANEVAL, {**ROW, "test": "import pandas as pd\ndef check(f): ..."}, "The tests import pandas, which is not"),
        (HUMANEVAL, {**ROW, "test": "def test():\n    from pytest import raises"}, "The tests import pytest, which is"),
        (MBPP, {**MBPP_ROW, "test": None, "test_imports": ["import torch"]}, "The tests import torch, which is not"),
        (HUMANEVAL_PLUS, {**ROW, "test": "def check(f):\n    assert f(1) == 1\n"}, "humaneval reads HumanEval's own"),
        (HUMANEVAL_PLUS, {**ROW, "test": "x" * (17 << 20)}, "are run"),
        (MBPP_PLUS, {**MBPP_ROW, "test": None}, "no field 'test'"),
        (MBPP_PLUS, {**OWN_ROW, "base_input": []}, "base_input is empty"),
        (MBPP_PLUS, {**OWN_ROW, "plus_input": [3]}, "plus_input must be a list of lists"),
        (MBPP_PLUS, {**OWN_ROW, "plus_input": [[3]]}, "not of the form that evalplus gives Mbpp/2"),
        (MBPP_PLUS, {**OWN_ROW, "atol": math.nan}, "atol must be a number"),
        (MBPP_PLUS, {**OWN_ROW, "atol": 10**400}, "atol must be a number"),
        (MBPP_PLUS, {**OWN_ROW, "task_id": "Mbpp/x"}, "not Mbpp/ and a number"),
        (MBPP_PLUS, {**OWN_ROW, "canonical_solution": None}, "canonical_solution"),
    ],
)
def test_a_row_that_would_be_judged_otherwise_than_it_says_is_refused(
    benchmark: Benchmark, row: dict[str, Any], wanted: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="Row 0") as refused:
        load(benchmark, tmp_path, row)
    assert wanted in str(refused.value)


def test_inputs_of_mbpp_get_the_types_that_json_has_not() -> None:
    for number, given_inputs, wanted in (
        (3, [[[1, 2]]], [[[1, 2]]]),
        (63, [[[[1, 2]]]], [[[(1, 2)]]]),
        (75, [[[[1, 2]], 3]], [[[(1, 2)], 3]]),
        (252, [["1+2j"]], [[1 + 2j]]),
        (259, [[[[1, 2]], [[3]]]], [[((1, 2),), ((3,),)]]),
        (278, [[[5, [1, 2]]]], [[(5, (1, 2))]]),
        (307, [[[1], 2, 3]], [[(1,), 2, 3]]),
        (580, [[[1, [2]]]], [((1, (2,)),)]),
        (722, [[{"x": [1]}, 2]], [[{"x": (1,)}, 2]]),
    ):
        assert repr([*map(list, restored(number, given_inputs))]) == repr([*map(list, wanted)]), number


@given(st.lists(st.floats() | st.integers(-(2**54), 2**54), min_size=60, max_size=70))
def test_many_numbers_cross_as_they_are(numbers: list[float]) -> None:
    for value in (numbers, tuple(numbers), [*numbers, True], [numbers] * 2):
        assert repr(decode(encode(value))) == repr(value)
    with pytest.raises(TooLarge):
        decode(encode([0.5] * 64)[:-1])


SCRIPT = """Here is a self-contained script.

```python
{program}
if __name__ == "__main__":
    print({name}(*[]))
```

**How it works**

1. It calls `{name}`:
```
{name}(...)
```
"""


@pytest.mark.parametrize(
    ("benchmark", "row", "program"),
    [
        (HUMANEVAL, {**ROW, "test": "def check(f): pass"}, PEAKS + PEAKS_BODY),
        (HUMANEVAL_PLUS, ROW, PEAKS + PEAKS_BODY),
        (MBPP, {**MBPP_ROW, "test": None}, MBPP_ROW["code"] + "\n"),
        (MBPP_PLUS, MBPP_ROW, MBPP_ROW["code"] + "\n"),
    ],
)
def test_a_chat_asks_as_evalplus_does_and_the_script_is_found(
    benchmark: Benchmark, row: dict[str, Any], program: str, tmp_path: Path
) -> None:
    problems = load(benchmark, tmp_path, row)
    (problem,) = problems
    (prompt,) = asked(str(benchmark.chat), problems)
    assert prompt.startswith("Please provide a self-contained Python script that solves the following problem in a")
    assert prompt.endswith(f"block:\n```python\n{problem.data['prompt']}\n```")
    name = problem.data["entry_point"]
    for text in (SCRIPT.format(program=program, name=name), f"<b>Sure</b>\n```\n{program}```"):
        found = benchmark.verifiers[0].extract(problem, text)
        assert found
        assert found.how == "block"
        assert program.strip() in found.text


def test_what_a_machine_lacks_for_programs_is_said_before_any_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    lacks_sandbox.cache_clear()
    try:
        for benchmark in (HUMANEVAL, HUMANEVAL_PLUS, MBPP, MBPP_PLUS):
            assert all("no bubblewrap" in verifier.lacks() for verifier in benchmark.verifiers)
    finally:
        lacks_sandbox.cache_clear()
