"""The rules that stop a run before all its samples are drawn: at right samples, or where a budget is spent."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from models.database import Connection, fetch, fetch_column, transaction
from models.settings import settings
from tasks.ledger.statements import statements

SQL = statements("stops.sql")

MOST_UNMEASURED = 20
"""Attempts of which nobody knows what they were billed, after which a budget ends a run without a sample."""


LONG_LOOK = 0.5
"""Seconds: a look at what a run has spent reads all its attempts. After one that took longer the next one waits ..."""

LOOK_SHARE = 20
"""... this many times as long."""

_next_looks: dict[tuple[str, int], float] = {}
"""(database, run) -> when its rules are asked next, on this process's clock."""


class Stopped(NamedTuple):
    """A run that a stopping rule cut batches from."""

    run_id: int
    rule: str


class Stop(NamedTuple):
    """What a rule leaves out: of a problem what lies above an index; of a null problem, of all."""

    run_id: int
    problem_id: int | None
    last_index: int | None
    rule: str


class _Cut(NamedTuple):
    id: int
    rule: str


def stop_runs() -> list[Stopped]:
    """Cancel the batches that stopping rules leave out; return the runs that one of them was cut from.

    Works in flight finish, and so do all lower indices of a problem, so that short samples are not favoured: what rules
    cut of a problem is always a suffix of its batches.
    """
    stopped: list[Stopped] = []
    with transaction() as connection:
        for run_id in fetch_column(connection, SQL["ruled"]):
            key, began = (settings().database_url, run_id), time.monotonic()
            if began < _next_looks.get(key, 0):
                continue
            stopped += stop(connection, [run_id])
            took = time.monotonic() - began
            _next_looks[key] = began + LOOK_SHARE * took if took > LONG_LOOK else 0
    return stopped


def stop(connection: Connection, run_ids: Sequence[int]) -> list[Stopped]:
    """The same of runs that are held by a transaction."""
    stops = stopping(connection, run_ids)
    if not stops:
        return []
    runs, problems, last_indices, rules = (list(column) for column in zip(*stops, strict=True))
    beyond = {"runs": runs, "problems": problems, "last_indices": last_indices, "rules": rules}
    works = fetch(connection, _Cut, SQL["beyond_stops"], beyond)
    if not works:
        return []
    cut = {"works": [work.id for work in works], "rules": [work.rule for work in works], "runs": runs}
    return fetch(connection, Stopped, SQL["cut"], cut)


def stopping(connection: Connection, run_ids: Sequence[int]) -> list[Stop]:
    """What the rules of runs leave out just now."""
    parameters = {"runs": list(run_ids), "most_unmeasured": MOST_UNMEASURED}
    return fetch(connection, Stop, SQL["stopping"], parameters) if run_ids else []
