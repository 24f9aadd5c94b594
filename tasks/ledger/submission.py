"""Works that lie with a provider's batch API: chosen, parked, answered, released. See the head of submission.sql."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy
from psycopg.types.json import Jsonb

from models.database import column, engine, fetch, fetch_column, rows, transaction
from models.storable import storable
from models.tables import Submission
from tasks.engines.engine import Completion
from tasks.ledger.results import end_generate
from tasks.ledger.statements import statements
from tasks.ledger.work import MAX_ATTEMPTS, Lease, Usage
from tasks.patience import patient

SQL = statements("submission.sql")

OTHERS_SECONDS = 600.0
"""How much later than the first work of a submission the others ring."""

NO_ROOM = 6
"""Pauses that a work waits where the provider has no room for another submission."""

LONGEST_ERROR = 1_000
"""Characters that are kept of what a provider said."""


class _Unparked(NamedTuple):
    llm_id: int
    chat: bool
    too_many: int | None
    under_way: bool


class Parked(NamedTuple):
    """A work that is due: its submission, if it lies in one, and whether that has ended."""

    submission_id: int | None
    ended: bool


class Ages(NamedTuple):
    """Seconds since the provider was told to begin, if it was, and since it has it or else its works were chosen."""

    sent: float | None
    begun: float


class Lines(NamedTuple):
    """Samples of a work that are to be asked for."""

    work_id: int
    run_id: int
    problem_id: int
    indices: list[int]


class Answer(NamedTuple):
    """What a provider gave for a sample: the answer as JSON, or why there is none and whether asking again may help."""

    run_id: int
    problem_id: int
    sample_index: int
    answer: str | None
    error: str | None
    refused: bool


class StoredAnswer(NamedTuple):
    sample_index: int
    answer: dict[str, Any]


@patient
def submit(work_id: int, queue: str, most_lines: int, most_bytes: int, pause: float) -> int | None:
    """Choose this work and as many of its queue as fit for a new submission and park them; return its id.

    None where the work is not there to be submitted: parked by another, held, not yet due. The work itself may not be
    among those chosen, where many come before it. What the provider last found too many is halved, and goes alone.
    """
    with transaction() as connection:
        connection.execute(SQL["choosing"], {"queue": queue})
        found = fetch(connection, _Unparked, SQL["unparked"], {"work_id": work_id})
        if not found:
            return None
        if found[0].too_many and found[0].under_way:
            connection.execute(SQL["postpone"], {"work_id": work_id, "pause": pause * NO_ROOM})
            return None
        most_lines = min(most_lines, max(1, (found[0].too_many or 2 * most_lines) // 2))
        made = {"llm_id": found[0].llm_id, "name": f"monkeys-{queue.rpartition('-')[2]}-{uuid.uuid4()}.jsonl"}
        (submission_id,) = fetch_column(connection, SQL["make"], made)
        limits = {"most_lines": most_lines, "most_bytes": most_bytes, "pause": pause}
        chosen = {"queue": queue, "chat": found[0].chat, "submission_id": submission_id}
        if fetch_column(connection, SQL["choose"], limits | chosen) == [0]:
            connection.rollback()
            connection.execute(SQL["postpone_run"], {"work_id": work_id, "pause": pause})
            return None
        return int(submission_id)


@patient
def parked(work_id: int) -> Parked | None:
    """Where a work lies that is due; None of one that is not, or is no longer to be done."""
    return next(iter(rows(Parked, SQL["parked"], {"work_id": work_id})), None)


@patient
def wait_for_submission(work_id: int, pause: float) -> None:
    """A parked work is due again after a pause."""
    with transaction() as connection:
        connection.execute(SQL["wait"], {"work_id": work_id, "pause": pause})


@patient
def unwanted_submissions(queue: str, pause: float) -> list[int]:
    """Those of a queue that still lie with the provider though no open work waits for them."""
    return column(SQL["unwanted"], {"queue": queue, "pause": pause})


@patient
def learned_of(work_id: int) -> dict[str, Any]:
    """How the lines of a work were fitted to the provider."""
    sql = "select submission_id from work where id = %s"
    return dict(column(SQL["learned"], {"submission_id": column(sql, (work_id,))[0]})[0])


@patient
def answers(work_id: int) -> list[StoredAnswer]:
    """What the provider answered for a work so far, in order of index."""
    return rows(StoredAnswer, SQL["answers"], {"work_id": work_id})


@patient
def finish_submitted(lease: Lease, completions: Sequence[Completion], usage: Usage) -> list[str] | None:
    """As finish_generate, of a work whose answers are stored; they go in the same transaction."""
    with transaction() as connection:
        queues = end_generate(connection, lease, completions, usage)
        if queues is not None:
            connection.execute(SQL["forget_lines"], vars(lease))
        return queues


@contextmanager
def hold_submission(submission_id: int) -> "Iterator[HeldSubmission | None]":
    """The one that may talk to the provider about a submission, for the length of a block; None where another does.

    The lock is a session's, which ends with its process however that ends; a host that vanished is noticed soon.
    """
    with engine().connect() as pooled:
        session = pooled.execution_options(isolation_level="AUTOCOMMIT")
        try:
            session.exec_driver_sql("set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5")
            key = f"submission {submission_id}"
            lock = "select pg_try_advisory_lock(hashtextextended(%s, 0))"
            held = session.exec_driver_sql(lock, (key,)).scalar()
            yield HeldSubmission(session, submission_id) if held else None
        finally:
            session.invalidate()  # with the connection goes the lock, whatever happened


@dataclass(frozen=True)
class HeldSubmission:
    """A submission whose lock this process holds. Each step is one transaction, which may be taken twice."""

    session: sqlalchemy.Connection
    id: int

    def check(self) -> None:
        """Raise where the lock is lost."""
        self.session.exec_driver_sql("select 1")

    @patient
    def row(self) -> Submission:
        """As it stands now."""
        (found,) = rows(Submission, SQL["submission"], {"submission_id": self.id})
        return found

    @patient
    def ages(self) -> Ages:
        """How long ago its steps were."""
        return rows(Ages, SQL["ages"], {"submission_id": self.id})[0]

    @patient
    def lines(self) -> list[Lines]:
        """What the provider is to be asked for: nothing of works that are cancelled by now."""
        return rows(Lines, SQL["lines"], {"submission_id": self.id})

    def note(self, *, file: str | None = None, batch: str | None = None, status: str | None = None) -> None:
        """What the provider has."""
        self._execute("note", file=file, batch=batch, status=status)

    def note_sending(self) -> None:
        """That the provider is being told to begin."""
        self._execute("note_sending")

    @patient
    def note_asked(self, status: str, *, over: bool) -> float:
        """What the provider says; returns for how many seconds it has been over."""
        parameters = {"submission_id": self.id, "status": storable(status)[:100], "over": over}
        return float(column(SQL["note_asked"], parameters)[0])

    def move_on(self, pause: float, error: str | None = None) -> None:
        """Have its works come due after a pause."""
        said = None if error is None else storable(error)[:LONGEST_ERROR]
        self._execute("move_on", pause=pause, others=OTHERS_SECONDS, error=said)

    def store(self, given: Sequence[Answer]) -> int:
        """Store answers, those only that were asked for here; returns how many were new."""
        columns = zip(*given, strict=True)
        names = ("runs", "problems", "indices", "answers", "errors", "refused")
        return self._execute(
            "store_answers", **dict(zip(names, map(list, columns), strict=True)), max_tries=MAX_ATTEMPTS
        )

    @patient
    def asked_for(self, answer: Answer) -> bool:
        """Whether an answer is to a line of this submission."""
        return bool(column(SQL["asked_for"], answer._asdict() | {"submission_id": self.id}))

    def forget_errors(self) -> None:
        """Begin to fetch: what the provider does not speak of is to be told from what failed before."""
        self._execute("forget_errors")

    @patient
    def learned(self) -> dict[str, Any]:
        """How requests are fitted to the provider, as refusals of this llm's lines taught."""
        return dict(column(SQL["learned"], {"submission_id": self.id})[0])

    def note_learned(self, learned: Mapping[str, Any]) -> None:
        """That its lines were refused for a field: the next ones do without, or call it otherwise."""
        self._execute("note_learned", learned=Jsonb(dict(learned)))

    @patient
    def silent(self) -> int:
        """Lines of which the provider said nothing."""
        return int(column(SQL["silent"], {"submission_id": self.id})[0])

    @patient
    def end(self, status: str, error: str, pause: float, *, refused: bool = False, uncounted: bool = False) -> None:
        """End it: whole works are due, lines without an answer go into another submission, or fail their work.

        `refused`: asking again would not help; `uncounted`: the provider did not try.
        """
        said = storable(error)[:LONGEST_ERROR]
        parameters = {"submission_id": self.id, "status": status, "error": said or None, "pause": pause}
        parameters |= {"refused": refused, "uncounted": uncounted, "max_tries": MAX_ATTEMPTS}
        with transaction() as connection:
            for name in ("explain_lines", "give_up", "release", "end"):
                connection.execute(SQL[name], parameters)

    @patient
    def _execute(self, name: str, **parameters: object) -> int:
        with transaction() as connection:
            return connection.execute(SQL[name], {"submission_id": self.id} | parameters).rowcount
