"""Sending work ids to their queues, and runs to be analysed: always after the commit that made them ready.

Where the broker takes nothing they stay ready, and the sweeper sends them later: nobody waits for it here.
"""

import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

import psycopg

from models.database import column, is_away
from tasks import ledger
from tasks.app import app, queue
from tasks.broker import NOT_TAKEN, reason, sending
from tasks.ledger import Publication

log = logging.getLogger(__name__)

SEND_SECONDS = 10.0
"""How long one call may send; what is left then is the sweeper's."""

PAUSE_SECONDS = 10.0
"""How long nothing is tried after a broker let somebody wait in vain."""

_paused_until = 0.0


def publish(queue_name: str, at_most: int | None = None) -> int:
    """Send as many of a queue's ready works as its window has room for, within seconds; return how many.

    Where the broker or the database is away the sweeper tries later.
    """
    if time.monotonic() < _paused_until:
        return 0
    try:
        publications = ledger.take_for_publishing(queue_name, at_most)
        return _send(queue_name, publications) if publications else 0
    except psycopg.Error as error:
        if not is_away(error):
            raise
        log.warning("The works of %s wait for the sweeper: the database is away (%s).", queue_name, error)
        return 0


def request_analysis(run_id: int) -> None:
    """Ask a worker of its counting verifier to analyse a run, by what that takes for equal answers.

    A lost request costs nothing: reports analyse what is stale themselves.
    """
    sql = "select verifier.queue from run join verifier on verifier.id = run.verifier_id where run.id = %s"
    for name in column(sql, (run_id,)):  # none of a run that was deleted since
        target: Any = queue(name)
        try:
            with sending() as producer:
                app.send_task(
                    "analyze", args=[run_id], queue=target, producer=producer, retry=False, argsrepr=f"run {run_id}"
                )
        except NOT_TAKEN as error:
            log.warning("nobody was asked to analyse run %s: %s", run_id, reason(error))


def _send(queue_name: str, publications: Sequence[Publication]) -> int:
    global _paused_until
    waiting, began = deque(publications), time.monotonic()
    try:
        try:
            _send_each(queue_name, waiting, began + SEND_SECONDS)
        except NOT_TAKEN:  # its connection may be one from before the broker's last restart, or silent
            _send_each(queue_name, waiting, began + SEND_SECONDS)
    except NOT_TAKEN as error:
        now = time.monotonic()
        if now - began > PAUSE_SECONDS / 4:  # a refusal is quick, and may soon be none
            _paused_until = now + PAUSE_SECONDS
        log.warning(
            "The broker does not take the works of %s now (%s); they are safe in the database, and the sweeper sends "
            "them later.", queue_name, reason(error),
        )  # fmt: skip
    finally:
        if waiting:
            ledger.unpublish([work.work_id for work in waiting])
    return len(publications) - len(waiting)


def _send_each(queue_name: str, waiting: deque[Publication], until: float) -> None:
    """Send works from the left until none waits or the time is over; one of NOT_TAKEN otherwise."""
    target: Any = queue(queue_name)
    with sending() as producer:
        while waiting and time.monotonic() < until:
            work = waiting[0]
            app.send_task(
                work.kind,
                args=[work.work_id],
                queue=target,
                producer=producer,
                retry=False,
                argsrepr=_label(work),
                kwargsrepr=queue_name,
            )
            waiting.popleft()


def _label(work: Publication) -> str:
    """What people see in Flower."""
    last_index = work.first_index + work.size - 1
    return f"run {work.run_id} · problem {work.problem_id} · samples {work.first_index}–{last_index}"
