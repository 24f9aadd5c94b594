"""What makes works, within the transaction of whoever made the run or holds it."""

from collections.abc import Iterable
from dataclasses import dataclass

from models.database import Connection, fetch_column
from tasks.ledger.results import tally
from tasks.ledger.statements import statements
from tasks.ledger.work import Worker

SQL = statements("making.sql")


@dataclass(frozen=True)
class Making:
    """A run whose works are being made: new in its transaction, or held by it."""

    connection: Connection
    run_id: int

    def add_batches(self, queue: str, batches: Iterable[tuple[int, int, int]]) -> int:
        """Make batches (problem_id, first_index, size) and their generate works, to be published in this order."""
        count = 0
        with self.connection.cursor() as cursor:
            cursor.execute(SQL["stage_batches"])
            with cursor.copy("copy new_batch (place, problem_id, first_index, size) from stdin") as copy:
                for batch in batches:
                    copy.write_row((count, *batch))
                    count += 1
            cursor.execute(SQL["add_batches"], {"run_id": self.run_id, "queue": queue})
            cursor.execute(SQL["unstage_batches"])
        return count

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
