"""Between Celery's loop and its pool: where a message waits for room, and who sees that the loop goes on.

RabbitMQ ends a consumer that leaves a message unacknowledged for long, and Celery acknowledges when the pool takes it.
So no more than one message of a queue waits here, and none for long: its work goes back into the table, for whoever
has room.
"""

import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, NamedTuple

from celery import bootsteps
from celery.worker import state

from models.settings import settings
from tasks.broker import messages, reachable
from tasks.publish import request_analysis
from tasks.workers import presence
from tasks.workers.engine_time import return_message, room
from tasks.workers.exits import Exit, leave
from tasks.workers.grace import WORKER_SECONDS
from verifiers.errors import Unavailable

log = logging.getLogger(__name__)

STILL_LOOKS = 40
"""So often, a second apart, the loop is seen to stand before it counts as dead."""

DEAF_SECONDS = 10.0
DEAF_LOOKS = 3
"""So often, DEAF_SECONDS apart, messages wait for an idle worker that takes none before it counts as deaf."""


class Waiting(NamedTuple):
    """A request of Celery's that has no room yet, and since when (monotonic seconds)."""

    request: Any
    since: float


class Anteroom(bootsteps.StartStopStep):
    """Hands a message to the pool when that has a free slot and the engine room, and until then keeps it."""

    ticks = 0
    """Of the one loop of this process: grows while it runs."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._consumer = consumer
        self._waiting: deque[Waiting] = deque()
        self._entering: Any = None
        self._returning = ThreadPoolExecutor(1, "returning")  # the loop waits for no database
        self._enter = consumer.on_task_request
        consumer.on_task_request = self._arrive
        consumer.initial_prefetch_count = 1
        room.changed, room.entered = self._wake, self._entered
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wakes, False)

    def register_with_event_loop(self, _: Any, hub: Any) -> None:
        """Look once a second, and whenever the loop wakes: by a child that ends a task, or by `_wake`."""
        hub.call_repeatedly(1.0, self._tick)
        hub.on_tick.add(self._look)
        hub.add_reader(self._woken, self._drain)

    def stop(self, _: Any) -> None:
        """The connection is gone, or goes: the broker keeps what was not acknowledged."""
        self._waiting.clear()

    def _arrive(self, request: Any) -> None:
        self._waiting.append(Waiting(request, time.monotonic()))
        self._look()

    def _look(self) -> None:
        while self._waiting and self._has_room():
            self._entering = request = self._waiting.popleft().request
            request.acknowledge()  # before the pool's thread does it too, and sooner: the next one comes meanwhile
            self._enter(request)
            self._wake()  # what may come in its place is asked for once a round, and maybe was in this one

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # it is full: the loop has yet to see that it was woken
            os.write(self._wakes, b"!")

    def _drain(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)

    def _entered(self) -> None:
        self._entering = None
        self._wake()

    def _has_room(self) -> bool:
        in_pool = len(state.reserved_requests) - len(self._waiting)
        if in_pool >= self._consumer.pool.num_processes:
            return False
        # how much of the engine's room the last one takes is known once it has its lease
        return room.has is None or (self._entering not in state.reserved_requests and room.has())

    def _tick(self) -> None:
        Anteroom.ticks += 1
        long_ago = time.monotonic() - settings().hold_seconds
        while self._waiting and self._waiting[0].since < long_ago:
            request = self._waiting.popleft().request
            state.revoked.add(request.id)
            request.revoked()  # acknowledges it, and takes it from Celery's lists
            self._returning.submit(_give_back, request.name, *request.args)


def _give_back(task: str, number: int) -> None:
    if task == "analyze":
        request_analysis(number)
    else:
        return_message(number)


def watch(queues: Sequence[str], told: Event, tell: Callable[[], object]) -> None:
    """End this process, in threads of their own, when its loop stands still or takes nothing though messages wait.

    `told` is set when it leaves anyway; `tell` has whoever holds a lease give it back.
    """
    for look in (lambda: _see_still(told, tell), lambda: _see_deaf(queues, told, tell)):
        threading.Thread(target=look, name="watch", daemon=True).start()


def _see_still(told: Event, tell: Callable[[], object]) -> None:
    seen, looks = -1, 0  # counted, not timed: a process that was stopped for long has not stood still
    while not told.wait(1.0):
        looks = looks + 1 if Anteroom.ticks == seen else 0
        seen = Anteroom.ticks
        if not looks:
            presence.waits(None)
        if looks >= STILL_LOOKS:
            if _broker_answers():
                end(Exit.stood_still, f"Celery's loop stood still for {looks} s", tell)
            looks = 0  # it waits for its broker, as another one would


def _broker_answers() -> bool:
    try:
        reachable()
    except Unavailable as error:
        log.warning("waiting for the broker: %s", error)
        presence.waits(str(error))
        return False
    return True


def _see_deaf(queues: Sequence[str], told: Event, tell: Callable[[], object]) -> None:
    seen, looks = (-1, -1), 0
    while not told.wait(DEAF_SECONDS):
        before, seen = seen, (Anteroom.ticks, state.all_total_count[0])
        idle = not state.reserved_requests and seen[0] > before[0] and seen[1] == before[1]
        looks = looks + 1 if idle and _messages_wait(queues) else 0
        if looks >= DEAF_LOOKS:
            end(Exit.deaf, "its queue has messages and it gets none", tell)


def _messages_wait(queues: Sequence[str]) -> bool:
    try:
        return any(messages(queues).values())
    except Unavailable:
        return False


def end(code: Exit, why: str, tell: Callable[[], object]) -> None:
    """End this process though nobody asked for it: works in hand are given back as long as a worker's grace allows."""
    log.error("%s: this worker leaves, another is to be started", why)
    tell()
    deadline = time.monotonic() + WORKER_SECONDS
    while state.active_requests and time.monotonic() < deadline:
        time.sleep(0.2)
    note = threading.Thread(target=presence.failed, args=(why,), daemon=True)  # its database may be away
    note.start()
    note.join(5)
    leave(code)
