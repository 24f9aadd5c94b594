"""Files of samples as samples: ours in every shape, those of other tools, and the mistakes in them.

The rows are small and written by us, in the public shape of each tool (tasks/runs/formats says whose code it is by).
"""

import gzip
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tasks.engines.recorded import Recorded
from tasks.runs.matching import Matching
from tasks.runs.sources import Reading, Source
from verifiers.errors import UserError
from verifiers.files import Row
from verifiers.verifier import Problem

KNOWN = {
    "0": Problem("0", {"question": "How much is 1 + 1?", "answer": "#### 2"}),
    "1": Problem("1", {"question": "How much is\n1 + 2?", "answer": "#### 3"}),
    "2": Problem("2", {"question": "Again?", "answer": "#### 4"}),
    "3": Problem("3", {"question": "Again?", "answer": "#### 5"}),
}

ONE, TWO = "How much is 1 + 1?", "How much is 1 + 2?"

Brief = tuple[str, int, str | None, str | None]
"""A sample as problem, index, text, outcome."""


def lines(*rows: Row) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def files_of(folder: Path, contents: Sequence[tuple[str, str | bytes]]) -> list[Path]:
    for name, content in contents:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return [folder / name for name, _ in contents]


def read(
    files: Sequence[Path], known: dict[str, Problem] | None = None, **how: Any
) -> tuple[list[Recorded], Reading, Matching]:
    matching = Matching("sums", known or {}, key_only=known is None)
    reading = Reading(Source(files, **how))
    return list(reading.samples(matching.key)), reading, matching


def brief(samples: Sequence[Recorded]) -> list[Brief]:
    return [(each.problem, each.sample_index, each.completion.text, each.outcome) for each in samples]


WANTED: list[Brief] = [
    ("a", 0, "x", "correct"), ("a", 1, "y", "incorrect"), ("b", 0, "z", None), ("b", 1, "", "correct"),
]  # fmt: skip

SHAPES: list[tuple[str, str, dict[str, Any]]] = [
    ("one row a sample, no index", lines(
        {"problem": "a", "text": "x", "correct": True}, {"problem": "b", "text": "z", "correct": None},
        {"problem": "a", "text": "y", "outcome": "incorrect"}, {"problem": "b", "text": "", "correct": 1}), {}),
    ("lists", lines(
        {"problem": "a", "samples": ["x", "y"], "outcomes": [1, 0]},
        {"problem": "b", "text": ["z", ""], "correct": [None, True], "unknown": 3}, {"problem": "c", "samples": []}),
        {}),
    ("names of outcomes", lines(
        {"problem": "a", "texts": ["x", "y"], "outcomes": ["correct", "incorrect"]},
        {"problem": "b", "texts": ["z", ""], "outcomes": [None, "correct"], "prompt_tokens": 5}), {}),
    ("dotted names", lines(
        {"id": {"of": "a"}, "choices": [{"text": "x"}], "ok": "true"},
        {"id": {"of": "a"}, "choices": [{"text": "y"}], "ok": "0"},
        {"id": {"of": "b"}, "choices": [{"text": "z"}], "ok": None},
        {"id": {"of": "b"}, "choices": [{"text": ""}], "ok": 1}),
        {"columns": {"problem": "id.of", "text": "choices.0.text", "correct": "ok"}}),
    ("table.csv", "problem,sample_index,text,correct\r\na,1,x,True\r\na,2,y,0\r\nb,1,z,\r\nb,2,,1\r\n", {"base": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "how"), SHAPES, ids=[name for name, _, _ in SHAPES])
def test_every_shape_of_rows_gives_the_same_samples(
    tmp_path: Path, name: str, content: str, how: dict[str, Any]
) -> None:
    samples, reading, _ = read(files_of(tmp_path, [(name, content)]), **how)
    assert sorted(brief(samples)) == sorted(WANTED)
    assert reading.form is None


def test_labels_alone_may_be_a_text_of_zeros_and_ones(tmp_path: Path) -> None:
    rows = lines({"problem": "a", "outcomes": "0110"}, {"problem": "b", "outcomes": "1"})
    assert [(each.problem, each.sample_index, each.outcome) for each in read(files_of(tmp_path, [("a", rows)]))[0]] == [
        ("a", 0, "incorrect"), ("a", 1, "correct"), ("a", 2, "correct"), ("a", 3, "incorrect"), ("b", 0, "correct"),
    ]  # fmt: skip


def test_indices_go_on_from_file_to_file_in_the_order_given(tmp_path: Path) -> None:
    contents = [(f"seed{at}.jsonl", lines({"problem": "a", "text": str(at)})) for at in (2, 10)]
    samples, _, _ = read(files_of(tmp_path, contents))
    assert brief(samples) == [("a", 0, "2", None), ("a", 1, "10", None)]


def test_a_question_says_more_than_a_key_and_all_samples_go_by_the_same(tmp_path: Path) -> None:
    rows = [
        {"problem": 1, "question": ONE, "text": "2"},
        {"problem": 2, "question": "How  much is 1 + 2?", "text": "3"},
    ]
    samples, _, matching = read(files_of(tmp_path, [("a.jsonl", lines(*rows))]), KNOWN)
    assert [each.problem for each in samples] == ["0", "1"]
    assert matching.by_question
    samples, _, matching = read(files_of(tmp_path, [("b.jsonl", lines({"problem": TWO, "text": "3"}))]), KNOWN)
    assert [each.problem for each in samples] == ["1"]
    both = lines({"problem": "2", "question": "Again?", "text": "4"}, {"problem": "x", "question": ONE, "text": "2"})
    assert [each.problem for each in read(files_of(tmp_path, [("both.jsonl", both)]), KNOWN)[0]] == ["2", "0"]
    mixed = files_of(tmp_path, [("c.jsonl", lines(rows[0], {"problem": "2", "text": "4"}))])
    with pytest.raises(UserError, match=r"Row 1 of .* is found by its key only"):
        read(mixed, KNOWN)
    several = files_of(tmp_path, [("d.jsonl", lines({"problem": "x", "question": "Again?", "text": "4"}))])
    with pytest.raises(UserError, match="that of several problems, such as '2' and '3'"):
        read(several, KNOWN)
    with pytest.raises(UserError, match="sums has no problem 'x'"):
        read(files_of(tmp_path, [("e.jsonl", lines({"problem": "x", "question": "?", "text": "4"}))]), KNOWN)


NEMO = {"problem": ONE, "expected_answer": "2", "generation": "so 2", "predicted_answer": "2", "symbolic_correct": True,
        "num_generated_tokens": 3, "generation_time": 0.5}  # fmt: skip

LM_EVAL = {"doc_id": 0, "doc": {"question": ONE, "answer": "#### 2"}, "target": "#### 2",
           "arguments": {"gen_args_0": {"arg_0": "Q: ...", "arg_1": {"until": ["Q:"]}}}, "resps": [["2"]],
           "filtered_resps": ["2"], "filter": "strict-match", "metrics": ["exact_match"], "exact_match": 1.0,
           "doc_hash": "d", "prompt_hash": "p", "target_hash": "t"}  # fmt: skip


def inspect_sample(epoch: int, value: Any, **more: Any) -> Row:
    content = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": f"A{epoch}"}]
    return {
        "id": 1, "epoch": epoch,
        "input": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": ONE}],
        "target": "2", "messages": [], "scores": None if value is None else {"match": {"value": value, "answer": "2"}},
        "output": {"model": "openai/gpt", "choices": [{"message": {"role": "assistant", "content": content},
                                                       "stop_reason": "max_tokens"}]},
        "model_usage": {"openai/gpt": {"input_tokens": 9, "output_tokens": 7, "reasoning_tokens": 4},
                        "openai/grader": {"input_tokens": 900, "output_tokens": 70}}, **more,
    }  # fmt: skip


INSPECT_SAMPLES = [
    inspect_sample(2, "I"), inspect_sample(1, "C"), inspect_sample(3, "N"),
    inspect_sample(4, None, error={"message": "lost"}, output={"model": "openai/gpt", "choices": []}),
]  # fmt: skip

INSPECT = {
    "version": 2,
    "status": "success",
    "eval": {"task": "sums", "model": "openai/gpt"},
    "samples": INSPECT_SAMPLES,
}


def inspect_eval() -> bytes:
    with zipfile.ZipFile(packed := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as log:
        log.writestr("header.json", json.dumps({"version": 2}))
        for sample in INSPECT_SAMPLES:
            log.writestr(f"samples/1_epoch_{sample['epoch']}.json", json.dumps(sample))
    return packed.getvalue()


def lighteval() -> bytes:
    import pyarrow
    from pyarrow.parquet import write_table

    row = {"doc": {"id": "17", "query": ONE, "choices": ["2"], "gold_index": [0], "specific": None},
           "model_response": {"input": ONE, "text": ["2"], "input_tokens": [1, 2, 3], "output_tokens": [[4, 5]]},
           "metric": {"extractive_match": 1.0}}  # fmt: skip
    write_table(pyarrow.Table.from_pylist([row]), into := io.BytesIO())
    return into.getvalue()


EVALPLUS = {"date": "2026-01-01", "hash": "h", "eval": {"HumanEval/0": [
    {"task_id": "HumanEval/0", "solution": "p", "base_status": "pass", "plus_status": "pass", "plus_fail_tests": []},
    {"task_id": "HumanEval/0", "solution": "q", "base_status": "pass", "plus_status": "fail", "plus_fail_tests": [[1]]},
    {"task_id": "HumanEval/0", "solution": "r", "base_status": "timeout", "plus_status": "timeout"},
    {"task_id": "HumanEval/0", "solution": "s", "base_status": "fail", "plus_status": "pass"},
]}}  # fmt: skip

OLD_EVALPLUS = {"eval": {"HumanEval/0": {"nfiles": 2, "base": [["success", [True]], ["failed", []]],
                                         "plus": [["failed", []], ["failed", []]]}}}  # fmt: skip

YAML = f"""gt_answer: '#### 2'
is_corrects:
- true
- false
prompt: 'Question: How much is 1 + 1?

  Answer:'
question: {ONE}
samples:
- ' 2'
- 5
"""

EVALS: list[Brief] = [
    ("1", 0, "A1", "correct"), ("1", 1, "A2", "incorrect"), ("1", 2, "A3", "no_answer"),
    ("1", 3, None, "infrastructure_error"),
]  # fmt: skip

FOREIGN: list[tuple[str, list[tuple[str, str | bytes]], dict[str, Any], list[Brief]]] = [
    ("nemo-skills", [(f"output-rs{seed}.jsonl", lines({**NEMO, "id": "s-0", "symbolic_correct": not seed}))
                     for seed in (0, 1)], {}, [("s-0", 0, "so 2", "correct"), ("s-0", 1, "so 2", "incorrect")]),
    ("nemo-skills", [("all.jsonl", lines({**NEMO, "id": 1, "_full_generation": "<think>hm</think>so 2"}))], {},
     [("1", 0, "<think>hm</think>so 2", "correct")]),
    ("lm-eval", [("samples_gsm8k.jsonl", lines(LM_EVAL, {**LM_EVAL, "doc_id": 1, "exact_match": 0.0}))], {},
     [("0", 0, "2", "correct"), ("1", 0, "2", "incorrect")]),
    ("lm-eval", [("two.jsonl", lines(LM_EVAL, {**LM_EVAL, "filter": "flexible-extract"}))],
     {"where": [("filter", "flexible-extract")]}, [("0", 0, "2", "correct")]),
    ("lm-eval", [("repeats.jsonl", lines({**LM_EVAL, "resps": [["2", "3"]]}))], {},
     [("0", 0, "2", None), ("0", 1, "3", None)]),
    ("lm-eval", [("acc.jsonl", lines({**LM_EVAL, "metrics": ["exact_match", "acc"], "acc": 0}))],
     {"columns": {"correct": "acc", "problem": "doc.answer"}}, [("#### 2", 0, "2", "incorrect")]),
    ("inspect", [("log.json", json.dumps(INSPECT, indent=2))], {}, EVALS),
    ("inspect", [("log.eval", inspect_eval())], {}, EVALS),
    ("lighteval", [("details.parquet", lighteval())], {}, [("17", 0, "2", "correct")]),
    ("evalplus", [("samples.jsonl", lines({"task_id": "HumanEval/0", "solution": "p", "_identifier": "i"}))], {},
     [("HumanEval/0", 0, "p", None)]),
    ("evalplus", [("x_eval_results.json", json.dumps(EVALPLUS))], {},
     [("HumanEval/0", 0, "p", "correct"), ("HumanEval/0", 1, "q", "incorrect"), ("HumanEval/0", 2, "r", "time_limit"),
      ("HumanEval/0", 3, "s", "incorrect")]),
    ("evalplus", [("x_eval_results.json", json.dumps(EVALPLUS))], {"columns": {"correct": "base_status"}},
     [("HumanEval/0", 0, "p", "correct"), ("HumanEval/0", 1, "q", "correct"), ("HumanEval/0", 2, "r", "time_limit"),
      ("HumanEval/0", 3, "s", "incorrect")]),
    ("evalplus", [("eval_results.json", json.dumps(OLD_EVALPLUS))], {"columns": {"correct": "base_status"}},
     [("HumanEval/0", 0, None, "correct"), ("HumanEval/0", 1, None, "incorrect")]),
    ("paper", [("7.yaml", YAML)], {}, [("7", 0, " 2", "correct"), ("7", 1, "5", "incorrect")]),
    ("paper", [("GSM8K.json", json.dumps([{"question": ONE, "samples": ["2"], "is_corrects": [True],
                                           "gt_answer": "#### 2", "orig_dset_split": "test", "orig_dset_idx": 9}]))],
     {}, [("9", 0, "2", "correct")]),
]  # fmt: skip


@pytest.mark.parametrize("named", [False, True], ids=["recognised", "named"])
@pytest.mark.parametrize(
    ("form", "contents", "how", "wanted"), FOREIGN, ids=[f"{form}-{files[0][0]}" for form, files, _, _ in FOREIGN]
)
def test_files_of_another_tool_are_its_samples(
    tmp_path: Path,
    form: str,
    contents: list[tuple[str, str | bytes]],
    how: dict[str, Any],
    wanted: list[Brief],
    named: bool,
) -> None:
    from tasks.runs.formats import FORMATS

    samples, reading, _ = read(files_of(tmp_path, contents), **how, form=form if named else None)
    assert brief(samples) == wanted
    assert reading.form is FORMATS[form]


def test_what_other_tools_say_of_tokens_and_thoughts_comes_along(tmp_path: Path) -> None:
    samples, _, _ = read(files_of(tmp_path, [("log.json", json.dumps(INSPECT))]))
    said = samples[0].completion
    assert (said.thinking, said.finish_reason) == ("hm", "length")
    assert (said.prompt_tokens, said.completion_tokens, said.thinking_tokens) == (9, 7, 4)
    samples, _, _ = read(files_of(tmp_path, [("details.parquet", lighteval())]))
    assert (samples[0].completion.prompt_tokens, samples[0].completion.completion_tokens) == (3, 2)
    samples, reading, _ = read(files_of(tmp_path, [("output-rs0.jsonl", lines(NEMO))]), KNOWN)
    assert (samples[0].problem, samples[0].completion.completion_tokens) == ("0", 3)
    assert reading.label == "symbolic_correct"


def test_a_folder_of_yaml_goes_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    files_of(tmp_path, [(f"samples/{name}.yaml", YAML) for name in (10, 9)])
    assert [each.problem for each in read([tmp_path / "samples"])[0]] == ["9", "9", "10", "10"]


GOOD = {"problem": "a", "text": "x"}

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nsamples: [*b, *b]\nis_corrects: []\n"

MISTAKES: list[tuple[str, str | bytes, dict[str, Any], str]] = [
    ("half.jsonl", lines({**GOOD, "sample_index": 0}, GOOD), {}, "Row 1 of .* no sample_index, and others have one"),
    ("other half.jsonl", lines(GOOD, {**GOOD, "sample_index": 0}), {}, "has a sample_index, and others have none"),
    ("lengths.jsonl", lines({"problem": "a", "samples": ["x", "y"], "outcomes": "101"}), {},
     "Row 0 of .* text has 2 values, but correct has 3"),
    ("letters.jsonl", lines({"problem": "a", "outcomes": "01x1"}), {}, "outcome cannot be '01x1'"),
    ("twice.jsonl", lines({"problem": "a", "outcomes": "01", "correct": [1, 0]}), {}, "given twice"),
    ("index.jsonl", lines({**GOOD, "sample_index": 2**31 - 1}), {}, "a sample_index of 2147483647 is impossible"),
    ("texts.jsonl", lines({"problem": "a", "samples": ["x", 5]}), {}, "text cannot be '5'"),
    ("tokens.jsonl", lines({"problem": "a", "samples": ["x", "y"], "completion_tokens": [1, -1]}), {},
     "completion_tokens cannot be '-1'"),
    ("one sum.jsonl", lines({"problem": "a", "samples": ["x", "y"], "completion_tokens": 7}), {},
     "completion_tokens is one value, but the row has 2 samples"),
    ("nested.jsonl", lines({"problem": "a", "text": {"a": [[[[[[1]]]]]]}}), {}, "text cannot be"),
    ("missing.jsonl", lines(GOOD), {"columns": {"text": "a.b"}}, "has no column 'a.b'; it has problem, text"),
    ("ours.jsonl", lines(GOOD), {"columns": {"texts": "text"}}, "no column 'texts' of ours"),
    ("no problem.jsonl", lines({"text": "x"}), {}, "has no column 'problem'"),
    ("csv.csv", "problem,text,completion_tokens\na,x,many\n", {}, "completion_tokens cannot be 'many'"),
    ("filters.jsonl", lines(LM_EVAL, {**LM_EVAL, "filter": "x"}), {}, "--where filter=strict-match picks one"),
    ("likelihoods.jsonl", lines({**LM_EVAL, "resps": [[[-3.5, False]], [[-1.0, True]]]}), {}, "likelihoods of choices"),
    ("share.jsonl", lines({**LM_EVAL, "exact_match": 0.5}), {}, "correct cannot be '0.5'"),
    ("metric.jsonl", lines(LM_EVAL), {"columns": {"correct": "acc"}}, "no label 'acc'; it has exact_match"),
    ("several.jsonl", lines({**LM_EVAL, "resps": [["2", "3"]], "metrics": []}), {"columns": {"correct": "acc"}},
     "has a label of its own for each sample"),
    ("partial.json", json.dumps({**INSPECT, "samples": [inspect_sample(1, "P")]}), {}, "its score match is 'P'"),
    ("output.json", json.dumps({**INSPECT, "samples": [{**inspect_sample(1, "C"), "output": [1]}]}), {},
     "Row 0 of .* is not as Inspect"),
    ("not a zip.eval", b"PK\x03\x04", {}, "inspect log convert --to json"),
    ("status.json", json.dumps({"eval": {"a": [{"base_status": "??"}]}}), {}, "is not as evalplus"),
    ("rows.jsonl", lines(GOOD), {"form": "inspect"}, "is not as Inspect .* has it; --from rows"),
    ("bomb.yaml", BOMB, {}, "an anchor or an alias in line 1"),
    ("object.yaml", "samples: !!python/object/apply:os.system [exit 1]\n", {}, "a tag, an anchor"),
    ("deep.yaml", "samples: " + "[" * 500 + "]" * 500, {}, "nested more than 8 deep"),
    ("list.yaml", "- 1\n", {}, "is not a mapping"),
    ("broken.yaml", "a: [", {}, "is not a readable YAML file"),
    ("packed.yaml", gzip.compress(YAML.encode()), {}, "is not a readable YAML file"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "how", "said"), MISTAKES, ids=[name for name, _, _, _ in MISTAKES])
def test_a_mistake_in_a_source_is_one_sentence(
    tmp_path: Path, name: str, content: str | bytes, how: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said) as refusal:
        read(files_of(tmp_path, [(name, content)]), **how)
    assert "\n" not in str(refusal.value)


def test_files_of_two_tools_are_not_one_run(tmp_path: Path) -> None:
    files = files_of(tmp_path, [("a.jsonl", lines(NEMO)), ("b.jsonl", lines(LM_EVAL))])
    with pytest.raises(UserError, match="is of another form than"):
        read(files, KNOWN)
