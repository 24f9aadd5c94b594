"""Roles of the database that may only read."""

import psycopg
from psycopg.sql import SQL, Identifier

from models.database import transaction
from verifiers.errors import UserError


def let_read(name: str) -> None:
    """Make a role that reads every table and view, those of later migrations too."""
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
