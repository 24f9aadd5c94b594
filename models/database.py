"""Connections, transactions and the schema's version."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any, LiteralString

import psycopg
import sqlalchemy
from psycopg.rows import DictRow, dict_row, tuple_row
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from models.settings import settings
from verifiers.errors import Unavailable, UserError

Connection = psycopg.Connection[DictRow]

LOST = (psycopg.OperationalError, psycopg.InterfaceError)
"""What a connection raises when the server is away; a full disk is an OperationalError of its own."""

MIGRATION_LOCK = 0x6D6F6E6B
"""Advisory lock of whoever migrates."""


def engine() -> sqlalchemy.Engine:
    """This process's connection pool; a forked child gets its own."""
    return _engine(os.getpid(), settings().database_url)


@cache
def _engine(pid: int, url: str) -> sqlalchemy.Engine:  # noqa: ARG001 -- the pid is part of the cache's key
    return sqlalchemy.create_engine(
        url, pool_pre_ping=True, pool_size=5, max_overflow=50, connect_args={"connect_timeout": 10}
    )


def session() -> Session:
    """A session for the CLI's reading and writing of whole rows."""
    return Session(engine())


@contextmanager
def transaction() -> Iterator[Connection]:
    """One transaction on a pooled psycopg connection: commits at the end, rolls back on any error."""
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
            except LOST:
                pass
        if connection.closed or connection.broken:
            pooled.invalidate()
        raise
    finally:
        connection.row_factory = tuple_row  # SQLAlchemy shares the pool and counts on tuples
        pooled.close()


def query(sql: LiteralString, parameters: Any = None) -> list[DictRow]:
    """The rows of one statement."""
    with transaction() as connection:
        return connection.execute(sql, parameters).fetchall()


def reachable() -> None:
    """Raise Unavailable, in one sentence, when the database does not answer."""
    try:
        with transaction() as connection:
            connection.execute("select 1")
    except LOST as error:
        raise outage(error) or error from error


def outage(error: BaseException) -> Unavailable | None:
    """What to tell a person when this error came of a database that is away or out of room; None of any other."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(cause, LOST):
        return None
    where = sqlalchemy.make_url(settings().database_url).render_as_string(hide_password=True)
    reason = next(iter(str(cause).strip().splitlines()), type(cause).__name__)[:200]
    if isinstance(cause, psycopg.errors.DiskFull):
        return Unavailable(f"The disk of the database {where} is full ({reason}); nothing of this was stored.")
    advice = "`monkeys up` starts the local one" if settings().own_database else "check MONKEYS_DATABASE_URL"
    return Unavailable(f"The database {where} does not answer ({reason}); {advice}.")


def migrate() -> str:
    """Bring the schema to this code's version and remake every view; return the version. Safe to run at once."""
    from alembic import command

    reachable()
    with engine().connect() as connection:
        connection.execute(sqlalchemy.text(f"select pg_advisory_lock({MIGRATION_LOCK})"))
        try:
            found = _found_version(connection)
            if found and found not in _known_versions():
                raise UserError(_newer(found))
            config = _alembic()
            config.attributes["connection"] = connection
            _drop_views(connection)
            command.upgrade(config, "head")
            _create_views(connection)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(sqlalchemy.text(f"select pg_advisory_unlock({MIGRATION_LOCK})"))
            connection.commit()
    return code_version()


def check_schema() -> None:
    """Raise UserError unless the database's schema is this code's."""
    reachable()
    with engine().connect() as connection:
        found = _found_version(connection)
    if found == code_version():
        return
    if found is None:
        raise UserError("The database has no tables of ours yet; run `monkeys migrate`.")
    if found in _known_versions():
        raise UserError(
            f"The database's schema is {found}, this monkeys wants {code_version()}; run `monkeys migrate`."
        )
    raise UserError(_newer(found))


def code_version() -> str:
    """The schema version that this code was written for."""
    head: str | None = _scripts().get_current_head()
    assert head is not None
    return head


def _newer(found: str) -> str:
    return f"The database's schema is {found}, newer than this monkeys ({code_version()}); upgrade monkeys here."


def _found_version(connection: sqlalchemy.Connection) -> str | None:
    if connection.execute(sqlalchemy.text("select to_regclass('alembic_version')")).scalar() is None:
        return None
    version = connection.execute(sqlalchemy.text("select version_num from alembic_version")).scalar()
    return str(version) if version else None


def _alembic() -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    return config


def _scripts() -> Any:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_alembic())


def _known_versions() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def view_files() -> list[tuple[str, str]]:
    """(file name, SQL) of every file of models/views, in the order they are run."""
    folder = files("models") / "views"
    return sorted((file.name, file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".sql"))


def view_names() -> list[str]:
    """Every view, in the order they are made."""
    return [name for _, sql in view_files() for name in re.findall(r"^create view (\w+)", sql, re.MULTILINE)]


def _drop_views(connection: sqlalchemy.Connection) -> None:
    """Drop our views and functions, whatever arguments an older version gave them; a person's own view stops it."""
    names = view_names()
    if names:
        connection.execute(sqlalchemy.text(f"drop view if exists {', '.join(reversed(names))}"))
    functions = [
        name for _, sql in view_files() for name in re.findall(r"^create or replace function (\w+)", sql, re.MULTILINE)
    ]
    old = connection.execute(
        sqlalchemy.text(
            "select oid::regprocedure::text from pg_proc "
            "where pronamespace = current_schema()::regnamespace and proname = any(:names)"
        ),
        {"names": functions},
    )
    for signature in old.scalars().all():
        connection.exec_driver_sql(f"drop function {signature}")


def _create_views(connection: sqlalchemy.Connection) -> None:
    for _, sql in view_files():
        connection.exec_driver_sql(sql.replace("%", "%%"))
