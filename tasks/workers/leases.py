"""The leases this process holds, kept alive by one thread."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import NamedTuple

from models.settings import settings
from tasks import ledger
from tasks.ledger import Lease, Usage
from tasks.workers import presence

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
"""How soon a cancelled work is noticed."""

LOST_AFTER = 20
"""Leases' lengths without a renewal, by this process's clock, until what it is at is taken to be another's.

Whoever cannot reach the database cannot know: where all are cut off, a work is still its holder's when it is back. So
sampling goes on for longer than a database is away, and what is sampled by then is stored if it still may; but a worker
that alone is cut off must not pay for ever for what another does.
"""

_held: dict[int, "Held"] = {}
_lock = threading.Lock()
_thread: threading.Thread | None = None

leaving = Event()
"""Set when this process has been told to go: whoever holds a lease gives it back soon."""


class Held(NamedTuple):
    """A lease of this process, the event that stops its work, and what it used so far."""

    lease: Lease
    stop: Event
    used: Callable[[], Usage]
    since: float
    """When it was last known to be ours, unless all were renewed since."""


@contextmanager
def kept(lease: Lease, stop: Event, used: Callable[[], Usage]) -> Iterator[None]:
    """Keep a lease alive for the length of a block; `stop` is set when it is lost or this process is leaving.

    What the attempt used so far is stored with every heartbeat, so that it is known even where this process is lost.
    """
    with _lock:
        _held[lease.attempt_id] = Held(lease, stop, used, time.monotonic())
        _begin_renewing()
        if leaving.is_set():
            stop.set()
    try:
        yield
    finally:
        with _lock:
            del _held[lease.attempt_id]


def leave() -> None:
    """Tell every holder of a lease in this process to give it back."""
    leaving.set()
    with _lock:
        for held in _held.values():
            held.stop.set()


def stopped() -> list[Held]:
    """The leases whose works were told to stop, and have not yet."""
    with _lock:
        return [held for held in _held.values() if held.stop.is_set()]


def _begin_renewing() -> None:
    global _thread
    if _thread is None or not _thread.is_alive():  # a forked child has the variable but not the thread
        _thread = threading.Thread(target=_renew_for_ever, name="leases", daemon=True)
        _thread.start()


def _renew_for_ever() -> None:
    renewed = time.monotonic()
    while True:
        time.sleep(min(LOOK_SECONDS, settings().lease_seconds / 4))
        try:
            renewed = _look(renewed)
        except Exception:  # whatever it is, the next look may go well, and nobody else keeps these leases
            log.warning("leases not looked after", exc_info=True)
            _stop_lost(renewed)


def _stop_lost(renewed: float) -> None:
    """Stop works whose leases could not be renewed for so long that others are at them."""
    lost = time.monotonic() - LOST_AFTER * settings().lease_seconds
    with _lock:
        for held in _held.values():
            if max(held.since, renewed) < lost and not held.stop.is_set():
                log.warning("the lease of work %s could not be renewed: it is another's by now", held.lease.work_id)
                held.stop.set()


def _look(renewed: float) -> float:
    """Renew the leases of this process when it is time, stop works that are no longer held; return when it renewed."""
    with _lock:
        held = list(_held.values())
        used = [each.used() for each in held]
    if not held:
        return renewed
    presence.holds()
    leases = [each.lease for each in held]
    lease_seconds = settings().lease_seconds
    if time.monotonic() - renewed >= lease_seconds / 4 - LOOK_SECONDS / 2:
        ledger.renew(leases, lease_seconds, used)
        renewed = time.monotonic()
    kept_works = ledger.still_held(leases)
    for each in held:
        if each.lease.work_id not in kept_works and not each.stop.is_set():
            log.warning("work %s was cancelled or given to another worker", each.lease.work_id)
            each.stop.set()
    return renewed
