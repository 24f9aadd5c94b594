"""The schema: its version, its migrations, and the views, which are remade around each of them."""

import hashlib
import re
import time
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from models.database import engine, is_passing, outage, reachable
from models.questions.blocking import blocking
from verifiers.errors import Unavailable, UserError

MIGRATION_LOCK = 0x6D6F6E6B
"""Advisory lock of whoever migrates."""

OTHERS_SECONDS = 600
"""How long another migration is waited for; nobody waits behind that."""

LOCK_SECONDS = 2
"""How long a lock on a table or view is waited for. All who come meanwhile, readers too, wait behind it; in less than
one second the server would not tell its own autovacuum to go."""

WAIT_SECONDS, PAUSE_SECONDS = 40.0, 2.0
"""How long such locks are tried for, and the time in between, in which those who waited get on."""

SQL_PLACE = -1
"""The place in made_view that has no view's name: the SHA-256 of the SQL of all of them."""


def migrate() -> str:
    """Bring the schema to this code's version and remake every view; return the version. Safe to run at once.

    Nothing is locked where there is nothing to do. Unavailable, and nothing done, where somebody is in the way.
    """
    reachable()
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with engine().connect() as connection:
            if _is_made(connection):
                return schema_version()
            (pid,) = connection.exec_driver_sql("select pg_backend_pid()").one()
            try:
                with blocking(pid) as seen:
                    _make(connection)
                return schema_version()
            except DBAPIError as error:
                connection.rollback()
                if error.orig is None or not is_passing(error.orig):
                    raise
                if time.monotonic() > deadline:
                    raise Unavailable(
                        "The tables and views are in use, and nothing was migrated: "
                        f"{'; '.join(map(str, seen)) or str(error.orig).strip()}; end it or wait, and run "
                        "`monkeys migrate` again."
                    ) from error
        time.sleep(PAUSE_SECONDS)


def _make(connection: sqlalchemy.Connection) -> None:
    """Migrate in one transaction, unless another one did while this one waited for it."""
    from alembic import command

    connection.exec_driver_sql(f"set local statement_timeout = 0; set local lock_timeout = '{OTHERS_SECONDS}s'")
    connection.exec_driver_sql(f"select pg_advisory_xact_lock({MIGRATION_LOCK})")
    if _is_made(connection):
        return
    connection.exec_driver_sql(f"set local lock_timeout = '{LOCK_SECONDS}s'")
    config = _alembic()
    config.attributes["connection"] = connection
    _drop_views(connection)
    command.upgrade(config, "head")
    _create_views(connection)
    connection.commit()


def _is_made(connection: sqlalchemy.Connection) -> bool:
    """Whether the version and every view are this code's; UserError where they never can be."""
    found = _found_version(connection)
    if found != schema_version():
        if found and found not in _known_versions():
            raise UserError(_newer(found))
        return False
    made = connection.execute(
        sqlalchemy.text("""
            select bool_or(place = :sql) and bool_and(case when place = :sql then name = :digest
                else to_regclass(quote_ident(name)) is not null or exists (
                    select from pg_proc where proname = name and pronamespace = current_schema()::regnamespace
                ) end)
            from made_view
        """),
        {"sql": SQL_PLACE, "digest": _digest()},
    )
    return made.scalar() is True


def check_schema() -> None:
    """Raise UserError unless the database's schema is this code's."""
    try:
        with engine().connect() as connection:
            found = _found_version(connection)
    except DBAPIError as error:
        raise outage(error) or error from error
    if found == schema_version():
        return
    if found is None:
        raise UserError("The database has no tables of ours yet; run `monkeys migrate`.")
    if found in _known_versions():
        raise UserError(
            f"The database's schema is {found}, this monkeys wants {schema_version()}; run `monkeys migrate`."
        )
    raise UserError(_newer(found))


def outgrown(error: BaseException) -> UserError | None:
    """What to tell of a statement that failed since the schema became another version's; None of any other error."""
    if not isinstance(error, psycopg.Error) or not (error.sqlstate or "").startswith(("42", "23")):
        return None
    try:
        check_schema()
    except Unavailable:
        return None
    except UserError as told:
        return told
    return None


@cache
def schema_version() -> str:
    """The schema version that this code was written for."""
    head: str | None = _scripts().get_current_head()
    assert head is not None
    return head


def _newer(found: str) -> str:
    return f"The database's schema is {found}, newer than this monkeys ({schema_version()}); upgrade monkeys here."


def _found_version(connection: sqlalchemy.Connection) -> str | None:
    """The version of the database's schema, None of an empty one; UserError where it cannot hold every text."""
    look = "select current_setting('server_encoding'), to_regclass('alembic_version') is null"
    encoding, empty = connection.exec_driver_sql(look).one()
    if encoding != "UTF8":
        raise UserError(
            f"The database's encoding is {encoding}, which cannot hold every text; make one that can: "
            "create database monkeys encoding 'UTF8' template template0."
        )
    if empty:
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


@cache
def _known_versions() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def view_files() -> list[tuple[str, str]]:
    """(file name, SQL) of every file of models/views, in the order they are run."""
    folder = files("models") / "views"
    return sorted((file.name, file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".sql"))


def view_names() -> list[str]:
    """Every view, in the order they are made."""
    return [name for _, sql in view_files() for name in re.findall(r"^create view (\w+)", sql, re.MULTILINE)]


def _function_names() -> list[str]:
    return [
        name for _, sql in view_files() for name in re.findall(r"^create or replace function (\w+)", sql, re.MULTILINE)
    ]


def _digest() -> str:
    """Of the SQL of all views and functions."""
    return hashlib.sha256("".join(sql for _, sql in view_files()).encode()).hexdigest()


def _drop_views(connection: sqlalchemy.Connection) -> None:
    """Drop our views and functions, those that only an older version had too; a person's own view stops it."""
    views, functions = view_names(), _function_names()
    if connection.execute(sqlalchemy.text("select to_regclass('made_view')")).scalar() is not None:
        names = sqlalchemy.text("select name from made_view where place <> :sql order by place")
        older = list(connection.execute(names, {"sql": SQL_PLACE}).scalars())
        views = [name for name in older if name not in views] + views
        functions = functions + older
    connection.exec_driver_sql(f"drop view if exists {', '.join(reversed(views))}")
    signatures = connection.execute(
        sqlalchemy.text(
            "select oid::regprocedure::text from pg_proc "
            "where pronamespace = current_schema()::regnamespace and proname = any(:names)"
        ),
        {"names": functions},
    )
    for signature in signatures.scalars().all():
        connection.exec_driver_sql(f"drop function {signature}")


def _create_views(connection: sqlalchemy.Connection) -> None:
    """Run every file of models/views, and note what it made, for a later version that has it no more."""
    for _, sql in view_files():
        connection.exec_driver_sql(sql.replace("%", "%%"))
    connection.execute(sqlalchemy.text("delete from made_view"))
    names = [{"name": name, "place": place} for place, name in enumerate(view_names() + _function_names())]
    names.append({"name": _digest(), "place": SQL_PLACE})
    connection.execute(sqlalchemy.text("insert into made_view (name, place) values (:name, :place)"), names)
