"""A RabbitMQ node that a test may alarm, freeze and end: its own ports, its own folder."""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.stack.processes import end_group
from tests.place import wait_until

BIN = Path("/usr/lib/rabbitmq/bin")


class Rabbit:
    """The node below a folder; ready when made."""

    def __init__(self, home: Path) -> None:
        self.port, distribution = free_port(), free_port()
        (home / "rabbitmq.conf").write_text(f"listeners.tcp.own = 127.0.0.1:{self.port}\n")
        self._environ = os.environ | {
            "HOME": str(home),
            "RABBITMQ_NODENAME": f"monkeys{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
        }
        self._log = (home / "rabbit.log").open("ab")
        self._process = subprocess.Popen(
            [BIN / "rabbitmq-server"],
            env=self._environ, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, start_new_session=True,
        )  # fmt: skip
        self.url = f"amqp://guest:guest@127.0.0.1:{self.port}//"
        wait_until(self._answers, seconds=120)
        self.control("await_startup")

    def _answers(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(("127.0.0.1", self.port)) == 0

    def control(self, *arguments: str) -> None:
        """Run rabbitmqctl."""
        subprocess.run(
            [BIN / "rabbitmqctl", *arguments], env=self._environ, check=True, stdout=self._log, stderr=self._log
        )

    def alarm(self, *, on: bool) -> None:
        """Raise an alarm of memory, or end it."""
        self.control("set_vm_memory_high_watermark", "0" if on else "0.9")

    def end(self) -> None:
        """End the node."""
        end_group(self._process, "TERM", grace=30)
        self._log.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def own_rabbit(home: Path) -> Iterator[Rabbit]:
    """A node for the length of a with block; skips where RabbitMQ is not installed."""
    if not (BIN / "rabbitmq-server").exists():
        pytest.skip("RabbitMQ is not installed here")
    made = Rabbit(home)
    try:
        yield made
    finally:
        made.end()
