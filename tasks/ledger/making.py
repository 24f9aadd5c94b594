"""What makes works, within the transaction of whoever made the run or holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from models.database import Connection, fetch_column
from tasks.ledger.results import tally
from tasks.ledger.statements import statements
from tasks.ledger.work import Worker
from verifiers.errors import UserError

SQL = statements("making.sql")

MOST_BATCHES = 10_000_000
"""Of one command: more take longer than a person waits, and are a slip of the finger."""


@dataclass(frozen=True)
class Making:
    """A run whose works are being made: new in its transaction, or held by it."""

    connection: Connection
    run_id: int

    def add_batches(
        self,
        queue: str,
        problem_ids: Sequence[int],
        indices: range,
        size: int,
        *,
        depth_first: bool,
        first_size: int | None = None,
    ) -> None:
        """Make the batches of these sample indices of each problem, and their generate works, published in this order.

        Breadth first, so that early curves mean something, unless a problem is to be finished before the next.
        first_size: of each problem's first batch, where that is another than the rest's.
        """
        later = indices[first_size or size :: size]
        count = (1 + len(later)) * len(problem_ids)
        if count > MOST_BATCHES:
            raise UserError(
                f"That is {count:,} batches, and {MOST_BATCHES:,} can be made at once; ask for fewer samples, or for "
                "larger batches."
            )
        firsts = [indices.start, *later]
        ends = dict(zip(firsts, [*firsts[1:], indices.stop], strict=True))
        breadth_first = ((problem_id, first) for first, problem_id in product(firsts, problem_ids))
        places = product(problem_ids, firsts) if depth_first else breadth_first
        with self.connection.cursor() as cursor:
            cursor.execute(SQL["stage_batches"])
            with cursor.copy("copy new_batch (place, problem_id, first_index, size) from stdin") as copy:
                for place, (problem_id, first) in enumerate(places):
                    copy.write_row((place, problem_id, first, ends[first] - first))
            cursor.execute(SQL["add_batches"], {"run_id": self.run_id, "queue": queue})
            cursor.execute(SQL["unstage_batches"])

    def add_verify_works(self, verifier_id: int) -> int:
        """Make the works that judge its sampled batches by one more verifier; those that exist stay."""
        parameters = {"run_id": self.run_id, "verifier_id": verifier_id}
        return self.connection.execute(SQL["add_verify_works"], parameters).rowcount

    def add_score_works(self, reward_model: str, queue: str) -> int:
        """Make the works that score its sampled batches by a reward model; those that exist stay."""
        parameters = {"run_id": self.run_id, "reward_model": reward_model, "queue": queue}
        return self.connection.execute(SQL["add_score_works"], parameters).rowcount

    def add_imported_works(self, worker: Worker) -> None:
        """Make the done generate works of its imported batches, each with an attempt that holds its samples' sums."""
        parameters = {"run_id": self.run_id, "name": "import", "host": worker.host, "code_version": worker.code_version}
        self.connection.execute(SQL["add_imported_works"], parameters)

    def add_imported_tallies(self, verifier_id: int) -> None:
        """Make the done verify works of its imported labels, with their tallies."""
        parameters = {"run_id": self.run_id, "verifier_id": verifier_id}
        tally(self.connection, fetch_column(self.connection, SQL["add_imported_tallies"], parameters))
