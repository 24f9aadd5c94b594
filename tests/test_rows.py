"""Rows of data sets: from the hub or its cache, and those that are no problems."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.shared_data import shared_case
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


CONTEST = {"description": "d", "public_tests": {"input": ["1"], "output": ["2"]}}
PLUS = {"id": "1_A", "description": "d", "checker": None, "test_cases": [{"input": "1", "output": "2"}]}
LIVE = {
    "question_title": "t", "question_content": "c", "platform": "atcoder", "question_id": "a",
    "contest_date": "2024-01-01", "difficulty": "easy", "starter_code": "", "metadata": "{}",
    "public_test_cases": [{"input": "1", "output": "2", "testtype": "stdin"}], "private_test_cases": [],
}  # fmt: skip
FUNCTION = {"task_id": "a", "prompt": "def f():", "test": "def check(f): pass", "entry_point": "f"}
ASSERTS = {"task_id": 1, "prompt": "p", "code": "def f(): pass", "test_list": ["assert f() is None"]}
INPUTS = {
    "task_id": "HumanEval/0", "prompt": "def f(x):", "entry_point": "f", "canonical_solution": "    return x",
    "base_input": [[1]], "plus_input": [[2]], "atol": 0,
}  # fmt: skip
NO_NUMBER = (float("nan"), float("inf"), -float("inf"), -1, -1e-9, "2", "NaN", True, [1], 10**13, 10**400)
NO_TESTS: tuple[tuple[Any, str], ...] = (
    ("1", "must have input and output"),
    (["1"], "must have input and output"),
    ([{"input": "1", "output": "2"}], "must have input and output"),
    ({"input": "12", "output": "34"}, "must have a list of texts input"),
    ({"input": ["12"], "output": "34"}, "must have a list of texts output"),
    ({"input": [1], "output": ["2"]}, "must have a list of texts input"),
    ({"input": ["1"], "output": [None]}, "must have a list of texts output"),
    ({"input": [["1"]], "output": ["2"]}, "must have a list of texts input"),
    ({"input": ["1"]}, "must have a list of texts output"),
    ({"input": ["1", "2"], "output": ["2"]}, "has 2 inputs and 1 outputs"),
    ({"input": [], "output": ["2"]}, "has 0 inputs and 1 outputs"),
    ({"inputs": ["1"], "outputs": ["2"]}, "must have a list of texts input"),
)
OF_PROGRAMS: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    *(("codecontests", CONTEST, {"time_limit": limit}, "time_limit must be a number") for limit in NO_NUMBER),
    *(("codecontests", CONTEST, {"time_limit": {"seconds": limit}}, "seconds must be a number") for limit in NO_NUMBER),
    *(("codecontests", CONTEST, {"time_limit": {"nanos": limit}}, "nanos must be a number") for limit in NO_NUMBER),
    *(
        ("codecontests", CONTEST, {"memory_limit_bytes": limit}, "memory_limit_bytes must be a number")
        for limit in NO_NUMBER
    ),
    *(("codecontests-plus", PLUS, {"time_limit": limit}, "time_limit must be a number") for limit in NO_NUMBER),
    *(("codecontests-plus", PLUS, {"memory_limit": limit}, "memory_limit must be a number") for limit in NO_NUMBER),
    *(("humaneval-plus", INPUTS, {"atol": limit}, "atol must be a number") for limit in NO_NUMBER),
    ("codecontests", CONTEST, {"time_limit": {"seconds": 0, "nanos": 2}}, "time_limit must be seconds, not 2e-09"),
    ("codecontests", CONTEST, {"memory_limit_bytes": 256}, "memory_limit_bytes must be bytes, not 256"),
    ("codecontests-plus", PLUS, {"memory_limit": 256_000_000}, "memory_limit must be MB"),
    *(
        ("codecontests", CONTEST, {name: tests}, f"{name} {said}")
        for tests, said in NO_TESTS
        for name in ("public_tests", "private_tests", "generated_tests")
    ),
    ("codecontests", CONTEST, {"public_tests": {"input": [], "output": []}}, "it has no tests"),
    ("codecontests", CONTEST, {"public_tests": None}, "it has no tests"),
    *(
        ("codecontests-plus", PLUS, {"test_cases": tests}, "test_cases")
        for tests in ("12", {"input": ["1"]}, ["12"], 1)
    ),
    *(
        ("livecodebench", LIVE, {"public_test_cases": tests}, "public_test_cases")
        for tests in ("12", {}, ["12"], [[1]], 1)
    ),
    ("livecodebench", LIVE, {"public_test_cases": []}, "it has no tests"),
    ("livecodebench", LIVE, {"private_test_cases": '[{"input": NaN}]'}, "private_test_cases is not valid JSON"),
    *(("humaneval", FUNCTION, {"test": test}, "test must be a text") for test in (["assert f()"], {"a": 1}, 1, " ")),
    *(
        ("mbpp", ASSERTS, {"test_list": tests}, "test_list must be a list of texts")
        for tests in ("assert f()", [1], {}, 1)
    ),
    ("mbpp", ASSERTS, {"test_list": []}, "test_list is empty"),
    ("mbpp", ASSERTS, {"test_imports": "import math"}, "test_imports must be a list of texts"),
    *(
        ("humaneval-plus", INPUTS, {"base_input": given}, "base_input must be a list of lists")
        for given in ("12", [1], {}, 1)
    ),
    *(
        ("codecontests", CONTEST, {name: file}, f"{name} must be the name of a file in a program's own folder")
        for name in ("input_file", "output_file")
        for file in (
            "/etc/passwd",
            "../input.txt",
            "a/b",
            "a\0b",
            "..",
            ".",
            "a\nb",
            "\\\\x",
            "main.py",
            "x" * 101,
            "é.txt",
        )
    ),
    ("codecontests", CONTEST, {"input_file": 1}, "input_file must be a text"),
    ("codecontests", CONTEST, {"output_file": ["o"]}, "output_file must be a text"),
]


@pytest.mark.parametrize(("benchmark", "row", "wrong", "said"), OF_PROGRAMS)
def test_a_row_of_programs_that_cannot_be_judged_by_is_refused_at_load(
    tmp_path: Path, benchmark: str, row: dict[str, Any], wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=r"^Row 0 of ") as refused:
        find_benchmark(benchmark).load(write(tmp_path, {**row, **wrong}))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("benchmark", "row"),
    [
        ("codecontests", CONTEST), ("codecontests-plus", PLUS), ("livecodebench", LIVE), ("humaneval", FUNCTION),
        ("mbpp", ASSERTS), ("humaneval-plus", INPUTS),
    ],
)  # fmt: skip
def test_the_rows_that_these_were_made_from_load(tmp_path: Path, benchmark: str, row: dict[str, Any]) -> None:
    assert len(find_benchmark(benchmark).load(write(tmp_path, row))) == 1


@pytest.mark.parametrize("name", ["nan_time", "inf_time", "neg_time", "huge_mem", "tests_strings"])
def test_the_rows_that_were_once_taken_are_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"^Row 0 of .* must "):
        find_benchmark("codecontests").load(shared_case(f"programs/row_{name}.jsonl"))


def test_files_that_are_standard_streams_are_none_and_leave_a_problem_what_it_was(tmp_path: Path) -> None:
    load = find_benchmark("codecontests").load
    (plain,) = load(write(tmp_path, CONTEST))
    for given, written in (("", ""), ("stdin", "stdout"), (None, None), ("STDIN", " standard output ")):
        (same,) = load(write(tmp_path, {**CONTEST, "input_file": given, "output_file": written}))
        assert same.content_hash == plain.content_hash
    (other,) = load(write(tmp_path, {**CONTEST, "input_file": "input.txt", "output_file": "out 1.txt"}))
    assert (other.data["input_file"], other.data["output_file"]) == ("input.txt", "out 1.txt")
