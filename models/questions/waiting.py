"""Why a run does not move, in a line: from its queues, their workers, and what its works were given back for."""

from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

from models.database import rows
from models.questions.health import AWAY, JUDGE_AWAY, REFUSED, UNLOADED
from models.questions.workers import FailedWorker, PresentWorker, ago, failed_workers, served_queues, told_failure

LONGEST_REASON = 300

STILL_SECONDS = 30
"""Workers that have batches in hand and did nothing for so long are told of: their llm is slow, or away."""


class _Queue(NamedTuple):
    """What a run has in one queue."""

    run_id: int
    kind: str
    queue: str
    works: int
    samples: int
    """Of the run, in the table."""
    held: int
    """Works that a worker has in hand."""
    largest: int | None
    """Samples of the largest batch of those."""
    seconds: float | None
    """Since the first of them was begun."""
    error: str | None
    """Why a work was given back that is not due yet, or could not be claimed."""
    given_back: str | None
    """Why a work was given back that is to be tried again at once: its engine was away."""
    parked: bool
    """Whether samples lie with a provider's batch API."""


_QUEUES: LiteralString = """
    with wanted as (
        select run_id, kind, queue, sum(open_works)::bigint as works,
            sum(sum(samples) filter (where kind = 'generate')) over (partition by run_id)::bigint as samples
        from work_total where run_id = any(%(runs)s) group by run_id, kind, queue
    ), held as (
        select work.run_id, work.queue, count(*) as held, max(batch.size) as largest,
            extract(epoch from now() - min(begun.at))::float8 as seconds
        from work join batch on batch.id = work.batch_id
        cross join lateral (select max(started_at) as at from attempt where work_id = work.id) as begun
        where work.state = 'leased' and work.run_id = any(%(runs)s) group by work.run_id, work.queue
    )
    select wanted.run_id, wanted.kind::text, wanted.queue, works, coalesce(samples, 0) as samples,
        coalesce(held, 0) as held, largest, seconds, paced.error, given_back.error as given_back,
        parked.run_id is not null as parked
    from wanted
    left join held using (run_id, queue)
    left join lateral (
        (select last_error as error from work
         where queue = wanted.queue and run_id = wanted.run_id and state = 'ready' and not_before > now()
            and submission_id is null and last_error is not null order by not_before limit 1)
        union all
        (select last_error from work
         where queue = wanted.queue and run_id = wanted.run_id and state = 'published'
            and starts_with(last_error, %(refused)s) order by published_at limit 1)
        limit 1
    ) as paced on true
    left join lateral (
        select last_error as error from work
        where queue = wanted.queue and run_id = wanted.run_id and state = 'published' and held > 0
            and starts_with(last_error, %(away)s) limit 1
    ) as given_back on true
    left join lateral (
        select run_id from work
        where queue = wanted.queue and run_id = wanted.run_id and state = 'ready' and not_before is not null
            and submission_id is not null limit 1
    ) as parked on true
    where works > 0 order by wanted.run_id, wanted.kind, wanted.queue
"""
"""What runs have in their queues, a row of _Queue each."""


def why_not_moving(run_id: int) -> str | None:
    """Why a run has no new sample or verdict; None where it moves, or has ended."""
    return reasons([run_id]).get(run_id)


def reasons(run_ids: Sequence[int]) -> dict[int, str]:
    """Run -> why it does not move, of those that do not: one look at the tables, however many runs and works."""
    queues = rows(
        _Queue,
        _QUEUES,
        {"runs": list(run_ids), "refused": REFUSED, "away": f"given back: {AWAY}"},
    )
    if not queues:
        return {}
    served, failed = served_queues(), failed_workers({each.queue for each in queues})
    moving = {each.run_id for each in queues if each.held}
    found: dict[int, str] = {}
    for each in queues:
        why = _why(each, served, failed, moving=each.run_id in moving)
        if why is not None:
            found.setdefault(each.run_id, " ".join(why.split())[:LONGEST_REASON])
    return found


def _why(
    queue: _Queue, served: Mapping[str, list[PresentWorker]], failed: Sequence[FailedWorker], *, moving: bool
) -> str | None:
    workers = served.get(queue.queue, [])
    if queue.held:
        idle = min((each.age if each.idle is None else each.idle for each in workers), default=0)
        still = idle > STILL_SECONDS
        if queue.kind != "generate" or (queue.samples and not still):
            return None
        if still and queue.given_back is not None:
            return f"{_works(queue)}: {_plain(queue.given_back)}"
        batches = f"{queue.held:,} batches of up to {queue.largest:,}" if queue.held > 1 else "a batch"
        since = ago(queue.seconds or 0)
        return f"{batches} in flight since {since}: the first is done when its longest sample is"
    if queue.error is not None:
        return f"{_works(queue)}: {_plain(queue.error)}"
    loaded = [each for each in workers if each.state != "starting"]
    failure = next((each for each in failed if queue.queue in each.queues and not each.replaced), None)
    if failure is not None and not loaded:
        return told_failure(failure)
    if not workers:
        return f"no worker serves {queue.queue}, where {_works(queue)}"
    if not loaded:
        return f"{workers[0].name} ({workers[0].place}) is loading since {ago(workers[0].age)}"
    if waits := next((each.last_error for each in loaded if each.last_error), None):
        return f"{loaded[0].name} ({loaded[0].place}) waits: {waits}"
    if queue.parked:
        return "its samples lie with the provider's batch API"
    if not moving and all(each.state == "serving" for each in loaded):
        return f"{_works(queue)} until {loaded[0].name} is through with others"
    return None


def _works(queue: _Queue) -> str:
    return "a work waits" if queue.works == 1 else f"{queue.works:,} works wait"


def _plain(error: str) -> str:
    """A work's last error without what it is sorted by."""
    error = error.removeprefix("given back: ")
    for mark in (REFUSED, AWAY, UNLOADED, JUDGE_AWAY):
        error = error.removeprefix(f"{mark}: ")
    return error
