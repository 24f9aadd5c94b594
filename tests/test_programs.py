"""Programs get the outcome they deserve, on the public benchmarks' own problems."""

import gzip
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.shared_data import shared
from verifiers.benchmarks.codecontests import ASK, CODECONTESTS
from verifiers.benchmarks.humaneval import HUMANEVAL
from verifiers.benchmarks.mbpp import MBPP
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.programs.stdio import accepts_several, time_limit
from verifiers.verifier import Problem, Verifier

PAPER, STRICT, CPP, _ = CODECONTESTS.verifiers
TESTS = HUMANEVAL.verifiers[0]

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: no program was judged")


def stdio(*pairs: tuple[str, str], **more: Any) -> Problem:
    given, expected = [list(texts) for texts in zip(*pairs, strict=True)]
    return Problem("p", {"description": "", "public_tests": {"input": given, "output": expected}, **more})


def outcome(verifier: Verifier, problem: Problem, text: str) -> Outcome:
    return verifier.check(problem, text).judgement.outcome


# CodeContests


def convert(row: dict[str, Any]) -> dict[str, Any]:
    """SandboxFusion's shape to the public data set's."""
    labels, tests = json.loads(row["labels"]), json.loads(row["test"])
    return {
        "name": labels["name"],
        "description": row["content"].replace("<image>", ""),  # problems with images are left out
        "public_tests": {
            "input": [test["input"]["stdin"] for test in tests],
            "output": [test["output"]["stdout"] for test in tests],
        },
        "time_limit": {"seconds": 2, "nanos": 0},
        "memory_limit_bytes": 256_000_000,
    }


@pytest.fixture(scope="module")
def contests(tmp_path_factory: pytest.TempPathFactory) -> list[Problem]:
    rows = [convert(json.loads(line)) for line in shared("code/codecontests_20.jsonl").read_text().splitlines()]
    file = tmp_path_factory.mktemp("data") / "contests.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return CODECONTESTS.load(file)


def test_twenty_real_problems_load_with_all_their_tests(contests: list[Problem]) -> None:
    assert len(contests) == 20
    assert sum(len(problem.data["public_tests"]["input"]) for problem in contests) == 2233
    assert all(time_limit(problem.data) == 2 for problem in contests)


@needs_bwrap
def test_a_program_that_knows_the_outputs_by_heart_passes_each_real_problem(contests: list[Problem]) -> None:
    for problem in contests[:2]:
        tests = problem.data["public_tests"]
        known = dict(zip(tests["input"], tests["output"], strict=True))
        right = f"import sys\nprint({known!r}[sys.stdin.read()])"
        judgement = PAPER.check(problem, f"```\n{right}\n```").judgement
        if len(known) == len(tests["input"]):
            assert (judgement.outcome, judgement.detail) == (Outcome.correct, f"{len(tests['input'])} tests")


@needs_bwrap
@pytest.mark.parametrize("text", ["print(0)", "import sys\nsys.stdout.write(sys.stdin.read())", "print('YES')"])
def test_a_program_that_guesses_passes_no_real_problem(contests: list[Problem], text: str) -> None:
    assert {outcome(PAPER, problem, f"```\n{text}\n```") for problem in contests} == {Outcome.incorrect}


SHIRTS = """
from collections import Counter
n = int(input())
old, new = ([input() for _ in range(n)] for _ in range(2))
print(sum((Counter(old) - Counter(new)).values()))
"""
TREES = """
import sys
n, k, *rest = map(int, sys.stdin.read().split())
root = list(range(n + 1))
def find(x):
    while root[x] != x:
        root[x] = root[root[x]]
        x = root[x]
    return x
for u, v, black in zip(rest[::3], rest[1::3], rest[2::3]):
    if not black:
        root[find(u)] = find(v)
size = [0] * (n + 1)
for x in range(1, n + 1):
    size[find(x)] += 1
print((pow(n, k, 10**9 + 7) - sum(pow(s, k, 10**9 + 7) for s in size)) % (10**9 + 7))
"""
DIGITS = """
n, m = input().strip(), input().strip()
digits = sorted(n)
first = next((at for at, digit in enumerate(digits) if digit != "0"), 0)
digits[0], digits[first] = digits[first], digits[0]
print("OK" if "".join(digits) == m else "WRONG_ANSWER")
"""
JUMPS = """
s = input().strip()
places = {}
for at, digit in enumerate(s):
    places.setdefault(digit, []).append(at)
seen, queue = {0: 0}, [0]
for at in queue:
    for there in (at - 1, at + 1, *places.pop(s[at], ())):
        if 0 <= there < len(s) and there not in seen:
            seen[there] = seen[at] + 1
            queue.append(there)
print(seen[len(s) - 1])
"""
COUNTING = """
for _ in range(int(input())):
    a, b, q = map(int, input().split())
    sums = [0]
    for x in range(a * b):
        sums.append(sums[-1] + (x % a % b != x % b % a))
    def below(x):
        return x // (a * b) * sums[-1] + sums[x % (a * b)]
    print(*(below(r + 1) - below(l) for l, r in (map(int, input().split()) for _ in range(q))))
"""
NAIVE = """
for _ in range(int(input())):
    a, b, q = map(int, input().split())
    for _ in range(q):
        l, r = map(int, input().split())
        print(sum(x % a % b != x % b % a for x in range(l, r + 1)))
"""


@needs_bwrap
@pytest.mark.parametrize(
    ("key", "right", "wrong", "slow"),
    [
        ("1000_A. Codehorses T-shirts", SHIRTS, ("Counter(old) - Counter(new)", "Counter(set(old) - set(new))"), ""),
        ("1139_C. Edgy Trees", TREES, ("if not black", "if black"), ""),
        ("12_B. Correct Solution?", DIGITS, ('!= "0"', '> "1"'), ""),
        ("digjump", JUMPS, ("*places.pop(s[at], ())", ""), ""),
        ("1342_C. Yet Another Counting Problem", COUNTING, ("below(r + 1)", "below(r)"), NAIVE),
    ],
)
def test_right_wrong_and_slow_programs_for_real_problems(
    contests: list[Problem], key: str, right: str, wrong: tuple[str, str], slow: str
) -> None:
    problem = next(problem for problem in contests if problem.key == key)
    assert wrong[0] in right
    for verifier in (PAPER, STRICT):
        judgement = verifier.check(problem, f"```python\n{right}```").judgement
        assert judgement.outcome is Outcome.correct, judgement.detail
    assert outcome(PAPER, problem, f"```python\n{right.replace(*wrong)}```") is Outcome.incorrect
    if slow:
        assert outcome(STRICT, problem, f"```python\n{slow}```") is Outcome.time_limit


@needs_bwrap
def test_the_first_failing_test_ends_it_and_is_named() -> None:
    problem = stdio(("1 2", "3"), ("2 2", "5"), ("3 3", "6"))
    judgement = PAPER.check(problem, "```\nprint(sum(map(int, input().split())))\n```").judgement
    assert (judgement.outcome, judgement.detail) == (Outcome.incorrect, "test 2 of 3: wrong answer")
    assert (judgement.facts["tests_run"], judgement.facts["tests"]) == (2, 3)
    assert judgement.cpu_seconds > 0


@needs_bwrap
def test_slow_and_greedy_programs_hit_the_problems_own_limits() -> None:
    problem = stdio(("1", "1"), time_limit=0.5, memory_limit_bytes=64 << 20)
    assert outcome(STRICT, problem, "while True: pass") is Outcome.time_limit
    assert outcome(STRICT, problem, "x = bytearray(10 ** 9)\nprint(1)") is Outcome.memory_limit
    assert outcome(PAPER, problem, "x = bytearray(5 * 10 ** 8)\nprint(1)") is Outcome.correct


@needs_bwrap
def test_paper_and_strict_differ_as_they_say() -> None:
    problem = stdio(("1", "YES 0.5"))
    assert outcome(PAPER, problem, "print('yes', 0.500001)") is Outcome.correct
    assert outcome(STRICT, problem, "print('yes', 0.500001)") is Outcome.incorrect


@needs_bwrap
@pytest.mark.skipif(shutil.which("g++") is None, reason="NO G++: no C++ program was judged")
def test_cpp_is_compiled_and_judged() -> None:
    problem = stdio(("1 2", "3"), ("5 6", "11"))
    right = "#include <iostream>\nint main(){int a,b;std::cin>>a>>b;std::cout<<a+b;}"
    assert outcome(CPP, problem, f"```cpp\n{right}\n```") is Outcome.correct
    assert outcome(CPP, problem, f"```cpp\n{right.replace('a+b', 'a-b')}\n```") is Outcome.incorrect
    assert outcome(CPP, problem, "```cpp\nint main( {}\n```") is Outcome.compile_error


def test_a_problem_that_takes_several_answers_is_flagged(contests: list[Problem]) -> None:
    flagged = {problem.key.partition(".")[0] for problem in contests if accepts_several(problem)}
    assert flagged == {"1025_B", "1090_C", "1157_C2"}
    assert accepts_several(Problem("p", {"description": "If there are several, print any of them."}))
    assert not accepts_several(Problem("p", {"description": "Print the number."}))


def test_the_prompt_is_the_papers(tmp_path: Path) -> None:
    row = {"name": "a", "description": "Add.", "public_tests": {"input": ["1"], "output": ["1"]}}
    image = {**row, "name": "b", "description": "See <image>."}
    file, shots = tmp_path / "a.jsonl", tmp_path / "shots.jsonl"
    file.write_text(json.dumps(row) + "\n" + json.dumps(image) + "\n")
    solved = [
        {"description": f"D{n}", "solutions": {"language": [2, 3, 3], "solution": ["int", "é", f"\nprint({n})\n"]}}
        for n in range(2)
    ]
    shots.write_text("".join(json.dumps(row) + "\n" for row in [*solved, {**solved[0], "description": "[Image]"}]))
    problems = CODECONTESTS.load(file)
    assert [problem.key for problem in problems] == ["a"]
    prompt = CODECONTESTS.prompts(problems, shots, None)[0]
    assert sorted(prompt.split("Q: ")[1:3]) == [f"{ASK[3:]}\nD{n}\nA: ```print({n})```\n" for n in range(2)]
    assert prompt.endswith(f"\n{ASK}\nAdd.\nA:")
    assert CODECONTESTS.prompts(problems, None, "Hi.")[0] == f"Hi.\n{ASK}\nAdd.\nA:"


@pytest.mark.parametrize(
    "wrong",
    [
        {"description": 1},
        {"description": "a"},
        {"description": "a", "public_tests": {"input": ["1"], "output": []}},
        {"description": "a", "public_tests": {"input": ["1"], "output": ["1"]}, "time_limit": float("nan")},
        {"description": "a", "public_tests": {"input": ["1"], "output": ["1"]}, "time_limit": {"seconds": "2"}},
        {"description": "a", "public_tests": {"input": ["1"], "output": ["1"]}, "memory_limit_bytes": -1},
        {},
    ],
)
def test_a_row_that_is_no_problem_is_said_to_be_none(tmp_path: Path, wrong: dict[str, Any]) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps(wrong))
    with pytest.raises(UserError, match="Row 0"):
        CODECONTESTS.load(file)


# the bugs of the paper's repository


@needs_bwrap
@pytest.mark.parametrize("text", ["```cpp\nint main(){}\n```", "```\nprint(1\n```", "```py\nthis is no program\n```"])
def test_a_block_that_is_no_python_is_a_compile_error_and_nothing_more(text: str) -> None:
    assert outcome(PAPER, stdio(("1", "1")), text) is Outcome.compile_error


@needs_bwrap
@pytest.mark.parametrize("tag", ["py", "Python", "python3"])
def test_no_spelling_of_python_leaves_its_name_in_the_program(tag: str) -> None:
    assert outcome(PAPER, stdio(("1", "1")), f"```{tag}\nprint(1)\n```") is Outcome.correct


@needs_bwrap
@pytest.mark.parametrize("limit", [None, 0, {"seconds": 0, "nanos": 0}, {"seconds": 100, "nanos": 0}, 0.5, 10**12])
def test_a_problem_with_no_or_a_long_time_limit_is_judged(limit: Any) -> None:
    assert outcome(PAPER, stdio(("1", "1"), time_limit=limit), "print(1)") is Outcome.correct


@needs_bwrap
def test_a_greedy_program_does_not_take_its_neighbours_memory() -> None:
    problem = stdio(("1", "1"), memory_limit_bytes=300_000_000)
    assert outcome(STRICT, problem, "x = []\nwhile True: x.append(bytearray(1 << 24))") is Outcome.memory_limit


# HumanEval and MBPP


@pytest.fixture(scope="module")
def humaneval() -> list[Problem]:
    return HUMANEVAL.load(shared("code/humaneval.jsonl.gz"))


def canonical(path: str) -> dict[str, str]:
    file = shared(path)
    text = gzip.decompress(file.read_bytes()).decode() if path.endswith(".gz") else file.read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    return {row["task_id"]: row["canonical_solution"] for row in rows}


@needs_bwrap
@pytest.mark.parametrize("start", range(0, 164, 41))
def test_every_reference_solution_of_humaneval_is_correct(humaneval: list[Problem], start: int) -> None:
    solutions = canonical("code/humaneval.jsonl.gz")
    for problem in humaneval[start : start + 41]:
        assert TESTS.check(problem, solutions[problem.key]).judgement.outcome is Outcome.correct, problem.key


@needs_bwrap
def test_an_empty_body_passes_no_problem_of_humaneval(humaneval: list[Problem]) -> None:
    for problem in humaneval[::8]:
        assert outcome(TESTS, problem, "    pass\n") in (Outcome.incorrect, Outcome.runtime_error), problem.key


@needs_bwrap
def test_a_helper_that_the_tests_call_is_the_problems_own(humaneval: list[Problem]) -> None:
    find_zero = next(problem for problem in humaneval if problem.key == "HumanEval/32")
    assert outcome(TESTS, find_zero, "    return 0.0\n\ndef poly(xs, x):\n    return 0.0\n") is Outcome.incorrect
    block = "```python\ndef poly(xs, x):\n    return 0.0\n\ndef find_zero(xs):\n    return 0.0\n```"
    assert outcome(TESTS, find_zero, block) is Outcome.incorrect


def recorded(every: int) -> list[tuple[str, str, str]]:
    """(problem, completion, its recorded outcome as 0 or 1), every so many of 8,200."""
    text = gzip.decompress(shared("code/humaneval_codegen16b_samples.jsonl.gz").read_bytes()).decode()
    rows = [json.loads(line) for line in text.splitlines()]
    pairs = [(row["task_id"], *pair) for row in rows for pair in zip(row["samples"], row["outcomes"], strict=True)]
    return pairs[::every]


def disagreements(humaneval: list[Problem], samples: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    problems = {problem.key: problem for problem in humaneval}
    found = []
    for key, text, label in samples:
        judgement = TESTS.check(problems[key], text).judgement
        if (judgement.outcome is Outcome.correct) != (label == "1"):
            found.append((key, label, f"{judgement.outcome}: {judgement.detail}"))
    return found


@needs_bwrap
def test_real_completions_are_judged_as_recorded(humaneval: list[Problem]) -> None:
    assert disagreements(humaneval, recorded(every=82)) == []


@needs_bwrap
@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_8200_real_completions_are_judged_as_recorded(humaneval: list[Problem]) -> None:
    samples = recorded(every=1)
    assert len(samples) == 8200
    assert disagreements(humaneval, samples) == []


@pytest.fixture(scope="module")
def mbpp() -> list[Problem]:
    return MBPP.load(shared("code/mbpp_sanitized.jsonl"))


@needs_bwrap
@pytest.mark.slow
def test_every_reference_solution_of_mbpp_is_correct(mbpp: list[Problem]) -> None:
    outcomes = {problem.key: outcome(TESTS, problem, str(problem.reference)) for problem in mbpp}
    assert len(outcomes) == 427
    assert {key: each for key, each in outcomes.items() if each is not Outcome.correct} == {}


@needs_bwrap
def test_tests_that_call_another_function_of_the_program_are_run(mbpp: list[Problem]) -> None:
    """Eleven rows name the first function of their code, and their asserts call the last; here as the file has them."""
    for number in (6, 164, 797):
        problem = next(each for each in mbpp if each.key == f"MbppEval/{number}")
        first = re.findall(r"^def[ \t]+(\w+)", str(problem.reference), re.MULTILINE)[0]
        named = Problem(problem.key, {**problem.data, "entry_point": first})
        assert outcome(TESTS, named, str(problem.reference)) is Outcome.correct
        assert outcome(TESTS, named, f"def {first}(*_): return 1") is not Outcome.correct


@needs_bwrap
def test_the_public_rows_of_mbpp_are_judged(tmp_path: Path) -> None:
    row = {
        "task_id": 2,
        "prompt": "Write a function to add.",
        "code": "def helper(): pass\ndef add(a, b):\n  return a + b",
        "test_imports": ["import math"],
        "test_list": ["assert add(1, 2) == 3", "assert math.isclose(add(0.1, 0.2), 0.3)"],
    }
    file = tmp_path / "mbpp.jsonl"
    file.write_text(json.dumps(row))
    problem = MBPP.load(file)[0]
    assert MBPP.prompts([problem], None, None)[0].startswith('"""\nWrite a function to add.\nassert add(1, 2) == 3\n')
    assert outcome(MBPP.verifiers[0], problem, row["code"]) is Outcome.correct
    assert outcome(MBPP.verifiers[0], problem, "def add(a, b):\n    return 3") is Outcome.incorrect
