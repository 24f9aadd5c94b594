"""Questions to the broker, and connections that send."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from amqp.exceptions import AMQPError, MessageNacked
from kombu import Producer, Queue
from kombu.exceptions import LimitExceeded, OperationalError
from kombu.pools import producers
from redis.exceptions import RedisError

from models.settings import settings
from tasks.app import app, is_redis
from verifiers.errors import Unavailable

NO_QUEUE = "404"
"""What AMQP says of a queue that is not there, and kombu of one in Redis, as text."""


CONFIRM_SECONDS = 3
"""How long RabbitMQ may take to confirm a message."""


class Blocked(OperationalError):
    """RabbitMQ is in an alarm: of this connection it reads nothing until memory or disk is free again."""


NOT_TAKEN = (OperationalError, LimitExceeded, AMQPError, MessageNacked, RedisError, OSError)
"""What a broker's not taking a message raises: it is away, silent, full, in an alarm, or all connections are in use."""


@contextmanager
def sending() -> Iterator[Producer]:
    """What sends works: confirmed, so that nothing is lost unseen, within seconds or one of NOT_TAKEN."""
    confirmed = {"confirm_publish": True, "read_timeout": CONFIRM_SECONDS, "on_blocked": _blocked}
    options = {"max_retries": 1, "interval_start": 0.1, **({} if is_redis(app.conf.broker_url) else confirmed)}
    pool: Any = producers[app.connection_for_write(transport_options=options)]
    with pool.acquire(block=True, timeout=CONFIRM_SECONDS) as producer:
        try:
            yield producer
        except NOT_TAKEN:
            producer.connection.collect()  # without a farewell, for which a silent broker would be waited
            raise


def _blocked(_: str) -> None:
    raise Blocked("an alarm of memory or disk")


def takes_messages() -> None:
    """Raise Unavailable, in one sentence, when the broker takes no messages: tried with one, which is removed."""
    name = f"monkeys.probe.{secrets.token_hex(8)}"
    try:
        with sending() as producer:
            channel: Any = producer.channel
            probe = Queue(name, exclusive=True, auto_delete=True, channel=channel)
            probe.declare()
            producer.publish("", exchange="", routing_key=name)
            probe.delete()
    except NOT_TAKEN as error:
        where = app.connection_for_write().as_uri()
        raise Unavailable(
            f"The broker {where} takes no messages ({reason(error)}); works wait in the database until it does."
        ) from error


def reason(error: BaseException) -> str:
    """Why a broker did not take a message, for a sentence."""
    if isinstance(error, TimeoutError):
        return "it confirmed nothing in time"
    if "maxmemory" in str(error):
        return "its memory is full"
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:200].rstrip(".")


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
    except NOT_TAKEN as error:
        where = connection.as_uri()
        hint = "`monkeys up` starts the local one." if settings().own_broker else "check MONKEYS_BROKER_URL."
        raise Unavailable(f"The broker {where} does not answer ({reason(error)}); {hint}") from error
    finally:
        connection.release()
