"""A person's own questions: what they may do, what they are told, and how much of the answer is here at once."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.database import column
from tests.counted import Sampled, Tally, counted_run, sampled_run
from tests.place import Place, wait_until


def test_a_question_counts_its_rows(place: Place) -> None:
    assert place.ok("sql", "select 1 as a union all select 2").splitlines() == ["a", "─", "1", "2", "(2 rows)"]
    assert place.ok("sql", "select 1 as a where false").splitlines() == ["a", "─", "(0 rows)"]
    assert place.ok("sql", "--csv", "select 1 as a where false") == "a\n"
    assert json.loads(place.ok("sql", "--json", "select 1 as a where false")) == []


@pytest.mark.parametrize("query", ["-- why\nselect 1 as a", "--why\nselect 1 as a", "--\nselect 1 as a"])
def test_a_question_may_begin_with_a_comment(place: Place, query: str) -> None:
    for words in (["--csv", query], [query, "--csv"], ["--csv", "--", query]):
        assert place.ok("sql", *words) == "a\n1\n"
    assert "No such option" in place.monkeys("sql", "--why").stderr


@pytest.mark.parametrize(
    "query",
    [
        "delete from run",
        "with gone as (delete from run returning 1) select * from gone",
        "create table mine (a int)",
        "select setval('run_id_seq', 1000)",
    ],
)
def test_only_write_changes_anything(place: Place, query: str) -> None:
    counted_run([Tally(5, 1)])
    assert "with --write it may" in place.refused("sql", query)
    assert place.one("select count(*) from run") == 1
    place.ok("sql", "--write", query)
    place.query("select 1")


@pytest.mark.parametrize(
    "query",
    [
        "copy (select 1) to program 'touch {}'",
        "/* a */ -- why\n COPY (select 1) to '{}'",
        "do $$ begin copy (select 1) to program 'touch {}'; end $$",
    ],
)
def test_only_write_makes_files_or_starts_programs(place: Place, tmp_path: Path, query: str) -> None:
    told = place.refused("sql", query.format(tmp_path / "made"))
    assert "COPY is for psql" in told or "with --write it may" in told
    assert not (tmp_path / "made").exists()
    assert place.ok("sql", "select 'copy' as copied").splitlines()[2] == "copy"


def test_a_statement_cannot_end_the_transaction_that_only_reads(place: Place) -> None:
    counted_run([Tally(5, 1)])
    for query in ("commit; delete from run", "select 1; commit; delete from run"):
        assert "several statements" in place.refused("sql", query)
    assert place.one("select count(*) from run") == 1
    place.ok("sql", "--write", "update run set name = 'a'; update run set name = name || 'b'")
    assert place.one("select name from run") == "ab"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "select 1,\n  nothing from run",
            'column "nothing" does not exist. It is at line 2, character 3: nothing from run',
        ),
        ("selec 1", 'syntax error at or near "selec". It is at line 1, character 1: selec 1'),
        ("select 1 / 0", "division by zero."),
        ("select * from covrage", 'relation "covrage" does not exist. It is at line 1, character 15'),
        ("select 'a\x1b[31m'::int", 'invalid input syntax for type integer: "a\\x1b[31m"'),
        ("copy run to stdout", "COPY is for psql"),
        (" ", "There is no query"),
        ("select count(*) from nope('%s')", "does not exist"),
    ],
)
def test_wrong_sql_is_one_sentence_that_says_where(place: Place, query: str, said: str) -> None:
    told = place.refused("sql", query)
    assert said in told
    assert "\x1b" not in told


def test_what_has_no_cursor_is_answered_too(place: Place) -> None:
    assert "Result" in place.ok("sql", "explain select 1")
    assert "UTC" in place.ok("sql", "show timezone")
    assert "(1 row)" in place.ok("sql", "table pg_am limit 1")
    assert place.ok("sql", "--csv", "select '100%' as a") == "a\n100%\n"


def test_columns_of_one_name_are_told_apart(place: Place) -> None:
    assert place.ok("sql", "--csv", "select 1 as a, 2 as a, 3 as a_2") == "a,a_3,a_2\n1,2,3\n"


def test_json_that_comes_in_pieces_is_the_json_of_all(place: Place) -> None:
    text = place.ok("sql", "--json", "select i, array[i] as s, '[\n' as t from generate_series(1, 3) as i")
    assert text == json.dumps([{"i": i, "s": [i], "t": "[\n"} for i in (1, 2, 3)], indent=1) + "\n"


@pytest.mark.slow
def test_millions_of_rows_take_no_memory(place: Place) -> None:
    program = (
        "import resource, sys; from cli import group; "
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        "group.main(['sql', '--csv', sys.argv[1]], standalone_mode=False); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    most = []
    for rows in (1, 200_000):
        query = f"select i, repeat('x', 200) as text from generate_series(1, {rows}) as i"
        done = subprocess.run([sys.executable, "-c", program, query], capture_output=True, text=True, check=True)
        assert done.stdout.count("\n") == rows + 1
        most.append(int(done.stderr))
    assert most[1] - most[0] < 15_000  # KiB; the rows are 40 MB


def test_a_statement_that_is_interrupted_ends_at_the_server(place: Place) -> None:
    asking = "select count(*) from pg_stat_activity where query like 'FETCH%' and state = 'active'"
    process = place.start("sql", "select pg_sleep(50)")
    wait_until(lambda: column(asking) == [1])
    began = time.monotonic()
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(20) == 1
    wait_until(lambda: column(asking) == [0], 5)
    assert time.monotonic() - began < 10


def test_every_column_of_a_view_says_what_it_is(place: Place) -> None:
    silent = place.query(
        """
        select relname, attname from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = current_schema()::regnamespace and relkind = 'v' and attnum > 0
            and col_description(attrelid, attnum) is null
        """
    )
    assert [f"{row['relname']}.{row['attname']}" for row in silent] == []


def test_views_are_described(place: Place) -> None:
    every = {row["name"]: row for row in csv.DictReader(place.ok("sql", "--describe", "--csv").splitlines())}
    assert every["coverage"]["kind"] == "view"
    assert every["run"]["kind"] == "table"
    assert every["coverage_at(run_id bigint, k bigint)"]["comment"].startswith("Coverage (pass@k")
    columns = json.loads(place.ok("sql", "--describe", "coverage", "--json"))
    assert {"column": "k", "type": "bigint"}.items() <= columns[2].items()
    assert "k  bigint" in place.ok("sql", "--describe", "coverage")
    assert "did you mean coverage?" in place.refused("sql", "--describe", "covrage")
    assert "Give one of" in place.refused("sql", "--describe", "coverage", "--grant-analyst", "ada")


def test_csv_has_values_as_they_are(place: Place) -> None:
    sampled_run({"a": [Sampled("=1+1", True)]})
    assert place.ok("sql", "--csv", "select text from candidate") == "text\n=1+1\n"
    assert "formula" in place.ok("sql", "--help")
