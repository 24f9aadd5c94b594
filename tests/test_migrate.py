"""`monkeys migrate` keeps nobody waiting, says who keeps it waiting, and leaves nothing half-done."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest
import sqlalchemy

from models import database, schema
from models.database import transaction
from models.schema import migrate, schema_version
from models.settings import settings
from tests.place import Place, wait_until

VIEWS = "select oid::bigint from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace order by 1"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrations that soon give up."""
    for name, seconds in (("LOCK_SECONDS", 0.5), ("PAUSE_SECONDS", 0.1), ("WAIT_SECONDS", 0.7)):
        monkeypatch.setattr(schema, name, seconds)


@contextmanager
def session(place: Place, *statements: str) -> Iterator[psycopg.Connection[tuple[int]]]:
    """A session of somebody else's, which stands in the middle of a transaction."""
    url = sqlalchemy.make_url(place.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, application_name="a notebook") as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]
        yield connection
        connection.rollback()


def with_other_views() -> None:
    """As after an upgrade of views alone."""
    with transaction() as connection:
        connection.execute("update made_view set name = 'of before' where place = %s", (schema.SQL_PLACE,))


def test_a_migration_that_has_nothing_to_do_locks_nothing(any_postgres: Place) -> None:
    views = any_postgres.query(VIEWS)
    taken = ("lock table run, work in access exclusive mode", f"select pg_advisory_xact_lock({schema.MIGRATION_LOCK})")
    with session(any_postgres, *taken):
        assert migrate() == schema_version()
    assert any_postgres.query(VIEWS) == views


@pytest.mark.parametrize(
    "change",
    [
        "update made_view set name = 'of before' where place = -1",
        "delete from made_view where place = -1",
        "drop view run_progress cascade",
        "drop function pass_at_k cascade",
    ],
)
def test_what_changed_or_is_gone_is_made_again(place: Place, change: str) -> None:
    with transaction() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    views = place.query(VIEWS)
    migrate()
    assert {row["oid"] for row in views}.isdisjoint({row["oid"] for row in place.query(VIEWS)})
    assert place.one("select pass_at_k(2, 1, 1)") == 0.5
    place.ok("runs")


@pytest.mark.usefixtures("hurried")
def test_who_is_in_the_way_is_named_and_nothing_is_changed(any_postgres: Place) -> None:
    with_other_views()
    views = any_postgres.query(VIEWS)
    with session(any_postgres, "select count(*) from run_progress") as reader:
        told = any_postgres.monkeys("migrate")
        assert told.exit_code == 1
        for part in (str(reader.info.backend_pid), reader.info.user, "a notebook", "idle in transaction since 2"):
            assert part in told.output
        assert "select count(*) from run_progress" in told.output
        assert len(told.output.strip().splitlines()) == 1
        assert any_postgres.query(VIEWS) == views
        any_postgres.ok("runs")
    assert migrate() == schema_version()
    assert any_postgres.query(VIEWS) != views


def test_readers_get_on_while_a_migration_waits(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "LOCK_SECONDS", 0.5)
    with_other_views()
    with session(place, "select count(*) from run_progress") as reader, ThreadPoolExecutor() as threads:
        migration = threads.submit(migrate)
        waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
        wait_until(lambda: place.one(waits))
        place.ok("runs")
        assert not migration.done()
        reader.rollback()
        assert migration.result(60) == schema_version()


def test_a_migration_that_waited_for_another_does_nothing_again(place: Place) -> None:
    digest = place.one("select name from made_view where place = %s", (schema.SQL_PLACE,))
    with_other_views()
    views = place.query(VIEWS)
    with ThreadPoolExecutor() as threads:
        with session(place, f"select pg_advisory_xact_lock({schema.MIGRATION_LOCK})") as other:
            migration = threads.submit(migrate)
            wait_until(lambda: place.one("select count(*) from pg_locks where locktype = 'advisory' and not granted"))
            other.execute("update made_view set name = %s where place = %s", (digest, schema.SQL_PLACE))
            other.commit()
        assert migration.result(60) == schema_version()
    assert place.query(VIEWS) == views


@pytest.mark.parametrize(
    "mine",
    [
        "view mine as select run_id, k from coverage",
        "materialized view mine as select * from run_progress",
        "view mine as select pass_at_k(10, 1, 1)",
        "function mine() returns bigint begin atomic select count(*) from run_progress; end",
    ],
)
def test_what_a_person_made_on_ours_is_named(any_postgres: Place, mine: str) -> None:
    with transaction() as connection:
        connection.execute(f"create {mine}")  # type: ignore[call-overload]
    with_other_views()
    views = any_postgres.query(VIEWS)
    told = any_postgres.refused("migrate")
    assert "view mine depends on" in told or "function mine() depends on" in told
    assert "\n" not in told.strip()
    assert any_postgres.query(VIEWS) == views


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_text_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    url = sqlalchemy.make_url(place.database_url)
    name = f"{url.database}_{encoding.lower()}"
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(
            f"create database {name} encoding '{encoding}' locale_provider libc locale 'C' template template0"
        )  # type: ignore[call-overload]
        monkeypatch.setenv("MONKEYS_DATABASE_URL", url.set(database=name).render_as_string(hide_password=False))
        settings.cache_clear()
        try:
            for command in (["migrate"], ["runs"], ["worker", "verify"]):
                assert f"encoding is {encoding}" in place.refused(*command)
        finally:
            database.engine().dispose()
            monkeypatch.undo()
            settings.cache_clear()
            connection.execute(f"drop database {name}")  # type: ignore[call-overload]
