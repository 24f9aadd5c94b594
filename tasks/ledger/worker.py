"""The rows of processes that do works or sweep: what each last did, until when it said that it lives, how it left."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from models.database import column, fetch_column, rows, transaction
from models.machine import ProcessName
from models.storable import storable
from tasks.ledger.statements import statements
from tasks.ledger.work import MAX_ATTEMPTS

SQL = statements("worker.sql")

SILENT_SECONDS = 300
"""A worker whose lease ran out so long ago is called failed."""

KEPT_DAYS = 14
"""So long rows of workers that left or failed stay."""


class Registered(NamedTuple):
    """A process that has a row."""

    id: int
    process: ProcessName

    def parameters(self) -> dict[str, Any]:
        """By which statements find its row: of another database the same id is another's."""
        return {"id": self.id, **self.process._asdict()}


class Led(NamedTuple):
    """Whether a sweeper is the one that sweeps."""

    leads: bool
    clock: float
    """The database's, in Unix seconds."""
    replaced: str | None
    """Sweepers that served until their leases ran out."""


class Unended(NamedTuple):
    """A worker that did not say that it leaves."""

    id: int
    kind: str
    name: str
    pid: int
    started_ticks: int


class Silent(NamedTuple):
    kind: str
    name: str
    host: str
    pid: int


def register(
    process: ProcessName,
    kind: str,
    name: str,
    queues: Sequence[str],
    code_version: str,
    lease_seconds: float,
) -> Registered:
    """A row for a process, with state `starting`."""
    parameters = {
        "kind": kind, "name": name, "queues": list(queues), "code_version": code_version,
        "lease_seconds": lease_seconds, **process._asdict(),
    }  # fmt: skip
    (made,) = column(SQL["register"], parameters)
    return Registered(made, process)


def look_alive(
    worker: Registered,
    state: str,
    did_seconds: float | None,
    judges: Mapping[str, str | None],
    error: str | None,
    lease_seconds: float,
) -> float | None:
    """Say that a process lives, and how many seconds ago it last did something, where it did.

    Returns the database's clock in Unix seconds; None where that has no such row: it is another database.
    """
    parameters = {
        **worker.parameters(), "state": state, "did_seconds": did_seconds, "judges": Jsonb(dict(judges)),
        "error": error, "lease_seconds": lease_seconds,
    }  # fmt: skip
    return next(iter(column(SQL["look_alive"], parameters)), None)


def lead(worker: Registered, lease_seconds: float) -> Led | None:
    """Say that a sweeper lives, and learn whether it is to sweep; None as in `look_alive`."""
    return next(iter(rows(Led, SQL["lead"], {**worker.parameters(), "lease_seconds": lease_seconds})), None)


def leave(worker: Registered, state: str, error: str | None) -> None:
    """Say that a process leaves: `left`, or `failed` and why."""
    parameters = {"state": state, "error": None if error is None else storable(error)[:4_000]}
    with transaction() as connection:
        connection.execute(SQL["leave"], worker.parameters() | parameters)


def unended_here(process: ProcessName) -> list[Unended]:
    """The workers of a process's own machine that did not say that they leave."""
    return rows(Unended, SQL["unended_here"], process._asdict()) if process.machine else []


def bury(workers: Sequence[int]) -> list[int]:
    """Processes that are gone: failed, and the works that they held ready again. Returns the works."""
    with transaction() as connection:
        parameters = {"ids": list(workers), "max_attempts": MAX_ATTEMPTS}
        connection.execute(SQL["bury"], parameters)
        return fetch_column(connection, SQL["free_buried"], parameters)


def give_up() -> list[Silent]:
    """Call workers failed that said nothing for minutes, and forget those that ended weeks ago."""
    with transaction() as connection:
        connection.execute(SQL["forget"], {"days": KEPT_DAYS})
    return rows(Silent, SQL["give_up"], {"silent_seconds": SILENT_SECONDS})
