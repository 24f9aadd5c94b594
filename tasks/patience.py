"""Waiting out a database that is away: a worker that holds results must not lose them."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import psycopg

from models.database import is_away

log = logging.getLogger(__name__)

T = TypeVar("T")


def patiently(transaction: Callable[[], T]) -> T:
    """Run one whole transaction, again and again while the connection is lost; every other error is raised.

    A commit whose answer was lost is run twice: each of the ledger's transactions bears that.
    """
    pause = 0.1
    while True:
        try:
            return transaction()
        except psycopg.Error as error:
            if not is_away(error):
                raise
            log.warning("the database is away (%s); trying again in %.1f s", str(error).strip(), pause)
            time.sleep(pause)
            pause = min(pause * 2, 10)
