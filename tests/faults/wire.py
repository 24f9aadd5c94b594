"""A TCP port that passes all on to a server, and may stop doing so: silent, cut, slow, or with an answer lost."""

import asyncio
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
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
    passed: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def cut(self) -> None:
        """End both sides at once."""
        for each in (self.client, self.server):
            each.transport.abort()


class Wire:
    """Listens on a port of this machine; where it leads is a path (a Unix socket) or a port."""

    def __init__(self, target: str | int) -> None:
        self.target = target
        self.links: set[Link] = set()
        self.delay = 0.0
        self._losing_after: bytes | None = None
        self.lost = 0
        self._loop = asyncio.new_event_loop()
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = int(self._listening.getsockname()[1])
        threading.Thread(target=self._run, name=f"wire-{self.port}", daemon=True).start()

    def silence(self, random: Random) -> bool:
        """One open connection passes nothing any more, and stays open; False where there is none."""
        return self._call(lambda: self._silence(random))

    def silence_all(self) -> bool:
        """Every open connection passes nothing any more; new ones do."""
        return self._call(lambda: bool([setattr(link, "silent", True) for link in self.links]))

    def cut(self, random: Random) -> bool:
        """One open connection is reset."""
        return self._call(lambda: self._cut(random))

    def lose_answer_to(self, said: bytes) -> None:
        """The answer to the next that is said of this is lost: the server did it, the client is cut off."""
        self._call(lambda: setattr(self, "_losing_after", said))

    def end(self) -> None:
        """Stop listening, cut everything."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _call(self, do: Callable[[], Any]) -> Any:
        async def called() -> Any:
            return do()

        return asyncio.run_coroutine_threadsafe(called(), self._loop).result(10)

    def _used(self) -> list[Link]:
        """Connections over which something came, most of it last."""
        return sorted((link for link in self.links if not link.silent), key=lambda link: link.passed)

    def _silence(self, random: Random) -> bool:
        links = self._used()
        if links:
            random.choice(links).silent = True
        return bool(links)

    def _cut(self, random: Random) -> bool:
        links = self._used()
        if links:
            random.choice(links).cut()
        return bool(links)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listening, limit=2**20))
        self._loop.run_forever()
        for link in self.links:
            link.cut()
        self._listening.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self.target, str):
                from_server, server = await asyncio.open_unix_connection(self.target, limit=2**20)
            else:
                from_server, server = await asyncio.open_connection("127.0.0.1", self.target, limit=2**20)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, server)
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
            self.links.discard(link)
            link.cut()
            for task in tasks:
                task.cancel()

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
                link.passed += len(data)
                writer.write(data)
                await writer.drain()
        except OSError:
            return
