"""What a person reads of a problem: its question and its true answer, from the data alone."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verifiers.benchmarks.pocket_sums import POCKET_SUMS
from verifiers.benchmarks.reading import question_of, true_answer_of

TESTS = {"input": ["1\n", "2\n", "3\n", "4\n"], "output": ["a" * 500, "b", "c", "d"]}

TOLD: list[tuple[dict[str, Any], str | None, str | None]] = [
    ({"question": "1 + 1?", "answer": "#### 2"}, "1 + 1?", "#### 2"),
    ({"problem": "P", "solution": "So 2.", "answer": "2"}, "P", "2\n\nSo 2."),
    ({"question": "Q", "options": ["x", "y"], "letters": "AB", "answer": "B"}, "Q", "B) y"),
    ({"numbers": [1, 2], "target": 0}, None, "0"),
    ({"header": "", "statement": "theorem a"}, "theorem a", "A proof that Lean accepts, of\n\ntheorem a"),
    ({"prompt": "def f():", "test": "assert f()", "entry_point": "f"}, "def f():", "assert f()"),
    ({"problem_statement": "P", "FAIL_TO_PASS": ["a", "b"]}, "P", "A patch that makes these tests pass:\na\nb"),
    ({}, None, None),
    ({"own": 1}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("data", "question", "answer"), TOLD)
def test_a_problem_says_what_is_asked_and_what_is_right(
    data: dict[str, Any], question: str | None, answer: str | None
) -> None:
    assert question_of(data) == question
    assert true_answer_of(data) == answer


def test_tests_are_summed_up() -> None:
    told = true_answer_of({"description": "D", "public_tests": TESTS}) or ""
    assert told.startswith("public tests: 4, the first 3\ninput:\n1\noutput:\naaa")
    assert "… (500 characters)" in told
    assert "input:\n4" not in told


def test_every_problem_of_ours_that_is_bundled_says_both() -> None:
    for problem in POCKET_SUMS.load(None):
        assert question_of(problem.data) == problem.data["question"]
        assert true_answer_of(problem.data) == problem.data["answer"]


NAMES = ["question", "answer", "options", "letters", "public_tests", "base_input", "FAIL_TO_PASS", "statement", "test"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["input", "output"]), inner),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_any_data_of_a_persons_own_is_read(data: dict[str, Any]) -> None:
    for said in (question_of(data), true_answer_of(data)):
        assert said is None or isinstance(said, str)
