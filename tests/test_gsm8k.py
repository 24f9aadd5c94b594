"""The benchmark GSM8K: its problems, prompts and the paper's subset."""

import json
from pathlib import Path

import pytest

from tests.shared_data import shared
from verifiers.benchmarks.gsm8k import GSM8K
from verifiers.errors import UserError
from verifiers.verifier import Problem


def write(folder: Path, rows: list[object]) -> Path:
    file = folder / "rows.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def reference(name: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = json.loads((shared("gsm8k").parents[1] / "reference" / name).read_text())
    return found


def test_keys_are_line_numbers_unless_the_file_has_ids(tmp_path: Path) -> None:
    rows: list[object] = [
        {"question": "q", "answer": "#### 1"},
        {"id": "x", "question": "q", "answer": "#### 2"},
    ]
    assert [problem.key for problem in GSM8K.load(write(tmp_path, rows))] == ["0", "x"]


def test_the_subset_is_the_papers() -> None:
    problems = GSM8K.load(shared("gsm8k/test.jsonl"))
    assert GSM8K.subsets["monkeys"](problems) == reference("gsm8k_monkeys_subset.json")["order"]


def test_the_subset_of_a_part_of_the_test_set_is_refused() -> None:
    problems = GSM8K.load(shared("gsm8k/test.jsonl"))
    with pytest.raises(UserError, match="1319"):
        GSM8K.subsets["monkeys"](problems[:-1])


def test_prompts_hold_the_papers_five_examples_of_each_problem() -> None:
    problems = GSM8K.load(shared("gsm8k/test.jsonl"))
    train = [json.loads(line) for line in shared("gsm8k/train.jsonl").read_text().splitlines()]
    prompts = GSM8K.prompts(problems, shared("gsm8k/train.jsonl"), None)
    draws = reference("gsm8k_monkeys_subset.json")["few_shot_train_idx"]
    assert len(prompts) == 1319
    for index, shots in dict(draws).items():
        expected = "".join(f"Question: {train[i]['question']}\nAnswer: {train[i]['answer']}\n\n" for i in shots)
        assert prompts[int(index)] == f"{expected}Question: {problems[int(index)].data['question']}\nAnswer:"


def test_a_prefix_replaces_the_examples() -> None:
    problem = Problem("0", {"question": "Why?", "answer": "#### 1"})
    assert GSM8K.prompts([problem], None, "Be brief.\n") == ["Be brief.\n\nQuestion: Why?\nAnswer:"]
    assert GSM8K.prompts([problem], None, "") == ["Question: Why?\nAnswer:"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"question": "q"}, "no field 'answer'"),
        ({"question": "q", "answer": "none"}, "no number"),
        ({"question": 3, "answer": "#### 1"}, "must be a text"),
        ({"question": "q", "answer": 1.5}, "a text or a whole number"),
    ],
)
def test_a_row_that_is_no_problem_is_named(tmp_path: Path, row: object, says: str) -> None:
    with pytest.raises(UserError, match=f"Row 0 .*{says}"):
        GSM8K.load(write(tmp_path, [row]))


def test_too_few_examples_are_refused(tmp_path: Path) -> None:
    shots = write(tmp_path, [{"question": "q", "answer": "#### 1"}] * 4)
    with pytest.raises(UserError, match="needs 5"):
        GSM8K.prompts([Problem("0", {"question": "q", "answer": "#### 1"})], shots, None)
