"""Any OpenAI-compatible server, or several that serve the same llm: `openai:NAME` at its endpoints."""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from concurrent.futures import TimeoutError as NotYet
from threading import Event
from typing import Any

import openai

from models.cost import Sizes
from models.settings import settings
from tasks.engines import endpoints_of, fields_of
from tasks.engines.engine import Account, Completion, Engine, EngineAway, Interrupted, Load, Request
from tasks.engines.loop import Loop
from tasks.engines.openai_errors import LONGEST_RETRY_AFTER, KeyRefused, NotServed, Passing, Served, pause
from tasks.engines.openai_servers import ModelServer
from verifiers.errors import UserError

RETRIES = 20
"""After what passes: 429, 5xx, a connection that breaks."""

LOST_RETRIES = 3
"""Of those, after an answer that was lost on the way: it may have been paid."""

SETTLE_SECONDS = 5.0
"""How long a batch that is told to stop may take to note what it leaves behind."""


class Endpoint:
    """One llm at its servers. Each request goes to the one with the least to do of those that are well."""

    name = "openai"
    seed: int | None = None
    sizes: Sizes | None = None

    def __init__(self, llm: Load, retries: int = RETRIES) -> None:
        self.version = openai.__version__
        self.dead = Event()
        self._retries = retries
        self._servers = servers_of(llm)
        self.gpus = int(llm.engine_args.get("gpus", 0))
        self.capacity = 8 * llm.requests * len(self._servers)
        self._loop = Loop("openai")
        try:
            self._greet()
        except UserError:
            self.close()
            raise

    def _greet(self) -> None:
        """Ask for the list of models, to learn of a wrong address or key before any work is taken."""

        async def ask_all() -> list[Any]:
            asked = (server.client.with_options(max_retries=2, timeout=60).models.list() for server in self._servers)
            return await asyncio.gather(*asked, return_exceptions=True)

        away: list[str] = []
        for server, answer in zip(self._servers, self._loop.begin(ask_all()).result(), strict=True):
            if isinstance(answer, openai.AuthenticationError | openai.PermissionDeniedError):
                raise UserError(
                    f"The endpoint {server.served.url} refuses the key; set OPENAI_API_KEY where its workers start."
                )
            if isinstance(answer, openai.APIConnectionError):
                server.away_until = time.monotonic() + 1
                away.append(f"The endpoint {server.served.url} does not answer ({answer}); see --endpoint.")
            elif isinstance(answer, BaseException) and not isinstance(answer, openai.APIError | ValueError):
                raise answer
        if len(away) == len(self._servers):  # of the others, not every one has the list
            raise UserError(away[0])

    def sample(self, request: Request, stop: Event, account: Account) -> list[Completion]:
        """A batch, as few requests as the server allows; a seeded one as a request for each seed."""
        account.begin()
        settled = Event()
        future = self._loop.begin(self._sample(request, account, settled))
        while True:
            try:
                return future.result(timeout=0.2)
            except NotYet:
                if future.done():
                    raise
                if stop.is_set():
                    future.cancel()
                    settled.wait(SETTLE_SECONDS)
                    raise Interrupted from None
            except KeyRefused:
                self.dead.set()
                raise

    async def _sample(self, request: Request, account: Account, settled: Event) -> list[Completion]:
        home = self._choose()
        home.given += request.size
        try:
            if request.seeds:
                asked = (self._ask(request, account, 1, home, seed) for seed in request.seeds)
                return [part for (part,) in await _together(asked)]
            found: list[Completion] = []
            while len(found) < request.size:
                sizes = _parts(request.size - len(found), home.most(request))
                answers = await _together(self._ask(request, account, size, home) for size in sizes)
                found += [each for answer in answers for each in answer]
            return found
        finally:
            settled.set()

    async def _ask(
        self, request: Request, account: Account, size: int, home: ModelServer, seed: int | None = None
    ) -> list[Completion]:
        """At least one completion and at most `size`, by whichever server gives them."""
        tried = lost = 0
        lacking: set[ModelServer] = set()
        while True:
            server = self._choose(home)
            try:
                return await server.ask(request, account, size, seed)
            except NotServed as error:
                server.away_until = time.monotonic() + LONGEST_RETRY_AFTER
                lacking.add(server)
                if lacking.issuperset(self._servers):
                    raise
                if not any(each.is_well for each in self._servers):
                    raise EngineAway(str(error)) from error
            except Passing as error:
                tried, lost = tried + 1, lost + error.lost
                if tried > self._retries or lost > LOST_RETRIES:
                    raise (EngineAway if error.away else RuntimeError)(str(error)) from error
                other = self._choose(home)
                if other is server or not other.is_well:
                    await asyncio.sleep(pause(tried, error.retry_after))

    def _choose(self, home: ModelServer | None = None) -> ModelServer:
        """A batch stays at one server, which then knows its prompt, while that is well and has room."""
        well = [server for server in self._servers if server.is_well]
        if home is not None and home in well and home.load < home.requests:
            return home
        if not well:
            return min(self._servers, key=lambda server: server.away_until)
        return min(well, key=lambda server: (server.load, server.given))

    def close(self) -> None:
        """Close the connections."""
        for server in self._servers:
            self._loop.begin(server.client.close()).result()
        self._loop.close()


def servers_of(llm: Load) -> list[ModelServer]:
    """The servers of an llm, in the order given; its other engine arguments are fields of every request."""
    urls = endpoints_of(llm.engine_args)
    extra = fields_of(llm.engine_args)
    model, key = llm.name.partition(":")[2], settings().openai_api_key
    return [ModelServer(Served(url, model, key, extra), llm.requests) for url in urls]


async def _together(asked: Iterable[Coroutine[Any, Any, list[Completion]]]) -> list[list[Completion]]:
    """All answers; the first error cancels the rest."""
    tasks = [asyncio.ensure_future(each) for each in asked]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # what they leave behind is noted


def _parts(size: int, most: int) -> list[int]:
    """A size as parts of at most `most`."""
    return [min(most, size - start) for start in range(0, size, most)]


def load(llm: Load) -> Engine:
    """Connect to the endpoint."""
    return Endpoint(llm)
