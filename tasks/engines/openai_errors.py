"""What the errors of an OpenAI-compatible server mean: whose fault they are, and what a person is told."""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from random import uniform
from typing import Any

import openai

from tasks.engines import openai_refusals as refusals
from tasks.engines.engine import EngineAway, RequestRefused, RunRefused

AWAY = (429, 502, 503, 529)
"""Statuses for which no work is to blame."""

LOST = (408, 504, 524)
"""Statuses of those between here and the server, who gave up waiting: what they waited for may be billed."""

NEVER_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")
"""Errors of the client's transport, by name, after which nothing can have been billed."""

ANOTHER_KEY = "set another OPENAI_API_KEY where its workers start"

LONGEST_PAUSE, LONGEST_RETRY_AFTER = 8.0, 60.0


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
    """An answer that is none of OpenAI's shape; it may have been billed."""


class SettingRefused(RunRefused):
    """A field that every request of a run carries, and that cannot be left out."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


class NotServed(RunRefused):
    """A server that has no such llm; others that serve the run may have it."""


class KeyRefused(EngineAway):
    """The key is wrong, has expired or has nothing left to spend."""


@dataclass(frozen=True)
class Served:
    """One llm at one address. `extra` are the engine arguments that are fields of every request."""

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict)

    def harmless(self, said: str, longest: int = 300) -> str:
        """What the server said, short, on one line, without the key, which some repeat."""
        text = " ".join(said.split())
        return (text.replace(self.key, "(the key)") if self.key else text)[:longest].rstrip(". ")

    def of_refusal(self, refusal: refusals.Refusal, body: Mapping[str, Any], *, accepted: bool) -> Exception:
        """Of the run, where a field is refused that they all carry; else of this request.

        A server that `accepted` these settings before ends the run only where it names the field as such: words may
        be about this prompt.
        """
        said, name = self.harmless(refusal.text) or "without a word", refusal.field
        if name is None and "messages" in body and "chat template" in said:
            return RunRefused(f"The endpoint {self.url} cannot chat with {self.model} ({said}); leave out --chat.")
        if name is None:
            return self._of_request(said)
        value = json.dumps(body[name], default=str)[:80]
        advice = refusals.advice(name, self.extra)
        sentence = f"The endpoint {self.url} refuses {name} {value} for {self.model} ({said}); {advice}."
        return SettingRefused(sentence, name) if refusal.sure or not accepted else RequestRefused(sentence)

    def of_status(self, error: openai.APIStatusError, *, chat: bool) -> Exception:
        """What a status means, other than 400 and 422."""
        text, status = refusals.read(error.body, {}).text, error.status_code
        said = self.harmless(text) or f"status {status}"
        code = error.body.get("code") if isinstance(error.body, dict) else None
        if status in (404, 405) or code == "model_not_found":
            chats = "" if chat else ", or --chat where it only chats"
            return NotServed(f"The endpoint {self.url} has no {self.model} ({said}); see -m and --endpoint{chats}.")
        if status == 402 or code == "insufficient_quota":
            return KeyRefused(f"The endpoint {self.url} gives nothing more for this key ({said}); {ANOTHER_KEY}.")
        if status in (401, 403) and not refusals.OF_ONE_REQUEST.search(text):
            return KeyRefused(f"The endpoint {self.url} refuses the key ({said}); {ANOTHER_KEY}.")
        if status < 500 and status not in (408, 409, 425, 429):
            return self._of_request(said)
        return Passing(
            f"The endpoint {self.url} answers {status}: {said}",
            away=status in AWAY,
            lost=status in LOST,
            retry_after=seconds_of(error.response.headers.get("retry-after")),
        )

    def of_connection(self, error: openai.APIConnectionError) -> Passing:
        """Of a server that does not answer, or not to the end."""
        cause = error.__cause__ or error
        name, said = type(cause).__name__, self.harmless(str(cause))
        if name in NEVER_SENT:
            return Passing(f"The endpoint {self.url} does not answer ({said or name})", away=True)
        told = f"{name}: {said}" if said else name
        return Passing(f"The endpoint {self.url} does not answer to the end: {told}", lost=True)

    def no_completion(self, said: str) -> NoCompletion:
        """Of an answer of another shape."""
        told = self.harmless(said)
        return NoCompletion(f"The endpoint {self.url} answers, but with no completion as OpenAI's ({told})", lost=True)

    def _of_request(self, said: str) -> RequestRefused:
        return RequestRefused(f"The endpoint {self.url} refuses this request: {said}")


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
    return asked if asked is not None else min(LONGEST_PAUSE, 0.5 * 2 ** min(tried - 1, 10)) * uniform(0.75, 1)
