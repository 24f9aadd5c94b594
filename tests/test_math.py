"""The benchmark MATH: its problems, prompts and the paper's subset."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.shared_data import shared
from verifiers.answers import MATH_PAPER, MATH_VERIFY
from verifiers.benchmarks.gsm8k import GSM8K
from verifiers.benchmarks.math import EXAMPLES, MATH
from verifiers.benchmarks.minif2f import MINIF2F
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Problem


def write(folder: Path, rows: list[object]) -> Path:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_math_500_loads_under_its_own_ids() -> None:
    problems = MATH.load(shared("math/math500.jsonl"))
    assert len(problems) == 500
    assert problems[0].key == "test/precalculus/807.json"
    assert set(problems[0].data) == {"problem", "solution", "answer", "level", "subject"}


def test_a_solution_without_an_answer_field_is_enough(tmp_path: Path) -> None:
    (problem,) = MATH.load(write(tmp_path, [{"problem": "p", "solution": r"so $\boxed{\frac{1}{2}}$."}]))
    assert problem.key == "0"
    assert MATH_VERIFY.check(problem, r"\boxed{0.5}").judgement.outcome is Outcome.correct


def test_the_subset_is_the_papers() -> None:
    whole = [Problem(str(number), {}) for number in range(5000)]
    file = shared("math").parents[1] / "reference" / "math_monkeys_subset.json"
    assert MATH.subsets["monkeys"](whole) == json.loads(file.read_text())["order"]


def test_the_subset_of_math_500_is_refused() -> None:
    with pytest.raises(UserError, match="5000"):
        MATH.subsets["monkeys"](MATH.load(shared("math/math500.jsonl")))


def test_the_papers_prefix_gives_the_papers_prompt() -> None:
    prefix = shared("prompts/math_four_shot.txt").read_text()
    (prompt,) = MATH.prompts([Problem("0", {"problem": "Why?"})], None, prefix)
    assert prompt == prefix + "\n\nProblem:\nWhy?\n\nSolution:"


def test_our_own_examples_are_not_the_papers_and_graded_right_by_both_verifiers() -> None:
    theirs = shared("prompts/math_four_shot.txt").read_text().split("Problem:\n")
    ours = EXAMPLES.split("Problem:\n")[1:]
    assert len(ours) == 4
    for example in ours:
        question, solution = example.split("\n\nSolution:\n")
        assert not any(question in other for other in theirs)
        problem = Problem("0", {"problem": question, "solution": solution})
        assert MATH_PAPER.check(problem, solution).judgement.outcome is Outcome.correct
        assert MATH_VERIFY.check(problem, solution).judgement.outcome is Outcome.correct


def test_the_default_prompt_holds_our_examples_and_an_empty_prefix_none() -> None:
    problem = Problem("0", {"problem": "Why?"})
    assert MATH.prompts([problem], None, None) == [f"{EXAMPLES}\n\nProblem:\nWhy?\n\nSolution:"]
    assert MATH.prompts([problem], None, "") == ["Problem:\nWhy?\n\nSolution:"]


def test_shots_are_refused_with_the_way_to_give_them() -> None:
    with pytest.raises(UserError, match="--prompt-file"):
        MATH.prompts([Problem("0", {"problem": "Why?"})], Path("train.jsonl"), None)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"problem": "p"}, "no field 'answer'"),
        ({"answer": "1"}, "no field 'problem'"),
        ({"problem": "p", "solution": "nothing"}, "boxes none"),
        ({"problem": "p", "answer": 3.5}, "a text or a whole number"),
    ],
)
def test_a_row_that_is_no_problem_is_named(tmp_path: Path, row: object, says: str) -> None:
    with pytest.raises(UserError, match=f"Row 0 .*{says}"):
        MATH.load(write(tmp_path, [row]))


KNOWN_ANSWERS = [
    ({"problem": "p", "answer": 27}, "27", "72"),
    ({"problem": "p", "answer": 27.0}, "27", "27.5"),
    ({"question": "p", "Answer": "\\frac{1}{2}"}, "0.5", "2"),
    ({"problem": "p", "expected_answer": "(1, 2)"}, "(1,2)", "(2,1)"),
    ({"question": "p", "final_answer": ["$2$"], "solution": ["So it is 2."], "error": None}, "2", "3"),
    ({"Question": "p", "answer": "x+1", "final_answer": "$x+1$"}, "1+x", "5"),
]
"""Rows in the shapes of other public sets, a right answer and a wrong one."""


def test_other_sets_are_read_by_their_own_fields(tmp_path: Path) -> None:
    rows = [row for row, *_ in KNOWN_ANSWERS]
    for problem, (_, *answers) in zip(MATH.load(write(tmp_path, rows)), KNOWN_ANSWERS, strict=True):
        assert problem.data["problem"] == "p"
        texts = [f"Final Answer: The final answer is ${answer}$. I hope it is correct." for answer in answers]
        for verifier in (MATH_VERIFY, MATH_PAPER):
            outcomes = [verifier.check(problem, text).judgement.outcome for text in texts]
            assert outcomes == [Outcome.correct, Outcome.incorrect], (problem, verifier.name)


def test_a_context_is_part_of_the_question(tmp_path: Path) -> None:
    row = {"context": "Let $T = 3$.", "question": "What is $T$?", "final_answer": ["3"]}
    (problem,) = MATH.load(write(tmp_path, [row]))
    assert problem.data == {"problem": "Let $T = 3$.\nWhat is $T$?", "answer": "3"}


def test_what_was_loaded_before_has_the_contents_it_had(tmp_path: Path) -> None:
    rows = {
        "ad6a1e1c6c89010b": MATH.load(shared("math/math500.jsonl")),
        "a3a01fb3a3fbe71b": MINIF2F.load(shared("minif2f/lean4_v4.24.jsonl")),
        "bc33fe719999ebaf": MINIF2F.load(shared("minif2f/lean4_v4.9.jsonl")),
        "d0988c8cef887ec4": GSM8K.load(shared("gsm8k/test.jsonl")),
    }
    for digest, problems in rows.items():
        text = "".join(problem.key + problem.content_hash for problem in problems)
        assert hashlib.sha256(text.encode()).hexdigest().startswith(digest)
