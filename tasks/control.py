"""Celery's remote control, which Flower uses: queues that a cut cable does not lock."""

from uuid import uuid4

from celery.app import control
from kombu import Queue, pidbox

from tasks.app import app, is_redis


class _Mailbox(pidbox.Mailbox):
    def get_queue(self, hostname: str) -> Queue:
        """A worker's queue, with a name of its own for each connection.

        RabbitMQ keeps an exclusive queue locked until it has noticed that the connection before is lost.
        """
        made = super().get_queue(hostname)
        if not is_redis(app.conf.broker_url):  # which has no exclusive queues, and remembers every name
            made.name = f"{made.name}.{uuid4().hex[:12]}"
        return made


class Control(control.Control):
    """Remote control by such queues."""

    Mailbox = _Mailbox
