"""A RabbitMQ node that a test may kill, freeze or fill."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.stack.processes import end_group, kill, members
from tests.place import wait_until

BIN = Path("/usr/lib/rabbitmq/bin")


class Rabbit:
    """One node below a folder, on ports of its own."""

    def __init__(self, home: Path, log: int) -> None:
        self.home, self._log = home / "rabbit", log
        self.home.mkdir(parents=True)
        self.port = free_port()
        (self.home / "plugins").write_text("[].")
        (self.home / "rabbitmq.conf").write_text(f"listeners.tcp.local = 127.0.0.1:{self.port}\n")
        self._environment = {
            **os.environ,
            "HOME": str(self.home),
            "RABBITMQ_NODENAME": f"monkeys-{self.port}@localhost",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",  # a machine's own would go first
            "RABBITMQ_CONFIG_FILE": str(self.home / "rabbitmq.conf"),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": str(self.home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.home / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.home / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none +S 2:2",
        }
        self.start()

    @property
    def url(self) -> str:
        """As MONKEYS_BROKER_URL takes it."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    @property
    def target(self) -> tuple[str, int]:
        """Where a proxy leads to."""
        return "127.0.0.1", self.port

    def start(self) -> None:
        """Start the node and wait until it answers."""
        self.process = subprocess.Popen(
            [str(BIN / "rabbitmq-server")],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        wait_until(self._answers, 120)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return bool(connection.recv(8))
        except OSError:
            return False

    def kill(self) -> None:
        """Kill -9."""
        end_group(self.process, "KILL", grace=10)

    def wipe(self) -> None:
        """Forget every message and queue; the node does not run."""
        shutil.rmtree(self.home / "mnesia", ignore_errors=True)

    def freeze(self) -> None:
        """Let it stand still."""
        kill(members([self.process.pid]), signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        kill(members([self.process.pid]), signal.SIGCONT)

    def alarm(self, *, on: bool) -> None:
        """A memory alarm, in which publishers are blocked, or its end."""
        self.ctl("set_vm_memory_high_watermark", "0.00001" if on else "0.6")

    def ctl(self, *arguments: str) -> None:
        """Have its administrator say so, again where that hangs: an alarm that nobody ends blocks everyone for good."""
        for seconds in (20, 40, 60):
            try:
                subprocess.run(
                    [str(BIN / "rabbitmqctl"), *arguments],
                    env=self._environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
                    timeout=seconds,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                continue
            return
        raise TimeoutError(f"rabbitmqctl {arguments} hangs")

    def end(self) -> None:
        """End the node."""
        end_group(self.process, "KILL", grace=10)


@contextmanager
def own_rabbit(home: Path) -> Iterator[Rabbit]:
    """A node for the length of a with block; skips where RabbitMQ is not installed."""
    if not (BIN / "rabbitmq-server").exists():
        pytest.skip("RabbitMQ is not installed here")
    with (home / "rabbit.log").open("ab") as log:
        made = Rabbit(home, log.fileno())
        try:
            yield made
        finally:
            made.end()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
