"""pocket-sums: the problems are the same everywhere, true, and never trained on."""

import hashlib
import itertools
import json
import re
from pathlib import Path

import pytest

from verifiers.benchmarks.pocket_sums import POCKET_SUMS, SIZE, benchmark_sums, reserved, training_sums
from verifiers.errors import UserError
from verifiers.outcome import Outcome

PINNED = "0f948f94830837c711b36d2e1c4ee9239d9af8fef77ad34b0a885bbe4d84d74d"


def arithmetic_value(expression: str) -> int:
    """The value of `a op b` or `a * n / 100`, whose divisions leave nothing over."""
    first, *rest = expression.split(" ")
    value = int(first)
    for sign, number in zip(rest[::2], map(int, rest[1::2]), strict=True):
        if sign == "/":
            assert value % number == 0
        value = {"+": value + number, "-": value - number, "*": value * number, "/": value // number}[sign]
    return value


def test_the_benchmark_is_the_same_everywhere() -> None:
    text = json.dumps([written._asdict() for written in benchmark_sums()])
    assert hashlib.sha256(text.encode()).hexdigest() == PINNED


def test_there_are_a_hundred_different_problems() -> None:
    assert len({problem.content_hash for problem in POCKET_SUMS.load(None)}) == SIZE == 100


@pytest.mark.parametrize("verifier", POCKET_SUMS.verifiers, ids=lambda verifier: verifier.name)
def test_every_gold_answer_is_accepted(verifier) -> None:  # type: ignore[no-untyped-def]
    for problem in POCKET_SUMS.load(None):
        assert verifier.check(problem, problem.data["answer"]).judgement.outcome is Outcome.correct
        assert verifier.check(problem, problem.data["answer"] + "7").judgement.outcome is Outcome.incorrect


def test_every_worked_step_is_true_and_the_last_is_the_answer() -> None:
    for written in (*benchmark_sums(), *itertools.islice(training_sums(3), 2_000)):
        *lines, final = written.answer.split("\n")
        assert 1 <= len(lines) <= 10
        values = []
        for line in lines:
            left, right = line.split(" = ")
            assert arithmetic_value(left) == int(right), written
            values.append(right)
        assert final == f"#### {values[-1]}"


def test_every_number_of_a_question_is_used() -> None:
    for written in benchmark_sums():
        assert set(re.findall(r"\d+", written.question)) <= set(re.findall(r"\d+", written.answer))


def test_training_never_holds_the_worked_steps_of_a_problem_of_the_benchmark() -> None:
    asked = {written.answer for written in benchmark_sums()}
    assert all(reserved(written) for written in benchmark_sums())
    written = list(itertools.islice(training_sums(1), 30_000))
    assert len({each.answer for each in written}) > 20_000
    assert asked.isdisjoint(each.answer for each in written)


def test_the_demo_subset_runs_from_easy_to_hard() -> None:
    indices = POCKET_SUMS.subsets["demo"](POCKET_SUMS.load(None))
    assert len(indices) == 34
    assert indices[0] == 0
    assert indices[-1] == 99


def test_a_prompt_is_the_question_after_the_prefix() -> None:
    problems = POCKET_SUMS.load(None)[:1]
    question = problems[0].data["question"]
    assert POCKET_SUMS.prompts(problems, None, None) == [f"Question: {question}\nAnswer:"]
    assert POCKET_SUMS.prompts(problems, None, "Add.\n\n") == [f"Add.\n\nQuestion: {question}\nAnswer:"]


def test_examples_from_a_file_are_refused() -> None:
    with pytest.raises(UserError, match="--shots"):
        POCKET_SUMS.prompts(POCKET_SUMS.load(None), Path("train.jsonl"), None)


def test_a_file_with_the_fields_of_gsm8k_is_read(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(json.dumps({"question": "One and one?", "answer": "1 + 1 = 2\n#### 2"}) + "\n")
    (problem,) = POCKET_SUMS.load(file)
    assert problem.key == "0"
    assert POCKET_SUMS.verifiers[0].check(problem, " 1 + 1 = 2\n#### 2").judgement.outcome is Outcome.correct
