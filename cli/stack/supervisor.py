"""`python -m cli.stack.supervisor`: keeps the stack's services, and takes them along when it goes."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from cli.stack.keeper import Keeper, Kept
from cli.stack.processes import boot_id, read_process
from cli.stack.services import services
from cli.stack.state import Stack, Standing, forget_stack, read_wanted, try_lock, write_stack
from models.settings import settings


def main() -> None:
    """Supervise the stack of MONKEYS_HOME until told to stop; a second supervisor leaves at once."""
    own = settings()
    deadline = time.monotonic() + 2  # `status` holds it for a moment to see whether we live
    while (lock := try_lock(own.home, "supervisor.lock")) is None:
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)
    keeper = Keeper(lambda: services(own, read_wanted(own.home)), own.home, _notes(own.home), _still, _open_queues)
    signal.signal(signal.SIGHUP, keeper.again)
    keeper.run()
    forget_stack(own.home)
    lock.close()


def _still(pids: list[int]) -> list[int]:
    from models.questions.workers import standing_still  # not before it is needed: it brings the database

    return standing_still(socket.gethostname(), pids)


def _open_queues() -> set[str]:
    from models.questions.health import open_queues

    return open_queues()


def _notes(home: Path) -> Callable[[Iterable[Kept]], None]:
    """A function that writes how everything stands, whenever that is something new."""
    me = read_process(os.getpid())
    assert me is not None
    standing = Standing("supervisor", me.pid, "running", time.time(), 0, me.start)
    written: Stack | None = None

    def note(kept: Iterable[Kept]) -> None:
        nonlocal written
        stack = Stack(boot_id(), standing, [each.standing() for each in kept])
        if stack != written:
            write_stack(home, stack)
            written = stack

    return note


if __name__ == "__main__":
    main()
