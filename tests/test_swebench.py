"""SWE-bench: its rows, what an llm is asked, and predictions that others made."""

import ast
import gc
import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models import settings
from tasks.runs.request import RunRequest, chosen_problems
from tasks.stored import prepare_verifiers
from tests.place import Place
from tests.shared_data import shared, shared_rows
from verifiers.benchmarks import BENCHMARKS, find_benchmark
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.swebench_prompts import LONGEST_FILE, oracle_prompt
from verifiers.errors import UserError
from verifiers.patches.diff import extract_patch
from verifiers.verifier import Problem

ROWS = "swebench_lite/flask/rows.jsonl"

ROW: dict[str, Any] = {
    "instance_id": "a__b-1", "repo": "a/b", "base_commit": "0" * 40, "version": "1.0",
    "problem_statement": "It {breaks}.",
    "patch": "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-old\n+new_and_right\n", "test_patch": "--- a/t.py\n+++ b/t.py\n",
    "eval_script": "#!/bin/bash\n", "log_parser": "parse_log_pytest", "eval_type": "pass_and_fail",
    "image": "swebench/sweb.eval.x86_64.a_1776_b-1:latest", "FAIL_TO_PASS": ["t.py::test_x"], "PASS_TO_PASS": [],
}  # fmt: skip


def write(file: Path, *rows: Any) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def lite(file: Path) -> list[Any]:
    return find_benchmark("swebench-lite").load(file)


def test_published_rows_are_problems_with_the_right_patch_as_reference_and_nowhere_else() -> None:
    problems, rows = lite(shared(ROWS)), shared_rows(ROWS)
    assert [problem.key for problem in problems] == ["pallets__flask-4045", "pallets__flask-5063"]
    for problem, row in zip(problems, rows, strict=True):
        assert problem.reference == row["patch"]
        assert row["patch"] not in json.dumps(problem.data)
        assert problem.data["FAIL_TO_PASS"] == json.loads(row["FAIL_TO_PASS"])
        assert not {"patch", "hints_text", "created_at", "environment_setup_commit"} & problem.data.keys()
    assert [problem.data["gold_files"] for problem in problems] == [["src/flask/blueprints.py"], ["src/flask/cli.py"]]


def test_lists_and_their_json_text_are_the_same_problem(tmp_path: Path) -> None:
    texts = {name: json.dumps(ROW[name]) for name in ("FAIL_TO_PASS", "PASS_TO_PASS")}
    (one,), (two,) = lite(write(tmp_path / "1", ROW)), lite(write(tmp_path / "2", {**ROW, **texts, "hints_text": "h"}))
    assert one.content_hash == two.content_hash


WRONG = [
    ({"image": None, "eval_script": None}, "no image and no eval_script, as rows for harnesses before swebench 5: "),
    ({"log_parser": None}, "it has no log_parser, as rows"),
    ({"FAIL_TO_PASS": "[1]"}, "FAIL_TO_PASS must be a list of texts"),
    ({"PASS_TO_PASS": "['a']"}, "PASS_TO_PASS must be a list of texts, or the JSON text of one"),
    ({"PASS_TO_PASS": "[" * 100_000}, "PASS_TO_PASS must be a list"),
    ({"FAIL_TO_PASS": {"a": 1}}, "FAIL_TO_PASS must be"),
    ({"FAIL_TO_PASS": "[]"}, "FAIL_TO_PASS and PASS_TO_PASS name no test"),
    ({"eval_type": "all"}, "eval_type must be one of"),
    ({"eval_type": ["all"]}, "eval_type must be one of"), ({"image": "A image"}, "image 'A image' is not the name"),
    ({"image": "--privileged"}, "is not the name of an image"),
    ({"image": "a/" * 300 + "a"}, "is not the name of an image"),
    ({"image": "a\n"}, "is not the name of an image"), ({"problem_statement": " "}, "problem_statement must be a text"),
    ({"patch": 3}, "patch must be a text"), ({"oracle": "<code>\n" + ROW["patch"]}, "its oracle holds the patch"),
    ({"instance_id": 7}, "instance_id must be a text"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_a_row_that_is_no_problem_is_one_sentence_with_its_number_and_field(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=r"^Row 1 of .* \(from 0\) is not a problem of this benchmark") as refused:
        lite(write(tmp_path / "rows.jsonl", ROW, {**ROW, "instance_id": "a__b-2", **change}))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_rows_of_the_older_shape_are_told_where_newer_ones_are() -> None:
    for name in ("swebench-lite", "swebench-verified"):
        with pytest.raises(UserError, match=r"no image.*https://huggingface.co/datasets/SWE-bench/SWE-bench_Lite"):
            find_benchmark(name).load(shared("swebench_lite/instances.jsonl"))


def test_names_of_images_with_a_registry_a_digest_or_neither_are_taken(tmp_path: Path) -> None:
    for image in ("a", "a/b:c", "localhost:5000/a/b", "ghcr.io/a__b/c-d.e:1.0", f"x@sha256:{'0' * 64}"):
        (problem,) = lite(write(tmp_path / "rows.jsonl", {**ROW, "image": image}))
        assert problem.data["image"] == image


def prompt(file: Path, **asked: Any) -> str:
    return chosen_problems(RunRequest("swebench-lite", "m", 1, data=file, **asked))[1][0]


def test_the_issue_alone_is_asked_for_a_diff_in_a_fence(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", ROW)
    for asked in ({}, {"sampling": {"chat": True}}):
        text = prompt(file, **asked)
        assert "in the repository a/b.\n<issue>\nIt {breaks}.\n</issue>\n" in text
        example = extract_patch(Problem("p", {}), text)
        assert example is not None
        assert example.how == "fenced"
        assert not any(hidden in text for hidden in ("new_and_right", "t.py", "test_x"))


@pytest.mark.parametrize("name", ["patch", "test_patch", "FAIL_TO_PASS", "PASS_TO_PASS", "eval_script"])
def test_a_template_cannot_hold_what_says_what_is_right(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "rows.jsonl", ROW)
    with pytest.raises(UserError, match=r"which says what is right|which is no field of these problems"):
        prompt(file, template=f"{{problem_statement}} {{{name}}}")
    assert prompt(file, template="{repo}: {problem_statement}") == "a/b: It {breaks}."


def test_the_oracle_is_the_rows_own_column_where_it_has_one(tmp_path: Path) -> None:
    for name in ("oracle", "text"):
        file = write(tmp_path / "rows.jsonl", {**ROW, name: "the files are these"})
        assert (
            prompt(file, form="oracle") == prompt(file, form="oracle", sampling={"chat": True}) == "the files are these"
        )


@pytest.fixture
def _no_docker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The settings of a person without a Docker daemon."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    settings.settings.cache_clear()
    prepare_verifiers()
    yield
    settings.settings.cache_clear()
    gc.collect()  # Docker's client leaves the socket that it could not connect to the collector


@pytest.mark.usefixtures("_no_docker")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_the_column_and_without_docker_the_oracle_is_one_sentence(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", ROW, {**ROW, "instance_id": "a__b-2", "oracle": "o"})
    with pytest.raises(UserError, match=r"^The files that a prompt shows lie in the image swebench/.*column `oracle`"):
        prompt(file, form="oracle")
    assert prompt(file, form="oracle", problems=["a__b-2"]) == "o"


def test_prompts_that_a_benchmark_has_not_or_that_are_changed_are_mistakes(tmp_path: Path) -> None:
    file = write(tmp_path / "rows.jsonl", {**ROW, "oracle": "o"})
    with pytest.raises(UserError, match="swebench-lite has no prompts 'none'; it has oracle besides its first"):
        prompt(file, form="none")
    with pytest.raises(UserError, match="gsm8k has no prompts 'oracle'; it has none"):
        chosen_problems(
            RunRequest(
                "gsm8k", "m", 1, data=write(tmp_path / "g", {"question": "q", "answer": "#### 1"}), form="oracle"
            )
        )
    for more in ({"no_shots": True}, {"template": "{repo}"}, {"prefix": "x"}):
        with pytest.raises(UserError, match="--prompt is a whole prompt; leave out"):
            prompt(file, form="oracle", **more)


def test_prompts_of_a_persons_own_benchmark_are_as_many_as_its_problems(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from verifiers.benchmarks.benchmark import Benchmark, Sampling\n"
        "from verifiers.benchmarks.gsm8k import GSM8K\n"
        "from verifiers.verifier import Problem\n"
        "benchmark = Benchmark(name='mine', about='', load=lambda _: [Problem('a', {'question': 'q'})],\n"
        "    verifiers=GSM8K.verifiers, sampling=Sampling(0.5, 9), chat='{question}',\n"
        "    forms={'loud': lambda problems: [each.data['question'].upper() for each in problems],\n"
        "           'none': lambda problems: []})\n"
    )
    request = RunRequest(str(tmp_path / "own.py"), "m", 1, form="loud")
    assert chosen_problems(request)[1] == ["Q"]
    with pytest.raises(UserError, match="the prompts none of mine gave a list of 0, not a list of 1 texts"):
        chosen_problems(replace(request, form="none"))


def test_the_words_of_the_oracle_are_the_official_ones() -> None:
    found = importlib.util.find_spec("swebench")
    if found is None:
        pytest.skip("swebench is not installed")
    source = Path(next(iter(found.submodule_search_locations or ())), "inference/make_datasets/create_instance.py")
    wanted = {"PATCH_EXAMPLE", "add_lines_list", "add_lines", "make_code_text", "prompt_style_3"}
    tree = ast.parse(source.read_text())
    tree.body = [
        each for each in tree.body
        if (each.name if isinstance(each, ast.FunctionDef) else ast.unparse(each).partition(" = ")[0]) in wanted
    ]  # fmt: skip
    official: dict[str, Any] = {}
    exec(compile(tree, "official", "exec"), official)
    readmes, files = {"README.rst": "Read\nme"}, {"b/c.py": "x = 1\n\n", "a.py": "{y}\n"}
    instance = {"problem_statement": "It breaks.\r\n", "readmes": readmes, "file_contents": files}
    assert oracle_prompt("It breaks.\r\n", readmes, files) == official["prompt_style_3"](instance)


def test_a_file_that_is_too_long_is_shown_to_a_whole_line() -> None:
    text = oracle_prompt("i", {}, {"a.py": f"{'x' * 99}\n" * 10_000})
    last = LONGEST_FILE // 100
    assert f"\n{last} {'x' * 99}\n{last + 1} [...]\n[end of a.py]\n</code>" in text


def test_the_benchmarks_say_where_they_are_from_and_which_problems_are_known() -> None:
    for name in ("swebench-lite", "swebench-verified"):
        benchmark = BENCHMARKS[name]
        assert isinstance(benchmark, Benchmark)
        assert benchmark.source.startswith("https://huggingface.co/datasets/SWE-bench/")
        assert benchmark.verifiers[0].queue == "verify.docker"
    ours = {row["instance_id"] for row in shared_rows("swebench_lite/instances.jsonl")}
    assert BENCHMARKS["swebench-lite"].known.keys() <= ours


# what others made


def predicted(instance: str, patch: str | None, llm: str = "agent/one") -> dict[str, Any]:
    return {"instance_id": instance, "model_name_or_path": llm, "model_patch": patch}


def variant(gold: str, number: int) -> str:
    """A patch of its own that begins as the right one does."""
    return f"{gold}diff --git a/n{number}.py b/n{number}.py\nnew file mode 100644\nindex 0000000..e69de29\n"


def extracted(place: Place, run: int) -> list[str | None]:
    """The candidate of each sample as its verify works will find it, in order of problems and indices."""
    rows = place.query("select text from sample where run_id = %s order by problem_id, sample_index", (run,))
    found = [extract_patch(Problem("p", {}), row["text"]) for row in rows]
    return [None if each is None else each.text for each in found]


def take(place: Place, *files: Path, more: tuple[str, ...] = ()) -> int:
    options = ("--benchmark", "swebench-lite", "--data", str(shared(ROWS)), "--quiet")
    return int(place.ok("import", *map(str, files), *options, *more))


def test_a_thousand_attempts_at_two_problems_are_one_run_with_forty_candidates(place: Place, tmp_path: Path) -> None:
    rows = shared_rows(ROWS)
    predictions = [
        predicted(row["instance_id"], variant(row["patch"], attempt % 20)) for attempt in range(500) for row in rows
    ]
    run = take(place, write(tmp_path / "predictions.jsonl", *predictions))
    (made,) = place.query(
        "select run.n, llm.name as llm, count(*) as samples from run join llm on llm.id = llm_id "
        "join sample on sample.run_id = run.id where run.id = %s group by 1, 2", (run,)
    )  # fmt: skip
    assert made == {"n": 500, "llm": "agent/one", "samples": 1_000}
    candidates = extracted(place, run)
    assert len(set(candidates)) == 40
    assert None not in candidates
    works = place.query(
        "select kind::text, queue, count(*) from work where run_id = %s and state <> 'done' group by 1, 2", (run,)
    )
    assert [(row["kind"], row["queue"]) for row in works] == [("verify", "verify.docker")]


def test_a_list_an_object_and_a_file_an_attempt_are_the_same_samples(place: Place, tmp_path: Path) -> None:
    one, two = (row["instance_id"] for row in shared_rows(ROWS))
    gold = shared_rows(ROWS)[0]["patch"]
    attempts = [[predicted(one, gold), predicted(two, None)], [predicted(one, ""), predicted(two, "no diff")]]
    attempts.append(attempts[0])
    everything = [each for attempt in attempts for each in attempt]
    (tmp_path / "list.json").write_text(json.dumps(everything, indent=1))
    write(tmp_path / "lines.jsonl", *everything)
    files = []
    for place_of, attempt in enumerate(attempts):
        by_id = {each["instance_id"]: each for each in attempt}
        if place_of == 1:
            by_id = {
                name: {"model_patch": each["model_patch"], "model_name_or_path": "agent/one"}
                for name, each in by_id.items()
            }
        files.append(tmp_path / f"attempt{place_of}.json")
        files[-1].write_text(json.dumps(by_id))
    runs = [take(place, *each) for each in ([tmp_path / "list.json"], [tmp_path / "lines.jsonl"], files)]
    expected = [gold, None, gold, None, None, None]
    assert [extracted(place, run) for run in runs] == [expected] * 3


def test_predictions_of_several_llms_are_told_apart_by_where(place: Place, tmp_path: Path) -> None:
    one = shared_rows(ROWS)[0]["instance_id"]
    file = write(tmp_path / "p.jsonl", predicted(one, "a", "x"), predicted(one, "b", "y"), predicted(one, "c", "y"))
    options = ("import", str(file), "--benchmark", "swebench-lite", "--data", str(shared(ROWS)))
    assert "give --llm" in place.refused(*options)
    run = take(place, file, more=("--where", "model_name_or_path=y", "--from", "swebench"))
    assert place.one("select llm.name from run join llm on llm.id = llm_id where run.id = %s", (run,)) == "y"
    assert place.query("select text from sample where run_id = %s order by sample_index", (run,)) == [
        {"text": "b"},
        {"text": "c"},
    ]


def test_predictions_that_are_none_are_refused_in_one_sentence(place: Place, tmp_path: Path) -> None:
    one = shared_rows(ROWS)[0]["instance_id"]
    options = ("--benchmark", "swebench-lite", "--llm", "x", "--data", str(shared(ROWS)))
    for row, said in (
        (predicted("pallets__flask-1", "d"), "no problem 'pallets__flask-1'; did you mean 'pallets__flask-"),
        ({**predicted(one, "d"), "model_patch": ["d"]}, "model_patch must be a text or null"),
        ({**predicted(one, "d"), "model_patch": 7}, "model_patch must be a text or null"),
    ):  # fmt: skip
        assert said in place.refused("import", str(write(tmp_path / "p.jsonl", row)), *options, "--from", "swebench")
    file = str(write(tmp_path / "p.jsonl", predicted(one, "d")))
    assert "hold the same bytes twice" in place.refused("import", file, file, *options)
    assert place.query("select from run") == []


def test_large_binary_and_strange_patches_are_samples_like_others(place: Place, tmp_path: Path) -> None:
    one = shared_rows(ROWS)[0]["instance_id"]
    line = "+" + "x" * 99 + "\n"
    large = f"--- /dev/null\n+++ b/x\n@@ -0,0 +1,100000 @@\n{line * 100_000}"
    binary = "diff --git a/b b/b\nindex 1c8c2a1..5e1c309 100644\nGIT binary patch\nliteral 3\nKcmb<m0RSKY9RL6T\n\n"
    outside = "--- a/../../etc/passwd\n+++ b/../../etc/passwd\n@@ -1 +1 @@\n-a\r\n+b\0\r\n"
    run = take(place, write(tmp_path / "p.jsonl", *(predicted(one, each) for each in (large, binary, outside))))
    assert extracted(place, run) == [large, binary, outside.replace("\0", "�")]


def test_a_run_is_asked_with_the_chosen_prompt(place: Place, tmp_path: Path) -> None:
    data = write(tmp_path / "rows.jsonl", {**ROW, "oracle": "the files are these"})
    recording = write(tmp_path / "recording.jsonl", {"problem": "a__b-1", "sample_index": 0, "text": "x"})
    options = ("enqueue", "swebench-lite", "-m", f"replay:{recording}", "-n", "1", "--data", str(data))
    place.ok(*options, "--prompt", "oracle", "--chat", "--quiet")
    assert place.query("select text from prompt") == [{"text": "the files are these"}]
    assert "swebench-lite has no prompts 'nil'; it has oracle" in place.refused(*options, "--prompt", "nil")
    assert "oracle" in place.ok("benchmarks", "swebench-lite")
