"""Attempts with a known usage, made by the ledger as a worker makes them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from models.database import column, transaction
from tasks import ledger
from tasks.engines.engine import Completion
from tasks.ledger import Lease, Usage, Worker
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest

WORKER = Worker("w:1", "h", "v", engine="openai")


def run_of(llm: str = "openai:m", *, n: int = 20, limit: int = 1, batch_size: int = 1, **wanted: Any) -> int:
    """A run of pocket-sums by an llm that nothing serves, in batches of one sample unless told otherwise."""
    return enqueue(RunRequest("pocket-sums", llm, n, limit=limit, batch_size=batch_size, **wanted)).run_id


def claimed(run: int, worker: Worker = WORKER) -> Lease:
    """The next work of a run, leased."""
    works = column(
        "select id from work where run_id = %s and kind = 'generate' and state in ('ready', 'published') "
        "and (not_before is null or not_before <= now()) order by id limit 1",
        (run,),
    )
    lease = ledger.claim(works[0], worker, 60)
    assert lease is not None
    return lease


def done(run: int, usage: Usage, at: datetime | None = None, worker: Worker = WORKER) -> Lease:
    """The next batch of a run, drawn for this usage; `at` is when it began."""
    lease = claimed(run, worker)
    assert ledger.finish_generate(lease, [Completion("#### 1")] * lease.size, usage) is not None
    if at is not None:
        with transaction() as connection:
            connection.execute("update attempt set started_at = %s where id = %s", (at, lease.attempt_id))
    return lease


def failed(run: int, usage: Usage) -> None:
    """An attempt that failed when it had used this much."""
    ledger.fail(claimed(run), "RuntimeError: it broke", usage)


def running(run: int, usage: Usage, *, lost: bool = False) -> None:
    """An attempt that had used this much at its last heartbeat; then its worker was lost, or works on."""
    lease = claimed(run)
    assert ledger.renew([lease], -1 if lost else 60, [usage])
    if lost:
        assert ledger.free_expired() == [lease.work_id]


def cost(run: int) -> Mapping[str, Any]:
    """A run's row of the view cost."""
    from models.questions.progress import cost_of

    found = cost_of(run)
    assert found is not None
    return found._asdict()
