"""How many works a run has: every statement notes what it changed, and the sweeper adds that up."""

from models.database import transaction
from tasks.ledger.statements import statements

SQL = statements("counts.sql")

MOST_CHANGES = 20_000
"""Changes that are added at a time."""


def fold_counts() -> None:
    """Add what changed to the counts; nobody who reads both sees a difference."""
    with transaction() as connection:
        connection.execute(SQL["fold"], {"at_most": MOST_CHANGES})
