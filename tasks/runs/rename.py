"""A run's name, changed."""

import psycopg

from models.database import column, transaction
from tasks.runs.request import check_name
from verifiers.errors import UserError


def rename(run_id: int, name: str | None) -> None:
    """Give a run another name, or None; UserError where it is no name, or another run's."""
    check_name("NAME", name)
    try:
        with transaction() as connection:
            connection.execute("update run set name = %s where id = %s", (name, run_id))
    except psycopg.errors.UniqueViolation as error:
        others = column("select id from run where name = %s", (name,))
        raise UserError(f"There is a run named {name!r} already (run {others[0]}); choose another name.") from error
