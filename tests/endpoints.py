"""Engines at misbehaving servers."""

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

from tasks.engines.engine import Account, Completion, Load, Request
from tasks.engines.openai import Endpoint
from tests.misbehaving import Answer, Asked, choices, misbehaving
from verifiers.benchmarks.benchmark import Sampling

KEY = "sk-very-secret"


@contextmanager
def endpoint(
    *urls: str, llm: str = "openai:m", requests: int = 32, retries: int = 3, **arguments: Any
) -> Iterator[Endpoint]:
    """An engine at one or several servers."""
    served = urls[0] if len(urls) == 1 else list(urls)
    engine = Endpoint(Load(llm, {"endpoint": served, **arguments}, requests=requests), retries)
    try:
        yield engine
    finally:
        engine.close()


def request(size: int, seeds: list[int] | None = None, prompt: str = "What is 3 + 4?", **options: Any) -> Request:
    """A batch of so many samples."""
    return Request("p", prompt, 0, size, Sampling(**{"temperature": 0.7, "max_tokens": 50, **options}), seeds)


def sampled(
    answer: Callable[[Asked], Answer], wanted: Request, account: Account | None = None, **arguments: Any
) -> tuple[list[Completion], list[Asked]]:
    """A batch's completions, and everything the server was asked for them."""
    with misbehaving(answer) as server, endpoint(server.url, **arguments) as engine:
        return engine.sample(wanted, Event(), Account() if account is None else account), server.asked


def once(first: Answer) -> Callable[[Asked], Answer]:
    """This answer, then honest ones."""
    number = itertools.count()
    return lambda asked: first if next(number) == 0 else choices(asked)


def at_once(engine: Endpoint, batches: int, size: int, **options: Any) -> tuple[list[int], list[Account]]:
    """How many samples each of some concurrent batches got, and what each was billed; batch 3 has the prompt "3"."""
    accounts = [Account() for _ in range(batches)]
    start = threading.Barrier(batches)

    def one(number: int) -> int:
        start.wait()
        return len(engine.sample(request(size, prompt=str(number), **options), Event(), accounts[number]))

    with ThreadPoolExecutor(batches) as pool:
        return list(pool.map(one, range(batches))), accounts
