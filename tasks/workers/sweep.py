"""The sweeper: finds what was dropped anywhere and sends it on. One at a time, by an advisory lock."""

import logging
import time
from threading import Event
from typing import Any

from kombu.exceptions import OperationalError

from models.database import column, engine, is_away
from models.schema import MIGRATION_LOCK
from models.settings import settings
from tasks import ledger
from tasks.app import app
from tasks.ledger.work import WINDOW
from tasks.publish import publish
from tasks.workers.analyze import request_analysis

log = logging.getLogger(__name__)

SWEEP_LOCK = MIGRATION_LOCK + 1


def sweep_for_ever(stop: Event) -> None:
    """Sweep every few seconds while this process holds the lock; wait for it otherwise."""
    while not stop.is_set():
        try:
            with engine().connect() as connection:
                connection = connection.execution_options(isolation_level="AUTOCOMMIT")
                while not stop.is_set():
                    held = connection.exec_driver_sql(f"select pg_try_advisory_lock({SWEEP_LOCK})").scalar()
                    if held:
                        break
                    stop.wait(settings().sweep_seconds)
                log.info("sweeping every %s s", settings().sweep_seconds)
                # while the database was away leases ran out that their holders are about to renew
                patient_until = time.monotonic() + settings().lease_seconds / 2
                while not stop.is_set():
                    connection.exec_driver_sql("select 1")  # the lock lives as long as this connection
                    sweep(free_expired=time.monotonic() > patient_until)
                    stop.wait(settings().sweep_seconds)
        except Exception as error:
            if is_away(error):
                log.warning("the database is away (%s)", str(error).strip().splitlines()[0])
            else:  # nobody else would find what is dropped meanwhile
                log.exception("a sweep failed; the next one comes")
            stop.wait(settings().sweep_seconds)


def is_swept() -> bool:
    """Whether some process holds the sweeper's lock."""
    return bool(
        column(
            """
            select pid from pg_locks where locktype = 'advisory' and objid = %s and granted
                and database = (select oid from pg_database where datname = current_database())
            """,
            (SWEEP_LOCK,),
        )
    )


def sweep(*, free_expired: bool = True) -> None:
    """Once over everything that may have been dropped."""
    freed = ledger.free_expired() if free_expired else []
    if freed:
        log.warning("%s works came back from lost workers: %s", len(freed), freed[:10])
    for row in ledger.open_queues():
        queue = row.queue
        waiting = messages(queue)
        if row.published:
            old = settings().lease_seconds / 2  # a message this old in an empty queue is lost
            lost = ledger.free_lost_messages(queue, queue_is_empty=waiting == 0, older_than_seconds=old)
            if lost:
                log.warning("%s messages of %s were lost", lost, queue)
        publish(queue, at_most=max(0, WINDOW - (waiting or 0)))
    for run_id in ledger.move_counting():
        log.info("run %s has a new counting verifier", run_id)
    for run_id, rule in ledger.stop_runs():
        log.info("run %s takes no more batches where its rule %s stops it", run_id, rule)
    for run_id in ledger.end_runs():
        log.info("run %s ended", run_id)
        request_analysis(run_id)


def messages(queue: str) -> int | None:
    """Messages waiting in a queue; None where the broker does not say."""
    with app.connection_for_read() as opened:
        connection: Any = opened
        try:
            channel = connection.default_channel
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            return 0  # there is no such queue: nothing waits in it
        except (OperationalError, OSError, *connection.connection_errors):
            return None
