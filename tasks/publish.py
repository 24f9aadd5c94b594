"""Sending work ids to their queues: always after the commit that made them ready."""

import logging
from collections.abc import Sequence
from typing import Any

import psycopg
from kombu.exceptions import OperationalError

from models.database import is_away
from tasks import ledger
from tasks.app import app, queue
from tasks.ledger import Publication

log = logging.getLogger(__name__)


def publish(queue_name: str, at_most: int = ledger.WINDOW) -> int:
    """Send as many of a queue's ready works as its window has room for; return how many.

    Where the broker or the database is away the sweeper tries later.
    """
    try:
        publications = ledger.take_for_publishing(queue_name, at_most)
        return _send(queue_name, publications) if publications else 0
    except psycopg.Error as error:
        if not is_away(error):
            raise
        log.warning("the works of %s wait for the sweeper: the database is away (%s)", queue_name, error)
        return 0


def _send(queue_name: str, publications: Sequence[Publication]) -> int:
    sent = 0
    try:
        target: Any = queue(queue_name)
        with app.producer_pool.acquire(block=True, timeout=10) as producer:
            for each in publications:
                app.send_task(
                    each.kind.value,
                    args=[each.work_id],
                    queue=target,
                    producer=producer,
                    argsrepr=each.label,
                    kwargsrepr=queue_name,
                )
                sent += 1
    except (OperationalError, OSError, TimeoutError) as error:
        log.warning("the broker did not take %s works of %s: %s", len(publications) - sent, queue_name, error)
        ledger.unpublish([each.work_id for each in publications[sent:]])
    return sent
