"""A database and a broker of a test's own, and the ways in."""

import gzip
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis
import sqlalchemy
from click.testing import CliRunner, Result

from cli import group
from cli.stack.processes import end_group
from models import database, schema
from models.settings import settings
from tasks import stored
from tasks.app import _configuration, app

_numbers = itertools.count()
_templates: dict[tuple[str, Path | None], str] = {}
"""Server URL and dump -> the name of a database there that new ones are copied from: migrated, where of no dump."""


@dataclass
class Place:
    """Where one test runs: its settings are this process's and its children's environment."""

    database_url: str
    broker_url: str
    processes: list[Any] = field(default_factory=list)
    """Of subprocess.Popen, or what is used alike."""

    @property
    def database(self) -> str:
        """The database's name on its server."""
        return str(sqlalchemy.make_url(self.database_url).database)

    def log(self, name: str) -> Path:
        """The file that a process of this name writes to."""
        folder = settings().home / "log"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.log"

    def monkeys(self, *arguments: str) -> Result:
        """Run the command line in this process."""
        return CliRunner().invoke(group, list(arguments), prog_name="monkeys")

    def ok(self, *arguments: str) -> str:
        """Run the command line, which must succeed, and return its stdout."""
        result = self.monkeys(*arguments)
        if result.exit_code:
            raise AssertionError(result.output) from result.exception
        return result.stdout

    def refused(self, *arguments: str) -> str:
        """Run the command line, which must refuse in one sentence and leave no run, and return the sentence."""
        result = self.monkeys(*arguments)
        assert result.exit_code in (1, 2), result.output
        assert isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result.output

    def query(self, sql: Any, parameters: Any = None) -> list[dict[str, Any]]:
        """Rows of a statement."""
        return database.query(sql, parameters)

    def one(self, sql: Any, parameters: Any = None) -> Any:
        """The single value of a statement."""
        (row,) = self.query(sql, parameters)
        (value,) = row.values()
        return value

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start the command line as a process of its own; it ends with the test."""
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def start_and_wait(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Run the command line as a process of its own; its exit code, and all it said."""
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    def first_line(self, *arguments: str) -> str:
        """Run the command line as a process of its own until it has printed a line, which is returned."""
        command = [sys.executable, "-m", "cli", *arguments]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            process.terminate()
        return line

    def work_off(self, run: str, llm: str, seconds: float = 120) -> None:
        """Start a worker of each kind and a sweeper, and wait for a run to end."""
        self.start("worker", "generate", "-m", llm)
        self.start("worker", "verify", "-c", "2")
        self.start("sweep")
        wait_until(lambda: self.one("select finished_at from run where id = %s", (int(run),)), seconds)

    def kill_all(self) -> None:
        """End every process this test started; each is told first, so that they go together."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            end_group(process, "KILL", grace=0)


def wait_until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """The condition's first true value; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return value


@contextmanager
def new_place(server: str, broker_url: str, home: Path, dump: Path | None = None) -> Iterator[Place]:
    """A place with a fresh migrated database on a server, gone afterwards with all that the test started.

    With a dump (SQL, gzipped) its database is what that holds, and not migrated.
    """
    url = _new_database(server, dump)
    os.environ.update(
        MONKEYS_HOME=str(home),
        MONKEYS_DATABASE_URL=url,
        MONKEYS_BROKER_URL=broker_url,
        MONKEYS_LEASE_SECONDS="6",
        MONKEYS_SWEEP_SECONDS="0.5",
    )
    settings.cache_clear()
    stored.verifier_by.cache_clear()  # tests put other code in the place of ours
    send_to(broker_url)
    _empty(broker_url)
    made = Place(url, broker_url)
    try:
        yield made
    finally:
        made.kill_all()
        _empty(broker_url)
        database.engine().dispose()
        name = sqlalchemy.make_url(url).database
        with psycopg.connect(plain(server), autocommit=True) as connection:
            connection.execute(f"drop database if exists {name} with (force)")


@contextmanager
def copied(place: Place) -> Iterator[str]:
    """The name of a copy of a place's database, as a backup is one. Whoever uses the database is cut off."""
    name = sqlalchemy.make_url(place.database_url).database
    with _beside(place) as connection:
        connection.execute(f"alter database {name} allow_connections false")
        wait_until(lambda: _copy(connection, str(name)))
        connection.execute(f"alter database {name} allow_connections true")
        try:
            yield f"{name}_copy"
        finally:
            connection.execute(f"drop database {name}_copy")


def restore(place: Place, copy: str) -> None:
    """Drop a place's database under whoever uses it, and make it anew as it was copied."""
    name = sqlalchemy.make_url(place.database_url).database
    with _beside(place) as connection:
        connection.execute(f"drop database {name} with (force)")
        connection.execute(f"create database {name} template {copy}")


def _copy(connection: psycopg.Connection[Any], name: str) -> bool:
    connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", (name,))
    try:
        connection.execute(f"create database {name}_copy template {name}")
    except psycopg.errors.ObjectInUse:  # its sessions are still leaving
        return False
    return True


@contextmanager
def _beside(place: Place) -> Iterator[psycopg.Connection[Any]]:
    """A session on the server of a place's database, in another one."""
    url = sqlalchemy.make_url(place.database_url).set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(plain(url), autocommit=True) as connection:
        yield connection


def send_to(broker_url: str) -> None:
    """Have this process's Celery app, which reads its settings once, send to another broker than the last test's."""
    if app.configured and app.conf.broker_url != broker_url:
        app.conf.update(_configuration())
        app._pool = None
        app.__dict__.pop("amqp", None)  # its event dispatcher knows the exchange of the other broker only


def plain(url: str) -> str:
    """A URL of SQLAlchemy's as libpq takes it."""
    return sqlalchemy.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _new_database(server: str, dump: Path | None) -> str:
    """The URL of a fresh database on a server."""
    url = sqlalchemy.make_url(plain(server))
    with psycopg.connect(plain(server), autocommit=True) as connection:
        if (server, dump) not in _templates:
            template = f"monkeys_test_{os.getpid()}_template_{next(_numbers)}"
            connection.execute(f"drop database if exists {template}")
            connection.execute(f"create database {template}")
            _fill(url.set(database=template).render_as_string(hide_password=False), dump)
            _templates[server, dump] = template
        name = f"monkeys_test_{os.getpid()}_{next(_numbers)}"
        connection.execute(f"create database {name} template {_templates[server, dump]}")
    return url.set(database=name).render_as_string(hide_password=False)


def _fill(url: str, dump: Path | None) -> None:
    if dump is not None:
        with psycopg.connect(url) as connection:
            connection.execute(gzip.decompress(dump.read_bytes()))
        return
    os.environ["MONKEYS_DATABASE_URL"] = url
    settings.cache_clear()
    schema.migrate()
    database.engine().dispose()


def drop_templates(server: str) -> None:
    """Remove what new databases of a server were copied from."""
    with psycopg.connect(plain(server), autocommit=True) as connection:
        for key in [key for key in _templates if key[0] == server]:
            connection.execute(f"drop database if exists {_templates.pop(key)} with (force)")


def _empty(broker_url: str) -> None:
    if broker_url.startswith("redis+socket"):
        with redis.Redis(unix_socket_path=broker_url.partition("://")[2]) as client:
            client.flushall()
