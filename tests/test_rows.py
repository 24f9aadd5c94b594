"""Rows of data sets: from the hub or its cache, and those that are no problems."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from verifiers.benchmarks import BENCHMARKS, find_benchmark
from verifiers.benchmarks.rows import JUDGING, hub_rows
from verifiers.errors import UserError


def write(folder: Path, *rows: object) -> Path:
    """A JSONL file of rows; a text is a line as it stands."""
    file = folder / "rows.jsonl"
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return file


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of data sets, and a hub that nobody can reach."""
    import datasets.config
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    return tmp_path


def test_a_hub_that_does_not_answer_is_asked_once_and_told_with_what_lacks(cache: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(UserError, match="give the problems with --data FILE") as problems:
        list(hub_rows("openai/gsm8k", "main", "test"))
    with pytest.raises(UserError, match="give the few-shot examples with --shots FILE, or --shots 0 for none"):
        find_benchmark("gsm8k").prompts([], None, None)  # type: ignore[misc]
    assert time.monotonic() - begun < 3
    assert str(problems.value).startswith("openai/gsm8k could not be loaded from the Hugging Face hub (it does not")


def test_what_the_hub_once_gave_is_there_without_it(cache: Path) -> None:
    import datasets
    from datasets import config
    from datasets.arrow_writer import ArrowWriter

    folder = cache / "openai___gsm8k" / "main" / "0.0.0" / ("0" * 40)
    folder.mkdir(parents=True)
    row = {"question": "1 + 1?", "answer": "#### 2"}
    features = datasets.Features({name: datasets.Value("string") for name in row})
    with ArrowWriter(path=str(folder / "gsm8k-test.arrow"), features=features) as writer:
        writer.write(row)
        writer.finalize()
    info = datasets.DatasetInfo(
        features=features,
        splits=[{"name": "test", "num_examples": 1, "dataset_name": "gsm8k"}],
        builder_name="parquet",
        dataset_name="gsm8k",
        config_name="main",
        version="0.0.0",
    )
    info.write_to_directory(str(folder))
    (problem,) = find_benchmark("gsm8k").load(None)
    assert problem.data == row
    assert config.HF_HUB_OFFLINE is False


REFUSED: list[tuple[str, Any, str]] = [
    ("gsm8k", {"question": "q", "answer": "#### 1", "test": "assert f(1)"}, "the field 'test', .*; humaneval"),
    ("math", {"problem": "p", "answer": "1", "input_output": "{}"}, "'input_output', .*; no benchmark reads it"),
    (
        "humaneval",
        {"task_id": "a", "prompt": "p", "test": "t", "entry_point": "f", "plus_input": [[1]]},
        "'plus_input'",
    ),
    ("mbpp", {"task_id": 1, "test_list": ["x"], "challenge_test_list": ["y"]}, "'challenge_test_list'"),
    (
        "codecontests",
        {"description": "d", "public_tests": {"input": ["1"], "output": ["2"]}, "checker": "c"},
        "checker",
    ),
    ("math", {"problem": "p", "answer": "1", "level": float("nan")}, "NaN or .* in 'level'"),
    ("math", '{"problem": "p", "answer": NaN}', "answer must be a text or a whole number, not NaN"),
    ("math", {"problem": "p", "answer": 0.5}, "answer must be .*, not a fraction"),
    ("math", {"problem": "p", "answer": True}, "answer must be .*, not true or false"),
    ("math", {"problem": "p", "answer": ["1", "2"]}, "answer must be .*, not a list"),
    ("math", {"problem": "p", "answer": {"a": 1}}, "answer must be .*, not an object"),
    ("math", {"problem": "p", "answer": " "}, "answer must be .*, not an empty one"),
    ("math", {"problem": "p", "answer": "1", "id": ["x"]}, "id must be a text or a number, not a list"),
    ("math", {"problem": "p", "answer": "1", "solution": 3}, "solution must be a text"),
    ("math", {"problem": "p", "Answer": "1", "final_answer": "2"}, "its Answer and final_answer differ"),
    ("aime", {"problem": "p", "answer": "1", "expected_answer": "2"}, "its answer and expected_answer differ"),
    ("math", {"question": "q", "answer": "2+2=4\n#### 4"}, "ends in ####, as the benchmark gsm8k reads it"),
    ("math", {"question": "q", "options": ["x", "y"], "answer": "B", "answer_index": 1}, "'options', .*; gpqa reads"),
    ("codecontests", {"description": "d", "public_tests": {"input": "12", "output": "34"}}, "input must be a list of"),
    ("codecontests", {"description": "d", "time_limit": 10**400}, "time_limit must be a number"),
    ("math", {"problem": "p", "final_answer": ["1"], "error": "1e-2"}, "a tolerance"),
    ("math", {"problem": "p", "answer": "1", "id": "a\ud800"}, "has no usable key"),
    ("math", {"problem": "p", "answer": "1", "id": 10**501}, "has no usable key"),
    ("gsm8k", {"question": 3, "answer": "#### 1"}, "question must be a text, not a number"),
    ("pocket-sums", {"question": None, "answer": "#### 1"}, "no field 'question'"),
    ("pocket-sums", {"question": "q", "answer": "none"}, "no number"),
    ("minif2f", {"header": 1, "formal_statement": "theorem a : 1 = 1 := by"}, "header must be a text"),
]


@pytest.mark.parametrize(("benchmark", "row", "said"), REFUSED)
def test_a_row_that_is_no_problem_here_is_one_sentence_with_its_number_and_field(
    tmp_path: Path, benchmark: str, row: Any, said: str
) -> None:
    with pytest.raises(UserError, match=rf"^Row 0 of {tmp_path}/rows.jsonl \(from 0\) .*{said}") as refused:
        find_benchmark(benchmark).load(write(tmp_path, row))
    assert "\n" not in str(refused.value)


def test_fields_that_judge_but_are_empty_are_let_pass(tmp_path: Path) -> None:
    row = {"question": "q", "answer": "#### 1", "test": "", "tests": [], "private_tests": {"input": [], "output": []}}
    assert len(find_benchmark("gsm8k").load(write(tmp_path, row))) == 1


def test_whoever_is_said_to_read_a_field_is_a_benchmark() -> None:
    assert {name for readers in JUDGING.values() for name in readers} <= BENCHMARKS.keys()
