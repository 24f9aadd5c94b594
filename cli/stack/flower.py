"""The port of the stack's Flower."""

import socket
from pathlib import Path

from cli.stack.state import FIRST_FLOWER_PORT, read_wanted, try_lock, write_wanted
from verifiers.errors import Unavailable


def flower_port(asked: int | None, first: int = FIRST_FLOWER_PORT) -> int:
    """The port that was asked for, else the first free one from `first` on; Unavailable where it is taken."""
    for port in [asked] if asked else range(first, first + 100):
        if _is_free(port):
            return port
    if asked:
        raise Unavailable(f"Port {asked}, Flower's, is taken; set MONKEYS_FLOWER_PORT to a free one, or to none.")
    raise Unavailable("No port is free for Flower; set MONKEYS_FLOWER_PORT to one that is.")


def see_to_port(home: Path, asked: int | None) -> None:
    """Before Flower starts: where somebody else took its port since, and nobody asked for that one, have another."""
    wanted = read_wanted(home)
    if asked or _is_free(wanted.flower_port):
        return
    lock = try_lock(home, "change.lock")
    if lock is not None:  # else `up` is just changing what is wanted: the next start finds one
        with lock:
            write_wanted(home, read_wanted(home)._replace(flower_port=flower_port(asked)))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
