"""One OpenAI-compatible server: what it takes, whether it is well, and what its errors mean."""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable
from email.utils import parsedate_to_datetime
from random import uniform
from typing import Any, TypeVar

import openai

from tasks.engines import check_endpoint
from tasks.engines import openai_refusals as refusals
from tasks.engines import openai_wire as wire
from tasks.engines.engine import Account, Completion, EngineAway, Request, RequestRefused, RunRefused

T = TypeVar("T")

TIMEOUT_SECONDS = 600.0
SLOWEST = 10
"""Tokens a second of one sample: the more tokens are asked for, the longer an answer may take."""

CONNECT_SECONDS = 10.0

LONGEST_REQUEST = 128
"""Samples that one request asks for, where the server knows `n`."""

FIRST_SECONDS = 10.0
"""A server that refuses a request does so at once: after so long the others do not wait for the first any more."""

ANOTHER_KEY = "or set another OPENAI_API_KEY where its workers start"

LONGEST_PAUSE, LONGEST_RETRY_AFTER = 8.0, 60.0

NEVER_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")
"""Errors of the client's transport, by name, after which nothing can have been billed."""

AWAY = (429, 502, 503, 529)
"""Statuses for which no work is to blame."""

LOST = (408, 504, 524)
"""Statuses of those between here and the server, who gave up waiting: what they waited for may be billed."""


class Passing(Exception):
    """A request that may go well later, or elsewhere."""

    def __init__(
        self, reason: str, *, away: bool = False, lost: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(reason)
        self.away = away
        """Whether it is the server that is not well, and no work is to blame."""
        self.lost = lost
        """Whether it may have been billed."""
        self.retry_after = retry_after


class NoCompletion(Passing):
    """An answer that is none of OpenAI's shape, or cut off; it may have been billed."""


class SettingRefused(RunRefused):
    """A field that every request of a run carries, and that cannot be left out."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


class KeyRefused(EngineAway):
    """The key is wrong, has expired or has nothing left to spend."""


class Kind:
    """Requests of one sampling at one server: the first goes alone, and what it learned the others know."""

    def __init__(self) -> None:
        self.learned: refusals.Learned = {}
        self.accepted = False
        self._first: asyncio.Future[None] | None = None

    async def through(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask; not before a request of this kind was accepted or takes its time. Its RunRefused is everybody's."""
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


class Server:
    """One server. Not for several threads: it belongs to an event loop."""

    def __init__(self, url: str, model: str, extra: dict[str, Any], key: str | None, requests: int) -> None:
        self.url, self.requests = url, requests
        self.load, self.given = 0, 0
        """Requests that wait for it or are in flight, and samples of all batches that it was given."""
        self.away_until, self._failures = 0.0, 0
        self._model, self._extra, self._key = model, extra, key
        self._kinds: dict[str, Kind] = {}
        self._room = asyncio.Semaphore(requests)
        self.client = openai.AsyncOpenAI(base_url=check_endpoint(url), api_key=key or "none", max_retries=0)

    @property
    def is_well(self) -> bool:
        """Whether it is to be asked before those that did not answer lately."""
        return self.away_until <= time.monotonic()

    async def ask(self, request: Request, account: Account, size: int, seed: int | None) -> list[Completion]:
        """At least one completion and at most `size`: some servers give fewer than they are asked for.

        Raises Passing, KeyRefused, RequestRefused, RunRefused.
        """
        kind = self._kind(request, seed)
        self.load += 1
        try:
            found = await kind.through(lambda: self._learning(kind, request, account, size, seed))
        except Passing as error:
            if error.away:
                self._failures += 1
                pause = min(LONGEST_RETRY_AFTER, 2.0**self._failures)
                self.away_until = time.monotonic() + max(pause, error.retry_after or 0)
            raise
        finally:
            self.load -= 1
        self.away_until, self._failures = 0.0, 0
        return found

    def most(self, request: Request) -> int:
        """Samples of one request."""
        learned = self._kind(request, None).learned.get("n")
        return learned if isinstance(learned, int) else LONGEST_REQUEST

    def _kind(self, request: Request, seed: int | None) -> Kind:
        """Requests are of a kind that differ in their prompt, their number of samples and their seed only."""
        body = self._body(request, 1, None if seed is None else 0)
        settings = {name: value for name, value in body.items() if name not in ("prompt", "messages")}
        return self._kinds.setdefault(json.dumps(settings, sort_keys=True, default=str), Kind())

    def _body(self, request: Request, size: int, seed: int | None) -> dict[str, Any]:
        return wire.body(self._model, request, size, seed, self._extra)

    async def _learning(
        self, kind: Kind, request: Request, account: Account, size: int, seed: int | None
    ) -> list[Completion]:
        """Ask, and again without what is refused; what that took is remembered once it was accepted."""
        mine, tried = dict(kind.learned), set()
        while True:
            most = mine.get("n")
            size = min(size, most if isinstance(most, int) else LONGEST_REQUEST)
            body = refusals.fitted(self._body(request, size, seed), mine, request.sampling)
            try:
                found = wire.completions(await self._post(request, body, account), request, size, seed)
                break
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refusal = refusals.read(error.body, body)
                change = refusals.change(refusal, body, request.sampling)
                if not change or (step := str(change)) in tried:
                    raise self._refused(refusal, body, kind) from error
                tried.add(step)
                mine |= change
            except ValueError as error:
                raise self._no_completion(str(error)) from error
        if not found:
            raise NoCompletion(f"The endpoint {self.url} answered without a choice", lost=True)
        if len(found) < size:
            mine["n"] = len(found)
        kind.accepted = True
        kind.learned |= mine
        account.left_out |= refusals.left_out(mine)
        return found

    def _refused(self, refusal: refusals.Refusal, body: dict[str, Any], kind: Kind) -> Exception:
        """Of the run, where the server names a field that they all carry; else of this request."""
        said, field = self._harmless(refusal.text)[:300].rstrip(". ") or "without a word", refusal.field
        if field is None and "messages" in body and "chat template" in said:
            return RunRefused(f"The endpoint {self.url} cannot chat with {self._model} ({said}); leave out --chat.")
        if field is None:
            return RequestRefused(f"The endpoint {self.url} refuses this request: {said}")
        value = json.dumps(body[field], default=str)[:80]
        sentence = f"The endpoint {self.url} refuses {field} {value} for {self._model} ({said}); "
        sentence += f"{refusals.advice(field, self._extra)}."
        # one that took these settings before may only speak of this prompt
        sure = refusal.sure or not kind.accepted
        return SettingRefused(sentence, field) if sure else RequestRefused(sentence)

    async def _post(self, request: Request, body: dict[str, Any], account: Account) -> Any:
        """What a server answers, added to the account; a 400 or 422 is raised as it is."""
        timeout = openai.Timeout(TIMEOUT_SECONDS + request.sampling.max_tokens / SLOWEST, connect=CONNECT_SECONDS)
        async with self._room:
            try:
                answer: Any = await self.client.post(
                    wire.path(request), cast_to=object, body=body, options={"timeout": timeout}
                )
            except openai.APIStatusError as error:
                if error.status_code in LOST:
                    account.add()
                if error.status_code in (400, 422):
                    raise
                raise self._told(error, request) from error
            except openai.APIConnectionError as error:
                passing = self._unanswered(error)
                if passing.lost:
                    account.add()
                raise passing from error
            except BaseException as error:  # told to stop, or what came is no JSON
                account.add()
                if isinstance(error, ValueError | RecursionError | openai.APIError):
                    raise self._no_completion(str(error)) from error
                raise
            account.add(**wire.billed(answer))
        return answer

    def _no_completion(self, said: str) -> NoCompletion:
        text = self._harmless(said)[:300]
        return NoCompletion(f"The endpoint {self.url} answers, but with no completion as OpenAI's ({text})", lost=True)

    def _unanswered(self, error: openai.APIConnectionError) -> Passing:
        cause = error.__cause__ or error
        name = type(cause).__name__
        if name in NEVER_SENT:
            said = self._harmless(str(cause)) or name
            return Passing(f"The endpoint {self.url} does not answer ({said})", away=True)
        said = f"{name}: {self._harmless(str(cause))}".rstrip(": ")
        return Passing(f"The endpoint {self.url} does not answer to the end: {said}", lost=True)

    def _told(self, error: openai.APIStatusError, request: Request) -> Exception:
        """What a status means, other than 400 and 422."""
        refusal, status = refusals.read(error.body, {}), error.status_code
        said = self._harmless(refusal.text)[:300].rstrip(". ") or f"status {status}"
        code = str(error.body.get("code")) if isinstance(error.body, dict) else ""
        if status in (404, 405) or code == "model_not_found":
            chat = "" if request.sampling.chat else ", or --chat where it only chats"
            return RunRefused(f"The endpoint {self.url} has no {self._model} ({said}); see -m and --endpoint{chat}.")
        if status == 402 or code == "insufficient_quota":
            return KeyRefused(f"The endpoint {self.url} gives nothing more for this key ({said}); pay, {ANOTHER_KEY}.")
        if status == 403 and refusals.OF_ONE_REQUEST.search(refusal.text):
            return RequestRefused(f"The endpoint {self.url} refuses this request: {said}")
        if status in (401, 403):
            return KeyRefused(
                f"The endpoint {self.url} refuses the key ({said}); set another OPENAI_API_KEY where its workers start."
            )
        if status < 500 and status not in (408, 409, 425, 429):
            return RequestRefused(f"The endpoint {self.url} refuses this request: {said}")
        return Passing(
            f"The endpoint {self.url} answers {status}: {said}",
            away=status in AWAY,
            lost=status in LOST,
            retry_after=seconds_of(error.response.headers.get("retry-after")),
        )

    def _harmless(self, said: str) -> str:
        """What the server said, on one line, without the key, which some repeat."""
        text = " ".join(said.split())[:1_000]
        return text.replace(self._key, "(the key)") if self._key else text


def seconds_of(said: str | None) -> float | None:
    """Seconds that a server's Retry-After asks to wait, a minute at most; None where it does not say."""
    if said is None:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def pause(tried: int, asked: float | None) -> float:
    """Seconds to wait before the next try: what the server asked for, else longer from try to try."""
    return asked if asked is not None else min(LONGEST_PAUSE, 0.5 * 2 ** min(tried, 10)) * uniform(0.75, 1)
