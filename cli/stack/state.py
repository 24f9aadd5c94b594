"""The state folder, by which `up`, `down` and the supervisor talk: what is wanted, what stands, locks, logs."""

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from shlex import quote
from typing import IO, Any, NamedTuple

FIRST_FLOWER_PORT = 5555


class WantedLlm(NamedTuple):
    """An llm that the stack serves: its full name and its engine arguments as `key=value`."""

    name: str
    engine_arguments: tuple[str, ...] = ()


class Wanted(NamedTuple):
    """What the stack serves beside the queue `verify`: llms, and the other queues of verify works."""

    llms: list[WantedLlm]
    queues: list[str]
    flower_port: int = FIRST_FLOWER_PORT

    def and_also(self, more: "Wanted") -> "Wanted":
        """This, and of the other what is new."""
        return Wanted(
            self.llms + [each for each in more.llms if each not in self.llms],
            self.queues + [each for each in more.queues if each not in self.queues],
            self.flower_port,
        )


@dataclass(frozen=True)
class Standing:
    """How a service stands: `state` is starting, running, done, restarting, failing (for the third time
    in a row or more), resting (it failed, and nobody needs it), refused or stopped; times are Unix seconds."""

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


def log_file(home: Path, service: str) -> Path:
    """A service's log."""
    name = "".join(each if each.isalnum() or each in "-_." else "-" for each in service)
    return home / "logs" / f"{name[:100]}.log"


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, os.fstat(stream.fileno()).st_size - 20_000))
            return "\n".join(stream.read().decode(errors="replace").splitlines()[-lines:])
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


def elsewhere(home: Path) -> str:
    """Which other stacks of this user run, with the command that reaches each; a text to put behind a sentence."""
    homes = set()
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it is gone, or another user's
            if each.stat().st_uid == os.getuid() and b"cli.stack.supervisor" in (each / "cmdline").read_bytes():
                homes.add((each / "cwd").readlink())
    others = sorted(other for other in homes - {home, home.resolve()} if supervised(other))
    return "".join(f"\nOne runs in {other}: MONKEYS_HOME={quote(str(other))} monkeys status" for other in others)


def read_wanted(home: Path) -> Wanted:
    """What the supervisor is to serve: what `up` and `enqueue` asked for."""
    wanted = _read(home / "wanted.json") or {"llms": [], "queues": []}
    llms = [WantedLlm(name, tuple(arguments)) for name, arguments in wanted.pop("llms")]
    return Wanted(llms, **wanted)


def flower_url(home: Path) -> str:
    """Where the stack's Flower is."""
    return f"http://127.0.0.1:{read_wanted(home).flower_port}"


def write_wanted(home: Path, wanted: Wanted) -> None:
    """Say what the supervisor is to serve."""
    _write(home / "wanted.json", wanted._asdict())


def read_stack(home: Path) -> Stack | None:
    """What the supervisor last wrote, living or not."""
    stack = _read(home / "stack.json")
    if stack is None:
        return None
    return Stack(stack["boot"], Standing(**stack["supervisor"]), [Standing(**each) for each in stack["services"]])


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
