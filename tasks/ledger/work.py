"""A work's life, from ready to done: one function a step, each one transaction."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from models.database import Connection, column, rows, transaction
from models.storable import storable
from models.tables import Kind
from tasks.ledger.statements import statements
from tasks.patience import patient

SQL = statements("work.sql")

MAX_ATTEMPTS = 5
"""Claims of one work before it is set aside."""

WINDOW = 2_000
"""Messages of one queue at a time; the rest waits in Postgres, since a broker is not a database."""

STALE_SECONDS = 3_600
"""A message that was not delivered for so long is taken for lost even if its queue is not empty."""

REFUSED_SECONDS = 30
"""Pause after a worker could not even claim."""


@dataclass(frozen=True)
class Worker:
    """Who claims: stored with each attempt."""

    name: str
    host: str
    code_version: str
    gpus: str = ""
    engine: str | None = None
    engine_version: str | None = None
    engine_seed: int | None = None
    worker_id: int | None = None
    """The row of its process."""


@dataclass(frozen=True)
class Lease:
    """A claimed work, its batch, and the token that fences it."""

    work_id: int
    token: uuid.UUID
    attempt_id: int
    attempts: int
    run_id: int
    batch_id: int
    problem_id: int
    first_index: int
    size: int
    verifier_id: int | None
    reward_model: str | None


@dataclass
class Usage:
    """What an attempt used; times in seconds. Tokens, FLOPs and dollars that are not known are None."""

    gpu_seconds: float = 0.0
    cpu_seconds: float = 0.0
    requests: int | None = None
    lost_requests: int | None = None
    prompt_tokens: int | None = None
    """Of the batch's prompt, once."""
    billed_prompt_tokens: int | None = None
    """Summed over its requests, as are those below."""
    cached_prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thinking_tokens: int | None = None
    truncated: int = 0
    flops: float | None = None
    usd: float | None = None
    judged: int = 0
    reused: int = 0
    left_out: Collection[str] = ()
    """Settings that its requests went without."""


SO_FAR = (
    "gpu_seconds", "requests", "lost_requests", "billed_prompt_tokens", "cached_prompt_tokens", "completion_tokens",
    "thinking_tokens", "usd",
)  # fmt: skip
"""What is known of an attempt before it ends, and stored with every heartbeat."""


class Publication(NamedTuple):
    """A work to be sent to its queue, and whose it is."""

    work_id: int
    kind: Kind
    run_id: int
    problem_id: int
    first_index: int
    size: int


class OpenQueue(NamedTuple):
    """A queue with works that are to be done, and how many."""

    queue: str
    ready: int
    published: int


def take_for_publishing(queue: str, at_most: int | None = None) -> list[Publication]:
    """Mark as many ready works of a queue published as its window has room for; the caller sends them.

    A crash before the sending loses messages, not works: the sweeper finds them.
    """
    parameters = {"queue": queue, "at_most": WINDOW if at_most is None else at_most, "window": WINDOW}
    return sorted(rows(Publication, SQL["take_for_publishing"], parameters))


def unpublish(work_ids: Sequence[int]) -> None:
    """Messages that could not be sent, or came to a worker that is leaving: ready again."""
    with transaction() as connection:
        connection.execute(SQL["unpublish"], {"ids": list(work_ids)})


@patient
def refuse(work_id: int, error: str) -> None:
    """A message whose worker failed before it could claim: ready again after a pause, with the reason."""
    with transaction() as connection:
        parameters = {"id": work_id, "error": storable(error)[:4_000], "pause": REFUSED_SECONDS}
        connection.execute(SQL["refuse"], parameters)


@patient
def claim(work_id: int, worker: Worker, lease_seconds: float) -> Lease | None:
    """Lease a work and begin an attempt; None where it is done, held by another, not yet due, or gone."""
    parameters = {"id": work_id, "token": uuid.uuid4(), "lease_seconds": lease_seconds, "max_attempts": MAX_ATTEMPTS}
    return next(iter(rows(Lease, SQL["claim"], parameters | asdict(worker))), None)


def renew(leases: Sequence[Lease], lease_seconds: float, used: Sequence[Usage]) -> set[int]:
    """Prolong leases and store what each attempt used so far; return the ids of the works that are still held."""
    columns = {name: [getattr(each, name) for each in used] for name in SO_FAR}
    attempts = {"attempts": [lease.attempt_id for lease in leases], "lease_seconds": lease_seconds}
    return set(column(SQL["renew"], _held(leases) | columns | attempts))


def still_held(leases: Sequence[Lease]) -> set[int]:
    """The ids of the works that are still held, or were ended by their holder: a look without a write."""
    return set(column(SQL["still_held"], _held(leases)))


def _held(leases: Sequence[Lease]) -> dict[str, object]:
    return {"works": [lease.work_id for lease in leases], "tokens": [lease.token for lease in leases]}


@patient
def give_back(lease: Lease, reason: str, usage: Usage | None = None, pause: float | None = None) -> None:
    """Hand an unharmed work back. Not counted as an attempt; paced where nothing came of attempts in a row.

    `pause`: seconds instead, of whoever knows what the work waits for.
    """
    usage, error = usage or Usage(), f"given back: {reason}"
    with transaction() as connection:
        parameters = {**vars(lease), "error": error, "judged": usage.judged, "pause": pause}
        connection.execute(SQL["give_back"], parameters)
        end_attempt(connection, lease, usage, error)


@patient
def fail(lease: Lease, error: str, usage: Usage | None = None, *, final: bool = False) -> None:
    """An attempt failed: try again later, or set the work aside after its last attempt or a `final` error."""
    message = storable(error)[:4_000]
    parameters = {**vars(lease), "final": final, "max_attempts": MAX_ATTEMPTS, "error": message}
    with transaction() as connection:
        connection.execute(SQL["fail"], parameters)
        end_attempt(connection, lease, usage or Usage(), message)


def free_expired() -> list[int]:
    """Leases that ran out: ready again, or failed after the last attempt. Returns the works."""
    return column(SQL["free_expired"], {"max_attempts": MAX_ATTEMPTS})


def free_lost_messages(queue: str, *, queue_is_empty: bool, older_than_seconds: float) -> int:
    """Published works whose message must be gone: their queue is empty, or it was not delivered for an hour."""
    age = older_than_seconds if queue_is_empty else STALE_SECONDS
    with transaction() as connection:
        return connection.execute(SQL["free_lost_messages"], {"queue": queue, "age": age}).rowcount


def open_queues() -> list[OpenQueue]:
    """Every queue with ready or published works."""
    return rows(OpenQueue, SQL["open_queues"])


def end_work(connection: Connection, lease: Lease, usage: Usage) -> bool:
    """Within the transaction that stores what came of it: mark a leased work done; False where it is not held."""
    held = connection.execute(SQL["end_work"], vars(lease)).rowcount == 1
    if held:
        end_attempt(connection, lease, usage, None)
    return held


def ended_before(connection: Connection, lease: Lease, usage: Usage) -> bool:
    """Whether this very lease had ended the work: a commit whose answer was lost on the way."""
    ended = connection.execute(SQL["was_ended"], vars(lease)).fetchone() is not None
    if not ended:
        end_attempt(connection, lease, usage, "lost its lease")
    return ended


def end_attempt(connection: Connection, lease: Lease, usage: Usage, error: str | None) -> None:
    """Note how an attempt ended and what it used."""
    parameters = {**vars(usage), "attempt_id": lease.attempt_id, "error": error}
    connection.execute(SQL["end_attempt"], parameters)
