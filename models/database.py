"""Connections, transactions and typed rows; which errors mean that the server is away."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Event
from typing import Any, LiteralString, TypeVar

import psycopg
import sqlalchemy
from psycopg.rows import DictRow, class_row, dict_row, scalar_row, tuple_row
from sqlalchemy.exc import DBAPIError

from models import silence
from models.settings import settings
from verifiers.errors import Unavailable

Connection = psycopg.Connection[DictRow]

T = TypeVar("T")

log = logging.getLogger(__name__)

WAIT_SECONDS = 2.0
"""Between two looks for a database that is waited for."""

_snapshot: ContextVar[Connection | None] = ContextVar("snapshot", default=None)
"""The connection of the snapshot that this thread reads in."""


def is_away(error: BaseException) -> bool:
    """Whether the server is away, and not the statement wrong: what came of it waits and is tried again.

    The connection was lost (no SQLSTATE), or refused, shut down, short of room or memory, or read-only (a failover).
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError | psycopg.InternalError):
        return False
    state = cause.sqlstate
    return not isinstance(cause, psycopg.InternalError) if state is None else _means_away(state)


def _means_away(state: str) -> bool:
    return state.startswith(("08", "57P0", "53")) or state == "25006"


def is_passing(error: BaseException) -> bool:
    """Whether the same transaction may well succeed at once: it met a deadlock or a lock, or was cancelled.

    Cancelled by a limit of the server's too: on a statement, on a transaction, on one that stood still meanwhile.
    """
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state is not None and (state.startswith("40") or state in ("57014", "55P03", "25P03", "25P04"))


def is_unmade(error: BaseException) -> bool:
    """Whether the database is there but not ready: its tables are being made anew, or the role lacks its rights."""
    state = error.sqlstate if isinstance(error, psycopg.Error) else None
    return state in ("42P01", "3F000", "42501")


def engine() -> sqlalchemy.Engine:
    """This process's connection pool; a forked child gets its own."""
    return _engine(os.getpid(), settings().database_url)


@cache
def _engine(pid: int, url: str) -> sqlalchemy.Engine:  # noqa: ARG001 -- the pid is part of the cache's key
    made = sqlalchemy.create_engine(
        url, pool_pre_ping=True, pool_size=5, max_overflow=-1, connect_args={"client_encoding": "utf8"}
    )

    @sqlalchemy.event.listens_for(made, "do_connect")
    def watched(_dialect: object, _record: object, _arguments: object, reach: dict[str, Any]) -> Connection:
        return silence.connect(**reach)

    return made


@contextmanager
def transaction() -> Iterator[Connection]:
    """One transaction on a pooled psycopg connection: commits at the end, rolls back on any error.

    Within a snapshot it is that one, which only reads.
    """
    if (shared := _snapshot.get()) is not None:
        yield shared
        return
    try:
        pooled = engine().raw_connection()
    except DBAPIError as error:
        raise error.orig or error from error
    connection: Any = pooled.driver_connection
    connection.row_factory = dict_row
    try:
        yield connection
        connection.commit()
    except BaseException:
        if not connection.closed:
            try:
                connection.rollback()
            except (psycopg.OperationalError, psycopg.InterfaceError):
                pass
        if connection.closed or connection.broken:
            pooled.invalidate()
        raise
    finally:
        connection.row_factory = tuple_row  # SQLAlchemy shares the pool and counts on tuples
        pooled.close()


@contextmanager
def reading(seconds: float | None = None) -> Iterator[Connection]:
    """A transaction that only reads, the tables as they were at its start, and ends a statement after so long."""
    with transaction() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        if seconds is not None:
            connection.execute("select set_config('statement_timeout', %s, true)", (f"{seconds * 1000:.0f}",))
        yield connection


@contextmanager
def snapshot() -> Iterator[None]:
    """Have all that is read within see the database as it is now, whatever others write meanwhile."""
    with reading() as connection:
        token = _snapshot.set(connection)
        try:
            yield
        finally:
            _snapshot.reset(token)


def fetch(connection: Connection, row: type[T], sql: LiteralString, parameters: Any = None) -> list[T]:
    """The rows of one statement of a transaction, as objects of a class: columns and fields must be the same ones.

    A whole row of a table is its SQLModel class, one of a view its class of models.views, a part of one a NamedTuple
    beside its statement.
    """
    with connection.cursor(row_factory=class_row(row)) as cursor:
        cursor.execute(sql, parameters)
        _check_columns(row, [column.name for column in cursor.description or ()])
        return cursor.fetchall()


def _check_columns(row: type[Any], columns: list[str]) -> None:
    """A SQLModel class drops what it does not know and leaves out what is not there, silently."""
    if (known := getattr(row, "model_fields", None)) is not None and set(columns) != set(known):
        raise TypeError(f"{row.__name__} is a whole row, which {', '.join(columns)} is not")


def rows(row: type[T], sql: LiteralString, parameters: Any = None) -> list[T]:
    """The rows of one statement, as in `fetch`, in a transaction of its own."""
    with transaction() as connection:
        return fetch(connection, row, sql, parameters)


def fetch_column(connection: Connection, sql: LiteralString, parameters: Any = None) -> list[Any]:
    """The values of one statement of one column, of a transaction."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(sql, parameters).fetchall()


def column(sql: LiteralString, parameters: Any = None) -> list[Any]:
    """The values of one statement of one column, in a transaction of its own."""
    with transaction() as connection:
        return fetch_column(connection, sql, parameters)


def query(sql: LiteralString, parameters: Any = None) -> list[DictRow]:
    """The rows of one statement whose columns only a person knows."""
    with transaction() as connection:
        return connection.execute(sql, parameters).fetchall()


def reachable() -> None:
    """Raise Unavailable, in one sentence, when the database does not answer."""
    try:
        with transaction() as connection:
            connection.execute("select 1")
    except psycopg.Error as error:
        raise outage(error) or error from error


def wait_until_reachable(stop: Event | None = None) -> None:
    """Return when the database answers or `stop` is set: for a process that nobody watches."""
    stop, told = stop or Event(), False
    while not stop.is_set():
        try:
            reachable()
        except Unavailable as error:
            log.log(logging.DEBUG if told else logging.WARNING, "waiting: %s", error)
            told = True
            stop.wait(WAIT_SECONDS)
        else:
            return


def outage(error: BaseException) -> Unavailable | None:
    """What to tell a person when this error came of a database that is away or out of room; None of any other."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if cause is None or not is_away(cause):
        return None
    where = sqlalchemy.make_url(settings().database_url).render_as_string(hide_password=True)
    reason = next(iter(str(cause).strip().splitlines()), type(cause).__name__)[:200]
    if isinstance(cause, psycopg.errors.DiskFull):
        return Unavailable(f"The disk of the database {where} is full ({reason}); nothing of this was stored.")
    advice = "`monkeys up` starts the local one" if settings().own_database else "check MONKEYS_DATABASE_URL"
    return Unavailable(f"The database {where} does not answer ({reason}); {advice}.")
