"""The schema: its version, its migrations, and the views, which are remade around each of them."""

import re
from importlib.resources import files
from typing import Any

import sqlalchemy

from models.database import engine, reachable
from verifiers.errors import UserError

MIGRATION_LOCK = 0x6D6F6E6B
"""Advisory lock of whoever migrates."""


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
    return schema_version()


def check_schema() -> None:
    """Raise UserError unless the database's schema is this code's."""
    reachable()
    with engine().connect() as connection:
        found = _found_version(connection)
    if found == schema_version():
        return
    if found is None:
        raise UserError("The database has no tables of ours yet; run `monkeys migrate`.")
    if found in _known_versions():
        raise UserError(
            f"The database's schema is {found}, this monkeys wants {schema_version()}; run `monkeys migrate`."
        )
    raise UserError(_newer(found))


def schema_version() -> str:
    """The schema version that this code was written for."""
    head: str | None = _scripts().get_current_head()
    assert head is not None
    return head


def _newer(found: str) -> str:
    return f"The database's schema is {found}, newer than this monkeys ({schema_version()}); upgrade monkeys here."


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


def _function_names() -> list[str]:
    return [
        name for _, sql in view_files() for name in re.findall(r"^create or replace function (\w+)", sql, re.MULTILINE)
    ]


def _drop_views(connection: sqlalchemy.Connection) -> None:
    """Drop our views and functions, those that only an older version had too; a person's own view stops it."""
    views, functions = view_names(), _function_names()
    if connection.execute(sqlalchemy.text("select to_regclass('made_view')")).scalar() is not None:
        older = [name for (name,) in connection.execute(sqlalchemy.text("select name from made_view order by place"))]
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
    connection.execute(sqlalchemy.text("insert into made_view (name, place) values (:name, :place)"), names)
