"""The one engine of a process, and whose its time is: room first, then a lease, then an attempt."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any, Generic, TypeVar

from celery import Task

from tasks import ledger
from tasks.engines.engine import EngineDead, Loaded
from tasks.ledger import Lease
from tasks.patience import patient
from tasks.workers import leases
from tasks.workers.attempt import WorkInHand, attempted, claim

E = TypeVar("E", bound=Loaded)


class Room:
    """What Celery's loop asks before it hands a message to a thread (tasks/workers/consumer.py), and is told."""

    has: Callable[[], bool] | None = None
    """Whether another batch may begin; None where this process has no engine whose room is limited."""
    changed: Callable[[], object] = staticmethod(lambda: None)
    """Called, from any thread, when there may be room again."""
    entered: Callable[[], object] = staticmethod(lambda: None)
    """Called when it is known how much room the last message takes."""


room = Room()


class EngineTime(Generic[E]):
    """An engine, and the batches that share it."""

    def __init__(self, engine: E) -> None:
        self.engine = engine
        self._meter = Meter(engine.gpus)
        room.has = lambda: self._meter.has_room(engine.capacity)
        self._admission = threading.Lock()
        """Held from waiting for room until a batch is in flight, so that two threads cannot take the same room."""

    @contextmanager
    def attempt(self, task: "Task[Any, Any]", work_id: int) -> Iterator[WorkInHand | None]:
        """WorkInHand a work for the length of a block; None where it is not to be had, or the process is leaving."""
        lease = self._admit(task, work_id)
        if lease is None:
            yield None
            return
        try:
            with attempted(lease, lambda: self._meter.share(lease.attempt_id)) as attempt:
                yield attempt
        except EngineDead:
            self.engine.dead.set()
            raise
        finally:
            self._meter.end(lease.attempt_id)
            room.changed()

    def _admit(self, task: "Task[Any, Any]", work_id: int) -> Lease | None:
        """Wait for room, then claim: no lease is held while only waiting."""
        try:
            with self._admission:
                room_is_there = self._meter.wait_for_room(self.engine.capacity, leases.leaving)
                if not room_is_there or self.engine.dead.is_set():
                    return_message(work_id)
                    return None
                lease = claim(task, work_id, self.engine)
                if lease is not None:
                    self._meter.begin(lease.attempt_id, lease.size)
                return lease
        finally:
            room.entered()


@patient
def return_message(work_id: int) -> None:
    """Have a work whose message was taken and not begun sent again."""
    ledger.unpublish([work_id])


class Meter:
    """GPU-seconds by attempt: at every moment the engine's GPUs are shared by samples in flight.

    The shares of all attempts add up to (time with anything in flight) x GPUs.
    """

    def __init__(self, gpus: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._gpus = gpus
        self._clock = clock
        self._changed = threading.Condition()
        self._sizes: dict[int, int] = {}
        self._seconds: dict[int, float] = {}
        self._at = clock()

    def has_room(self, capacity: int) -> bool:
        """Whether fewer than `capacity` samples are in flight."""
        with self._changed:
            return sum(self._sizes.values()) < capacity

    def wait_for_room(self, capacity: int, leaving: Event) -> bool:
        """Wait until fewer than `capacity` samples are in flight; False when the process is leaving instead."""
        with self._changed:
            while not leaving.is_set():
                if self.has_room(capacity):
                    return True
                self._changed.wait(0.5)
        return False

    def begin(self, attempt_id: int, size: int) -> None:
        """A batch of `size` samples is in flight."""
        with self._changed:
            self._settle()
            self._sizes[attempt_id] = size
            self._seconds[attempt_id] = 0.0

    def share(self, attempt_id: int) -> float:
        """GPU-seconds of a batch in flight so far."""
        with self._changed:
            self._settle()
            return self._seconds[attempt_id]

    def end(self, attempt_id: int) -> None:
        """A batch is no longer in flight."""
        with self._changed:
            self._settle()
            del self._sizes[attempt_id], self._seconds[attempt_id]
            self._changed.notify_all()

    def _settle(self) -> None:
        now = self._clock()
        total = sum(self._sizes.values())
        for attempt_id, size in self._sizes.items():
            self._seconds[attempt_id] += (now - self._at) * self._gpus * size / total
        self._at = now
