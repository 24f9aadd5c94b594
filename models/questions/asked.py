"""A person's own SQL, asked as it stands: it only reads, unless told otherwise."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import tuple_row

from models.database import Connection, is_away, is_passing, transaction
from verifiers.errors import UserError

ACTS = re.compile(r"(?>\s|--[^\n]*\n|/\*.*?\*/)*+(copy|do|call)\b", re.IGNORECASE | re.DOTALL)
"""Statements that a transaction which only reads lets through, and that can write files or start programs."""

AT_A_TIME = 5_000
"""Rows that are here at once."""

SHOWN = 60
"""Characters of a line of SQL that an error names."""

CHANGES = "This changes something, and `sql` only reads; with --write it may."
COPIES = "COPY is for psql (`monkeys sql` alone, then \\copy); --csv prints the rows of a query."


class SqlAnswer(NamedTuple):
    """What a statement gave: rows as they come, or none, and what it did."""

    columns: list[str] | None
    rows: Iterator[tuple[Any, ...]]
    status: str | None


@contextmanager
def answer_to(query: str, *, write: bool) -> Iterator[SqlAnswer]:
    """Run a person's SQL, and read its rows within; UserError, in one sentence, where it is wrong.

    Without `write` it is one statement, and changes nothing.
    """
    if not write and (found := ACTS.match(query)):
        raise UserError(COPIES if found[1].lower() == "copy" else CHANGES)
    with transaction() as connection, ExitStack() as open_ones:
        try:
            cursor = open_ones.enter_context((_changed if write else _read)(connection, query.encode()))
            names = None if cursor.description is None else [column.name for column in cursor.description]
            yield SqlAnswer(names, iter(cursor) if names is not None else iter(()), cursor.statusmessage)
        except psycopg.Error as error:
            raise _told(error, query, write=write) or error from error


def _changed(connection: Connection, query: bytes) -> psycopg.Cursor[tuple[Any, ...]]:
    return connection.cursor(row_factory=tuple_row).execute(query)


def _read(connection: Connection, query: bytes) -> psycopg.Cursor[tuple[Any, ...]]:
    """By a cursor of the server's, so that millions of rows take no memory here, where a statement can have one."""
    connection.execute("set transaction read only; set local cursor_tuple_fraction = 1")
    asked = connection.cursor("asked", row_factory=tuple_row)
    asked.itersize = AT_A_TIME
    try:
        with connection.transaction():
            return asked.execute(query)
    except (psycopg.ProgrammingError, psycopg.NotSupportedError):
        asked.close()
        # wrong, or such as `explain`; prepared, since of several statements one could end this transaction
        return connection.cursor(row_factory=tuple_row).execute(query, prepare=True)
    except BaseException:
        asked.close()
        raise


def _told(error: psycopg.Error, query: str, *, write: bool) -> UserError | None:
    """What to tell of wrong SQL; None where the SQL is not at fault."""
    if isinstance(error, psycopg.errors.ReadOnlySqlTransaction):
        return None if write else UserError(CHANGES)
    if "COPY" in str(error):
        return UserError(COPIES)
    if error.sqlstate is None or is_away(error) or is_passing(error):
        return None
    if "multiple commands" in str(error):
        return UserError("These are several statements; give one, or --write, which takes them all.")
    said = [error.diag.message_primary or str(error), _place(error, query), error.diag.message_hint]
    return UserError(". ".join(each.strip().rstrip(".") for each in said if each) + ".")


def _place(error: psycopg.Error, query: str) -> str | None:
    """Where in the query the server stumbled."""
    if error.diag.statement_position is None:
        return None
    before = query[: int(error.diag.statement_position) - 1]
    number, at = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1)
    line = query.split("\n")[number - 1]
    begin = max(0, at - SHOWN // 2)
    return f"It is at line {number}, character {at + 1}: {line[begin : begin + SHOWN].strip()}"
