"""`monkeys migrate`: the schema."""

import click


@click.command()
def migrate() -> None:
    """Bring the database's tables and views to this version. Safe to run again, and from several places at once.

    \b
    Example:
      MONKEYS_DATABASE_URL=postgresql://me@db/monkeys monkeys migrate
    """
    from models.schema import migrate as bring

    click.echo(f"The schema is at {bring()}.", err=True)
