"""Questions to the broker and the workers behind it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu.exceptions import OperationalError

from models.settings import settings
from tasks.app import app, is_redis
from verifiers.errors import Unavailable

PATIENCE_SECONDS = 2.0
"""How long workers get to answer."""


def reachable() -> None:
    """Raise Unavailable, in one sentence, when the broker does not answer."""
    with _answering() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)


def served_queues() -> dict[str, list[str]]:
    """Queue -> the workers that serve it, of those that answer in time; Unavailable when the broker does not."""
    with _answering() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
        inspect: Any = app.control.inspect(timeout=PATIENCE_SECONDS, connection=connection)
        replies = inspect.active_queues() or {}
    served: dict[str, list[str]] = {}
    for worker, queues in sorted(replies.items()):
        for each in queues:
            served.setdefault(each["name"], []).append(worker)
    return served


class _Seen(Exception):
    """Raised out of the wait for replies by the one that was waited for."""


def is_served(queue: str) -> bool:
    """Whether a worker serves a queue: true as soon as one says so, false when none did in time."""

    def look(reply: dict[str, list[dict[str, Any]]]) -> None:
        if any(each["name"] == queue for queues in reply.values() for each in queues):
            raise _Seen

    with _answering() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
        try:
            app.control.broadcast(
                "active_queues", reply=True, timeout=PATIENCE_SECONDS, callback=look, connection=connection
            )
        except _Seen:
            return True
    return False


@contextmanager
def _answering() -> Iterator[Any]:
    """A connection of its own, since a pooled one may be from before the broker's last restart.

    With Redis it ends only after the last look at a queue, which is to be short.
    """
    options = {"polling_interval": 0.1} if is_redis(app.conf.broker_url) else {}
    connection: Any = app.connection_for_read(connect_timeout=5, transport_options=options)
    try:
        yield connection
    except (OperationalError, OSError, *connection.connection_errors) as error:
        where = connection.as_uri()
        hint = "`monkeys up` starts the local one." if settings().own_broker else "check MONKEYS_BROKER_URL."
        raise Unavailable(f"The broker {where} does not answer ({str(error)[:200]}); {hint}") from error
    finally:
        connection.release()
