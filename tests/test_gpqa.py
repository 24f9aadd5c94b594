"""The benchmark GPQA: options in an order that says nothing, and other sets of questions with options."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from verifiers.benchmarks.gpqa import GPQA, shuffled
from verifiers.benchmarks.template import asked
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Problem

ROW: dict[str, Any] = {
    "Record ID": "rec06pnAkLOr2t2mp", "Question": "Which of these is lightest?\n", "Correct Answer": "helium \n",
    "Incorrect Answer 1": "neon", "Incorrect Answer 2": "argon", "Incorrect Answer 3": "krypton",
    "Explanation": "It is helium.", "Subdomain": "Chemistry (general)", "High-level domain": "Chemistry",
}  # fmt: skip
PRO: dict[str, Any] = {
    "question_id": 70, "question": "Which?", "options": list("klmnopqrst"), "answer": "I", "answer_index": 8,
    "cot_content": "", "category": "business", "src": "x",
}  # fmt: skip
SUPER: dict[str, Any] = {
    "uuid": "ab", "question": "Which?", "options": ["x", "y"], "answer": "y", "answer_letter": "B", "discipline": "Law",
}  # fmt: skip


def load(folder: Path, *rows: object) -> list[Problem]:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return GPQA.load(folder / "rows.jsonl")


def test_a_row_becomes_a_question_with_its_options_in_a_stored_order(tmp_path: Path) -> None:
    (problem,) = load(tmp_path, ROW)
    data = problem.data
    assert problem.key == "rec06pnAkLOr2t2mp"
    assert sorted(data["options"]) == ["argon", "helium", "krypton", "neon"]
    assert data["options"]["ABCD".index(data["answer"])] == "helium"
    assert data["choices"] == "\n".join(
        f"{letter}) {text}" for letter, text in zip("ABCD", data["options"], strict=True)
    )
    assert "It is helium" not in str(data)
    (prompt,) = asked(GPQA.chat or "", [problem])
    assert prompt.startswith("Answer the following multiple choice question. The last line of your response should be")
    assert prompt.endswith(f"'Answer: $LETTER' (without quotes) where LETTER is one of ABCD. Think step by step before "
                           f"answering.\n\nWhich of these is lightest?\n\n{data['choices']}")  # fmt: skip
    for letter in "ABCD":
        outcome = GPQA.verifiers[0].check(problem, f"So.\nAnswer: {letter}").judgement.outcome
        assert outcome is (Outcome.correct if letter == data["answer"] else Outcome.incorrect)


def test_the_order_does_not_depend_on_which_is_right_and_puts_it_everywhere() -> None:
    options = ["helium", "neon", "argon", "krypton"]
    assert shuffled("q", options) == shuffled("q", options[::-1])
    places = Counter(shuffled(f"question {number}", options).index("helium") for number in range(2000))
    assert all(430 < places[place] < 570 for place in range(4))
    assert shuffled("Which?", options) == ["argon", "neon", "krypton", "helium"]


def test_other_sets_keep_their_order_and_their_right_answer(tmp_path: Path) -> None:
    pro, supers = load(tmp_path, PRO, SUPER)
    assert (pro.key, pro.data["answer"], pro.data["letters"]) == ("70", "I", "ABCDEFGHIJ")
    assert (supers.key, supers.data["answer"], supers.data["options"]) == ("ab", "B", ["x", "y"])
    assert GPQA.verifiers[0].check(pro, "The answer is (I).").judgement.outcome is Outcome.correct
    assert GPQA.verifiers[0].check(pro, "The answer is (H).").judgement.outcome is Outcome.incorrect


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({**ROW, "Incorrect Answer 2": None}, "no field 'Incorrect Answer 2'"),
        ({**ROW, "Incorrect Answer 2": ""}, "Incorrect Answer 2 must be a text, not an empty one"),
        ({**ROW, "Correct Answer": float("nan")}, "Correct Answer must be a text, not NaN"),
        ({**PRO, "answer_index": 7}, "its fields name different answers"),
        ({**PRO, "answer": "K"}, "answer must be a letter from A to J"),
        ({**PRO, "answer": 8}, "answer must be a letter from A to J; answer_index counts from 0"),
        ({**PRO, "answer_index": 10}, "answer_index must be a whole number from 0 to 9"),
        ({**PRO, "options": ["x"]}, "options must be 2 to 26 texts"),
        ({**PRO, "options": [1, 2]}, "options must be a list of texts"),
        ({**PRO, "answer": None, "answer_index": None}, "no field 'answer'"),
        ({**SUPER, "answer": "x"}, "its fields name different answers"),
        ({**SUPER, "answer": "z"}, "answer must be a letter from A to B"),
    ],
)
def test_a_row_that_is_no_question_is_named(tmp_path: Path, row: object, said: str) -> None:
    with pytest.raises(UserError, match=f"Row 0 .*{said}"):
        load(tmp_path, row)
