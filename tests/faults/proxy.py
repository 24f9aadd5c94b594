"""A TCP port that passes all on to a server, and may stop doing so: silent, cut, slow, or with an answer lost.

Silent as by a lost route or a broken middlebox: sockets stay open, the kernel acknowledges what is sent, and nothing
passes; new connections pass.
"""

import asyncio
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

FORGOTTEN_SECONDS = 20.0
"""After this long a server learns that the client of a silent connection is gone, as by its own keepalive."""


@dataclass(eq=False)
class Link:
    """One client's connection, and the one to the server that stands for it."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    silent: bool = False
    losing: bool = False
    """The next that the server says is lost, and the connection with it."""
    number: int = field(default_factory=itertools.count().__next__)

    def cut(self) -> None:
        """End both sides at once."""
        for each in (self.client, self.server):
            each.transport.abort()


class Proxy:
    """Listens on a port of 127.0.0.1 and passes bytes to a server: a host and a port, or a socket's path."""

    def __init__(self, target: tuple[str, int] | Path) -> None:
        self.target = target
        self.links: set[Link] = set()
        self.delay = 0.0
        """Seconds that whatever passes takes."""
        self._swallowing = False
        self._losing_after: bytes | None = None
        self.lost = 0
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(
            target=self._loop.run_until_complete, args=(self._listen(),), name=f"proxy-{self.port}", daemon=True
        )
        self._thread.start()

    def silence(self, random: Random | None = None) -> int:
        """Nothing passes any more on what is open, or on one of these, drawn; how many connections that are."""
        return int(self._call(lambda: self._silence(random)))

    def swallow(self) -> None:
        """Take new connections and let nothing pass on them either."""
        self._swallowing = True

    def cut(self, random: Random) -> bool:
        """One open connection is reset."""
        return bool(self._call(lambda: self._cut(random)))

    def lose_answer_to(self, said: bytes) -> None:
        """The answer to the next that is said of this is lost: the server did it, the client is cut off."""
        self._call(lambda: setattr(self, "_losing_after", said))

    def close(self) -> None:
        """Close what is open, and take no more."""
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._loop.close()

    def _call(self, do: Callable[[], Any]) -> Any:
        async def called() -> Any:
            return do()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(10)

    def _open(self) -> list[Link]:
        return sorted((link for link in self.links if not link.silent), key=lambda link: link.number)

    def _silence(self, random: Random | None) -> int:
        links = self._open()
        chosen = links if random is None else random.sample(links, min(1, len(links)))
        for link in chosen:
            link.silent = True
        return len(chosen)

    def _cut(self, random: Random) -> bool:
        links = self._open()
        if links:
            random.choice(links).cut()
        return bool(links)

    async def _listen(self) -> None:
        async with await asyncio.start_server(self._serve, sock=self._listening, limit=2**20):
            await self._closing.wait()
        for link in list(self.links):
            link.cut()
        while self.links:
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self.target, Path):
                from_server, server = await asyncio.open_unix_connection(str(self.target), limit=2**20)
            else:
                from_server, server = await asyncio.open_connection(*self.target, limit=2**20)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, server, silent=self._swallowing)
        self.links.add(link)
        tasks = [
            asyncio.create_task(self._pass(link, reader, server, to_server=True)),
            asyncio.create_task(self._pass(link, from_server, writer, to_server=False)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if link.silent:  # neither side learns that the other is gone
                await asyncio.wait(tasks, timeout=FORGOTTEN_SECONDS)
        finally:
            link.cut()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self.links.discard(link)

    async def _pass(
        self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, to_server: bool
    ) -> None:
        try:
            while data := await reader.read(2**16):
                if link.silent:
                    continue
                if self.delay:
                    await asyncio.sleep(self.delay)
                if to_server and self._losing_after is not None and self._losing_after in data:
                    self._losing_after, link.losing = None, True
                elif not to_server and link.losing:
                    self.lost += 1
                    return
                writer.write(data)
                await writer.drain()
        except OSError:
            return


@contextmanager
def proxied(target: tuple[str, int] | Path) -> Iterator[Proxy]:
    """A proxy for the length of a with block."""
    made = Proxy(target)
    try:
        yield made
    finally:
        made.close()
