"""A proxy that can go silent on the connections it has, as a lost route or a broken middlebox does.

Their sockets stay open, the kernel acknowledges what is sent, and nothing passes; new connections pass.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Proxy:
    """Listens on a port of 127.0.0.1 and passes bytes to a server: a host and a port, or a socket's path."""

    def __init__(self, target: tuple[str, int] | Path) -> None:
        self._target = target
        self._swallowing = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[tuple[threading.Event, socket.socket, socket.socket]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self) -> int:
        """Let nothing pass any more on what is open; how many connections that are."""
        for passing, _, _ in self._open:
            passing.clear()
        return len(self._open)

    def swallow(self) -> None:
        """Take new connections and let nothing pass on them either."""
        self._swallowing = True

    def close(self) -> None:
        """Close what is open, and take no more."""
        self._listener.shutdown(socket.SHUT_RDWR)  # or its thread goes on listening
        self._listener.close()
        for _, *ends in self._open:
            for end in ends:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._pass(near)

    def _pass(self, near: socket.socket) -> None:
        if isinstance(self._target, Path):
            far = socket.socket(socket.AF_UNIX)
            far.connect(str(self._target))
        else:
            far = socket.create_connection(self._target)
        passing = threading.Event()
        if not self._swallowing:
            passing.set()
        self._open.append((passing, near, far))
        for one, other in ((near, far), (far, near)):
            threading.Thread(target=_copy, args=(one, other, passing), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket, passing: threading.Event) -> None:
    with suppress(OSError):
        while data := one.recv(65_536):
            if passing.is_set():
                other.sendall(data)
    if passing.is_set():
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def proxied(target: tuple[str, int] | Path) -> Iterator[Proxy]:
    """A proxy for the length of a with block."""
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
