"""The sweeper: finds what was dropped anywhere and sends it on. Of any number one sweeps, by the lease of its row."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event

from models.database import is_away
from models.machine import lives, this_process
from models.settings import settings
from tasks import broker, ledger
from tasks.ledger import worker
from tasks.ledger.work import WINDOW, OpenQueue
from tasks.publish import publish, request_analysis
from tasks.workers import presence
from tasks.workers.exits import Exit, leave
from verifiers.errors import Unavailable

log = logging.getLogger(__name__)


def sweep_for_ever(stop: Event) -> None:
    """Sweep every few seconds while no other sweeper does, until told to stop; whatever it meets, it goes on.

    Waits for a database that is away. UserError where its schema is not this code's at the start.
    """
    _begin(stop)
    sweeping, said = False, ""
    while not stop.is_set():
        try:
            sweeping = _turn(stop, sweeping)
        except Exception as error:
            if is_away(error) or isinstance(error, Unavailable):
                presence.shaken()
                log.warning("the database is away (%s)", _first_line(error))
            else:  # nobody else would find what is dropped meanwhile
                told = f"{type(error).__name__}: {_first_line(error)}"
                log.error("a sweep failed (%s); the next one comes", told, exc_info=told != said)
                said = told
        stop.wait(settings().sweep_seconds)
    presence.left()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _begin(stop: Event) -> None:
    presence.begin("sweep", f"sweep@{socket.gethostname()}", on_another_schema=_leave, stop=stop)


def _leave(told: str) -> None:
    log.error("%s This sweeper leaves.", told)
    presence.failed(told)
    leave(Exit.another_schema)


def _turn(stop: Event, sweeping: bool) -> bool:
    """Sweep if it is this sweeper's turn; whether it is."""
    presence.steps()
    led = presence.lead()
    if led is None:
        log.warning("the database is another one than before: this sweeper begins anew")
        _begin(stop)
        return False
    if led.leads and not sweeping:
        replaced = f", for {led.replaced}, which stands still or is lost" if led.replaced else ""
        log.warning("sweeping every %s s%s", settings().sweep_seconds, replaced)
    elif sweeping and not led.leads:
        log.warning("another one sweeps by now: this sweeper stands by")
    if led.leads:
        sweep(free_expired=presence.steady_seconds() > settings().lease_seconds / 2)
        presence.did()
    return led.leads


def sweep(*, free_expired: bool = True) -> None:
    """Once over everything that may have been dropped. What needs the broker comes last: that may be away, or slow."""
    with _going_on():
        _bury_the_gone()
    if free_expired:
        with _going_on():
            _warn("%s works came back from lost workers: %s", ledger.free_expired())
    with _going_on():
        for silent in worker.give_up():
            log.warning("%s (process %s on %s) said nothing for minutes", silent.name, silent.pid, silent.host)
    with _going_on():
        for run_id in ledger.move_counting():
            log.info("run %s has a new counting verifier", run_id)
    with _going_on():
        for run_id, rule in ledger.stop_runs():
            log.info("run %s takes no more batches where its rule %s stops it", run_id, rule)
    ended: list[int] = []
    with _going_on():
        ended = ledger.end_runs()
    with _going_on():
        ledger.fold_counts()
    with _going_on():
        _send_on(ledger.open_queues())
    for run_id in ended:
        log.info("run %s ended", run_id)
        with _going_on():
            request_analysis(run_id)


@contextmanager
def _going_on() -> Iterator[None]:
    """A step of a sweep: whatever it meets, the next one is made, unless the database is away."""
    presence.steps()
    try:
        yield
    except Unavailable as error:
        log.warning("%s", error)
    except Exception as error:
        if is_away(error):
            raise
        log.exception("a step of a sweep failed; the others go on")


def _bury_the_gone() -> None:
    """Free what processes of this machine held that are gone, without waiting for their leases."""
    gone = [each for each in worker.unended_here(this_process()) if not lives(each.pid, each.started_ticks)]
    if gone:
        log.warning("gone: %s", ", ".join(f"{each.name} (process {each.pid})" for each in gone))
        _warn("%s works came back from them: %s", worker.bury([each.id for each in gone]))


def _send_on(queues: list[OpenQueue]) -> None:
    """Publish what is ready, and what was published and is not there. Unavailable where the broker is."""
    waiting = broker.messages([row.queue for row in queues])
    for row in queues:
        presence.steps()
        if row.published:
            old = settings().lease_seconds / 2  # a message this old in an empty queue is lost
            empty = waiting[row.queue] == 0
            lost = ledger.free_lost_messages(row.queue, queue_is_empty=empty, older_than_seconds=old)
            if lost:
                log.warning("%s messages of %s were lost", lost, row.queue)
        publish(row.queue, at_most=max(0, WINDOW - (waiting[row.queue] or 0)))


def _warn(message: str, works: list[int]) -> None:
    if works:
        log.warning(message, len(works), works[:10])
