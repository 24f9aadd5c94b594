"""Questions to the broker."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kombu.exceptions import OperationalError

from models.settings import settings
from tasks.app import app, is_redis
from verifiers.errors import Unavailable

NO_QUEUE = "404"
"""What AMQP says of a queue that is not there; with Redis kombu says so as text."""


def reachable() -> None:
    """Raise Unavailable, in one sentence, when the broker does not answer."""
    with _answering() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)


def messages(queues: Sequence[str]) -> dict[str, int | None]:
    """Queue -> messages that wait in it; None where the broker does not say. Unavailable when it does not answer."""
    if not queues:
        return {}
    with _answering() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
        return {name: _messages(connection, name) for name in queues}


def _messages(connection: Any, queue: str) -> int | None:
    with connection.channel() as channel:
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors as error:
            return 0 if str(getattr(error, "reply_code", None)) == NO_QUEUE else None


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
