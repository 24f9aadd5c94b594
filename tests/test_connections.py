"""No wait without an end: connections that pass nothing are replaced, long statements are never cut."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis
import sqlalchemy

from cli.stack.servers import Urls
from models import database, silence
from models.database import is_away, transaction
from models.settings import settings
from tasks.broker import messages, takes_messages
from tasks.publish import publish
from tests.faults.proxy import Proxy, proxied
from tests.place import Place, new_place, wait_until
from verifiers.errors import Unavailable


@pytest.fixture
def proxy(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """What stands between this process and its database; silence is looked into after tenths of a second."""
    monkeypatch.setattr(silence, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(silence, "SURE_SECONDS", 0.3)
    url = sqlalchemy.make_url(place.database_url)
    with proxied(Path(str(url.query["host"]), ".s.PGSQL.5432")) as made:
        behind = url.set(host="127.0.0.1", port=made.port, query={})
        monkeypatch.setenv("MONKEYS_DATABASE_URL", behind.render_as_string(hide_password=False))
        settings.cache_clear()
        yield made
        database.engine().dispose()
    monkeypatch.undo()
    settings.cache_clear()


def directly(place: Place, sql: str) -> None:
    """Execute a statement that does not pass the proxy."""
    url = sqlalchemy.make_url(place.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        connection.execute(sql.encode())


@contextmanager
def lost_in_transaction() -> Iterator[database.Connection]:
    """A transaction that must end as a lost connection."""
    with pytest.raises(psycopg.OperationalError, match="lost the connection") as lost, transaction() as connection:
        yield connection
    assert is_away(lost.value)


def test_a_connection_that_went_silent_is_given_up_as_lost_and_its_locks_go(place: Place, proxy: Proxy) -> None:
    with lost_in_transaction() as connection:
        connection.execute("lock table work")
        proxy.silence()
        connection.execute("select 1")
    directly(place, "lock table work")
    assert database.column("select 1") == [1]


def test_a_commit_into_silence_is_given_up_as_lost(place: Place, proxy: Proxy) -> None:
    with lost_in_transaction() as connection:
        connection.execute("select 1")
        proxy.silence()


def test_pooled_connections_that_went_silent_are_replaced_unseen(place: Place, proxy: Proxy) -> None:
    with transaction(), transaction(), transaction():
        pass
    assert proxy.silence() == 3
    began = time.monotonic()
    assert database.column("select 1") == [1]
    assert time.monotonic() - began < 3 * (silence.LOOK_SECONDS + silence.SURE_SECONDS), "one of them told of all"


def test_a_statement_that_takes_long_or_waits_for_a_lock_is_not_cut(place: Place, proxy: Proxy) -> None:
    assert database.column("select 1 from pg_sleep(1.2)") == [1]
    with transaction() as holder:
        holder.execute("lock table work")
        waiting = threading.Thread(target=database.column, args=("select count(*) from work",))
        waiting.start()
        time.sleep(1)
        assert waiting.is_alive()
    waiting.join(20)
    assert not waiting.is_alive()


def test_a_long_statement_is_not_cut_where_the_server_has_no_room_for_who_asks(
    place: Place, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "LOST_SECONDS", 0.6)
    role = f"narrow_{sqlalchemy.make_url(place.database_url).database}"
    directly(place, f"create role {role} login connection limit 1")
    monkeypatch.setenv("MONKEYS_DATABASE_URL", settings().database_url.replace("monkeys@", f"{role}@"))
    settings.cache_clear()
    assert database.column("select 1 from pg_sleep(1.2)") == [1]
    database.engine().dispose()
    directly(place, f"drop role {role}")


def test_a_connection_is_given_up_where_the_server_cannot_be_asked(
    place: Place, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "LOST_SECONDS", 0.5)
    monkeypatch.setattr(silence, "REACH_SECONDS", 1)
    with lost_in_transaction() as connection:
        proxy.silence()
        proxy.swallow()
        connection.execute("select 1")


def test_a_session_that_cannot_be_begun_is_closed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    role = f"untold_{place.database}"
    directly(place, f"create role {role} login")
    directly(place, "revoke execute on function set_config(text, text, boolean) from public")
    there = place.database_url.replace("monkeys@", f"{role}@")
    monkeypatch.setenv("MONKEYS_DATABASE_URL", there)
    settings.cache_clear()
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as kept:  # with it whatever its frames know
        database.column("select 1")
    assert kept.tb
    monkeypatch.undo()
    settings.cache_clear()
    wait_until(lambda: not place.one("select count(*) from pg_stat_activity where usename = %s", (role,)), 10)
    directly(place, f"drop role {role}")


def test_the_locks_of_a_client_that_stands_still_within_a_transaction_go(place: Place) -> None:
    assert database.column("show idle_in_transaction_session_timeout") == ["1min"]
    with pytest.raises(psycopg.Error) as ended, transaction() as connection:  # noqa: PT012
        connection.execute("set idle_in_transaction_session_timeout = 200")
        connection.execute("lock table work")
        time.sleep(0.6)
        directly(place, "lock table work")
        connection.execute("select 1")
    assert is_away(ended.value) or database.is_passing(ended.value)
    assert database.column("select 1") == [1]


def test_an_empty_queue_and_one_that_is_not_there_hold_no_messages(place: Place) -> None:
    assert messages(["nobody"]) == {"nobody": 0}


def test_a_queue_that_is_not_there_holds_no_messages_in_rabbitmq(
    bundled: Urls, outside_amqp: str, tmp_path: Path
) -> None:
    with new_place(bundled.database_url, outside_amqp, tmp_path / "home"):
        assert messages(["nobody"]) == {"nobody": 0}


def test_a_broker_that_takes_nothing_is_told_and_what_was_not_sent_is_ready_again(
    bundled: Urls, place: Place, tmp_path: Path
) -> None:
    run = int(place.ok("enqueue", "pocket-sums", "-n", "1", "--limit", "3", "--quiet"))
    with transaction() as connection:
        connection.execute("update work set state = 'ready'")
        (queue,) = database.fetch_column(connection, "select queue from llm")
    takes_messages()
    with redis.Redis(unix_socket_path=bundled.broker_url.partition("://")[2]) as full:
        full.config_set("maxmemory", 1)
        try:
            assert publish(queue) == 0
            with pytest.raises(Unavailable, match="takes no messages"):
                takes_messages()
        finally:
            full.config_set("maxmemory", 0)
    assert place.query("select distinct state from work where run_id = %s", (run,)) == [{"state": "ready"}]
    assert publish(queue) == 3


def test_a_database_that_is_away_is_waited_for_until_it_answers_or_nobody_waits(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.1)
    there = settings().database_url
    monkeypatch.setenv("MONKEYS_DATABASE_URL", "postgresql://monkeys@127.0.0.1:1/monkeys")
    settings.cache_clear()
    waiting = threading.Thread(target=database.wait_until_reachable)
    waiting.start()
    time.sleep(0.3)
    assert waiting.is_alive()
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    database.wait_until_reachable(stop)
    monkeypatch.setenv("MONKEYS_DATABASE_URL", there)
    settings.cache_clear()
    waiting.join(30)
    assert not waiting.is_alive()
