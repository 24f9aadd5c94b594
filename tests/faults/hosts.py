"""Hosts of their own on one machine: network namespaces, whose cable a test may cut, and servers that they reach."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.stack.processes import end_group
from cli.stack.servers import POSTGRES_STOP, REDIS_BIN, make_folders, postgres_command, prepare_postgres, sockets_of
from tests.faults.rabbit import Rabbit, free_port
from tests.place import Place, wait_until

NETWORK = f"10.{200 + os.getpid() % 50}"


def missing() -> str:
    """Why there are no hosts of their own here, or the empty string."""
    if os.getuid() != 0:
        return "only root makes network namespaces"
    try:
        made = Host(0)
        made.cut()
        made.end()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespaces here: {error}"
    return ""


class Host:
    """A network namespace that reaches this machine by one cable, under an address of that cable's own."""

    def __init__(self, number: int) -> None:
        self.name = f"monkeys{os.getpid()}-{number}"
        self.here, self._net = f"{NETWORK}.{number}.1", f"{NETWORK}.{number}"
        self._cable = f"mk{os.getpid() % 100_000}-{number}"
        self._ip("netns", "add", self.name)
        self._ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.name)
        self._ip("addr", "add", f"{self.here}/24", "dev", self._cable)
        self._ip("-n", self.name, "addr", "add", f"{self._net}.2/24", "dev", "eth0")
        self._ip("-n", self.name, "link", "set", "lo", "up")
        self._ip("-n", self.name, "link", "set", "eth0", "up")
        self._ip("link", "set", self._cable, "up")
        self._ip("-n", self.name, "route", "add", "default", "via", self.here)

    def start(self, place: Place, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start the command line on this host; it ends with the test."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", self.name, sys.executable, "-m", "cli", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        place.processes.append(process)
        return process

    def cut(self) -> None:
        """Cut the cable: nothing passes either way, and nobody is told."""
        self._filter("-A")

    def heal(self) -> None:
        """Mend it."""
        self._filter("-D")

    def _filter(self, how: str) -> None:
        for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self._ip("netns", "exec", self.name, "iptables", how, chain, way, "eth0", "-j", "DROP")

    def end(self) -> None:
        """Remove it, with its cable."""
        self._ip("link", "del", self._cable)
        self._ip("netns", "del", self.name)

    def _ip(self, *arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


class _FarRabbit(Rabbit):
    """A node that listens on every address."""

    def start(self) -> None:
        (self.home / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 0.0.0.0:{self.port}\nloopback_users = none\n")
        super().start()


@contextmanager
def far_database(home: Path, host: str) -> Iterator[str]:
    """The URL of a PostgreSQL that answers on an address of this machine."""
    make_folders(home)
    prepare_postgres(home)
    with (home / "postgres" / "pg_hba.conf").open("a") as allowed:
        allowed.write("host all all samenet trust\n")
    port = free_port()
    command = [*postgres_command(home), "-c", "listen_addresses=*", "-c", f"port={port}"]
    with _running(command, home, POSTGRES_STOP):
        wait_until(lambda: (sockets_of(home) / f".s.PGSQL.{port}").exists())
        yield f"postgresql://monkeys@{host}:{port}/postgres"


@contextmanager
def far_broker(kind: str, home: Path, host: str) -> Iterator[str]:
    """The URL of a Redis or a RabbitMQ that answers on an address of this machine."""
    home.mkdir(parents=True, exist_ok=True)
    if kind == "rabbitmq":
        with (home / "rabbit.log").open("ab") as log:
            rabbit = _FarRabbit(home, log.fileno())
            try:
                yield rabbit.url.replace("127.0.0.1", host)
            finally:
                rabbit.end()
        return
    port = free_port()
    command = [str(REDIS_BIN), "--port", str(port), "--bind", "0.0.0.0", "--protected-mode", "no", "--save", ""]
    with _running(command, home, "TERM"):
        yield f"redis://{host}:{port}/0"


@contextmanager
def _running(command: list[str], home: Path, stop: str) -> Iterator[None]:
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            yield
        finally:
            end_group(process, stop, grace=10)
