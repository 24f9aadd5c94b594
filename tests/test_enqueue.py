"""Enqueueing: one run or one sentence, never half a run."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from cli.options import engine_args
from models.database import outage
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest
from tests.place import Place
from verifiers.benchmarks.benchmark import Sampling
from verifiers.benchmarks.pocket_sums import POCKET_SUMS
from verifiers.errors import UserError


def write_rows(file: Path, rows: Sequence[object]) -> str:
    """A JSONL file."""
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(file)


@pytest.fixture
def sums(tmp_path: Path) -> str:
    """Three problems of pocket-sums' form."""
    return write_rows(
        tmp_path / "sums.jsonl", [{"question": f"What is {i} + {i}?", "answer": f"#### {i + i}"} for i in range(3)]
    )


def runs_of(place: Place) -> int:
    """Rows that a run leaves, of every kind."""
    return sum(place.one(f"select count(*) from {table}") for table in ("run", "problem", "prompt", "batch", "work"))


def test_a_run_has_its_problems_prompts_batches_and_works(place: Place, sums: str) -> None:
    run = int(place.ok("enqueue", "pocket-sums", "-n", "250", "--data", sums, "--quiet"))
    assert place.one("select count(*) from prompt where run_id = %s", (run,)) == 3
    batches = place.query(
        "select first_index, array_agg(size order by problem_id) as sizes from batch where run_id = %s "
        "group by first_index order by min(id)",
        (run,),
    )
    sizes = [(row["first_index"], row["sizes"]) for row in batches]
    assert sizes == [(0, [10] * 3), (10, [100] * 3), (110, [100] * 3), (210, [40] * 3)]
    assert place.query("select state, kind, count(*) as n from work group by 1, 2") == [
        {"state": "published", "kind": "generate", "n": 12}
    ]


def test_a_run_of_more_batches_than_anybody_waits_for_is_refused(place: Place, sums: str) -> None:
    said = place.refused("enqueue", "pocket-sums", "-n", "2147483647", "--data", sums, "--batch-size", "1")
    assert "That is 6,442,450,941 batches" in said
    assert runs_of(place) == 0
    place.ok("enqueue", "pocket-sums", "-n", "3", "--data", sums)
    assert "larger batches" in place.refused("extend", "-n", "2,147,483,647")
    assert place.one("select n from run") == 3


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        (["-n", "100"], [100]), (["-n", "101"], [10, 91]), (["-n", "110"], [10, 100]), (["-n", "111"], [10, 100, 1]),
        (["-n", "250", "--batch-size", "100"], [100, 100, 50]), (["-n", "5", "--batch-size", "2"], [2, 2, 1]),
        (["-n", "201", "--depth-first"], [100, 100, 1]),
    ],
)  # fmt: skip
def test_the_first_batch_is_small_unless_a_person_sizes_them(
    place: Place, sums: str, options: list[str], sizes: list[int]
) -> None:
    run = int(place.ok("enqueue", "pocket-sums", "--data", sums, "--limit", "1", "--name", "x", "--quiet", *options))
    found = place.query("select size, first_index from batch where run_id = %s order by first_index", (run,))
    assert [row["size"] for row in found] == sizes
    assert [row["first_index"] for row in found] == [sum(sizes[:place]) for place in range(len(sizes))]
    place.ok("extend", "x", "-n", "300")
    assert place.one("select sum(size) from batch where run_id = %s", (run,)) == 300


def test_quiet_prints_the_id_and_nothing_else(place: Place, sums: str) -> None:
    result = place.monkeys("enqueue", "pocket-sums", "-n", "1", "--data", sums, "--quiet")
    assert result.stdout.strip().isdigit()
    assert result.stderr == ""


def test_enqueue_says_which_command_would_serve_the_llm(place: Place, sums: str) -> None:
    result = place.monkeys("enqueue", "pocket-sums", "-m", "some/Llm", "-n", "1", "--data", sums)
    assert "monkeys worker generate -m some/Llm" in result.stderr


def test_depth_first_finishes_a_problem_before_the_next(place: Place, sums: str) -> None:
    run = place.ok("enqueue", "pocket-sums", "-n", "200", "--data", sums, "--depth-first", "--quiet")
    order = place.query("select problem_id from batch where run_id = %s order by id", (int(run),))
    problems = [row["problem_id"] for row in order]
    assert problems == sorted(problems)


def test_the_same_name_and_settings_is_the_same_run(place: Place, sums: str) -> None:
    arguments = ("enqueue", "pocket-sums", "-n", "5", "--data", sums, "--name", "one", "--quiet")
    first = place.ok(*arguments)
    before = runs_of(place)
    assert place.ok(*arguments) == first
    assert runs_of(place) == before


def test_the_same_name_with_other_settings_is_refused(place: Place, sums: str) -> None:
    place.ok("enqueue", "pocket-sums", "-n", "5", "--data", sums, "--name", "one", "--quiet")
    before = runs_of(place)
    said = place.refused("enqueue", "pocket-sums", "-n", "6", "--data", sums, "--name", "one")
    assert "other settings" in said
    assert runs_of(place) == before


def test_the_same_name_enqueued_twice_at_once_is_one_run(place: Place, sums: str) -> None:
    made: list[int] = []

    def act() -> None:
        made.append(enqueue(RunRequest("pocket-sums", "pocket-monkey", 50, name="race", data=Path(sums))).run_id)

    threads = [Thread(target=act) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    assert len(set(made)) == 1
    assert place.one("select count(*) from run") == 1


def test_without_a_name_it_is_a_new_run(place: Place, sums: str) -> None:
    arguments = ("enqueue", "pocket-sums", "-n", "5", "--data", sums, "--quiet")
    assert place.ok(*arguments) != place.ok(*arguments)


@pytest.mark.parametrize(
    ("request_", "settings_hash"),
    [
        (
            {"benchmark": "pocket-sums", "n": 5},
            "4d3d477619ef83e1a408941e5865132c148c80c21c626be16f2c8620dad44b78",
        ),
        (
            {"benchmark": "gsm8k", "n": 1, "prefix": "Add.", "limit": 1, "sampling": {"top_k": 0}},
            "bad70b3141a68a69d3bdc85e2645bbaac959817651df0a20f688c3a0763c3e30",
        ),
        (
            {
                "benchmark": "gsm8k", "n": 7, "prefix": "Add.", "depth_first": True, "batch_size": 4,
                "stop_when_solved": True, "budget_gpu_hours": 2.0, "engine_args": {"dtype": "half"},
                "sampling": {
                    "temperature": 0.25, "top_p": 0.5, "top_k": 3, "min_p": 0.125, "max_tokens": 9, "stop": ("a", "b"),
                    "chat": True, "token_logprobs": True, "seeded": True,
                },
            },
            "2b8c05730bbb5887475642556e306c42e567f65ba2d4921cee0e92658f699cfc",
        ),
    ],
)  # fmt: skip
def test_the_same_settings_are_the_same_run_as_in_the_first_release(
    place: Place, sums: str, request_: dict[str, Any], settings_hash: str
) -> None:
    """The hashes are those of the release whose database the second migration takes over."""
    run = enqueue(RunRequest(llm="some/Llm", data=Path(sums), **request_)).run_id
    assert place.one("select settings_hash from run where id = %s", (run,)) == settings_hash


def test_a_run_stores_its_sampling_once_and_its_columns_show_it(place: Place, sums: str) -> None:
    given = {"temperature": 0.0, "top_k": 0, "stop": ("\n",), "seeded": True}
    run = place.ok(
        "enqueue", "pocket-sums", "-n", "1", "--data", sums, "--quiet",
        "--temperature", "0", "--top-k", "0", "--stop", "\n", "--seeded",
    )  # fmt: skip
    (row,) = place.query("select * from run where id = %s", (int(run),))
    sampling = Sampling.read(row["sampling"])
    assert sampling == replace(POCKET_SUMS.sampling, **given)
    columns = row.keys() & vars(sampling).keys()
    assert {"temperature", "top_p", "top_k", "min_p", "max_tokens", "stop", "chat", "seeded"} <= columns
    assert {name: row[name] for name in columns} == {name: vars(sampling)[name] for name in columns} | {"stop": ["\n"]}


def test_a_worker_refuses_a_run_with_a_setting_that_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="does not know the sampling setting warmth"):
        Sampling.read({"temperature": 1.0, "max_tokens": 9, "warmth": 2})


NUMBERS = {
    "-n": "0 -5 1.5 ² nan 3000000000 99999999999999999999",
    "--limit": "0 -1 1e3 3000000000",
    "--batch-size": "0 2147483648",
    "--max-tokens": "0 4294967296 inf",
    "--top-k": "-2 99999999999",
    "--temperature": "-1 nan inf -inf 1e999 warm",
    "--top-p": "0 1.01 nan",
    "--min-p": "-0.1 7 nan",
    "--budget-usd": "0 -1 nan inf",
    "--budget-gpu-hours": "0 -1 nan inf",
    "--budget-flops": "0 -1 nan inf",
}


@pytest.mark.parametrize(
    ("option", "number"), [(option, number) for option, numbers in NUMBERS.items() for number in numbers.split()]
)
def test_a_number_out_of_its_range_is_one_sentence_and_leaves_nothing(place: Place, option: str, number: str) -> None:
    said = place.refused("enqueue", "pocket-sums", *(() if option == "-n" else ("-n", "1")), f"{option}={number}")
    assert option in said
    assert "it must be a" in said
    assert number in said
    assert runs_of(place) == 0


@pytest.mark.parametrize(
    "wrong", [{"n": 0}, {"limit": -1}, {"budget_usd": math.nan}, {"sampling": {"min_p": 7}}, {"batch_size": 10**400}]
)
def test_a_number_out_of_its_range_is_refused_of_a_program_too(place: Place, sums: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="must be a"):
        enqueue(RunRequest(**{"benchmark": "pocket-sums", "llm": "some/Llm", "n": 1, "data": Path(sums), **wrong}))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("revision=7e12345", "7e12345"),
        ("revision=1234567", "1234567"),
        ("lora=7e12345", "7e12345"),
        ("lora=-7e12345", "-7e12345"),
        ("dtype=half", "half"),
        ("gpu_memory_utilization=4.5e-1", 0.45),
        ("max-model-len=2048", 2048),
        ('hf_overrides={"a": [1, null]}', {"a": [1, None]}),
    ],
)
def test_an_engine_argument_is_what_it_looks_like(text: str, value: object) -> None:
    (read,) = engine_args([text]).values()
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pocket-sum", "-n", "1"], "did you mean pocket-sums"),
        (["no_such_module:thing", "-n", "1"], "There is no module"),
        (["pocket-sums", "-n", "1", "--data", "missing.jsonl"], "no data file"),
        (["pocket-sums", "-n", "1", "--subset", "nonsense"], "no subset"),
        (["pocket-sums", "-n", "1", "--problem", "nonsense"], "no problem"),
        (["pocket-sums", "-n", "1", "--verifier", "nonsense"], "no verifier"),
        (["pocket-sums", "-n", "1", "--name", "17"], "--name"),
        (["pocket-sums", "-n", "1", "--name", "x" * 8_000], "--name must have at most 200 characters"),
        (["pocket-sums", "-n", "1", "--name", "a\nb"], "none of them a control character"),
        (["pocket-sums", "-n", "1", "--name", "a\udce4"], "is not UTF-8 text"),
        (["pocket-sums", "-n", "1", "-m", "openai:" + "x" * 8_000], "at most 2,000 characters"),
        (["pocket-sums", "-n", "1", "-m", "x" * 300], "255 between two slashes"),
        (["pocket-sums", "-n", "1", "-m", "replay:" + "x" * 300], "255 between two slashes"),
        (["pocket-sums", "-n", "1", "-m", "some/Llm", "--engine-arg", "x=" + "y" * 8_000], "at most 2,000 characters"),
        (["pocket-sums", "-n", "1", "-m", "openai:a\udce4"], "is not UTF-8 text"),
        (["pocket-sums", "-n", "1", "-m", "openai:x", "--engine-arg", 'x="\\u0000"'], "without NUL and broken Unicode"),
        (["pocket-sums", "-n", "1", "-m", ""], "-m must name an llm"),
        (["pocket-sums", "-n", "1", "-m", "openai: "], "-m must name an llm"),
        (["pocket-sums", "-n", "1", "-m", "openai:x", "--endpoint", "http://["], "--endpoint takes a URL"),
        (["pocket-sums", "-n", "1", "-m", "openai:x", "--endpoint", "http://a:99999/v1"], "--endpoint takes a URL"),
        (["pocket-sums", "-n", "1", "--engine-arg", "dtype"], "key=value"),
        (["pocket-sums", "-n", "1", "--engine-arg", "x=NaN"], "must not be or hold NaN"),
        (["pocket-sums", "-n", "1", "--engine-arg", "x=-Infinity"], "must not be or hold NaN"),
        (["pocket-sums", "-n", "1", "--engine-arg", 'hf_overrides={"a": [1e999]}'], "must not be or hold NaN"),
        (["pocket-sums", "-n", "1", "--prompt-file", "missing.txt"], "cannot be read"),
        (["pocket-sums", "-n", "1", "-m", "replay:missing.jsonl"], "no file"),
        (["pocket-sums", "-n", "1", "-m", "./no-such-folder"], "no-such-folder"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(place: Place, arguments: list[str], said: str) -> None:
    output = place.refused("enqueue", *arguments)
    assert said in output
    assert runs_of(place) == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no problem"),
        ("{not json\n", "not valid JSON"),
        ("[1, 2]\n", "not a JSON object"),
        ('{"question": "?"}\n', "no field 'answer'"),
        ('{"key": "a", "question": "?", "answer": "#### 1"}\n' * 2, "two problems"),
        ("\udce4".encode("utf-8", "surrogateescape").decode("latin-1") + "\n", "not valid JSON"),
    ],
)
def test_a_bad_data_file_is_one_sentence_and_leaves_nothing(
    place: Place, tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "data.jsonl"
    file.write_text(content)
    assert said in place.refused("enqueue", "pocket-sums", "-n", "1", "--data", str(file))
    assert runs_of(place) == 0


def test_text_that_postgres_cannot_hold_is_stored_all_the_same(place: Place, tmp_path: Path) -> None:
    file = write_rows(tmp_path / "nul.jsonl", [{"question": "a\0b \ud800", "answer": "#### 1"}])
    run = place.ok("enqueue", "pocket-sums", "-n", "1", "--data", file, "--quiet")
    assert "a\ufffdb" in place.one("select text from prompt where run_id = %s", (int(run),))


def test_a_broker_that_is_down_is_one_sentence_and_leaves_nothing(place: Place, sums: str) -> None:
    code, output = place.start_and_wait(
        "enqueue", "pocket-sums", "-n", "1", "--data", sums, MONKEYS_BROKER_URL="redis://127.0.0.1:1/0"
    )
    assert code == 1
    assert "does not answer" in output
    assert "Traceback" not in output
    assert runs_of(place) == 0


def test_a_database_that_is_down_is_one_sentence(place: Place, sums: str) -> None:
    code, output = place.start_and_wait(
        "enqueue", "pocket-sums", "-n", "1", "--data", sums, MONKEYS_DATABASE_URL="postgresql://x@127.0.0.1:1/x"
    )
    assert code == 1
    assert "does not answer" in output
    assert "Traceback" not in output


@pytest.mark.parametrize("command", [("runs",), ("show", "1"), ("report", "1"), ("sql", "select 1"), ("watch", "1")])
def test_every_question_to_a_database_that_is_down_ends_in_one_sentence(place: Place, command: tuple[str, ...]) -> None:
    code, output = place.start_and_wait(*command, MONKEYS_DATABASE_URL="postgresql://x@127.0.0.1:1/x")
    assert code == 1
    assert "does not answer" in output
    assert "Traceback" not in output


def test_doctor_names_what_is_down_and_looks_at_the_rest(place: Place) -> None:
    code, output = place.start_and_wait(
        "doctor", MONKEYS_DATABASE_URL="postgresql://x@127.0.0.1:1/x", MONKEYS_BROKER_URL="redis://127.0.0.1:1/0"
    )
    assert code == 1
    assert "✗ database: The database postgresql+psycopg://x@127.0.0.1:1/x does not answer" in output
    assert "✗ broker: The broker redis://" in output
    assert "disk: " in output
    assert "Traceback" not in output


def test_a_full_disk_under_the_database_is_said_so(place: Place) -> None:
    told = outage(psycopg.errors.DiskFull('could not extend file "base/1/2": No space left on device'))
    assert told is not None
    assert re.search(r"The disk of the database .* is full \(could not extend", str(told))
    assert outage(psycopg.errors.UniqueViolation()) is None
