"""`monkeys sql`: questions to the tables."""

import os
import shutil
import sys
from collections.abc import Sequence
from itertools import chain, count

import click

from cli.options import table_options
from cli.output import print_rows


@click.command()
@click.argument("query", required=False)
@click.option(
    "--grant-analyst", "role", metavar="NAME", help="Make NAME a role that may read everything and change nothing."
)
@table_options
def sql(query: str | None, role: str | None, form: str | None) -> None:
    """Open psql on the database, or run one QUERY and print its rows. QUERY may be - for standard input.

    \b
    Example:
      monkeys sql
      monkeys sql "select k, coverage, low, high from coverage where run_id = 1"
      monkeys sql --csv "select * from problem_tally where run_id = 1" > tally.csv
      monkeys sql --grant-analyst ada
    """
    from models.schema import check_schema

    check_schema()
    if role is not None:
        _grant(role)
        return
    if query is None and sys.stdin.isatty():
        _psql()
        return
    if query is None or query == "-":
        query = sys.stdin.read()
    _run(query, form)


def _run(query: str, form: str | None) -> None:
    import psycopg
    from psycopg.rows import tuple_row

    from models.database import transaction
    from verifiers.errors import UserError

    try:
        with transaction() as connection:
            cursor = connection.cursor(row_factory=tuple_row).execute(query.encode())  # a person's own SQL
            rows = None if cursor.description is None else cursor.fetchall()
    except (psycopg.ProgrammingError, psycopg.DataError, psycopg.errors.RaiseException) as error:
        raise UserError(str(error).strip().replace("\n", " ")) from error
    if rows is None or cursor.description is None:
        click.echo(cursor.statusmessage, err=True)
    else:
        names = _told_apart([column.name for column in cursor.description])
        print_rows([dict(zip(names, row, strict=True)) for row in rows], form, names)


def _told_apart(names: Sequence[str]) -> list[str]:
    """Columns of one name numbered, since a row has one value a name."""
    told: list[str] = []
    for name in names:
        numbered = (f"{name}_{number}" for number in count(2) if f"{name}_{number}" not in names)
        told.append(next(each for each in chain([name], numbered) if each not in told))
    return told


def _grant(name: str) -> None:
    """Make a role that reads every table and view, those of later migrations too."""
    import psycopg
    from psycopg.sql import SQL, Identifier

    from models.database import transaction
    from verifiers.errors import UserError

    role = Identifier(name)
    try:
        with transaction() as connection:
            if connection.execute("select from pg_roles where rolname = %s", (name,)).fetchone() is None:
                connection.execute(SQL("create role {} login").format(role))
            schema = connection.execute("select current_schema() as name").fetchone()
            assert schema is not None
            names = {"role": role, "schema": Identifier(schema["name"])}
            for statement in (
                SQL("grant usage on schema {schema} to {role}"),
                SQL("grant select on all tables in schema {schema} to {role}"),
                SQL("alter default privileges in schema {schema} grant select on tables to {role}"),
                SQL("alter role {role} set default_transaction_read_only = on"),
            ):
                connection.execute(statement.format(**names))
    except psycopg.ProgrammingError as error:
        raise UserError(f"The role was not made: {str(error).strip().splitlines()[0]}.") from error
    click.echo(f"{name} may read everything here; `alter role` gives it a password where it needs one.", err=True)


def _psql() -> None:
    from sqlalchemy import make_url

    from models.settings import settings
    from verifiers.errors import Unavailable

    program = shutil.which("psql") or _bundled_psql()
    if program is None:
        raise Unavailable('There is no psql here; give a query: monkeys sql "select * from run_progress".')
    url = make_url(settings().database_url).set(drivername="postgresql")
    if url.password:
        os.environ["PGPASSWORD"] = str(url.password)  # not on the command line, where everyone reads it
    shown = url._replace(password=None).render_as_string(hide_password=False)
    os.execv(program, [program, shown])


def _bundled_psql() -> str | None:
    from cli.stack.servers import POSTGRES_BIN

    program = POSTGRES_BIN / "psql"
    return str(program) if program.exists() else None
