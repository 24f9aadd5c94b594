"""A work through the one engine of a process: room first, then a lease, then an end one way or another."""

from collections.abc import Callable
from threading import Event
from typing import Any, Generic, TypeVar

from celery import Task

from models.settings import settings
from tasks import ledger
from tasks.engines.engine import EngineDead, Interrupted, Loaded, RequestRefused
from tasks.identity import this_worker
from tasks.ledger import Lease, Usage
from tasks.patience import patiently
from tasks.workers import leases
from tasks.workers.meter import Meter

E = TypeVar("E", bound=Loaded)
R = TypeVar("R")

Ask = Callable[[E, Lease, Event], R]
"""What the engine is asked for a leased batch, until the event is set."""

Keep = Callable[[E, Lease, R, float], str]
"""What its answer, and the GPU-seconds it took, become in the tables; returns what Flower shows."""


class Engaged(Generic[E]):
    """An engine, and whose its time is."""

    def __init__(self, engine: E) -> None:
        self.engine = engine
        self._meter = Meter(engine.gpus)

    def work_off(self, task: "Task[Any, Any]", work_id: int, ask: Ask[E, R], keep: Keep[E, R]) -> str:
        """Claim a work and end it one way or another. Returns what Flower shows."""
        worker = this_worker(task.request.hostname or "worker", self.engine)
        with self._meter.admission:
            # room first, claim after: no lease is held while only waiting
            room = self._meter.wait_for_room(self.engine.capacity, leases.leaving)
            if not room or self.engine.dead.is_set():
                patiently(lambda: ledger.unpublish([work_id]))
                return "given back"
            lease = patiently(lambda: ledger.claim(work_id, worker, settings().lease_seconds))
            if lease is None:
                return "nothing to do"
            self._meter.begin(lease.attempt_id, lease.size)
        try:
            with leases.kept(lease, lambda: self._meter.share(lease.attempt_id)) as stop:
                return self._attempt(lease, stop, ask, keep)
        finally:
            self._meter.end(lease.attempt_id)

    def _attempt(self, lease: Lease, stop: Event, ask: Ask[E, R], keep: Keep[E, R]) -> str:
        def used() -> float:
            return self._meter.share(lease.attempt_id)

        try:
            answer = ask(self.engine, lease, stop)
            return keep(self.engine, lease, answer, used())
        except Interrupted:
            patiently(lambda: ledger.give_back(lease, Usage(gpu_seconds=used())))
            return "given back"
        except RequestRefused as error:
            refusal = str(error)
            patiently(lambda: ledger.fail(lease, refusal, Usage(gpu_seconds=used()), final=True))
            return f"refused: {refusal}"
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            patiently(lambda: ledger.fail(lease, message, Usage(gpu_seconds=used())))
            if isinstance(error, EngineDead):
                self.engine.dead.set()
            raise
