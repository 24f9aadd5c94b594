"""A PostgreSQL and a Redis that a test may kill."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.stack.processes import end_group
from cli.stack.servers import (
    make_folders,
    postgres_command,
    postgres_ready,
    prepare_postgres,
    redis_command,
    redis_ready,
)
from models.settings import read_settings
from tests.place import wait_until


class Servers:
    """Both servers below a folder; each can be ended in any way and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        make_folders(home)
        own = read_settings({"MONKEYS_HOME": str(home)})
        self.database_url, self.broker_url = own.database_url, own.broker_url
        self._log = (home / "servers.log").open("ab")
        self.start_postgres()
        self.start_redis()

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True
        )

    def start_postgres(self) -> None:
        """Start PostgreSQL and wait until it answers."""
        prepare_postgres(self.home)
        self.postgres = self._start(postgres_command(self.home))
        wait_until(lambda: postgres_ready(self.home))

    def start_redis(self) -> None:
        """Start Redis and wait until it answers."""
        self.redis = self._start(redis_command(self.home))
        wait_until(lambda: redis_ready(self.home))

    def kill_postgres(self) -> None:
        """End PostgreSQL as a crash would: every process at once, nothing written any more."""
        end_group(self.postgres, "KILL", grace=10)

    def stop_postgres(self) -> None:
        """End PostgreSQL in order, with every session cut."""
        end_group(self.postgres, "INT", grace=30)

    def kill_redis(self, *, wiped: bool) -> None:
        """End Redis with kill -9, and forget every message it held where `wiped`."""
        self.redis.send_signal(signal.SIGKILL)
        self.redis.wait()
        if wiped:
            shutil.rmtree(self.home / "redis")

    def end(self) -> None:
        """End both."""
        end_group(self.redis, "TERM", grace=10)
        end_group(self.postgres, "INT", grace=10)
        self._log.close()


@contextmanager
def own_servers(home: Path) -> Iterator[Servers]:
    """Servers for the length of a with block."""
    made = Servers(home)
    try:
        yield made
    finally:
        made.end()
