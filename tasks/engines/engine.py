"""What an engine is: a prompt and sampling settings in, completions out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Any, Protocol

from models.cost import Sizes
from models.storable import LARGEST, storable, storable_number, storable_reals, storable_whole
from verifiers.benchmarks.benchmark import Sampling


class EngineDead(Exception):
    """The engine cannot go on: its worker gives back what it holds and leaves, its supervisor starts another."""


class EngineAway(Exception):
    """The engine does nothing just now, and no work is to blame: works are given back, nothing is counted."""


class Interrupted(Exception):
    """The batch was told to stop (cancelled, lost its lease, or the worker is leaving): nothing came of it."""


class RequestRefused(Exception):
    """The engine cannot do this request however often it is tried (prompt longer than the context, no such record)."""


class RunRefused(Exception):
    """The engine does no request of these settings (no such llm, a setting it refuses): the run ends with this."""


@dataclass(frozen=True)
class Request:
    """One batch: `size` samples of one prompt. seeds: one a sample, in order of index, or None for the engine's own."""

    problem_key: str
    prompt: str
    first_index: int
    size: int
    sampling: Sampling
    seeds: Sequence[int] | None = None

    def one(self, index: int) -> "Request":
        """The request for one of its samples."""
        seeds = None if self.seeds is None else [self.seeds[index - self.first_index]]
        return replace(self, first_index=index, size=1, seeds=seeds)


@dataclass(frozen=True)
class Completion:
    """One sample as the engine gave it. `logprob` is the sum over its tokens; usd and gpu_seconds where recorded.

    `thinking` is what a server gave in a field of its own; else thoughts stand in `text`, as they came. The tokens
    of what was thought are counted within completion_tokens.

    Engines give what they were given: whatever the database could not hold of it is told apart here, once, before a
    work could fail for it and be paid for again. A text is made storable; a number that cannot be is not known.
    """

    text: str | None
    thinking: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thinking_tokens: int | None = None
    finish_reason: str | None = None
    logprob: float | None = None
    token_logprobs: Sequence[float] | None = None
    seed: int | None = None
    usd: float | None = None
    gpu_seconds: float | None = None

    def __post_init__(self) -> None:
        reason = self.finish_reason
        held = {
            "text": _text(self.text),
            "thinking": _text(self.thinking),
            "prompt_tokens": storable_whole(self.prompt_tokens),
            "completion_tokens": storable_whole(self.completion_tokens),
            "thinking_tokens": storable_whole(self.thinking_tokens),
            "finish_reason": storable(reason)[:LONGEST_REASON] if isinstance(reason, str) else None,
            "logprob": storable_number(self.logprob),
            "token_logprobs": storable_reals(self.token_logprobs),
            "seed": storable_whole(self.seed, -LARGEST, LARGEST),
            "usd": storable_number(self.usd, 0),
            "gpu_seconds": storable_number(self.gpu_seconds, 0),
        }
        for name, value in held.items():
            object.__setattr__(self, name, value)


LONGEST_REASON = 40
"""Characters of a finish_reason that are kept."""


def _text(given: Any) -> str | None:
    return None if given is None else storable(given if isinstance(given, str) else str(given))


@dataclass
class Account:
    """What an attempt's requests were billed, as they are answered; None where one of them did not say."""

    requests: int | None = None
    """Requests that the engine took up, well or not; None of an engine that bills none."""
    prompt_tokens: int | None = 0
    cached_prompt_tokens: int | None = 0
    """Of the prompt tokens, those that the provider had in its cache."""
    completion_tokens: int | None = 0
    thinking_tokens: int | None = 0
    """Of the completion tokens, those of what was thought."""
    usd: float | None = 0.0
    lost_requests: int = 0
    """Of the requests, those whose answer never came whole: what they were billed nobody knows; the sums lack it."""
    left_out: frozenset[str] = frozenset()
    """Settings that they went without, since the endpoint refuses them and samples do not depend on them."""

    def begin(self) -> None:
        """From here on every request is counted: without one, nothing was billed."""
        self.requests = self.requests or 0

    def add(self, **billed: float | None) -> None:
        """Count one request; what it did not say is not known of the sum either."""
        self.requests = (self.requests or 0) + 1
        for name in BILLED:
            before, now = getattr(self, name), billed.get(name)
            setattr(self, name, None if before is None or now is None else before + now)

    def lose(self) -> None:
        """Count one request whose answer was lost."""
        self.requests = (self.requests or 0) + 1
        self.lost_requests += 1


BILLED = ("prompt_tokens", "cached_prompt_tokens", "completion_tokens", "thinking_tokens", "usd")
"""What a request is billed, by the fields of Account."""


@dataclass(frozen=True)
class Load:
    """What an engine is made from: the llm's name, the engine arguments stored with it, and the GPUs it may use."""

    name: str
    engine_args: Mapping[str, Any] = field(default_factory=dict)
    gpus: Sequence[str] = ()
    """GPU indices as a person gave them; empty: those that the engine finds."""
    requests: int = 32
    """Most requests in flight to each endpoint."""


class Loaded(Protocol):
    """Something that an engine runs, in this process and its children."""

    name: str
    version: str
    seed: int | None
    """The engine seed this process drew."""
    capacity: int
    """Samples it can work on at a time: more in flight only wait."""
    gpus: int
    """GPUs it keeps busy, for GPU-seconds; 0 on a CPU, and for an endpoint unless a person said how many serve it."""
    dead: Event
    """Set when it cannot go on: its worker leaves."""

    def close(self) -> None:
        """End every process and free all memory of the engine."""
        ...


class Engine(Loaded, Protocol):
    """One llm, loaded. `sample` is called from several threads at once."""

    sizes: Sizes | None

    def sample(self, request: Request, stop: Event, account: Account) -> list[Completion]:
        """`request.size` completions in order of index; Interrupted soon after `stop` is set.

        Every request is added to the account when it is answered, whatever becomes of the others; one whose answer was
        lost is added too, with nothing known of it. Raises RequestRefused, RunRefused, EngineAway, EngineDead.
        """
        ...
