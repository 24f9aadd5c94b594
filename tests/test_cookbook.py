"""Every query of the cookbook and of the README answers, on a run that has something to answer with."""

import re
from pathlib import Path

import psycopg
import pytest
import sqlalchemy

from models.analysis.store import analyze
from tests.counted import Sampled, add_attempts, judge_again, sampled_run
from tests.place import Place
from verifiers.benchmarks.pocket_sums import POCKET_SUMS

ROOT = Path(__file__).parents[1]
COOKBOOK = (ROOT / "cli" / "help" / "cookbook.md").read_text("utf-8")
QUERIES = re.findall(r"\*\*(\d+)\. (.+?)\*\*\n\n```sql\n(.+?)```", COOKBOOK, re.DOTALL)
OF_THE_README = re.findall(r"\*\*([^*\n]+)\*\*\n\n```sql\n(.+?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture
def asked(place: Place) -> Place:
    """Two analysed runs of the same six problems."""
    for llm in ("small", "large"):
        samples = [
            Sampled("4", True, logprob=-3.0, scores={"rm": 1.0}, thinking_tokens=4),
            Sampled("5", logprob=-4.0, scores={"rm": 0.5}, finish_reason="length"),
            Sampled(None, logprob=-9.0, scores={"rm": 0.1}, answer_from=None),
        ]
        problems = {str(key): [samples[(key + place) % 3] for place in range(12)] for key in (0, 1, 4, 5)}
        problems["sums-030"] = [*samples * 3, *[Sampled("4", True, logprob=-2.0, scores={"rm": 0.9})] * 3]
        problems["3"] = [samples[1]] * 12  # never solved, so that laws mean something
        run = sampled_run(problems, llm=llm, name=llm)
        add_attempts(run, completion_tokens=120, prompt_tokens=30, gpu_seconds=2.0)
        if llm == "small":
            judge_again(run, "paper")
        (row,) = place.query("select verifier_id from run where id = %s", (run,))
        analyze(run, row["verifier_id"])
    return place


def test_the_queries_of_the_cookbook_are_counted() -> None:
    assert [int(number) for number, _, _ in QUERIES] == list(range(1, len(QUERIES) + 1))
    assert len(QUERIES) >= 22


def test_the_queries_of_the_readme_are_of_the_cookbook() -> None:
    assert len(OF_THE_README) >= 5
    assert set(OF_THE_README) <= {(question, sql) for _, question, sql in QUERIES}


def test_the_problems_that_readme_and_cookbook_name_are_of_the_demo() -> None:
    problems = POCKET_SUMS.load(None)
    demo = {problems[index].key for index in POCKET_SUMS.subsets["demo"](problems)}
    for named in [set(re.findall(r"sums-\d+", text)) for text in (COOKBOOK, (ROOT / "README.md").read_text("utf-8"))]:
        assert named
        assert named <= demo


def test_every_query_of_the_cookbook_answers(asked: Place) -> None:
    for number, question, sql in QUERIES:
        rows = asked.query(sql)
        assert rows, (number, question)
        for column in rows[0]:
            if column not in (
                "usd",
                "stopping_usd",
                "usd_per_solved_problem",
                "flops",
                "flag",
                "engine_version",
                "engine_seed",
            ):
                assert any(row[column] is not None for row in rows), (number, question, column)


def test_a_second_version_of_a_verifier_changes_no_answer_of_the_cookbook(asked: Place) -> None:
    before = [asked.query(sql) for _, _, sql in QUERIES]
    second = judge_again(1)
    analyze(1, second)
    for (number, question, sql), rows in zip(QUERIES, before, strict=True):
        assert asked.query(sql) == rows, (number, question)


def test_the_paired_query_is_that_of_compare(asked: Place) -> None:
    rows = asked.query(QUERIES[18][2])
    assert [row["k"] for row in rows] == [1, 2, 5]
    assert all(row["difference"] == 0 for row in rows)


def test_an_analyst_reads_everything_and_changes_nothing(asked: Place) -> None:
    name = sqlalchemy.make_url(asked.database_url).database
    role = f"analyst_{name}"
    asked.ok("sql", "--grant-analyst", role)
    asked.ok("sql", "--grant-analyst", role)
    asked.ok("migrate")  # views are made anew
    url = sqlalchemy.make_url(asked.database_url).set(drivername="postgresql", username=role)
    try:
        with psycopg.connect(url.render_as_string(hide_password=False)) as connection:
            for _, _, sql in QUERIES:
                connection.execute(sql.encode())
        for change in ("delete from score", "set transaction read write; delete from score", "create table t ()"):
            with (
                psycopg.connect(url.render_as_string(hide_password=False)) as connection,
                pytest.raises((psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.InsufficientPrivilege)),
            ):
                connection.execute(change.encode())
    finally:
        with psycopg.connect(asked.database_url.replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"drop owned by {role}".encode())
            connection.execute(f"drop role {role}".encode())
