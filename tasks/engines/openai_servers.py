"""One OpenAI-compatible server: whether it is well, and what it takes."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import openai

from tasks.engines import check_endpoint
from tasks.engines import openai_refusals as refusals
from tasks.engines import openai_wire as wire
from tasks.engines.engine import Account, Completion, Request, RunRefused
from tasks.engines.openai_errors import LONGEST_RETRY_AFTER, LOST, Passing, Served

T = TypeVar("T")

REFUSED = (400, 422)
"""Statuses of a request that a server refuses."""

FAILED = (500, 501)
"""Statuses by which some, such as llama.cpp's, refuse a field that they name."""

TIMEOUT_SECONDS = 600.0
SLOWEST = 10
"""Tokens a second of one sample: the more tokens are asked for, the longer an answer may take."""

CONNECT_SECONDS = 10.0

LONGEST_REQUEST = 128
"""Samples that one request asks for, where the server knows `n`."""

FIRST_SECONDS = 10.0
"""A server that refuses a request does so at once: after so long the others do not wait for the first any more."""


class Gate:
    """Requests of one sampling at one server: the first goes alone, and what it learned the others know."""

    def __init__(self) -> None:
        self.learned: refusals.Learned = {}
        self.accepted = False
        self._first: asyncio.Future[None] | None = None

    async def through(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask; not before such a request was accepted or takes its time. The RunRefused of the first is everybody's."""
        while not self.accepted:
            first = self._first
            if first is None:
                return await self._alone(ask)
            await asyncio.wait([first], timeout=FIRST_SECONDS)
            if not first.done():
                break
            if (error := first.exception()) is not None:
                raise error
        return await ask()

    async def _alone(self, ask: Callable[[], Awaitable[T]]) -> T:
        self._first = first = asyncio.get_running_loop().create_future()
        try:
            return await ask()
        except RunRefused as error:
            first.set_exception(error)
            first.exception()  # nobody may be waiting
            raise
        finally:
            self._first = None
            if not first.done():  # if nothing was accepted, another one is the first
                first.set_result(None)


class ModelServer:
    """One server. Not for several threads: it belongs to an event loop."""

    def __init__(self, served: Served, requests: int) -> None:
        self.served, self.requests = served, requests
        self.load, self.given = 0, 0
        """Requests that wait for it or are in flight, and samples of all batches that it was given."""
        self.away_until, self._failures = 0.0, 0
        self._gates: dict[str, Gate] = {}
        self._room = asyncio.Semaphore(requests)
        self.client = openai.AsyncOpenAI(
            base_url=check_endpoint(served.url), api_key=served.key or "none", max_retries=0
        )

    @property
    def is_well(self) -> bool:
        """Whether it is to be asked before those that did not answer lately."""
        return self.away_until <= time.monotonic()

    def most(self, request: Request) -> int:
        """Samples that one request may ask for."""
        return _most(self._gate(request, None).learned)

    async def ask(self, request: Request, account: Account, size: int, seed: int | None) -> list[Completion]:
        """At least one completion and at most `size`: some servers give fewer than they are asked for.

        Raises Passing, KeyRefused, RequestRefused, RunRefused.
        """
        gate = self._gate(request, seed)
        self.load += 1
        try:
            found = await gate.through(lambda: self._learning(gate, request, account, size, seed))
        except Passing as error:
            if error.away:
                self._failures += 1
                pause = min(LONGEST_RETRY_AFTER, 2.0 ** min(self._failures, 10))
                self.away_until = time.monotonic() + max(pause, error.retry_after or 0)
            raise
        finally:
            self.load -= 1
        self.away_until, self._failures = 0.0, 0
        return found

    def _gate(self, request: Request, seed: int | None) -> Gate:
        """Of all requests that differ only in their prompt, their number of samples and their seed."""
        body = self._body(request, 1, None if seed is None else 0)
        settings = {name: value for name, value in body.items() if name not in ("prompt", "messages")}
        return self._gates.setdefault(json.dumps(settings, sort_keys=True, default=str), Gate())

    def _body(self, request: Request, size: int, seed: int | None) -> dict[str, Any]:
        return wire.body(self.served.model, request, size, seed, self.served.extra)

    async def _learning(
        self, gate: Gate, request: Request, account: Account, size: int, seed: int | None
    ) -> list[Completion]:
        """Ask, and again without what is refused; what that took is remembered once it was accepted."""
        mine, tried = dict(gate.learned), set()
        while True:
            size = min(size, _most(mine))
            body = refusals.fitted(self._body(request, size, seed), mine, request.sampling)
            try:
                found = wire.completions(await self._post(request, body, account), request, size, seed)
                break
            except openai.APIStatusError as error:
                refusal = refusals.read(error.body, body)
                change = refusals.change(refusal, body, request.sampling)
                if not change or (step := str(change)) in tried:
                    if error.status_code not in REFUSED:
                        raise self.served.of_status(error, chat=request.sampling.chat) from error
                    raise self.served.of_refusal(refusal, body, accepted=gate.accepted) from error
                tried.add(step)
                mine |= change
            except ValueError as error:
                raise self.served.no_completion(str(error)) from error
        if not found:
            raise self.served.no_completion("without a choice")
        if len(found) < size:
            mine["n"] = len(found)
        gate.accepted = True
        gate.learned |= mine
        account.left_out |= refusals.left_out(mine)
        return found

    async def _post(self, request: Request, body: dict[str, Any], account: Account) -> Any:
        """What a server answers, added to the account; a refusal is raised as it is."""
        timeout = openai.Timeout(TIMEOUT_SECONDS + request.sampling.max_tokens / SLOWEST, connect=CONNECT_SECONDS)
        async with self._room:
            try:
                answer: Any = await self.client.post(
                    wire.path(request), cast_to=object, body=body, options={"timeout": timeout}
                )
            except openai.APIStatusError as error:
                if error.status_code in LOST:
                    account.lose()
                if error.status_code in REFUSED or (
                    error.status_code in FAILED and refusals.read(error.body, body).field is not None
                ):
                    raise
                raise self.served.of_status(error, chat=request.sampling.chat) from error
            except openai.APIConnectionError as error:
                passing = self.served.of_connection(error)
                if passing.lost:
                    account.lose()
                raise passing from error
            except (ValueError, RecursionError, openai.APIError) as error:  # what came is no JSON
                account.lose()
                raise self.served.no_completion(str(error)) from error
            except asyncio.CancelledError:  # told to stop
                account.lose()
                raise
        account.add(**wire.billed(answer))
        return answer


def _most(learned: refusals.Learned) -> int:
    most = learned.get("n")
    return most if isinstance(most, int) else LONGEST_REQUEST
