"""Any OpenAI-compatible server: `openai:NAME` at an endpoint, by the openai client, which retries and backs off."""

import asyncio
import re
from collections.abc import Coroutine, Iterable
from concurrent.futures import TimeoutError as NotYet
from threading import Event
from typing import Any

import openai

from models.cost import Sizes
from models.settings import settings
from tasks.engines import check_endpoint
from tasks.engines import openai_wire as wire
from tasks.engines.engine import Account, Completion, Engine, EngineDead, Interrupted, Load, Request, RequestRefused
from tasks.engines.loop import Loop
from verifiers.errors import UserError

ENDPOINT = "https://api.openai.com/v1"

RETRIES = 20
"""After 429, 408, 409, 5xx and broken connections: pauses up to 8 s, or what Retry-After says up to a minute."""

TIMEOUT_SECONDS = 600.0

LONGEST_REQUEST = 128
"""Samples that one request asks for, where the server knows `n`."""


class Endpoint:
    """One llm at one server. What the server does not know (n, logprobs) is left out once it has said so."""

    name = "openai"
    seed: int | None = None
    sizes: Sizes | None = None
    gpus = 0

    def __init__(self, llm: Load, retries: int = RETRIES) -> None:
        self.version = openai.__version__
        self.dead = Event()
        self.capacity = 8 * llm.requests
        self._model = llm.name.partition(":")[2]
        arguments = dict(llm.engine_args)
        self._url = str(arguments.pop("endpoint", ENDPOINT))
        arguments.pop("batch", None)  # how it is asked, not what
        self._extra = arguments
        self._key = settings().openai_api_key
        self._longest = LONGEST_REQUEST
        self._logprobs = True
        self._loop = Loop("openai")
        self._client = openai.AsyncOpenAI(
            base_url=check_endpoint(self._url),
            api_key=self._key or "none",
            max_retries=retries,
            timeout=TIMEOUT_SECONDS,
        )
        self._room = asyncio.Semaphore(llm.requests)
        try:
            self._greet()
        except UserError:
            self.close()
            raise

    def _greet(self) -> None:
        """Ask for the list of models, to learn of a wrong address or key before any work is taken."""

        async def ask() -> None:
            await self._client.with_options(max_retries=2, timeout=60).models.list()

        try:
            self._loop.begin(ask()).result()
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise UserError(self._wrong_key()) from error
        except openai.APIConnectionError as error:
            raise UserError(f"The endpoint {self._url} does not answer ({error}); see --endpoint.") from error
        except openai.APIError:
            pass  # not every server has the list

    def _wrong_key(self) -> str:
        return f"The endpoint {self._url} refuses the key; set OPENAI_API_KEY where this worker starts."

    def sample(self, request: Request, stop: Event, account: Account) -> list[Completion]:
        """A batch, as few requests as the server allows; a seeded one as a request for each seed."""
        future = self._loop.begin(self._sample(request, account))
        while True:
            try:
                return future.result(timeout=0.2)
            except NotYet:
                if future.done():
                    raise
                if stop.is_set():
                    future.cancel()
                    raise Interrupted from None
            except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
                self.dead.set()
                raise EngineDead(self._wrong_key()) from error
            except (openai.BadRequestError, openai.NotFoundError, openai.UnprocessableEntityError) as error:
                raise RequestRefused(self._harmless(error)) from error
            except openai.APIConnectionError as error:
                cause = self._harmless(error.__cause__ or error)
                raise RuntimeError(f"the endpoint {self._url} does not answer to the end: {cause}") from error
            except openai.APIError as error:
                raise RuntimeError(self._harmless(error)) from error

    async def _sample(self, request: Request, account: Account) -> list[Completion]:
        if request.seeds:
            asked = (self._ask(request, account, 1, seed) for seed in request.seeds)
            return [part for (part,) in await self._together(asked)]
        found: list[Completion] = []
        while len(found) < request.size:
            sizes = _parts(request.size - len(found), self._most())
            answers = await self._together(self._ask(request, account, size) for size in sizes)
            found += [each for answer in answers for each in answer]
        return found

    async def _together(self, asked: Iterable[Coroutine[Any, Any, list[Completion]]]) -> list[list[Completion]]:
        """All answers; the first error cancels the rest."""
        tasks = [asyncio.ensure_future(each) for each in asked]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for each in tasks:
                each.cancel()

    def _most(self) -> int:
        """Samples of a request; without logprobs, the tokens of one sample of several could not be told."""
        return self._longest if self._logprobs else 1

    async def _ask(self, request: Request, account: Account, size: int, seed: int | None = None) -> list[Completion]:
        """At least one completion and at most `size`: some servers give fewer than they are asked for."""
        async with self._room:
            while True:
                size = min(size, self._most())
                try:
                    answer = await self._send(request, size, seed)
                    break
                except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                    if self._logprobs and "logprob" in str(error):
                        self._logprobs = False
                    elif size > 1 and re.search(r"\bn\b", str(error)):
                        self._longest = 1
                    else:
                        raise
        account.add(**wire.billed(answer))
        found = wire.completions(answer, request, size, seed)
        if not found:
            raise RuntimeError(f"the endpoint {self._url} answered without a choice")
        if len(found) < size:
            self._longest = min(self._longest, len(found))
        return found

    async def _send(self, request: Request, size: int, seed: int | None) -> dict[str, Any]:
        body = wire.body(self._model, request, size, seed, self._extra)
        if not self._logprobs:
            del body["logprobs"]
        answer: Any = await self._client.post(wire.path(request), cast_to=object, body=body)
        return answer if isinstance(answer, dict) else {}

    def _harmless(self, error: BaseException) -> str:
        """What the server said, without the key, which some repeat."""
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:1_000]}"
        return text.replace(self._key, "(the key)") if self._key else text

    def close(self) -> None:
        """Close the connections."""
        self._loop.begin(self._client.close()).result()
        self._loop.close()


def _parts(size: int, most: int) -> list[int]:
    """A size as parts of at most `most`."""
    return [min(most, size - start) for start in range(0, size, most)]


def load(llm: Load) -> Engine:
    """Connect to the endpoint."""
    return Endpoint(llm)
