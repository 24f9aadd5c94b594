"""Runs to browse: page by page from where the last one ended, never counting the samples of a run.

Like all of browse_*, each function reads in a transaction of `reading()`: one look at the tables, nothing written,
nothing that takes long.
"""

from typing import NamedTuple

from models.database import Connection, fetch, fetch_column
from models.tables import Run
from models.views import RunProgressRow
from verifiers.errors import UserError

PAGE = 100
"""Runs of a page."""


class VerifierListed(NamedTuple):
    """A verifier that judges a run's samples."""

    id: int
    name: str
    version: str
    counting: bool


def run_read(connection: Connection, run_id: int) -> Run:
    """A run by its id; UserError where there is none."""
    runs = fetch(connection, Run, "select * from run where id = %s", (run_id,))
    if not runs:
        raise UserError(f"There is no run {run_id} (any more).")
    return runs[0]


def progress_read(connection: Connection, run_id: int) -> RunProgressRow:
    """How far a run is."""
    return fetch(connection, RunProgressRow, "select * from run_progress where run_id = %s", (run_id,))[0]


def runs_before(connection: Connection, before: int | None) -> list[RunProgressRow]:
    """A page of runs, newest first, and one more where there are more."""
    ids = fetch_column(
        connection,
        "select id from run where %(before)s::bigint is null or id < %(before)s order by id desc limit %(limit)s",
        {"before": before, "limit": PAGE + 1},
    )
    return fetch(
        connection, RunProgressRow, "select * from run_progress where run_id = any(%s) order by run_id desc", (ids,)
    )


def verifiers_of(connection: Connection, run: Run) -> list[VerifierListed]:
    """The verifiers that judge a run or did, the counting one first."""
    return fetch(
        connection,
        VerifierListed,
        """
        select id, name, version, id = %(counting)s as counting from verifier
        where id = any(%(named)s) or id in (select verifier_id from work_total where run_id = %(run)s)
        order by id <> %(counting)s, id desc
        """,
        {"run": run.id, "counting": run.verifier_id, "named": [run.verifier_id, *run.other_verifiers]},
    )


def key_at(connection: Connection, run_id: int, position: int) -> str:
    """The key of a run's problem at a position."""
    keys = fetch_column(
        connection,
        "select key from prompt join problem on problem.id = problem_id where run_id = %s and position = %s",
        (run_id, position),
    )
    return str(keys[0])
