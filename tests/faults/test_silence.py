"""Connections that pass nothing, brokers that take nothing, databases that take no writes: whole workers go on."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import sqlalchemy
from kombu.utils.url import parse_url

from tests.faults.proxy import Proxy, proxied
from tests.place import Place, new_place, wait_until
from tests.small_runs import Small, check, small

pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]

SECONDS = 60
"""Within which a worker goes on."""


@contextmanager
def behind_proxies(place: Place) -> Iterator[tuple[Proxy, Proxy, dict[str, str]]]:
    """A proxy before the database and one before the broker, and the environment of who goes through them."""
    with ExitStack() as stack:
        database = sqlalchemy.make_url(place.database_url)
        folder = database.query.get("host")
        to_database = stack.enter_context(
            proxied(Path(str(folder), ".s.PGSQL.5432") if folder else (database.host or "", database.port or 5432))
        )
        broker = parse_url(place.broker_url)
        is_socket = place.broker_url.startswith("redis+socket")
        to_broker = stack.enter_context(
            proxied(
                Path(place.broker_url.partition("://")[2])
                if is_socket
                else (str(broker["hostname"]), int(broker["port"]))
            )
        )
        near = f"127.0.0.1:{to_broker.port}"
        url = database.set(host="127.0.0.1", port=to_database.port, query={})
        yield (
            to_database,
            to_broker,
            {
                "MONKEYS_DATABASE_URL": url.render_as_string(hide_password=False),
                "MONKEYS_BROKER_URL": f"redis://{near}/0"
                if is_socket
                else place.broker_url.replace(f"{broker['hostname']}:{broker['port']}", near),
            },
        )


def done(place: Place, run: int) -> int:
    """Works of a run that are done."""
    return int(place.one("select count(*) from work where run_id = %s and state = 'done'", (run,)))


def ended(place: Place, run: int) -> bool:
    """Whether a run ended."""
    return place.one("select finished_at is not null from run where id = %s", (run,)) is True


def start_all(place: Place, files: Small, **environment: str) -> None:
    """A worker of each kind and a sweeper."""
    place.start("worker", "generate", "-m", f"replay:{files.recording}", "-c", "4", **environment)
    place.start("worker", "verify", "-c", "2", **environment)
    place.start("sweep", **environment)


def goes_on_after_silence(place: Place, folder: Path, *, database: bool, broker: bool) -> float:
    """Let connections go silent under idle workers; seconds until the next work is done."""
    files = small(folder)
    with behind_proxies(place) as (to_database, to_broker, environment):
        start_all(place, files, **environment)
        first = files.enqueue(place, 20)
        wait_until(lambda: ended(place, first), 120)
        if database:
            assert to_database.silence()
        if broker:
            assert to_broker.silence()
        second = files.enqueue(place, 20)
        began = time.monotonic()
        wait_until(lambda: done(place, second), 2 * SECONDS)
        seconds = time.monotonic() - began
        wait_until(lambda: ended(place, second), 120)
        print(f"\nsilent: {'database ' * database}{'broker' * broker}; {seconds:.1f} s to the next done work, "
              f"{time.monotonic() - began:.1f} s to the run's end")  # fmt: skip
        check(place, second)
        place.kill_all()
        return seconds


@pytest.mark.parametrize("what", ["database", "broker", "both"])
def test_workers_on_redis_go_on_after_silence(place: Place, tmp_path: Path, what: str) -> None:
    seconds = goes_on_after_silence(place, tmp_path, database=what != "broker", broker=what != "database")
    assert seconds < SECONDS


@pytest.mark.parametrize("what", ["broker", "both"])
def test_workers_on_rabbitmq_go_on_after_silence(
    outside_postgres: str, outside_amqp: str, tmp_path: Path, what: str
) -> None:
    with new_place(outside_postgres, outside_amqp, tmp_path / "home") as place:
        assert goes_on_after_silence(place, tmp_path, database=what == "both", broker=True) < SECONDS
