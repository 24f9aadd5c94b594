"""Connections that pass nothing, brokers that take nothing, databases that take no writes: whole workers go on."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy
from kombu.utils.url import parse_url

from cli.stack.servers import Urls
from tasks.broker import messages, takes_messages
from tests.faults.crew import Crew
from tests.faults.proxy import Proxy, proxied
from tests.faults.rabbit import own_rabbit
from tests.place import Place, new_place, wait_until
from tests.small_runs import Small, check, small
from verifiers.errors import Unavailable

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


def start_all(place: Place, files: Small, **environment: str) -> Crew:
    """A worker of each kind and a sweeper, kept going as a keeper would."""
    commands = {
        "generate": ["worker", "generate", "-m", f"replay:{files.recording}", "-c", "4"],
        "verify": ["worker", "verify", "-c", "2"],
        "sweep": ["sweep"],
    }
    crew = Crew(place, commands, environment)
    crew.keep()
    return crew


def goes_on_after_silence(place: Place, folder: Path) -> float:
    """Let every connection to database and broker go silent under idle workers; seconds until the next done work."""
    files = small(folder)
    with behind_proxies(place) as (to_database, to_broker, environment):
        crew = start_all(place, files, **environment)
        first = files.enqueue(place, 20)
        wait_until(lambda: ended(place, first), 120)
        assert to_database.silence()
        assert to_broker.silence()
        second = files.enqueue(place, 20)
        began = time.monotonic()
        wait_until(lambda: crew.keep() or done(place, second), 2 * SECONDS)
        seconds = time.monotonic() - began
        wait_until(lambda: crew.keep() or ended(place, second), 120)
        print(f"\nsilence: {seconds:.1f} s to the next done work, {time.monotonic() - began:.1f} s to the run's end, "
              f"{crew.restarts} processes started again")  # fmt: skip
        check(place, second)
        place.kill_all()
        return seconds


def test_workers_on_redis_go_on_after_silence(place: Place, tmp_path: Path) -> None:
    assert goes_on_after_silence(place, tmp_path) < SECONDS


def test_workers_on_rabbitmq_go_on_after_silence(outside_postgres: str, outside_amqp: str, tmp_path: Path) -> None:
    with new_place(outside_postgres, outside_amqp, tmp_path / "home") as place:
        assert goes_on_after_silence(place, tmp_path) < SECONDS


def read_only(place: Place, *, on: bool) -> None:
    """Have every session of a database begin anew, able to write or not."""
    url = sqlalchemy.make_url(place.database_url).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        state = "on" if on else "off"
        connection.execute(f"alter database {url.database} set default_transaction_read_only = {state}".encode())
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid()"
        )


def waits_and_eats_nothing(place: Place, queue: str, run: int) -> None:
    """Nothing is done for a while, and the messages stay where they are but for those that threads hold."""
    time.sleep(2)
    before, works = messages([queue])[queue], done(place, run)
    time.sleep(5)
    after = messages([queue])[queue]
    assert before
    assert after is not None
    assert before - after <= 4
    assert done(place, run) == works


def test_workers_wait_out_a_database_that_is_read_only_or_has_no_tables(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=10, samples=200)
    run = files.enqueue(place, 200)
    queue = place.one("select queue from llm")
    start_all(place, files)
    wait_until(lambda: done(place, run) > 20, 120)
    read_only(place, on=True)
    waits_and_eats_nothing(place, queue, run)
    read_only(place, on=False)
    works = done(place, run)
    wait_until(lambda: done(place, run) > works + 20, SECONDS)
    url = sqlalchemy.make_url(place.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        connection.execute("alter table work rename to elsewhere")
    time.sleep(2)
    before = messages([queue])[queue]
    time.sleep(5)
    assert before
    assert before - (messages([queue])[queue] or 0) <= 4
    with psycopg.connect(url) as connection:
        connection.execute("alter table elsewhere rename to work")
    wait_until(lambda: ended(place, run), 180)
    check(place, run)


def test_an_alarm_or_a_full_broker_keeps_nobody(bundled: Urls, place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    with redis.Redis(unix_socket_path=bundled.broker_url.partition("://")[2]) as full:
        full.config_set("maxmemory", 1)
        try:
            takes_nothing(place, files)
        finally:
            full.config_set("maxmemory", 0)
    rabbits = tmp_path / "rabbit"
    rabbits.mkdir()
    with own_rabbit(rabbits) as rabbit, new_place(bundled.database_url, rabbit.url, tmp_path / "home") as other:
        takes_messages()
        rabbit.alarm(on=True)
        takes_nothing(other, files)
        rabbit.alarm(on=False)
        takes_messages()
        assert other.ok("sweep", "--once") == ""
        assert other.one("select count(*) from work where state = 'ready'") == 0


def takes_nothing(place: Place, files: Small) -> None:
    """A broker that answers and takes nothing: enqueue commits and says so, quickly, and so does who sweeps."""
    with pytest.raises(Unavailable, match="takes no messages"):
        takes_messages()
    began = time.monotonic()
    result = place.monkeys(
        "enqueue", "gsm8k", "-m", f"replay:{files.recording}", "-n", "20", "--data", str(files.data),
        "--prompt-file", str(files.prefix), "--quiet",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    run = int(result.stdout)
    assert place.query("select distinct state from work where run_id = %s", (run,)) == [{"state": "ready"}]
    assert place.ok("sweep", "--once") == ""
    assert time.monotonic() - began < 30
