"""One attempt at a work: claimed by a lease, kept alive, and ended one way or another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any

from celery import Task

from models.questions.health import AWAY, REFUSED, UNLOADED
from models.settings import settings
from tasks import ledger
from tasks.engines.engine import Account, EngineAway, Interrupted, Loaded, RequestRefused, RunRefused
from tasks.identity import this_worker
from tasks.ledger import Lease, Usage
from tasks.stored import MOVE, BenchmarkAway
from tasks.workers import leases, presence

NOTHING = "nothing to do"
"""What Flower shows of a message whose work is done, held by another, not yet due, or gone."""


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
            ledger.fail(lease, _said(error), attempt.used())
            raise
        finally:
            presence.did()


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
