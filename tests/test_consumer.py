"""Between Celery's loop and its pool: what a busy worker holds, and how it leaves."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack.servers import Urls
from tasks.broker import messages
from tests.misbehaving import Answer, Asked, Server, choices, misbehaving
from tests.place import Place, new_place, wait_until

pytestmark = pytest.mark.usefixtures("key")

WORKS = 20


@pytest.fixture
def held() -> Iterator[tuple[Server, threading.Event]]:
    """An endpoint that answers nothing before an event is set."""
    go_on = threading.Event()

    def answer(asked: Asked) -> Answer:
        go_on.wait(120)
        return choices(asked)

    with misbehaving(answer) as server:
        yield server, go_on
        go_on.set()


@pytest.fixture(params=["redis", "rabbitmq"])
def any_broker(request: pytest.FixtureRequest, bundled: Urls, tmp_path: Path) -> Iterator[Place]:
    """A place on each broker."""
    broker = bundled.broker_url if request.param == "redis" else request.getfixturevalue("outside_amqp")
    with new_place(bundled.database_url, broker, tmp_path / "home") as made:
        yield made


def states(place: Place) -> dict[str, int]:
    """Generate works by state."""
    rows = place.query("select state::text, count(*) from work where kind = 'generate' group by 1")
    return {row["state"]: row["count"] for row in rows}


def enqueued(place: Place, server: Server) -> list[str]:
    """Words that start a worker of a run of 20 works of 2 samples, of which its engine has room for four."""
    place.ok(
        "enqueue", "pocket-sums", "-m", "openai:m", "--endpoint", server.url, "-n", "20", "--limit", "2",
        "--batch-size", "2", "--no-probe", "--quiet",
    )  # fmt: skip
    return ["worker", "generate", "-m", "openai:m", "--endpoint", server.url, "-c", "16", "--requests", "1"]


def test_a_busy_worker_holds_one_message_and_gives_it_back_soon(
    any_broker: Place, held: tuple[Server, threading.Event]
) -> None:
    place, (server, go_on) = any_broker, held
    words = enqueued(place, server)
    queue = place.one("select distinct queue from work")
    worker = place.start(*words)  # and no sweeper, so that what is given back stays
    wait_until(lambda: states(place).get("leased") == 4)
    wait_until(lambda: states(place).get("ready", 0) >= 2)
    found = states(place)
    waiting = messages([queue])[queue]
    assert waiting is not None
    assert found["leased"] == 4
    assert 0 <= found["published"] - waiting <= 2, "one, and one on its way into the table"
    go_on.set()
    wait_until(lambda: states(place).get("done") == WORKS - states(place).get("ready", 0))
    assert worker.poll() is None
    worker.terminate()
    assert worker.wait(30) == 0
