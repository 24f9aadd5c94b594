"""Run a migration on the connection that models.schema.migrate() gives, or on a new one for the alembic CLI."""

import sqlmodel.sql.sqltypes  # noqa: F401 -- versions name it
from alembic import context
from sqlmodel import SQLModel

import models.analysis.tables
import models.tables  # noqa: F401 -- both fill the metadata
from models.database import engine

for mapper in SQLModel._sa_registry.mappers:
    mapper.local_table.comment = mapper.class_.__doc__


def run() -> None:
    """Migrate inside the caller's transaction where there is one."""
    given = context.config.attributes.get("connection")
    connection = given or engine().connect()
    context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_server_default=False)
    with context.begin_transaction():
        context.run_migrations()
    if given is None:
        connection.commit()


run()
