"""Candidates that take long to judge: claimed by a lease before they are judged. The verdict ends a claim."""

from collections.abc import Sequence
from enum import Enum

from models.database import column, fetch_column, transaction
from tasks.ledger.results import candidate_hash
from tasks.ledger.statements import statements
from tasks.ledger.work import Lease, same_contents
from tasks.patience import patient

SQL = statements("claims.sql")


class Claimed(Enum):
    """Whose a candidate is: ours to judge, another work's, or nobody's since it has its verdict."""

    ours = "ours"
    elsewhere = "elsewhere"
    judged = "judged"


@patient
def claim_candidate(lease: Lease, text: str) -> Claimed:
    """Claim a candidate for the lease's verifier; `elsewhere` where another work's claim lives, or ours no longer."""
    with transaction() as connection:
        if not same_contents(connection, lease):
            return Claimed.elsewhere
        parameters = {**vars(lease), "hash": candidate_hash(text), "text": text}
        (held,) = fetch_column(connection, SQL["hold_candidate"], parameters)
        parameters["candidate_id"] = held
        ours = connection.execute(SQL["claim_candidate"], parameters).rowcount == 1
        if connection.execute(SQL["drop_if_judged"], parameters).rowcount:
            return Claimed.judged
        return Claimed.ours if ours else Claimed.elsewhere


@patient
def count_claimed(lease: Lease, texts: Sequence[str]) -> int:
    """How many of these candidates other works are judging."""
    (claimed,) = column(SQL["count_claimed"], {**vars(lease), "hashes": [candidate_hash(text) for text in texts]})
    return int(claimed)
