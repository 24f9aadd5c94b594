"""How the queue and its server do: what `monkeys doctor` asks."""

import time
from typing import Any, NamedTuple

from models.database import column, rows

REFUSED = "its worker could not claim it"
"""What the last error of a work begins with that came to a broken worker."""

AWAY = "its engine does nothing just now"
"""The same of a work that was given back since no work is to blame: an endpoint away, a key that it refuses."""

UNLOADED = "its worker cannot load its benchmark"
"""The same of a verify work: the code of a person's own benchmark is gone from there, or is another by now."""

JUDGE_AWAY = "what judges it does nothing just now"
"""The same of a verify work whose verifier needs what is away: a Docker daemon."""

OUTDATED = "its verifier has another version here"
"""What is in the last error of a work that this code's verifiers cannot do, and `reverify` can replace."""


class Server(NamedTuple):
    version: str
    number: int
    """As in server_version_num: 180001 is 18.1."""
    clock: float
    """The server's clock, in Unix seconds."""
    read_only: bool
    """For this role, or of a standby."""


class WaitingQueue(NamedTuple):
    """A queue with works that no worker holds, and what a worker has to load to serve it."""

    queue: str
    works: int
    llm: str | None
    engine_args: dict[str, Any] | None
    reward_model: str | None


class LateQueue(NamedTuple):
    """A queue with messages that nobody takes."""

    queue: str
    works: int
    minutes: int


class RefusedQueue(NamedTuple):
    """A queue whose messages came to workers that could not claim them."""

    queue: str
    works: int
    error: str


class FailedRun(NamedTuple):
    run_id: int
    works: int
    error: str | None
    outdated: str | None
    """A verifier that the run has in another version than its workers."""


class _Count(NamedTuple):
    n: int


def server() -> Server:
    """The database's server."""
    return rows(
        Server,
        """
        select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
            extract(epoch from clock_timestamp())::float8 as clock,
            current_setting('transaction_read_only') = 'on' as read_only
        """,
    )[0]


def drift_seconds() -> float:
    """How far this machine's clock is from the database's, less what the question took."""
    asked = time.time()
    clock = server().clock
    return max(asked - clock, clock - time.time(), 0.0)


def waiting_queues(run_id: int | None = None) -> list[WaitingQueue]:
    """Queues with works to be taken, of all runs or of one, by name."""
    return rows(
        WaitingQueue,
        """
        with waiting as (
            select queue, sum(works)::bigint as works
            from (
                select queue, run_id, open_works as works from work_total
                union all select queue, run_id, -1 from work where state = 'leased'
            ) as each
            where %(run)s::bigint is null or run_id = %(run)s
            group by queue having sum(works) > 0
        )
        select waiting.queue, waiting.works, llm.name as llm, llm.engine_args, one.reward_model
        from waiting
        left join llm on llm.queue = waiting.queue
        left join lateral (
            (select reward_model from work
             where queue = waiting.queue and state = 'ready' and not_before is null order by id limit 1)
            union all
            (select reward_model from work
             where queue = waiting.queue and state = 'ready' and not_before is not null order by not_before limit 1)
            union all
            (select reward_model from work
             where queue = waiting.queue and state = 'published' order by published_at limit 1)
            limit 1
        ) as one on true
        order by waiting.queue
        """,
        {"run": run_id},
    )


def open_queues() -> set[str]:
    """Queues with works that are not ended, whoever has them."""
    return set(column("select distinct queue from work_total where open_works > 0"))


def further_queues() -> list[str]:
    """Queues of verifiers beside `verify` that have works to be done, or will have once samples are there, by name.

    Those are of people's own benchmarks, and of what is judged in Docker.
    """
    return column(
        """
        select distinct queue from verifier
        where queue <> 'verify' and (
            id in (select verifier_id from run where finished_at is null)
            or queue in (select queue from work_total where open_works > 0)
        )
        order by queue
        """
    )


def late_queues() -> list[LateQueue]:
    """Queues whose oldest message was sent over ten minutes ago."""
    return rows(
        LateQueue,
        """
        select queue, count(*) as works, round(extract(epoch from now() - min(published_at)) / 60)::int as minutes
        from work where state = 'published' and published_at < now() - interval '10 minutes'
        group by queue order by queue
        """,
    )


def dropped_leases() -> int:
    """Works whose lease ran out half a minute ago, and nobody took them back."""
    sql = "select count(*) as n from work where state = 'leased' and lease_until < now() - interval '30 seconds'"
    return rows(_Count, sql)[0].n


def refused_queues() -> list[RefusedQueue]:
    """Queues whose workers are broken: no attempt was even begun, or what they need is away.

    That is an engine, the code of a person's own benchmark, or what a verifier judges by.
    """
    return rows(
        RefusedQueue,
        """
        select queue, count(*) as works, max(last_error) as error
        from work
        where state in ('ready', 'published') and last_error is not null and last_error like any(%(errors)s)
        group by queue order by queue
        """,
        {
            "errors": [f"{REFUSED}%", *(f"given back: {each}%" for each in (AWAY, UNLOADED, JUDGE_AWAY, OUTDATED))],
        },
    )


def failed_runs() -> list[FailedRun]:
    """Runs with failed works, and the error of one of them."""
    return rows(
        FailedRun,
        """
        with failed as (
            select run_id, sum(failed_works)::bigint as works from work_total
            group by run_id having sum(failed_works) > 0
        )
        select failed.run_id, failed.works, first.error, judged.outdated
        from failed
        left join lateral (
            select last_error as error from work
            where work.run_id = failed.run_id and kind = any(enum_range(null::kind)) and state = 'failed' limit 1
        ) as first on true
        left join lateral (
            select min(verifier.name) as outdated from work join verifier on verifier.id = work.verifier_id
            where work.run_id = failed.run_id and work.kind = 'verify' and work.state = 'failed'
                and work.last_error like %s
        ) as judged on true
        order by failed.run_id
        """,
        (f"%{OUTDATED}%",),
    )
