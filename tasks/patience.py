"""Waiting out a database that is away: a worker that holds results keeps them, and one that can't claim eats no message."""

import functools
import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import psycopg

from models.database import is_away, is_passing, is_unmade

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

PASSING_TRIES = 5
"""Tries of a transaction that met a deadlock, a conflict or a lock."""


def patient(transaction: Callable[P, T]) -> Callable[P, T]:
    """Have a function that is one whole transaction wait while the database is away or unmade, and try what is passing.

    Every other error is raised. A commit whose answer was lost is run twice: each of these transactions bears that.
    """

    @functools.wraps(transaction)
    def run(*arguments: P.args, **named: P.kwargs) -> T:
        pause, passing = 0.1, 0
        while True:
            try:
                return transaction(*arguments, **named)
            except psycopg.Error as error:
                passing += is_passing(error)
                if not (is_away(error) or is_unmade(error)) and (not is_passing(error) or passing == PASSING_TRIES):
                    raise
                log.warning("%s of %s; trying again in %.1f s", str(error).strip(), transaction.__name__, pause)
            time.sleep(pause)
            pause = min(pause * 2, 10)

    return run
