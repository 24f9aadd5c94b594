"""The Celery app. Messages are nudges: a work id, acknowledged when its task starts.

Whatever is lost or doubled between here and a worker is mended from Postgres (tasks/workers/sweep.py), so late
acknowledgement would add nothing but its traps: poison messages that loop for ever, tasks doubled by a visibility
timeout, workers ended by a consumer timeout. No result backend, no chord, no countdown: the tables are the result and
the clock.
"""

import socket
from typing import Any

from celery import Celery
from kombu import Exchange, Queue

from models.settings import settings

app = Celery(
    "monkeys",
    include=["tasks.workers.analyze", "tasks.workers.generate", "tasks.workers.score", "tasks.workers.verify"],
)


def is_redis(broker_url: str) -> bool:
    """Whether a broker is Redis; any other is RabbitMQ, whatever its URL calls the client (amqp, amqps, pyamqp)."""
    return broker_url.startswith(("redis", "rediss", "sentinel"))


SILENT_SECONDS = 5
"""How long a broker may take to answer anything that is waited for."""

KEEPALIVE = {socket.TCP_KEEPIDLE: 15, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 3, socket.TCP_USER_TIMEOUT: 30_000}
"""Dead hosts and cut cables are the kernel's to notice."""


def _transport(*, redis: bool) -> dict[str, Any]:
    """Options of every connection. Messages are confirmed where works are sent (tasks/publish.py), and only there.

    Celery's own events and replies are sent by the loop that would notice a silent connection: they must not stop it.
    """
    if redis:
        return {
            # nothing stays unacknowledged for long, so a short timeout is safe and recovers prefetched messages
            "visibility_timeout": 300,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_timeout": SILENT_SECONDS,
            "socket_connect_timeout": SILENT_SECONDS,
            "socket_keepalive": True,
            "socket_keepalive_options": KEEPALIVE,
            "health_check_interval": 10,  # of a consumer too: without an answer for so long it connects anew
        }
    return {"read_timeout": SILENT_SECONDS, "write_timeout": SILENT_SECONDS, "socket_settings": KEEPALIVE}


def _configuration() -> dict[str, Any]:
    broker_url = settings().broker_url
    redis = is_redis(broker_url)
    return {
        "broker_url": broker_url,
        "result_backend": None,
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_acks_late": False,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": True,
        "task_send_sent_event": True,
        "event_queue_ttl": 5,
        "event_queue_expires": 60,
        "control_queue_expires": 60,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_heartbeat": 10,  # twice as long without a byte, and the consumer connects anew
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0.1},
        "broker_transport_options": _transport(redis=redis),
        "task_default_queue": "monkeys",
        **({} if redis else {"task_default_queue_type": "quorum", "task_default_exchange_type": "topic"}),
    }


app.add_defaults(_configuration)


def queue(name: str) -> Queue:
    """A queue by name: a list in Redis, a quorum queue in RabbitMQ."""
    if is_redis(app.conf.broker_url):
        return Queue(name, Exchange("monkeys", type="direct"), routing_key=name)
    arguments = {"x-queue-type": "quorum"}
    return Queue(name, Exchange("monkeys", type="topic"), routing_key=name, queue_arguments=arguments)
