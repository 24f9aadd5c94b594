"""Between Celery's loop and its pool: what a busy worker holds, and how it leaves."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack.servers import Urls
from tasks.app import app
from tasks.broker import messages
from tasks.workers.exits import Exit
from tests.faults.rabbit import Rabbit
from tests.misbehaving import Answer, Asked, Server, choices, misbehaving
from tests.place import Place, new_place, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("key")]

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


@pytest.fixture(params=[pytest.param("redis", marks=pytest.mark.slow), "rabbitmq"])
def any_broker(request: pytest.FixtureRequest, bundled: Urls, tmp_path: Path) -> Iterator[Place]:
    """A place on each broker."""
    broker = bundled.broker_url if request.param == "redis" else request.getfixturevalue("outside_amqp")
    with new_place(bundled.database_url, broker, tmp_path / "home") as made:
        yield made


def states(place: Place) -> dict[str, int]:
    """Generate works by state."""
    rows = place.query("select state::text, count(*) from work where kind = 'generate' group by 1")
    return {row["state"]: row["count"] for row in rows}


def enqueue(place: Place, server: Server) -> None:
    """A run of 20 works of 2 samples."""
    place.ok(
        "enqueue", "pocket-sums", "-m", "openai:m", "--endpoint", server.url, "-n", "20", "--limit", "2",
        "--batch-size", "2", "--no-probe", "--quiet",
    )  # fmt: skip


def worker_of(server: Server) -> list[str]:
    """Words that start a worker whose engine has room for four of these works."""
    return ["worker", "generate", "-m", "openai:m", "--endpoint", server.url, "-c", "16", "--requests", "1"]


def test_a_busy_worker_holds_one_message_and_gives_it_back_soon(
    any_broker: Place, held: tuple[Server, threading.Event]
) -> None:
    place, (server, go_on) = any_broker, held
    enqueue(place, server)
    queue = place.one("select distinct queue from work")
    # no sweeper, so that what is given back stays
    worker = place.start(*worker_of(server), MONKEYS_HOLD_SECONDS="2")
    wait_until(lambda: states(place).get("leased") == 4)
    wait_until(lambda: states(place).get("ready", 0) >= 2)
    assert app.control.ping(timeout=10, limit=1), "as Flower asks it"
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


@pytest.fixture
def impatient(bundled: Urls, tmp_path: Path) -> Iterator[Place]:
    """A place on a RabbitMQ that closes the channel of whoever acknowledges nothing for four seconds."""
    with (tmp_path / "rabbit.log").open("ab") as log:
        rabbit = Rabbit(tmp_path, log.fileno())
        try:
            limits = ("consumer_timeout, 4000", "channel_tick_interval, 1000")
            rabbit.ctl("eval", ", ".join(f"application:set_env(rabbit, {each})" for each in limits) + ".")
            with new_place(bundled.database_url, rabbit.url, tmp_path / "home") as made:
                yield made
        finally:
            rabbit.end()


def test_batches_that_outlast_rabbitmqs_patience_end_no_worker(
    impatient: Place, held: tuple[Server, threading.Event]
) -> None:
    place, (server, go_on) = impatient, held
    enqueue(place, server)
    worker = place.start(*worker_of(server), MONKEYS_HOLD_SECONDS="2")
    place.start("sweep")
    wait_until(lambda: states(place).get("leased") == 4)
    time.sleep(12)
    assert states(place)["leased"] == 4
    go_on.set()
    wait_until(lambda: states(place) == {"done": WORKS})
    assert worker.poll() is None
    assert place.one("select count(*) from attempt") == WORKS


BROKEN = {
    Exit.stood_still: "consumer.hub.call_soon(time.sleep, 600)",
    Exit.deaf: "consumer.task_consumer.cancel()",
}


def test_a_worker_whose_loop_stands_still_or_that_gets_no_messages_ends_with_an_error(
    place: Place, held: tuple[Server, threading.Event], tmp_path: Path
) -> None:
    """Broken from inside, since nothing outside is known to do it."""
    server, _ = held
    started = {}
    for code, how in BROKEN.items():
        script = tmp_path / f"{code.name}.py"
        script.write_text(
            "import time\nfrom celery import signals\nfrom cli import main\n"
            "from tasks.workers import consumer as watched\n"
            "watched.STILL_LOOKS, watched.DEAF_SECONDS = 10, 3.0\n"
            f"def broken(sender, **_):\n    consumer = sender\n    {how}\n"
            "signals.worker_ready.connect(broken)\nmain()\n"
        )
        words = [*worker_of(server), "--name", code.name]
        started[code] = subprocess.Popen([sys.executable, str(script), *words], start_new_session=True)
        place.processes.append(started[code])
    wait_until(lambda: place.one("select count(*) from worker where state = 'idle'") == len(BROKEN))
    time.sleep(1)
    enqueue(place, server)
    for code, process in started.items():
        assert process.wait(150) == code
    rows = place.query("select state, last_error from worker order by last_error")
    assert [row["state"] for row in rows] == ["failed", "failed"]
    assert [row["last_error"].split()[-1] for row in rows] == ["s", "none"]
