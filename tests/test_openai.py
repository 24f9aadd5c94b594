"""Endpoints: what a server may do wrong, and a real `vllm serve` of the tiny llm."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from models.settings import settings
from tasks.engines.engine import Account, Completion, EngineDead, Interrupted, Load, Request, RequestRefused
from tasks.engines.openai import Endpoint
from tasks.engines.pocket_monkey import FOLDER
from tests.misbehaving import Answer, Asked, choices, failure, misbehaving
from tests.place import Place, wait_until
from tests.vllm_server import vllm_server
from verifiers.benchmarks.benchmark import Sampling
from verifiers.errors import UserError

KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    settings.cache_clear()
    yield
    settings.cache_clear()


@contextmanager
def endpoint(url: str, *, requests: int = 32, retries: int = 3) -> Iterator[Endpoint]:
    engine = Endpoint(Load("openai:m", {"endpoint": url}, requests=requests), retries)
    try:
        yield engine
    finally:
        engine.close()


def request(size: int, seeds: list[int] | None = None, **options: Any) -> Request:
    return Request("p", "What is 3 + 4?", 0, size, Sampling(0.7, 50, **options), seeds)


def sampled(answer: Callable[[Asked], Answer], wanted: Request) -> tuple[list[Completion], list[Asked]]:
    """A batch's completions, and everything the server was asked for them."""
    with misbehaving(answer) as server, endpoint(server.url) as engine:
        return engine.sample(wanted, Event(), Account()), server.asked


def once(first: Answer) -> Callable[[Asked], Answer]:
    """This answer, then honest ones."""
    number = itertools.count()
    return lambda asked: first if next(number) == 0 else choices(asked)


def test_one_request_brings_a_whole_batch_with_tokens_and_logprobs() -> None:
    found, asked = sampled(choices, request(100, stop=("\n",), top_k=5))
    assert len(asked) == 1
    assert found == [Completion(" 7", prompt_tokens=5, completion_tokens=2, finish_reason="stop", logprob=-0.75)] * 100
    assert asked[0] == {
        "model": "m", "prompt": "What is 3 + 4?", "temperature": 0.7, "top_p": 1.0, "max_tokens": 50, "n": 100,
        "stop": ["\n"], "logprobs": 0, "top_k": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    "first",
    [
        failure(429, "slow down", Retry_After="0"),
        failure(503, "overloaded"),
        Answer(500, "not even an error of ours"),
        Answer(200, {"choices": ["x" * 500]}, cut=True),
    ],
    ids=["429", "503", "500", "dies in the middle"],
)
def test_a_failure_that_passes_is_waited_out(first: Answer) -> None:
    found, asked = sampled(once(first), request(3))
    assert len(found) == 3
    assert len(asked) == 2


def test_a_server_that_always_fails_is_an_ordinary_error_so_that_the_work_is_tried_again() -> None:
    with pytest.raises(RuntimeError, match="overloaded"):
        sampled(lambda _: failure(503, "overloaded", Retry_After="0"), request(1))


def test_a_server_that_always_dies_in_the_middle_is_named_in_the_error() -> None:
    with (
        misbehaving(lambda _: Answer(200, {"choices": ["x" * 500]}, cut=True)) as server,
        endpoint(server.url, retries=0) as engine,
        pytest.raises(RuntimeError, match=f"{server.url} does not answer to the end: RemoteProtocolError"),
    ):
        engine.sample(request(1), Event(), Account())


def test_a_server_that_gives_fewer_than_it_is_asked_for_is_asked_again() -> None:
    found, asked = sampled(lambda _: choices(_, 1), request(5))
    assert len(found) == 5
    assert [each.get("n", 1) for each in asked] == [5, 1, 1, 1, 1]


def test_a_server_that_gives_more_than_it_is_asked_for_is_cut() -> None:
    found, _ = sampled(lambda asked: choices(asked, 9), request(5))
    assert len(found) == 5


def test_a_server_without_a_choice_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="without a choice"):
        sampled(lambda asked: choices(asked, 0), request(5))


def test_a_server_that_refuses_n_is_asked_for_one_at_a_time() -> None:
    found, asked = sampled(
        lambda asked: failure(400, "parameter n must be 1") if asked.get("n", 1) > 1 else choices(asked), request(4)
    )
    assert len(found) == 4
    assert sum("n" not in each for each in asked) == 4


def test_a_server_that_refuses_logprobs_gives_exact_token_counts_one_at_a_time() -> None:
    found, asked = sampled(
        lambda asked: (
            failure(400, "logprobs are not supported") if "logprobs" in asked else choices(asked, logprobs=False)
        ),
        request(3),
    )
    assert [(each.completion_tokens, each.logprob) for each in found] == [(2, None)] * 3
    assert sum("logprobs" not in each for each in asked) == 3


def test_seeded_samples_are_requests_of_their_own() -> None:
    found, asked = sampled(choices, request(3, seeds=[7, 8, 9]))
    assert [each.seed for each in found] == [7, 8, 9]
    assert sorted(each["seed"] for each in asked) == [7, 8, 9]
    assert all("n" not in each for each in asked)


def test_a_wrong_request_is_refused_for_good_and_the_key_is_not_repeated() -> None:
    with pytest.raises(RequestRefused, match="context length") as caught:
        sampled(lambda _: failure(400, f"maximum context length exceeded (Bearer {KEY})"), request(1))
    assert KEY not in str(caught.value)


def test_a_wrong_key_is_a_sentence_at_the_start_and_the_end_of_the_worker_later() -> None:
    with misbehaving(choices, models=401) as server, pytest.raises(UserError, match="set OPENAI_API_KEY"):
        Endpoint(Load("openai:m", {"endpoint": server.url}))
    with (
        misbehaving(lambda _: failure(401, f"Incorrect API key: {KEY}")) as server,
        endpoint(server.url) as engine,
    ):
        with pytest.raises(EngineDead, match="refuses the key") as caught:
            engine.sample(request(1), Event(), Account())
        assert engine.dead.is_set()
        assert KEY not in str(caught.value)
        assert server.keys == [f"Bearer {KEY}"]


def test_no_server_is_a_sentence() -> None:
    with misbehaving(choices) as server:
        gone = server.url
    with pytest.raises(UserError, match="does not answer"):
        Endpoint(Load("openai:m", {"endpoint": gone}))


def test_a_batch_told_to_stop_ends_though_the_server_hangs() -> None:
    going, stop = Event(), Event()

    def hang(asked: Asked) -> Answer:
        stop.set()
        going.wait(60)
        return choices(asked)

    with misbehaving(hang) as server, endpoint(server.url) as engine:
        with pytest.raises(Interrupted):
            engine.sample(request(1), stop, Account())
        going.set()


def test_no_more_requests_are_in_flight_than_allowed() -> None:
    full = threading.Barrier(2, timeout=30)

    def wait_for_another(asked: Asked) -> Answer:
        full.wait()
        return choices(asked)

    with misbehaving(wait_for_another) as server, endpoint(server.url, requests=2) as engine:
        engine.sample(request(8, seeds=list(range(8))), Event(), Account())
        assert server.most_at_once == 2


@pytest.mark.slow
@pytest.mark.timeout(1_000)
def test_a_run_goes_through_a_real_vllm_server(place: Place) -> None:
    with vllm_server(FOLDER, "pocket-monkey", KEY) as url:
        run = place.ok(
            "enqueue", "pocket-sums", "-m", "openai:pocket-monkey", "--endpoint", url, "-n", "40", "--limit", "2",
            "--batch-size", "20", "--temperature", "2", "--quiet",
        ).strip()  # fmt: skip
        place.start("worker", "generate", "-m", "openai:pocket-monkey", "--endpoint", url)
        place.start("worker", "verify", "-c", "1")
        place.start("sweep")
        wait_until(lambda: place.one("select finished_at from run where id = %s", (run,)), 300)
        rows = place.query("select * from sample where run_id = %s", (run,))
        assert len(rows) == 80
        assert all(each["logprob"] < 0 and each["completion_tokens"] > 0 for each in rows)
        assert place.one("select count(distinct text) from sample") > 20
        assert place.one("select sum(correct + incorrect + no_answer) from problem_tally") == 80
        assert KEY not in str(place.query("select llm.*, attempt.* from llm, attempt"))
