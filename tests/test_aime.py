"""The benchmark AIME: the fields of its public files, its keys, whole numbers that are right."""

import json
from pathlib import Path
from typing import Any

import pytest

from verifiers.benchmarks.aime import AIME
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Problem

WIKI = "https://artofproblemsolving.com/wiki/index.php/2024_AIME_I_Problems/Problem_4"

ROWS: list[tuple[dict[str, Any], str, str]] = [
    ({"id": 60, "problem": "p", "solution": "s", "answer": "025", "url": WIKI, "year": "2024"}, "2024-60", "25"),
    ({"problem_idx": 1, "problem": "p", "answer": 70, "problem_type": ["Number Theory"]}, "1", "070"),
    ({"problem_idx": 2, "problem": "p", "answer": "588"}, "2", "588"),
    ({"problem": "p", "answer": "468", "id": "0"}, "0", "468"),
    ({"id": 65, "problem": "p", "solution": r"\boxed{204}", "url": WIKI}, "65", "204"),
    (
        {"ID": "1983-1", "Year": 1983, "Problem Number": 1, "Question": "p", "Answer": "60", "Part": None},
        "1983-1",
        "60",
    ),
    ({"year": 2025, "contest": "AIME II", "id": 3, "question": "p", "answer": 7}, "2025-AIME II-3", "7"),
    ({"problem_idx": 3, "problem": "p", "answer": "\\frac{1}{576}", "problem_type": []}, "3", r"\dfrac{1}{576}"),
]
"""Rows in the shapes of HuggingFaceH4's, MathArena's, math-ai's and other files, their keys and a right answer."""


def load(folder: Path, *rows: object) -> list[Problem]:
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return AIME.load(folder / "rows.jsonl")


def test_every_public_files_fields_are_read_and_its_answers_right(tmp_path: Path) -> None:
    for (row, key, right), problem in zip(ROWS, load(tmp_path, *[row for row, *_ in ROWS]), strict=True):
        assert (problem.key, problem.data["problem"]) == (key, "p")
        (verifier,) = AIME.verifiers
        for answer, outcome in {right: Outcome.correct, "999": Outcome.incorrect}.items():
            found = verifier.check(problem, f"Thus it is $\\boxed{{{answer}}}$.")
            assert found.judgement.outcome is outcome, row
        assert isinstance(problem.data["answer"], str)


@pytest.mark.parametrize("answer", [1000, -1, "1/2", "none"])
def test_an_answer_that_aime_cannot_have_is_refused_where_the_row_says_that_it_is_aimes(
    tmp_path: Path, answer: object
) -> None:
    with pytest.raises(UserError, match=r"Row 0 .*answer must be a whole number from 0 to 999, as AIME's are"):
        load(tmp_path, {"id": 1, "problem": "p", "answer": answer, "url": WIKI})
    assert load(tmp_path, {"problem_idx": 1, "problem": "p", "answer": answer})[0].data["answer"] == str(answer)
