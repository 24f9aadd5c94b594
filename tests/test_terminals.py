"""What is printed for people fits where it is printed."""

import os
import pty
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cli.output import number_of, table_lines
from tests.counted import Sampled, sampled_run
from tests.place import Place

CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=100), st.just("界" * 30))


@given(
    st.integers(1, 9).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), max_size=4)),
    st.integers(12, 200),
    st.sets(st.integers(0, 8)),
)
def test_a_table_is_as_wide_as_there_is_room(rows: list[tuple[object, ...]], room: int, least: set[int]) -> None:
    names = [f"c{at}" for at in range(len(rows[0]) if rows else 3)]
    table = [dict(zip(names, row, strict=True)) for row in rows]
    leave = [name for at, name in enumerate(names) if at in least]
    lines = "".join(table_lines(table, names, room, leave)).splitlines()
    body = lines[: 2 + len(rows)]
    assert len(body) == 2 + len(rows)
    shown = body[0].split()
    if len(shown) > 1:
        assert all(cell_len(line) <= room for line in body)
    left_out = [name for name in names if name not in shown]
    assert len(lines) == len(body) + bool(left_out)
    assert left_out == [] or f"({len(left_out)} of the columns left out" in lines[-1]
    order = list(dict.fromkeys([*leave, *names[::-1]]))
    assert set(left_out) == set(order[: len(left_out)])


def test_one_thing_is_not_many() -> None:
    assert [number_of(count, "work") for count in (0, 1, 2000)] == ["0 works", "1 work", "2,000 works"]


def test_what_is_piped_is_whole() -> None:
    (_, _, line) = table_lines([{"text": "x" * 70, "more": "y" * 70, "many": "z" * 70}], ("text", "more", "many"))
    assert line == f"{'x' * 70}  {'y' * 70}  {'z' * 70}\n"


def test_the_ends_of_a_long_name_are_kept() -> None:
    (*_, line) = table_lines([{"llm": "replay:/a/long/way/to/recording.jsonl"}], ("llm",), 20)
    assert line == "replay:/a/lon….jsonl\n"


def in_a_terminal(*arguments: str, columns: int = 80, typed: str = "", **environment: str) -> str:
    """What a command prints into a terminal of that width, where this is typed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": str(columns), **environment},
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:  # the terminal is closed
        pass
    os.close(ours)
    assert process.wait() == 0, said.decode()
    return said.decode().replace("\r\n", "\n")


@pytest.fixture
def reported(place: Place) -> Place:
    """A run with something in most tables of a report, and a name that no encoding but UTF-8 has."""
    problems = {str(at): [Sampled("4", at > 1, scores={"rm": 1.0}), Sampled("5"), Sampled(None)] for at in range(4)}
    sampled_run(problems, name="日本 · naïve")
    place.ok("analyze", "1", "--json")
    return place


def widest(text: str) -> int:
    return max(cell_len(line) for line in text.splitlines())


def test_forty_columns_are_enough(reported: Place) -> None:
    coloured = in_a_terminal("report", "1", "--tables-only", columns=40, TERM="xterm", NO_COLOR="")
    assert "\x1b[1m" in coloured
    plain = re.sub(r"\x1b\[\d*m", "", coloured)
    tables = [line for line in plain.splitlines() if "  " in line or "─" in line]
    assert len(tables) > 20
    assert widest("\n".join(tables)) <= 40


def test_watch_leaves_room_for_what_a_terminal_echoes_of_ctrl_c(reported: Place) -> None:
    said = re.sub(r"\x1b\[[?\d;]*\w", "", in_a_terminal("watch", "1", columns=40, TERM="xterm", NO_COLOR="1"))
    assert {cell_len(line) for line in said.splitlines() if "│" in line} == {38}


def test_a_dumb_terminal_is_told_in_lines(reported: Place) -> None:
    assert in_a_terminal("watch", "1", columns=40, TERM="dumb").startswith("run 1: 12 of 12 samples, ")


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_means_none(place: Place, name: str, value: str) -> None:
    told = {"TERM": "xterm", "NO_COLOR": "", name: value}
    assert "\x1b" not in in_a_terminal("sql", "select 1 as a", columns=40, **told)


def test_a_terminal_without_unicode_gets_what_it_can_write(reported: Place) -> None:
    latin = {"PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"}

    def said(*arguments: str) -> bytes:
        command = [sys.executable, "-m", "cli", *arguments]
        return subprocess.run(command, env={**os.environ, **latin}, stdout=subprocess.PIPE, check=True).stdout

    for command in (["report", "1", "--tables-only"], ["runs"], ["compare", "1@1", "1@2"]):
        assert "naïve".encode("latin-1") in said(*command)
    assert b"- \\u2713 - * \\u65e5" in said("sql", "select '─ ✓ – \u2827 日' as a")
    assert said("sql", "--csv", "select '─日' as a") == "a\n─日\n".encode()


def test_psql_only_reads_unless_it_may_write(place: Place) -> None:
    sampled_run({"a": [Sampled("4", True)]}, name="kept")
    change = "update run set name = 'changed';\n\\q\n"
    assert "in a read-only transaction" in in_a_terminal("sql", typed=change, TERM="dumb")
    assert place.one("select name from run") == "kept"
    assert "UPDATE 1" in in_a_terminal("sql", "--write", typed=change, TERM="dumb")
    assert place.one("select name from run") == "changed"
