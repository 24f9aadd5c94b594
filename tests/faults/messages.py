"""Messages that are lost, doubled or out of order, on either broker."""

import threading
import time
from random import Random
from typing import Any

from tasks import broker
from tasks.app import app, queue
from tests.place import Place


class Messages:
    """What waits in the queues of a place, by a connection of the test's own."""

    def __init__(self, place: Place, random: Random) -> None:
        self.place = place
        self.random = random
        self.sent_again = 0

    def send_again(self, works: int) -> None:
        """Works of any state, each twice."""
        rows = self.place.query("select id, kind::text, queue from work order by random() limit %s", (works,))
        with app.connection_for_write() as connection, app.amqp.Producer(connection) as producer:
            for work in rows:
                for _ in range(2):
                    app.send_task(work["kind"], args=[work["id"]], queue=queue(work["queue"]), producer=producer)
                    self.sent_again += 1

    def lose(self, at_most: int) -> None:
        """Take messages out of a queue."""
        with app.connection_for_read() as connection:
            self._take(connection, self._queue(), at_most)

    def shuffle(self, at_most: int) -> None:
        """Take messages out of a queue, and put them back in another order."""
        name = self._queue()
        with app.connection_for_read() as connection:
            taken = self._take(connection, name, at_most)
            self.random.shuffle(taken)
            with app.amqp.Producer(connection) as producer:
                for message in taken:
                    producer.publish(
                        message.payload, routing_key=name, exchange=queue(name).exchange, declare=[queue(name)],
                        headers=message.headers, correlation_id=message.properties.get("correlation_id"),
                    )  # fmt: skip

    def delete_queue(self) -> None:
        """A queue with all its messages is gone."""
        with app.connection_for_write() as connection:
            connection.default_channel.queue_delete(self._queue())

    def waiting(self) -> dict[str, int | None]:
        """Messages by queue, as the broker counts them."""
        return broker.messages([row["queue"] for row in self.place.query("select distinct queue from work")])

    def _queue(self) -> str:
        names = self.place.query("select distinct queue from work order by 1")
        return str(self.random.choice(names)["queue"]) if names else "verify"

    def _take(self, connection: Any, name: str, at_most: int) -> list[Any]:
        taken: list[Any] = []
        deadline = time.monotonic() + 1
        try:
            while len(taken) < at_most and time.monotonic() < deadline:
                message = queue(name)(connection.default_channel).get()
                if message is None:
                    break
                message.ack()
                taken.append(message)
        except connection.channel_errors:  # there is no such queue
            pass
        return taken


class Refusals(threading.Thread):
    """Counts the messages for which a worker found nothing to do, from Celery's events as Flower sees them."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                with app.connection_for_read() as connection:
                    receiver = app.events.Receiver(connection, handlers={"task-succeeded": self._see})
                    while not self.ended.is_set():
                        receiver.capture(limit=None, timeout=1, wakeup=False)
            except TimeoutError:
                continue
            except Exception:  # the broker is one of those that are killed
                time.sleep(0.2)

    def _see(self, event: dict[str, str]) -> None:
        self.count += "nothing to do" in event.get("result", "")
