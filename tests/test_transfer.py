"""Import and export: inverse of each other, labels counted by every view, mistakes refused with nothing half-done."""

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli import group
from models.cost import Sizes, completion_flops, span_flops
from models.database import transaction
from tests.place import Place
from tests.shared_data import shared
from tests.small_runs import check, coverage, judged, small, use_recording, work_off
from verifiers.files import read_rows

Row = dict[str, Any]

FORMATS = ("samples.jsonl", "samples.jsonl.gz", "samples.parquet")


def write(file: Path, *rows: Row) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def labelled(folder: Path, **labels: str) -> Path:
    """A file of labels: 1 is correct, 0 is not, by problem."""
    rows = [
        {"problem": key, "sample_index": index, "correct": int(label)}
        for key, each in labels.items()
        for index, label in enumerate(each)
    ]
    return write(folder / "labels.jsonl", *rows)


def take(place: Place, file: Path, *more: str) -> int:
    return int(place.ok("import", str(file), "--benchmark", "sums", "--llm", "theirs", "--quiet", *more))


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_that_is_exported_and_imported_is_the_same_run(place: Place, tmp_path: Path, name: str) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 20)
    use_recording(files.recording)
    work_off(place)
    place.ok("export", str(run), str(tmp_path / name))
    again = int(
        place.ok(
            "import", str(tmp_path / name), "--benchmark", "gsm8k", "--llm", "theirs", "--data", str(files.data),
            "--quiet",
        )
    )  # fmt: skip
    check(place, again)
    assert judged(place, again) == judged(place, run)
    assert coverage(place, again) == coverage(place, run)
    columns = "prompt_tokens, completion_tokens, gpu_seconds, usd"
    assert place.query(f"select {columns} from cost where run_id = %s", (again,)) == place.query(
        f"select {columns} from cost where run_id = %s", (run,)
    )
    place.ok("export", str(again), str(tmp_path / f"again-{name}"))
    assert list(read_rows(tmp_path / f"again-{name}")) == list(read_rows(tmp_path / name))


def test_every_column_comes_through_both_ways(place: Place, tmp_path: Path) -> None:
    rows = [
        {"problem": "a", "sample_index": 0, "outcome": "time_limit", "correct": False, "text": "ü\n😀 \\",
         "seed": 2**62, "prompt_tokens": 5, "completion_tokens": 7, "finish_reason": "length", "logprob": -1.5,
         "usd": 0.25, "gpu_seconds": 0.5, "scores": {"armo": 0.125, "skywork": -3.0}},
        {"problem": "a", "sample_index": 1, "outcome": "correct", "correct": True, "usd": 0.5},
        {"problem": "7", "sample_index": 0, "outcome": "infrastructure_error"},
    ]  # fmt: skip
    run = take(place, write(tmp_path / "in.jsonl", *rows), "--key-only")
    place.ok("export", str(run), str(tmp_path / "out.jsonl"))
    assert list(read_rows(tmp_path / "out.jsonl")) == rows
    assert place.query("select usd, gpu_seconds, truncated from problem_cost where run_id = %s order by usd", (run,))[
        0
    ] == {"usd": 0.75, "gpu_seconds": 0.5, "truncated": 1}
    tallies = place.query(
        "select correct, incorrect, undecided from problem_tally where run_id = %s order by 1", (run,)
    )
    assert [tuple(each.values()) for each in tallies] == [(0, 0, 1), (1, 1, 0)]
    check(place, run)


def test_labels_give_the_coverage_of_the_formula(place: Place, tmp_path: Path) -> None:
    run = take(place, labelled(tmp_path, a="0100", b="1111", c="0000"), "--key-only")
    assert [(row["k"], row["coverage"]) for row in coverage(place, run)] == [
        (1, pytest.approx((1 / 4 + 1) / 3)),
        (2, pytest.approx((1 / 2 + 1) / 3)),
        (4, pytest.approx(2 / 3)),
    ]
    progress = place.query("select * from run_progress where run_id = %s", (run,))[0]
    assert (progress["samples"], progress["verified"], progress["correct"], progress["state"]) == (12, 12, 5, "done")


def test_recorded_samples_have_flops_where_the_sizes_of_their_llm_are_given(place: Place, tmp_path: Path) -> None:
    rows = [
        {"problem": "a", "sample_index": each, "correct": True, "prompt_tokens": 100, "completion_tokens": 10 + each}
        for each in range(3)
    ]
    file = write(tmp_path / "in.jsonl", *rows)
    sizes = Sizes(8_000, 8_000, 4, 64)
    run = take(place, file, "--key-only", "--sizes", "8000,4,64")
    wanted = span_flops(sizes, 0, 100) + completion_flops(sizes, 100, [10, 11, 12])
    assert place.one("select flops from cost where run_id = %s", (run,)) == pytest.approx(wanted)
    for wrong in ("8e9,32,4096", "1,2", "0,1,1", "8000,3000000000,64"):
        refusal = place.refused("import", str(file), "--benchmark", "sums", "--llm", "other", "--sizes", wrong)
        assert "--sizes takes three whole numbers" in refusal


def test_their_names_their_base_and_their_rows(place: Place, tmp_path: Path) -> None:
    rows = [
        {"task": key, "attempt": attempt, "passed": attempt == 2, "who": who}
        for who in ("gemma", "llama")
        for key in (10, 11)
        for attempt in (1, 2)
    ]
    file = write(tmp_path / "theirs.jsonl", *rows)
    names = (
        "--column",
        "problem=task",
        "--column",
        "sample_index=attempt",
        "--column",
        "correct=passed",
        "--base",
        "1",
    )
    assert "more than once; --where" in refused(place, file, *names)
    run = take(place, file, *names, "--where", "who=gemma", "--key-only")
    assert judged(place, run) == [(key, at, "correct" if at else "incorrect") for key in ("10", "11") for at in (0, 1)]


def test_indices_with_gaps_keep_their_places(place: Place, tmp_path: Path) -> None:
    rows = [{"problem": "a", "sample_index": index, "correct": index == 250} for index in (0, 1, 5, *range(90, 310))]
    run = take(place, write(tmp_path / "gaps.jsonl", *rows), "--key-only")
    check(place, run)
    assert [index for _, index, _ in judged(place, run)] == [0, 1, 5, *range(90, 310)]
    batches = place.query("select first_index, size from batch where run_id = %s order by 1", (run,))
    assert [tuple(each.values()) for each in batches] == [(0, 2), (5, 1), (90, 100), (190, 100), (290, 20)]
    assert place.one("select first_correct from problem_tally where run_id = %s", (run,)) == 250


def test_texts_without_labels_are_judged(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = int(
        place.ok(
            "import", str(files.recording), "--benchmark", "gsm8k", "--llm", "theirs", "--data", str(files.data),
            "--quiet",
        )
    )  # fmt: skip
    work_off(place)
    check(place, run)
    assert {outcome for _, _, outcome in judged(place, run)} == {"correct", "incorrect", "no_answer"}


def test_imported_labels_are_compared_with_our_own_verdicts(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    rows = [{**row, "correct": False} for row in read_rows(files.recording)]
    file = write(tmp_path / "wrong.jsonl", *rows)
    run = int(place.ok("import", str(file), "--benchmark", "gsm8k", "--llm", "x", "--data", str(files.data), "--quiet"))
    place.ok("reverify", str(run), "--verifier", "answer", "--use")
    work_off(place)
    check(place, run)
    found = place.query("select verifier from outcome_counts where run_id = %s and outcome = 'correct'", (run,))
    assert found == [{"verifier": "answer"}]


def test_the_same_name_and_file_is_the_same_run(place: Place, tmp_path: Path) -> None:
    file = labelled(tmp_path, a="01")
    run = take(place, file, "--key-only", "--name", "paper")
    assert take(place, file, "--key-only", "--name", "paper") == run
    assert "with other settings" in refused(place, labelled(tmp_path, a="11"), "--key-only", "--name", "paper")


def refused(place: Place, file: Path, *more: str) -> str:
    before = place.one("select count(*) from run"), place.one("select count(*) from problem")
    said = place.refused("import", str(file), "--benchmark", "sums", "--llm", "theirs", "--key-only", *more)
    assert (place.one("select count(*) from run"), place.one("select count(*) from problem")) == before
    return said


GOOD = {"problem": "a", "sample_index": 0, "correct": 1}

MISTAKES: list[tuple[list[Row], str]] = [
    ([GOOD, GOOD], "has sample 0 of problem 'a' more than once"),
    ([GOOD, {"problem": "a", "correct": 1}], "Row 1 of"),
    ([{"problem": "a", "sample_index": -1, "correct": 1}], "a sample_index of -1 is impossible"),
    ([{"problem": "a", "sample_index": 1.5, "correct": 1}], "sample_index cannot be '1.5'"),
    ([{"problem": "a", "sample_index": 2**31, "correct": 1}], "impossible"),
    ([{"problem": None, "sample_index": 0, "correct": 1}], "it has no problem"),
    ([{"problem": "a", "sample_index": 0, "outcome": "great"}], "outcome cannot be 'great'"),
    ([{"problem": "a", "sample_index": 0, "correct": "yes"}], "correct cannot be 'yes'"),
    ([{"problem": "a", "sample_index": 0, "correct": 1, "outcome": "incorrect"}], "outcome is incorrect, but correct"),
    ([{**GOOD, "completion_tokens": -1}], "completion_tokens cannot be '-1'"),
    ([{**GOOD, "problem": "x" * 8_000}], "problem cannot be 'xxx"),
    ([{**GOOD, "problem": "\ud800"}], "problem cannot be"),
    ([{**GOOD, "usd": math.inf}], "usd cannot be 'inf'"),
    ([{**GOOD, "scores": [1]}], "scores cannot be '1'"),
    ([{**GOOD, "text": 3}], "text cannot be '3'"),
    ([{**GOOD, "biased_by": "luck"}], "biased_by cannot be 'luck'"),
    ([{**GOOD, "biased_by": "planned"}], "it is a problem's first sample, which no plan chose"),
    ([{"problem": "a", "sample_index": 0}], "neither an outcome nor a text"),
    ([{"problem": "a", "sample_index": 0, "text": "1"}], "has no outcomes"),
    ([], "has no sample"),
]


@pytest.mark.parametrize(("rows", "sentence"), MISTAKES, ids=[sentence for _, sentence in MISTAKES])
def test_a_mistake_in_a_file_is_named_and_leaves_nothing(
    place: Place, tmp_path: Path, rows: list[Row], sentence: str
) -> None:
    assert sentence in refused(place, write(tmp_path / "bad.jsonl", *rows))


@pytest.mark.parametrize("name", FORMATS)
def test_a_truncated_file_is_refused_and_leaves_nothing(place: Place, tmp_path: Path, name: str) -> None:
    run = take(place, labelled(tmp_path, a="01" * 5_000), "--key-only")
    whole = tmp_path / name
    place.ok("export", str(run), str(whole))
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    assert "cut-" in refused(place, cut)


def test_the_wrong_benchmark_is_refused(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    file = labelled(tmp_path, **{"HumanEval/0": "01"})
    said = place.refused("import", str(file), "--benchmark", "gsm8k", "--llm", "x", "--data", str(files.data))
    assert "gsm8k has no problem 'HumanEval/0'" in said
    assert "--key-only" in said


@pytest.mark.parametrize(
    ("option", "text"),
    [("--name", "x" * 8_000), ("--name", "a\nb"), ("--llm", "x" * 8_000), ("--benchmark", "b" * 8_000)],
)
def test_a_name_that_cannot_be_stored_is_one_sentence(place: Place, tmp_path: Path, option: str, text: str) -> None:
    said = refused(place, labelled(tmp_path, a="01"), option, text)
    assert "characters" in said


def test_an_export_never_overwrites_and_leaves_no_half_file(place: Place, tmp_path: Path) -> None:
    run = take(place, labelled(tmp_path, a="01"), "--key-only")
    assert "exists already" in place.refused("export", str(run), str(tmp_path / "labels.jsonl"))
    assert "must end in" in place.refused("export", str(run), str(tmp_path / "labels.txt"))
    assert "cannot be written" in place.refused("export", str(run), str(tmp_path / "nowhere" / "x.jsonl"))
    assert sorted(each.name for each in tmp_path.iterdir() if each.is_file()) == ["labels.jsonl"]


def test_a_run_in_flight_is_exported_as_it_is(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 20)
    use_recording(files.recording)
    work_off(place, at_most=9)
    place.ok("export", str(run), str(tmp_path / "part.jsonl"))
    rows = list(read_rows(tmp_path / "part.jsonl"))
    assert len(rows) == place.one("select count(*) from sample where run_id = %s", (run,))
    assert place.ok("export", str(run)).count("\n") == len(rows)


def test_an_imported_run_is_not_extended(place: Place, tmp_path: Path) -> None:
    run = take(place, labelled(tmp_path, a="01"), "--key-only")
    assert "was imported" in place.refused("extend", str(run), "-n", "9")


@pytest.mark.slow
def test_the_papers_outcomes_of_codecontests_give_the_papers_coverage(place: Place) -> None:
    run = int(
        place.ok(
            "import", str(shared("monkeys/codecontests_outcomes.parquet")), "--benchmark", "codecontests",
            "--llm", "google/gemma-2b", "--column", "problem=problem_index", "--column", "sample_index=attempt",
            "--base", "1", "--where", "model=Gemma 2B", "--key-only", "--quiet",
        )
    )  # fmt: skip
    curve = {row["k"]: row["coverage"] for row in coverage(place, run)}
    assert curve[1] == pytest.approx(0.0002, abs=0.00005)
    assert curve[10_000] == pytest.approx(10 / 140)


def test_a_gzip_file_is_read_by_its_name(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl.gz"
    file.write_bytes(gzip.compress(labelled(tmp_path, a="01").read_bytes()))
    assert len(judged(place, take(place, file, "--key-only"))) == 2


def test_parquet_says_itself_of_which_run_it_is(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 20, "--temperature", "0.5", "--thinking", "end-tag", "--engine-arg", "note=x")
    use_recording(files.recording)
    work_off(place)
    file = str(tmp_path / "samples.parquet")
    place.ok("export", str(run), file)
    again = int(place.ok("import", file, "--data", str(files.data), "--quiet"))
    check(place, again)
    assert judged(place, again) == judged(place, run)
    same = "select llm_id, benchmark_id, sampling, thinking from run where id = %s"
    assert place.query(same, (again,)) == place.query(same, (run,))
    prompts = "select problem_id, text from prompt where run_id = %s and text <> '' order by 1"
    assert place.query(prompts, (again,)) == place.query(prompts, (run,)) != []
    other = place.ok("import", file, "--llm", "theirs", "--thinking", "none", "--data", str(files.data), "--quiet")
    assert (
        place.one("select llm.name from run join llm on llm.id = llm_id where run.id = %s", (int(other),)) == "theirs"
    )
    place.ok("export", str(again), str(tmp_path / "again.parquet"))
    said = place.refused("import", file, str(tmp_path / "again.parquet"), "--data", str(files.data))
    assert "more than once" in said
    said = place.refused("import", str(files.recording), "--data", str(files.data))
    assert "does not say of which run it is" in said
    assert "give --benchmark and --llm" in said


def test_what_a_file_says_of_its_run_is_looked_at_like_any_other_input(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow
    from pyarrow.parquet import write_table

    ran, evil = tmp_path / "ran", tmp_path / "evil.py"
    evil.write_text(f"open({str(ran)!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    settings = {"temperature": 1, "max_tokens": 5}
    said = {"benchmark": "sums", "llm": "x", "engine_args": {}, "sampling": {}, "thinking": "none"}
    for wrong in (
        {"sampling": {**settings, "temperature": "hot"}}, {"sampling": {**settings, "top_p": 7}},
        {"sampling": {**settings, "chat": 1}}, {"sampling": {**settings, "unheard_of": 1}},
        {"thinking": "never"}, {"engine_args": [1]}, {"llm": 3}, {"llm": "a\0b"}, {"llm": " "},
        {"benchmark": "b" * 500}, {"benchmark": str(evil)}, {"benchmark": "evil:benchmark"},
        {"prompts": ["a"]}, {"prompts": {"a": 1}},
    ):  # fmt: skip
        table = pyarrow.table({"problem": ["a"], "sample_index": [0], "correct": [True]})
        file = tmp_path / "wrong.parquet"
        metadata = {"monkeys": json.dumps(said | wrong), "monkeys.prompts": json.dumps(wrong.get("prompts", {}))}
        write_table(table.replace_schema_metadata(metadata), file)
        for more in ([], ["--key-only"]):
            place.refused("import", str(file), *more)
        assert place.one("select count(*) from run") == 0
    assert not ran.exists(), "a data file names code, and that is no reason to run it"
    place.ok("import", str(file), "--from", "rows", "--benchmark", "sums", "--llm", "x", "--key-only")


def test_undecided_samples_are_undecided_again(place: Place, tmp_path: Path) -> None:
    rows = [
        {"problem": "a", "outcome": "correct"}, {"problem": "a", "outcome": "infrastructure_error"},
        {"problem": "a", "text": "no label"}, {"problem": "a", "correct": False},
    ]  # fmt: skip
    arguments = ("--benchmark", "sums", "--llm", "theirs", "--key-only")
    told = place.monkeys("import", str(write(tmp_path / "in.jsonl", *rows)), *arguments)
    assert "1 samples have no outcome and are undecided" in told.output
    run = int(told.stdout)
    for name in FORMATS:
        place.ok("export", str(run), str(tmp_path / name))
        again = take(place, tmp_path / name, "--key-only")
        assert judged(place, again) == judged(place, run)
        assert place.one("select undecided from problem_tally where run_id = %s", (again,)) == 2


def test_samples_of_another_tool_are_judged_by_their_questions_from_files_and_standard_input(
    place: Place, tmp_path: Path
) -> None:
    files = small(tmp_path, problems=2, samples=1)
    questions = [row["question"] for row in read_rows(files.data)]
    seeds = [
        write(tmp_path / f"output-rs{seed}.jsonl", *({"problem": each, "generation": f"so {1 + (seed + at) % 2}"}
              for at, each in enumerate(reversed(questions))))
        for seed in range(2)
    ]  # fmt: skip
    how = ("--benchmark", "gsm8k", "--llm", "theirs", "--data", str(files.data))
    result = place.monkeys("import", *map(str, seeds), *how)
    assert "Read as of NeMo-Skills" in result.output
    assert "by the text of their questions" in result.output
    work_off(place)
    (run,) = place.query("select max(id) as id from run")
    assert [outcome for _, _, outcome in judged(place, run["id"])] == ["incorrect", "correct"] * 2
    given = json.dumps([{"problem": "0", "samples": ["1", "2"]}, {"problem": "1", "samples": ["1", "2"]}])
    result = CliRunner().invoke(group, ["import", "-", *how, "--quiet"], input=given, prog_name="monkeys")
    work_off(place)
    outcomes = [outcome for _, _, outcome in judged(place, int(result.stdout))]
    assert outcomes == ["correct", "incorrect", "incorrect", "correct"]


def test_files_that_cannot_be_one_run_are_refused(place: Place, tmp_path: Path) -> None:
    row = {"problem": "a", "sample_index": 0, "correct": 1}
    one, twin = write(tmp_path / "one.jsonl", row), write(tmp_path / "twin.jsonl", row)
    more = write(tmp_path / "more.jsonl", {**row, "correct": 0}, {**row, "sample_index": 1})
    assert "hold the same bytes twice" in refused(place, one, str(twin))
    assert "one.jsonl and" in refused(place, one, str(more))
    assert "has sample 0 of problem 'a' more than once" in refused(place, one, str(more))
    assert "is a folder; name a file in it, such as" in refused(place, tmp_path)
    assert "There is no data file" in refused(place, tmp_path / "none")


TRAINING = [
    {"problem": "a", "text": "<think>hm</think>\n2", "correct": True}, {"problem": "a", "text": "3", "correct": False},
    {"problem": "a", "text": "3", "correct": False}, {"problem": "a", "text": "two", "correct": True},
    {"problem": "a", "text": "?", "correct": None}, {"problem": "b", "text": "7", "correct": False},
]  # fmt: skip


def exported(place: Place, run: int, *more: str) -> list[Row]:
    return [json.loads(line) for line in place.ok("export", str(run), *more).splitlines()]


def test_an_export_for_training_holds_what_was_asked_for(place: Place, tmp_path: Path) -> None:
    run = take(place, write(tmp_path / "in.jsonl", *TRAINING), "--key-only")
    at = [(row["problem"], row["sample_index"]) for row in exported(place, run, "--distinct", "text")]
    assert at == [("a", 0), ("a", 1), ("a", 3), ("a", 4), ("b", 0)]
    assert [row["sample_index"] for row in exported(place, run, "--correct", "--per-problem", "1")] == [0]
    assert [row["sample_index"] for row in exported(place, run, "--correct")] == [0, 3]
    weights = [row.get("weight") for row in exported(place, run, "--weight-k", "2")]
    # of 4 decided samples half are right, and of the other 3 of a wrong one two are: 2/4 and 2/4 x 2/3
    assert weights == [0.5, pytest.approx(1 / 3), pytest.approx(1 / 3), 0.5, None, None]
    place.ok("export", str(run), str(tmp_path / "weights.parquet"), "--weight-k", "1", "--correct")
    assert [row["weight"] for row in read_rows(tmp_path / "weights.parquet")] == [0.25, 0.25]
    assert "has at most 5 samples of a problem" in place.refused("export", str(run), "--weight-k", "6")
    with transaction() as connection:
        connection.execute("""update run set stop_rule = '{"when_solved": true}'""")
    assert "stops at right samples" in place.refused("export", str(run), "--weight-k", "2")
    assert "no candidates" in place.refused("export", str(run), "--distinct", "candidate")
    assert "without its prompts" in place.refused("export", str(run), "--messages")
    assert "--answers is for" in place.refused("export", str(run), "--answers")
    assert "must end in .jsonl or .jsonl.gz" in place.refused(
        "export", str(run), str(tmp_path / "x.parquet"), "--messages"
    )


def test_messages_hold_the_prompt_as_sent_and_the_text_or_the_answer(place: Place, tmp_path: Path) -> None:
    (tmp_path / "data.jsonl").write_text(json.dumps({"question": "1 + 1?", "answer": "#### 2"}) + "\n")
    (tmp_path / "system.txt").write_text("Be brief.")
    texts = ["<think>3?</think>\n2", "2", "<think>2 and no end", "2", "4"]
    recording = write(
        tmp_path / "recording.jsonl",
        *({"problem": "0", "sample_index": at, "text": text} for at, text in enumerate(texts)),
    )
    run = int(
        place.ok(
            "enqueue", "gsm8k", "-m", f"replay:{recording}", "-n", "5", "--data", str(tmp_path / "data.jsonl"),
            "--prompt-file", str(recording), "--chat", "--system", str(tmp_path / "system.txt"), "--quiet",
        )
    )  # fmt: skip
    use_recording(recording)
    work_off(place)
    prompt = place.one("select text from prompt")
    asked = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": prompt}]
    whole = exported(place, run, "--messages", "--distinct", "text", "--correct", "--weight-k", "1")
    assert [row["messages"] for row in whole] == [
        [*asked, {"role": "assistant", "content": text}] for text in (texts[0], texts[1])
    ]
    assert [row["weight"] for row in whole] == [0.2, 0.2]
    answers = exported(place, run, "--messages", "--answers", "--distinct", "text")
    assert [row["messages"][-1]["content"] for row in answers] == ["2", "2", "4"]
    assert [row["sample_index"] for row in exported(place, run, "--distinct", "candidate")] == [0, 2, 4]


def test_rows_whose_lists_are_empty_are_told(place: Place, tmp_path: Path) -> None:
    file = write(tmp_path / "x.jsonl", {"problem": "a", "outcomes": []}, {"problem": "b", "outcomes": "01"})
    said = place.monkeys("import", str(file), "--benchmark", "sums", "--llm", "theirs", "--key-only").stderr
    assert "1 rows hold no sample, since their lists are empty" in said
    assert "2 samples of 1 problems" in said


@pytest.mark.parametrize("score", [math.nan, math.inf, "nan"])
def test_a_score_that_is_no_number_is_told_with_its_row(place: Place, tmp_path: Path, score: Any) -> None:
    file = write(
        tmp_path / "x.jsonl", {"problem": "a", "correct": 1}, {"problem": "a", "correct": 1, "scores": {"m": score}}
    )
    said = place.refused("import", str(file), "--benchmark", "sums", "--llm", "theirs", "--key-only")
    assert "Row 1 of" in said
    assert "scores cannot be" in said
