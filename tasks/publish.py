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


def publish(queue_name: str, at_most: int | None = None) -> int:
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
            for work in publications:
                app.send_task(
                    work.kind,
                    args=[work.work_id],
                    queue=target,
                    producer=producer,
                    argsrepr=_label(work),
                    kwargsrepr=queue_name,
                )
                sent += 1
    except (OperationalError, OSError, TimeoutError) as error:
        log.warning("the broker did not take %s works of %s: %s", len(publications) - sent, queue_name, error)
        ledger.unpublish([work.work_id for work in publications[sent:]])
    return sent


def _label(work: Publication) -> str:
    """What people see in Flower."""
    last_index = work.first_index + work.size - 1
    return f"run {work.run_id} · problem {work.problem_id} · samples {work.first_index}–{last_index}"
