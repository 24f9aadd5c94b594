"""One attempt at a work: claimed by a lease, kept alive, and ended one way or another."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any, ParamSpec, TypeVar

import psycopg
from celery import Task

from models.questions.health import AWAY, REFUSED, UNLOADED
from models.schema import outgrown
from models.settings import settings
from tasks import ledger
from tasks.engines.engine import Account, EngineAway, Interrupted, Loaded, RequestRefused, RunRefused
from tasks.identity import this_worker
from tasks.ledger import Lease, Usage
from tasks.stored import MOVE, BenchmarkAway, OtherVersion
from tasks.workers import leases, presence

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

NOTHING = "nothing to do"
"""What Flower shows of a message whose work is done, held by another, not yet due, or gone."""

STORE_SECONDS = 300.0
"""How long results are kept that the database refuses for a reason that does not lie in them: they were paid for."""


@dataclass
class WorkInHand:
    """A leased work in hand. `stop` is set when it is cancelled, its lease is lost, or the worker is to leave."""

    lease: Lease
    gpu_seconds: Callable[[], float]
    """Its share of the engine's time so far."""
    stop: Event = field(default_factory=Event)
    account: Account = field(default_factory=Account)
    """What its requests were billed so far."""
    result: str = ""
    """What Flower shows."""

    def used(self) -> Usage:
        """What it used so far."""
        account = self.account
        usage = Usage(
            gpu_seconds=self.gpu_seconds(),
            requests=account.requests,
            lost_requests=None if account.requests is None else account.lost_requests,
            left_out=account.left_out,
        )
        if (account.requests or 0) == account.lost_requests:
            return usage
        return replace(
            usage,
            billed_prompt_tokens=account.prompt_tokens,
            cached_prompt_tokens=account.cached_prompt_tokens,
            completion_tokens=account.completion_tokens,
            thinking_tokens=account.thinking_tokens,
            usd=account.usd,
        )


def claim(task: "Task[Any, Any]", work_id: int, engine: Loaded | None = None) -> Lease | None:
    """Lease a work to this process; whatever keeps a worker from claiming is noted at the work, and raised."""
    try:
        worker = this_worker(task.request.hostname or "worker", engine, presence.worker_id())
        lease = ledger.claim(work_id, worker, settings().lease_seconds)
    except Exception as error:
        ledger.refuse(work_id, f"{REFUSED}: {_said(error)}")
        raise
    if lease is not None:
        presence.did()
    return lease


@contextmanager
def attempted(lease: Lease, gpu_seconds: Callable[[], float] = lambda: 0.0) -> Iterator[WorkInHand]:
    """Keep a lease for the length of a block that ends its work; whatever the block raises ends the attempt.

    Interrupted, EngineAway and BenchmarkAway give the work back, RequestRefused fails it for good and RunRefused every
    work of its run that is still to be sampled; every other error fails the attempt and goes on.
    """
    attempt = WorkInHand(lease, gpu_seconds)
    with leases.kept(lease, attempt.stop, attempt.used):
        try:
            yield attempt
        except Interrupted:
            ledger.give_back(lease, "interrupted", attempt.used())
            attempt.result = "given back"
        except EngineAway as error:
            ledger.give_back(lease, f"{AWAY}: {error}", attempt.used())
            attempt.result = f"given back: {error}"
        except OtherVersion as error:
            ledger.give_back(lease, str(error), attempt.used())
            attempt.result = f"given back: {error}"
        except BenchmarkAway as error:
            ledger.give_back(lease, f"{UNLOADED}: {error}; {MOVE.replace('RUN', str(lease.run_id))}", attempt.used())
            attempt.result = f"given back: {error}"
        except RunRefused as error:
            ledger.refuse_run(lease, str(error), attempt.used())
            attempt.result = f"the run is refused: {error}"
        except RequestRefused as error:
            ledger.fail(lease, str(error), attempt.used(), final=True)
            attempt.result = f"refused: {error}"
        except Exception as error:
            if (told := outgrown(error)) is not None:
                ledger.give_back(lease, str(told), attempt.used())
            else:
                ledger.fail(lease, _said(error), attempt.used())
            raise
        finally:
            presence.did()


def keep_storing(store: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Store results; what refuses them may pass (a quota, a trigger of a person's), so it is tried for a while.

    Raised at once is what another try would meet again: a value that no column takes, a statement of another schema.
    """
    deadline, pause = time.monotonic() + STORE_SECONDS, 0.5
    while True:
        try:
            return store(*arguments, **named)
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError):
            raise
        except psycopg.Error as error:
            if time.monotonic() > deadline:
                raise
            log.warning("results cannot be stored (%s); trying again in %.1f s", str(error).strip(), pause)
        time.sleep(pause)
        pause = min(pause * 2, 10)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
