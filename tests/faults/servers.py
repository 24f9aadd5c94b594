"""A PostgreSQL and a broker that a test may kill, freeze, fill or cut off."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import redis

from cli.stack.processes import end_group, kill, members
from cli.stack.servers import (
    make_folders,
    postgres_command,
    postgres_ready,
    prepare_postgres,
    redis_command,
    redis_ready,
)
from models.settings import read_settings
from tests.faults.proxy import Proxy
from tests.faults.rabbit import Rabbit
from tests.place import wait_until

WHATEVER_IS_SET = "-c default_transaction_read_only=off -c statement_timeout=0 -c lock_timeout=0"
"""Options of a test's own sessions, which no fault is for."""


class RedisServer:
    """One Redis below a folder."""

    def __init__(self, home: Path, log: int) -> None:
        self.home, self._log = home, log
        self.url = read_settings({"MONKEYS_HOME": str(home)}).broker_url
        self.target = read_settings({"MONKEYS_HOME": str(home)}).sockets / "redis.sock"
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = start(redis_command(self.home), self._log)
        wait_until(lambda: redis_ready(self.home))

    def kill(self) -> None:
        """Kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wipe(self) -> None:
        """Forget every message; the server does not run."""
        shutil.rmtree(self.home / "redis")

    def freeze(self) -> None:
        """Let it stand still."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self.process.send_signal(signal.SIGCONT)

    def alarm(self, *, on: bool) -> None:
        """No memory is left, so that it refuses whatever would take some; or there is memory again."""
        with redis.Redis(unix_socket_path=str(self.target), socket_timeout=10) as client:
            client.config_set("maxmemory", 1 if on else 0)

    def end(self) -> None:
        """End it."""
        self.thaw()
        end_group(self.process, "TERM", grace=10)


class Servers:
    """Both servers below a folder; each can be ended in any way and started again.

    The URLs lead through proxies, which may be cut or go silent; a test's own sessions go by `connect`.
    """

    def __init__(self, home: Path, broker: str = "redis") -> None:
        self.home = home
        make_folders(home)
        own = read_settings({"MONKEYS_HOME": str(home)})
        self._sockets = own.sockets
        self.database_url = own.database_url
        self._log = (home / "servers.log").open("ab")
        self.start_postgres()
        self.broker = RedisServer(home, self._log.fileno()) if broker == "redis" else Rabbit(home, self._log.fileno())
        self.broker_url = self.broker.url
        self.proxies = {
            "PostgreSQL": Proxy(own.sockets / ".s.PGSQL.5432"),
            "the broker": Proxy(self.broker.target),
        }

    def through_proxies(self, database: str) -> dict[str, str]:
        """The environment of processes that reach both over proxies."""
        scheme, end = ("redis://", "0") if isinstance(self.broker, RedisServer) else ("amqp://guest:guest@", "/")
        return {
            "MONKEYS_DATABASE_URL": f"postgresql://monkeys@127.0.0.1:{self.proxies['PostgreSQL'].port}/{database}",
            "MONKEYS_BROKER_URL": f"{scheme}127.0.0.1:{self.proxies['the broker'].port}/{end}",
        }

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A session that no fault is for."""
        return psycopg.connect(
            host=str(self._sockets), user="monkeys", dbname=database, autocommit=True, connect_timeout=5,
            application_name="test", options=WHATEVER_IS_SET,
        )  # fmt: skip

    def start_postgres(self) -> None:
        """Start PostgreSQL and wait until it answers."""
        prepare_postgres(self.home)
        self.postgres = start(postgres_command(self.home), self._log.fileno())
        wait_until(lambda: postgres_ready(self.home))

    def kill_postgres(self) -> None:
        """End PostgreSQL as a crash would: every process at once, nothing written any more."""
        end_group(self.postgres, "KILL", grace=10)

    def stop_postgres(self) -> None:
        """End PostgreSQL in order, with every session cut."""
        end_group(self.postgres, "INT", grace=30)

    def freeze_postgres(self) -> None:
        """Let it and its sessions stand still."""
        kill(members([self.postgres.pid]), signal.SIGSTOP)

    def thaw_postgres(self) -> None:
        """Let them go on."""
        kill(members([self.postgres.pid]), signal.SIGCONT)

    def configure(self, setting: LiteralString, value: str | None) -> None:
        """A setting of all its sessions, from their next transaction on; None is its default."""
        with self.connect() as connection:
            if value is None:
                connection.execute(f"alter system reset {setting}")
            else:
                connection.execute(f"alter system set {setting} = '{value}'")
            connection.execute("select pg_reload_conf()")

    def end(self) -> None:
        """End all."""
        for proxy in self.proxies.values():
            proxy.close()
        self.broker.end()
        self.thaw_postgres()
        end_group(self.postgres, "INT", grace=10)
        self._log.close()


def start(command: list[str], log: int) -> subprocess.Popen[bytes]:
    """A server in a session of its own."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)


@contextmanager
def own_servers(home: Path, broker: str = "redis") -> Iterator[Servers]:
    """Servers for the length of a with block."""
    made = Servers(home, broker)
    try:
        yield made
    finally:
        made.end()
