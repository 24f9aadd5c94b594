"""What the local stack consists of: each service's command, and the files by which `up` and the supervisor talk."""

import fcntl
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

from cli.stack.servers import (
    POSTGRES_STOP,
    postgres_command,
    postgres_ready,
    prepare_postgres,
    redis_command,
    redis_ready,
)
from models.settings import Settings


class Llm(NamedTuple):
    """An llm that the stack serves: its full name and its engine arguments as `key=value`."""

    name: str
    engine_arguments: tuple[str, ...] = ()


class Service(NamedTuple):
    """One supervised process; `stage` orders the start: servers 0, schema 1, the rest 2."""

    name: str
    stage: int
    command: Callable[[], list[str]]
    prepare: Callable[[], None] = lambda: None
    ready: Callable[[], bool] = lambda: True
    stop: str = "TERM"
    once: bool = False
    """It is done when it exits with 0."""


@dataclass(frozen=True)
class Standing:
    """How a service stands: `state` is starting, running, done, restarting or stopped; times are Unix seconds."""

    service: str
    pid: int | None
    state: str
    since: float
    restarts: int
    start: int | None = None
    error: str = ""


@dataclass(frozen=True)
class Stack:
    """What the supervisor last wrote."""

    boot: str
    supervisor: Standing
    services: list[Standing]


def services(settings: Settings, llms: list[Llm]) -> list[Service]:
    """Every service of the stack, less the servers that are someone else's."""
    home = settings.home
    found = []
    if settings.own_database:
        found.append(
            Service(
                "postgres", 0, lambda: postgres_command(home), lambda: prepare_postgres(home),
                lambda: postgres_ready(home), POSTGRES_STOP,
            )
        )  # fmt: skip
    if settings.own_broker:
        found.append(Service("redis", 0, lambda: redis_command(home), ready=lambda: redis_ready(home)))
    found.append(Service("migrate", 1, lambda: _monkeys("migrate"), once=True))
    found += [_generate(llm) for llm in llms]
    found += [
        Service("verify", 2, lambda: _monkeys("worker", "verify", "-c", str(os.cpu_count() or 1))),
        Service("sweep", 2, lambda: _monkeys("sweep")),
        Service("flower", 2, lambda: _monkeys("flower")),
    ]
    return found


def _generate(llm: Llm) -> Service:
    arguments = [part for each in llm.engine_arguments for part in ("--engine-arg", each)]
    shown = " ".join([llm.name, *llm.engine_arguments])
    return Service(f"generate {shown}", 2, lambda: _monkeys("worker", "generate", "-m", llm.name, *arguments))


def _monkeys(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "cli", *arguments]  # -P: whatever lies in the current folder is not ours


def log_file(home: Path, service: str) -> Path:
    """A service's log."""
    name = "".join(each if each.isalnum() or each in "-_." else "-" for each in service)
    return home / "logs" / f"{name[:100]}.log"


def tail(home: Path, service: str, lines: int = 15) -> str:
    """The last lines of a service's log."""
    try:
        with log_file(home, service).open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - 20_000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def take_lock(home: Path, name: str) -> IO[str]:
    """Wait for a lock of this state folder; it is held until the file is closed or its process ends."""
    file = (home / name).open("w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def try_lock(home: Path, name: str) -> IO[str] | None:
    """The same lock, or nothing where it is taken."""
    file = (home / name).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def supervised(home: Path) -> bool:
    """Whether a supervisor lives."""
    if not home.is_dir():
        return False
    lock = try_lock(home, "supervisor.lock")
    if lock is not None:
        lock.close()
    return lock is None


def wanted_llms(home: Path) -> list[Llm]:
    """The llms that `up` was asked for."""
    found = _read(home / "wanted.json") or []
    return [Llm(name, tuple(arguments)) for name, arguments in found]


def want_llms(home: Path, llms: list[Llm]) -> None:
    """Write the llms that the supervisor is to serve."""
    _write(home / "wanted.json", [list(each) for each in llms])


def read_stack(home: Path) -> Stack | None:
    """What the supervisor last wrote, living or not."""
    found = _read(home / "stack.json")
    if found is None:
        return None
    return Stack(found["boot"], Standing(**found["supervisor"]), [Standing(**each) for each in found["services"]])


def write_stack(home: Path, stack: Stack) -> None:
    """Say how everything stands."""
    _write(home / "stack.json", asdict(stack))


def forget_stack(home: Path) -> None:
    """Nothing runs any more."""
    for name in ("stack.json", "wanted.json"):
        (home / name).unlink(missing_ok=True)


def _read(file: Path) -> Any:
    with suppress(OSError, ValueError):
        return json.loads(file.read_text())
    return None


def _write(file: Path, what: object) -> None:
    new = file.with_suffix(".new")
    new.write_text(json.dumps(what))
    new.rename(file)
