"""Commands as people type them: which run is meant, what tells runs apart, names, completion, help."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from cli import COMMANDS, SECTIONS, group
from cli.options import Number
from models.database import transaction
from models.questions.find import find_run
from tests.counted import Sampled, Tally, counted_run, sampled_run
from tests.place import Place
from tests.small_runs import small
from verifiers.ranges import real, whole


def with_settings(run: int, settings: str) -> None:
    with transaction() as connection:
        connection.execute("update run set sampling = sampling || %s::jsonb where id = %s", (settings, run))


@pytest.mark.parametrize(
    "words",
    [
        ["show"], ["limits"], ["analyze"], ["cancel"], ["resume"], ["watch"], ["report", "--tables-only"], ["export"],
        ["extend", "-n", "10"], ["reverify", "--verifier", "none"], ["audit"], ["delete", "--yes"],
        ["score", "--reward-model", "prm"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_no_run_is_one_sentence_where_there_is_none(place: Place, words: list[str]) -> None:
    said = place.refused(*words)
    assert said.count("\n") == 1
    assert "There is no run yet" in said or words[0] == "delete"


def test_no_run_is_the_last_one(place: Place) -> None:
    counted_run([Tally(5, 1)], name="first")
    last = counted_run([Tally(5, 1)])
    for words in (["cancel"], ["resume"], ["limits"], ["analyze"], ["export"]):
        said = place.monkeys(*words).stderr.lower()
        assert f"run {last}" in said, words
        assert "first" not in said
    place.ok("extend", "-n", "1,000")
    assert find_run(str(last)).n == 1000
    assert find_run("first").n == 5


def test_delete_says_which_run_it_takes_and_takes_none_unasked_that_is_not_named(place: Place) -> None:
    counted_run([Tally(5, 1)], name="kept")
    last = counted_run([Tally(5, 1)], name="last")
    assert "takes a RUN that is named" in place.refused("delete", "--yes")
    asked = CliRunner().invoke(group, ["delete"], input="n\n", prog_name="monkeys")
    assert f"run {last} last · counted · counted: delete it" in asked.output
    assert place.one("select count(*) from run") == 2
    CliRunner().invoke(group, ["delete"], input="y\n", prog_name="monkeys")
    assert [row["name"] for row in place.query("select name from run")] == ["kept"]


def test_a_word_of_show_is_a_run_first_and_else_a_problem_of_the_last_run(place: Place) -> None:
    first = sampled_run({"a": [Sampled("1", text="of the first")]}, name="a")
    last = sampled_run({"b": [Sampled("2", text="b0"), Sampled("3", text="b1")], str(first): [Sampled("4", text="c0")]})
    assert "a " in place.ok("show", "a")  # the run's problems, and no sample
    assert "of the first" in place.ok("show", "a", "a")
    assert "b0" in place.ok("show", "b")
    assert "b1" in place.ok("show", "b", "1")
    assert "b1" in place.ok("show", str(last), "b", "1")
    assert "c0" in place.ok("show", str(last), str(first))
    assert "c0" not in place.ok("show", str(first))
    for words in (["c"], ["c", "0"], ["c", "b", "0"]):
        assert "There is no run 'c'" in place.refused("show", *words)
    assert "'INDEX': it must be a whole number" in place.refused("show", "b", "x")
    assert "no more" in place.refused("show", "a", "a", "0", "0")


def test_an_outcome_alone_shows_the_first_sample_that_has_it(place: Place) -> None:
    run = sampled_run(
        {"a": [Sampled("1", True, text="a0")], "b": [Sampled("9", text="b0"), Sampled("1", True, text="b1")]}
    )
    assert "b0" in place.ok("show", "--outcome", "incorrect")
    assert "a0" in place.ok("show", str(run), "--outcome", "correct")
    assert "b1" in place.ok("show", str(run), "b", "--outcome", "correct")
    assert "no no_answer sample yet" in place.refused("show", "--outcome", "no_answer")
    assert "not one of" in place.refused("show", "--outcome", "right")


def test_show_says_the_true_answer(place: Place) -> None:
    sampled_run({"a": [Sampled("1", text="x")]})
    assert "true answer" not in place.ok("show", "a")
    place.query("update problem set data = %s returning 1", (json.dumps({"question": "?", "answer": "4\x1b2"}),))
    assert "── true answer ─" in place.ok("show", "a")
    assert "4\\x1b2" in place.ok("show", "a")
    assert json.loads(place.ok("show", "a", "--json"))[0]["true_answer"] == "4\x1b2"


def test_one_word_of_export_is_a_run_unless_it_ends_as_a_file_does(place: Place, tmp_path: Path) -> None:
    counted_run([Tally(5, 1)])
    place.ok("export", str(tmp_path / "x.jsonl"))
    assert (tmp_path / "x.jsonl").exists()
    assert "There is no run 'x.txt'" in place.refused("export", "x.txt")


def test_a_renamed_run_is_found_by_its_new_name_and_enqueued_only_once(place: Place, tmp_path: Path) -> None:
    run = small(tmp_path).enqueue(place, 2)
    place.ok("rename", "mine")
    assert find_run("mine").id == run
    place.ok("rename", "mine", "ours")
    other = counted_run([Tally(5, 1)], name="other")
    assert f"a run named 'other' already (run {other})" in place.refused("rename", "ours", "other")
    for name in ("", " ", "7", "a\nb", "x" * 201, "--help"):
        assert "NAME must" in place.refused("rename", "ours", "--", name)
    assert "There is no run 'mine'" in place.refused("rename", "mine", "x")
    place.ok("rename", "ours", "--clear")
    assert find_run(str(run)).name is None


def test_enqueue_finds_a_run_by_the_name_it_was_given_later(place: Place) -> None:
    words = ["enqueue", "pocket-sums", "-n", "2", "--limit", "1", "--quiet", "--name"]
    run = place.ok(*words, "old")
    place.ok("rename", "old", "new")
    assert place.ok(*words, "new") == run
    assert place.ok(*words, "old") != run


def test_runs_says_in_what_those_of_one_llm_differ(place: Place) -> None:
    plain, hot, alone = (counted_run([Tally(5, 1)], llm=llm) for llm in ("one", "one", "other"))
    with_settings(hot, '{"temperature": 0.2, "system": "be\\nkind"}')
    with_settings(alone, '{"temperature": 0.7}')
    differs = {row["run_id"]: row["differs"] for row in json.loads(place.ok("runs", "--json"))}
    assert differs == {plain: {"temperature": 1}, hot: {"temperature": 0.2, "system": "be\nkind"}, alone: {}}
    assert "temperature=0.2" in place.ok("runs")
    assert "differs" not in place.ok("runs", "-m", "other")


def test_runs_of_one_llm_at_two_endpoints_are_told_apart_across_benchmarks(place: Place) -> None:
    counted_run([Tally(5, 1)], llm="one", benchmark="b")
    other = counted_run([Tally(5, 1)], llm="two", benchmark="c")
    place.query(
        """update llm set name = 'one', engine_args = '{"endpoint": "http://x/v1"}' where name = 'two' returning 1"""
    )
    with_settings(other, '{"max_tokens": 7}')
    differs = [row["differs"] for row in json.loads(place.ok("runs", "--json"))]
    assert differs == [{}, {"endpoint": "http://x/v1"}]


def test_runs_are_filtered_and_the_last_ones_come_last(place: Place) -> None:
    first = counted_run([Tally(5, 1)], benchmark="b")
    second = counted_run([Tally(5, 1)], llm="other")
    place.query("update run set cancelled_at = now() where id = %s returning 1", (second,))
    third = counted_run([Tally(5, 1)])
    place.query("update run set finished_at = null where id = %s returning 1", (third,))
    place.query("update run set created_at = now() - interval '3 days' where id = %s returning 1", (first,))

    def ids(*words: str) -> list[int]:
        return [row["run_id"] for row in json.loads(place.ok("runs", "--json", *words))]

    yesterday = f"{datetime.now() - timedelta(days=1):%Y-%m-%d}"
    assert ids() == [first, second, third]
    assert ids("-n", "2") == [second, third]
    assert ids("--benchmark", "b") == [first]
    assert ids("-m", "other") == [second]
    assert ids("--since", yesterday) == [second, third]
    assert [ids("--state", state) for state in ("done", "cancelled", "running", "failed")] == [
        [first], [second], [third], [],
    ]  # fmt: skip
    assert "The last 1 of 3 runs; `-n 3` lists all." in place.monkeys("runs", "-n", "1").stderr
    assert "--since takes" in place.refused("runs", "--since", "0001-01-01")
    assert "No run is like that" in place.monkeys("runs", "--benchmark", "").stderr
    assert "No run is like that" in place.monkeys("runs", "--state", "failed").stderr


@pytest.mark.parametrize("width", [120, 80, 40, 20])
def test_runs_never_wraps_a_row(place: Place, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counted_run([Tally(1_000, 1)], llm="meta-llama/" + "Meta-Llama-3-8B-Instruct" * 3, name="a long name " * 5)
    monkeypatch.setenv("COLUMNS", str(width))
    done = subprocess.run(
        ["script", "-qec", f"{sys.executable} -m cli runs", "/dev/null"], capture_output=True, text=True, check=True
    )
    rows = [line for line in done.stdout.splitlines() if not line.startswith("(")]
    assert len(rows) == 3
    assert max(map(len, rows)) <= width


@pytest.mark.parametrize(
    ("typed", "number"),
    [("10,000", 10_000), ("1,234,567", 1_234_567), ("10_000", 10_000), ("7", 7), ("-1,000", None), ("1,5", None),
     ("1,0000", None), (",100", None), ("10k", None), ("1.5", None), ("", None), ("9" * 5_000, None)],
)  # fmt: skip
def test_whole_numbers_are_read_with_their_commas(typed: str, number: int | None) -> None:
    if number is None:
        with pytest.raises(click.BadParameter, match="it must be a whole number") as caught:
            Number(whole(0)).convert(typed, None, None)
        assert len(str(caught.value)) < 200
    else:
        assert Number(whole(0)).convert(typed, None, None) == number


def test_dollars_are_read_with_their_commas() -> None:
    assert Number(real(0)).convert("1,000.5", None, None) == 1000.5


def test_price_says_what_now_holds(place: Place) -> None:
    words = [
        "price",
        "set",
        "openai:x",
        "--provider",
        "P",
        "--input",
        "0.15",
        "--output",
        "0.6",
        "--since",
        "2026-01-31",
    ]
    said = "openai:x by P: $0.15 a million input tokens, $0.6 a million output tokens, from 2026-01-31; "
    assert place.monkeys(*words).stderr == f"{said}it is new.\n"
    assert place.monkeys(*words).stderr == f"{said}it replaces one.\n"
    assert place.monkeys("price", "remove", str(place.one("select id from price"))).stderr == f"{said}removed.\n"


def offered(*words: str) -> list[str]:
    """What a shell is offered for the last of the words after `monkeys`."""
    completions = ShellComplete(group, {}, "monkeys", "_MONKEYS_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return [each.value for each in completions]


def test_a_shell_completes_commands_runs_benchmarks_and_llms(place: Place) -> None:
    counted_run([Tally(5, 1)], name="full", llm="org/llm")
    nameless = counted_run([Tally(5, 1)])
    for command in sorted(COMMANDS):
        assert command in offered(command[:2])
    for command in ("show", "watch", "delete", "report", "rename", "export", "compare"):
        assert offered(command, "fu") == ["full"], command
    assert offered("show", str(nameless)) == [str(nameless)]
    assert offered("enqueue", "pocket") == ["pocket-sums"]
    assert offered("enqueue", "gsm8k", "--subset", "") == ["monkeys"]
    assert offered("check", "gsm8k", "--verifier", "pa") == ["paper"]
    assert offered("runs", "-m", "or") == ["org/llm"]
    assert offered("enqueue", "gsm8k", "-m", "pocket") == ["pocket-monkey"]
    assert offered("nonsense", "x") == []


COMPLETES = """
import sys
from cli import main
try:
    main()
finally:
    print(*sorted({"torch", "vllm", "celery", "verifiers.benchmarks"} & set(sys.modules)), file=sys.stderr)
"""


def test_completion_is_silent_without_a_database_and_imports_little(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(words: str) -> tuple[str, str]:
        """What is offered, and what of the large packages is imported for it."""
        monkeypatch.setenv("COMP_WORDS", f"monkeys {words}")
        monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
        done = subprocess.run([sys.executable, "-c", COMPLETES], capture_output=True, text=True, check=True)
        return done.stdout.strip(), done.stderr.strip()

    monkeypatch.setenv("_MONKEYS_COMPLETE", "bash_complete")
    monkeypatch.setenv("MONKEYS_DATABASE_URL", "postgresql://x@127.0.0.1:1/x")
    assert asked("show x") == ("", "")
    assert asked("ru") == ("plain,runs", "")


@pytest.mark.parametrize("width", [40, 80])
def test_help_is_whole_and_fits(width: int) -> None:
    environment = {"COLUMNS": str(width)}
    shown = CliRunner().invoke(group, ["--help"], prog_name="monkeys", env=environment).output
    words, context = " ".join(shown.split()), click.Context(group)
    for command in COMMANDS:
        found = group.get_command(context, command)
        assert found is not None
        assert found.help
        first = " ".join(found.help.split("\n\n")[0].split()).split(". ")[0].rstrip(".")
        assert f"{command} {first}" in words
    usual = shown.partition("A shell completes")[0]
    assert max(map(len, usual.splitlines())) <= width
    assert all(f"\n{section}:\n" in shown for section in SECTIONS)
    assert all(f"\n  {command} " in shown for command in COMMANDS)
    assert CliRunner().invoke(group, [], prog_name="monkeys", env=environment).output == shown
