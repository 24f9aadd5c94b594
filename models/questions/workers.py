"""Who works and who sweeps, by what each process last said of itself and last did: what is asked of table `worker`."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from models.database import column, rows
from models.machine import machine
from models.machine import started_ticks as start_of

REPLACED_SECONDS = 20
"""A process whose lease ran out so long ago is killed by its keeper, and started again."""

UNTAKEN_SECONDS = 60
"""A worker with nothing in hand that leaves the messages of its queue lying for so long stands still."""

UNSWEPT_SECONDS = 60
"""Nobody swept for so long: something is wrong."""


class PresentWorker(NamedTuple):
    """A worker or a sweeper that did not end; times in seconds before now."""

    id: int
    kind: str
    name: str
    queues: list[str]
    host: str
    machine: str
    pid: int
    state: str
    judges: dict[str, Any]
    last_error: str | None
    idle: float | None
    """Since it last did something; None where it never did."""
    age: float
    silent: float
    """Since its lease ran out: below 0 it lives, above it stands still or is lost."""

    @property
    def lives(self) -> bool:
        return self.silent < 0

    @property
    def place(self) -> str:
        """Where a person finds it."""
        return f"{self.host}:{self.pid}"


class IdleWorker(NamedTuple):
    """A worker that lives and takes nothing, while messages of its queue lie there."""

    name: str
    host: str
    pid: int
    queue: str
    works: int
    ago: float
    """Seconds since the oldest of them was sent."""


class FailedWorker(NamedTuple):
    """Workers of one name on one host that failed in the last hour by one error."""

    kind: str
    name: str
    host: str
    queues: list[str]
    error: str | None
    times: int
    ago: float
    """Seconds since the last time."""
    replaced: bool
    """Whether one of the same name lives there by now and is through with its start."""


_PRESENT = """
    select id, kind, name, queues, host, machine, pid, state, judges, last_error,
        extract(epoch from now() - last_did_at)::float8 as idle,
        extract(epoch from now() - started_at)::float8 as age,
        extract(epoch from now() - lease_until)::float8 as silent
    from worker
"""


def present_workers() -> list[PresentWorker]:
    """Every worker and sweeper that did not end, by kind and name; those that stand still or were just lost too."""
    return rows(PresentWorker, f"{_PRESENT} where state not in ('left', 'failed') order by kind, name, host, id")


def serving_workers() -> list[PresentWorker]:
    """Living workers, those that are still loading too, less those that are about to leave."""
    return [each for each in present_workers() if each.lives and each.kind != "sweep" and each.state != "leaving"]


def served_queues() -> dict[str, list[PresentWorker]]:
    """Queue -> the living workers that serve it or are loading to."""
    served: dict[str, list[PresentWorker]] = {}
    for worker in serving_workers():
        for queue in worker.queues:
            served.setdefault(queue, []).append(worker)
    return served


def last_sweeper() -> PresentWorker | None:
    """The sweeper that swept last, or serves; None where there is none."""
    return next(
        iter(
            rows(
                PresentWorker,
                f"{_PRESENT} where kind = 'sweep' and (state = 'serving' or last_did_at is not null) "
                "order by last_did_at desc nulls last limit 1",
            )
        ),
        None,
    )


def idle_workers() -> list[IdleWorker]:
    """Workers that live and have nothing in hand, and did nothing since messages of their queue were sent."""
    return rows(
        IdleWorker,
        """
        select name, host, pid, late.queue, works, extract(epoch from now() - late.since)::float8 as ago
        from (
            select queue, count(*) as works, min(published_at) as since from work
            where state = 'published' and published_at < now() - make_interval(secs => %(untaken)s) group by queue
        ) as late
        join worker on late.queue = any(worker.queues)
        where state = 'idle' and lease_until > now()
            and greatest(last_did_at, started_at) < now() - make_interval(secs => %(untaken)s)
        order by name, host, pid
        """,
        {"untaken": UNTAKEN_SECONDS},
    )


def failed_workers(queues: Collection[str] | None = None) -> list[FailedWorker]:
    """Workers that failed in the last hour, of some queues or of all, once for each name, host and error."""
    return rows(
        FailedWorker,
        """
        select kind, name, host, queues, last_error as error, count(*) as times,
            extract(epoch from now() - max(lease_until))::float8 as ago,
            exists (
                select from worker as other
                where other.name = worker.name and other.host = worker.host and other.lease_until > now()
                    and other.state in ('serving', 'idle')
            ) as replaced
        from worker
        where state = 'failed' and lease_until > now() - interval '1 hour'
            and (%(queues)s::text[] is null or queues && %(queues)s::text[]::varchar[])
        group by kind, name, host, queues, last_error order by max(lease_until) desc
        """,
        {"queues": None if queues is None else list(queues)},
    )


def standing_still(host: str, pids: Sequence[int]) -> list[int]:
    """Which of these processes of this machine said nothing for half a minute beyond their leases.

    A database that was away tells of all of them, until they had time to speak again.
    """
    starts = [start_of(pid) or 0 for pid in pids]
    return column(
        """
        select worker.pid from worker
        join unnest(%(pids)s::int[], %(starts)s::bigint[]) as mine (pid, started_ticks)
            on worker.pid = mine.pid and worker.started_ticks = mine.started_ticks
        where host = %(host)s and machine = %(machine)s and state <> 'left'
            and lease_until < now() - make_interval(secs => %(secs)s)
        """,
        {"host": host, "machine": machine(), "pids": list(pids), "starts": starts, "secs": REPLACED_SECONDS},
    )


def told_failure(failed: FailedWorker) -> str:
    """That workers of one name failed, in words."""
    error = " ".join((failed.error or "nobody knows why").split())[:500].rstrip(".")
    times = f"{failed.times} times in the last hour, last " if failed.times > 1 else ""
    return f"{failed.name} failed {times}{ago(failed.ago)} ago: {error}"


def ago(seconds: float) -> str:
    """A time that has passed, in words."""
    if seconds < 120:
        return f"{max(seconds, 0):.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.0f} hours"
