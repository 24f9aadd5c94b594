"""Endpoints: what a server may do wrong, and a real `vllm serve` of the tiny llm."""

import threading
import time
from threading import Event
from typing import Any

import pytest

from tasks.engines import openai_wire as wire
from tasks.engines.engine import BILLED, Account, Completion, EngineAway, Interrupted, Load, RequestRefused, RunRefused
from tasks.engines.openai import Endpoint
from tasks.engines.openai_errors import SettingRefused, pause, seconds_of
from tasks.engines.pocket_monkey import FOLDER
from tests.endpoints import KEY, endpoint, once, request, sampled
from tests.misbehaving import Answer, Asked, Billing, choices, failure, misbehaving
from tests.place import Place, wait_until
from tests.vllm_server import vllm_server
from verifiers.errors import UserError

pytestmark = pytest.mark.usefixtures("key")


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
        Answer(200, b"<html>Welcome</html>", kind="text/html"),
    ],
    ids=["429", "503", "500", "dies in the middle", "another shape"],
)
def test_a_failure_that_passes_is_waited_out(first: Answer) -> None:
    found, asked = sampled(once(first), request(3))
    assert len(found) == 3
    assert len(asked) == 2


def test_a_server_that_always_fails_is_an_ordinary_error_so_that_the_work_is_tried_again() -> None:
    with pytest.raises(RuntimeError, match="answers 500: broken"):
        sampled(lambda _: failure(500, "broken", Retry_After="0"), request(1))


@pytest.mark.parametrize("status", [429, 502, 503, 529])
def test_no_work_is_to_blame_for_a_server_that_is_overloaded(status: int) -> None:
    with pytest.raises(EngineAway, match=f"answers {status}: overloaded"):
        sampled(lambda _: failure(status, "overloaded", Retry_After="0"), request(1))


def test_no_work_is_to_blame_for_a_server_that_went_away() -> None:
    with misbehaving(choices) as server, endpoint(server.url, retries=0) as engine:
        engine.sample(request(1), Event(), Account())
        server.end()
        account = Account()
        with pytest.raises(EngineAway, match=f"{server.url} does not answer"):
            engine.sample(request(1), Event(), account)
        assert account == Account(requests=0)


def test_retry_after_is_honoured() -> None:
    began = time.monotonic()
    sampled(once(failure(429, "slow down", Retry_After="0.8")), request(1))
    assert time.monotonic() - began >= 0.8


@pytest.mark.parametrize("said", ["soon", "-5", "nan", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 400])
def test_a_retry_after_that_is_none_is_a_pause_like_any_other(said: str) -> None:
    assert 0 <= pause(1, seconds_of(said)) <= 60


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
        sampled(lambda asked: choices(asked, 0), request(5), retries=0)


def test_a_server_that_refuses_n_is_asked_for_one_at_a_time() -> None:
    found, asked = sampled(
        lambda asked: failure(400, "parameter n must be 1") if asked.get("n", 1) > 1 else choices(asked), request(4)
    )
    assert len(found) == 4
    assert sum("n" not in each for each in asked) == 4


def test_a_server_without_logprobs_is_asked_for_many_at_a_time_and_the_batch_keeps_what_was_billed() -> None:
    for billing in (Billing(refused=("logprobs",)), Billing(ignored=("logprobs",))):
        account = Account()
        found, asked = sampled(billing, request(3), account)
        assert [(each.completion_tokens, each.logprob) for each in found] == [(None, None)] * 3
        assert asked[-1]["n"] == 3
        assert account.completion_tokens == billing.ledger.completion_tokens > 0
        assert account.prompt_tokens == 11


def test_one_sample_of_a_request_has_the_tokens_that_were_billed() -> None:
    (sample,), _ = sampled(Billing(refused=("logprobs",), seed=3), request(1))
    assert sample.completion_tokens is not None
    assert (sample.prompt_tokens, sample.thinking_tokens) == (11, 2)


def test_a_batch_is_billed_for_each_of_its_requests() -> None:
    billing, account = Billing(refused=("n",)), Account()
    sampled(billing, request(8), account)
    assert account.requests == billing.ledger.requests == 8
    assert account.prompt_tokens == billing.ledger.prompt_tokens == 88
    assert account.cached_prompt_tokens == billing.ledger.cached_prompt_tokens == 32
    assert account.completion_tokens == billing.ledger.completion_tokens
    assert account.thinking_tokens == billing.ledger.thinking_tokens == 16
    assert account.usd is None


def test_what_was_lost_on_the_way_is_counted_and_not_in_the_sums() -> None:
    account = Account()
    found, _ = sampled(once(Answer(200, {"choices": ["x" * 500]}, cut=True)), request(3), account)
    assert len(found) == 3
    assert account == Account(2, 5, None, 6, None, None, lost_requests=1)


def test_a_batch_that_was_told_to_stop_does_not_know_what_it_is_billed() -> None:
    going, stop, account = Event(), Event(), Account()

    def hang(asked: Asked) -> Answer:
        stop.set()
        going.wait(30)
        return choices(asked)

    with misbehaving(hang) as server, endpoint(server.url) as engine:
        with pytest.raises(Interrupted):
            engine.sample(request(1), stop, account)
        assert (account.requests, account.lost_requests) == (1, 1)
        going.set()


USAGES: list[tuple[Any, tuple[Any, ...]]] = [
    ({"prompt_tokens": 7, "completion_tokens": 5}, (7, None, 5, None, None)),
    ({"prompt_tokens": 7, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 3},
      "completion_tokens_details": {"reasoning_tokens": 2}, "cost": 0.25}, (7, 3, 5, 2, 0.25)),
    ({"prompt_tokens": 7, "completion_tokens": 5, "prompt_cache_hit_tokens": 6}, (7, 6, 5, None, None)),
    ({"prompt_tokens": 0, "completion_tokens": 0, "prompt_tokens_details": None}, (0, None, 0, None, None)),
    ({"prompt_tokens": -7, "completion_tokens": 2**31}, (None, None, None, None, None)),
    ({"prompt_tokens": "7", "completion_tokens": True, "cost": "0.1"}, (None, None, None, None, None)),
    ({"prompt_tokens": 7.5, "completion_tokens": [5], "cost": -1}, (None, None, None, None, None)),
    ({"prompt_tokens": 7, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 8},
      "completion_tokens_details": {"reasoning_tokens": 6}, "cost": float("nan")}, (7, None, 5, None, None)),
    (None, (None,) * 5), ([], (None,) * 5), ("much", (None,) * 5),
]  # fmt: skip
"""What a server says was used -> what is known: prompt, cached, completion, thinking, dollars."""


@pytest.mark.parametrize(("usage", "known"), USAGES)
def test_usage_is_what_the_server_says_where_it_can_be_and_else_unknown(usage: Any, known: tuple[Any, ...]) -> None:
    assert tuple(wire.billed({"usage": usage}).values()) == known
    assert list(wire.billed({"usage": usage})) == list(BILLED)


GARBAGE: list[Answer] = [
    Answer(200, b"<html>Welcome</html>", kind="text/html"),
    Answer(200, b'{"choices": [', kind="application/json"),
    Answer(200, b"[" * 100_000, kind="application/json"),
    Answer(200, {"choices": "none"}),
    Answer(200, {"choices": [["text"]]}),
    Answer(200, {"error": "no"}),
    Answer(200, [1]),
    Answer(200, {"choices": [{"text": {"a": 1}}]}),
    Answer(200, {"choices": [{"message": {"content": [{"text": 3}]}}]}),
    Answer(200, {"choices": []}),
    Answer(200, {"choices": [{"message": {"content": ""}, "finish_reason": "error", "error": {"code": 502}}]}),
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda answer: repr(answer.body)[:30])
def test_an_answer_of_another_shape_is_an_ordinary_error_in_the_end(garbage: Answer) -> None:
    with pytest.raises(RuntimeError, match="The endpoint http"):
        sampled(lambda _: garbage, request(2), retries=0)


ODD: list[tuple[dict[str, Any], Completion]] = [
    ({"message": {"content": None}}, Completion("")),
    ({"message": {"content": [{"type": "text", "text": "a"}, {"type": "image"}, "b"]}}, Completion("ab")),
    ({"text": "a", "finish_reason": 7}, Completion("a")),
    ({"text": "a", "finish_reason": "x\0" * 50}, Completion("a", finish_reason="x\ufffd" * 20)),
    ({"text": "a", "logprobs": [1]}, Completion("a")),
    ({"text": "a", "logprobs": {"content": "b", "token_logprobs": {"a": 1}}}, Completion("a")),
    ({"text": "a", "logprobs": {"token_logprobs": [None, float("inf")]}}, Completion("a")),
    ({"text": "a", "logprobs": {"content": [{"logprob": -1}, {}]}}, Completion("a")),
    ({"text": "a", "logprobs": {"token_logprobs": [None, -2]}}, Completion("a", completion_tokens=2, logprob=-2.0)),
]
"""A choice -> the sample that it is."""


@pytest.mark.parametrize(("choice", "sample"), ODD)
def test_a_choice_that_says_little_is_a_sample_that_knows_little(choice: dict[str, Any], sample: Completion) -> None:
    assert wire.completions({"choices": [choice, choice]}, request(2), 2, None) == [sample, sample]


def test_requests_go_to_the_server_with_the_least_to_do_and_a_batch_stays_together() -> None:
    with misbehaving(choices) as one, misbehaving(choices) as other:
        with endpoint(one.url, other.url) as engine:
            assert engine.capacity == 2 * 8 * 32
            for size in (3, 2, 4, 1):
                engine.sample(request(size, seeds=list(range(size))), Event(), Account())
        assert sorted((len(one.asked), len(other.asked))) == [4, 6]
        with endpoint(one.url, other.url, requests=2) as engine:
            engine.sample(request(40, seeds=list(range(40))), Event(), Account())
        assert min(len(one.asked), len(other.asked)) >= 4 + 15


def test_a_server_that_does_not_answer_is_left_out_and_tried_again_later() -> None:
    with misbehaving(choices) as one, misbehaving(choices) as other:
        other.end()
        with endpoint(one.url, other.url) as engine:
            began = time.monotonic()
            for _ in range(6):
                engine.sample(request(5, seeds=[1, 2, 3, 4, 5]), Event(), Account())
            assert time.monotonic() - began < 5
            assert len(one.asked) == 30
            away, well = engine._servers[1], engine._servers[0]
            assert not away.is_well
            away.away_until = 0
            assert away.is_well
            assert well.is_well


def test_a_server_that_has_no_such_llm_is_left_out_while_another_has_it() -> None:
    none = failure(404, "The model `m` does not exist", code="model_not_found")
    with misbehaving(lambda _: none) as one, misbehaving(choices) as other, endpoint(one.url, other.url) as engine:
        for _ in range(3):
            assert len(engine.sample(request(4), Event(), Account())) == 4
        assert (len(one.asked), len(other.asked)) == (1, 3)
        other.end()
        with pytest.raises(EngineAway):
            engine.sample(request(4), Event(), Account())
    with (
        misbehaving(lambda _: none) as one,
        misbehaving(lambda _: none) as other,
        endpoint(one.url, other.url) as both,
        pytest.raises(RunRefused, match="has no m "),
    ):
        both.sample(request(4), Event(), Account())


def test_a_batch_goes_on_at_another_server_where_one_dies_in_its_middle() -> None:
    with misbehaving(choices) as other:
        with (
            misbehaving(lambda _: failure(503, "down", Retry_After="30")) as one,
            endpoint(one.url, other.url) as engine,
        ):
            for _ in range(2):
                assert len(engine.sample(request(5), Event(), Account())) == 5
        assert len(other.asked) == 2


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
        with pytest.raises(EngineAway, match="refuses the key") as caught:
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
        if asked["seed"] > 0:
            full.wait()
        return choices(asked)

    with misbehaving(wait_for_another) as server, endpoint(server.url, requests=2) as engine:
        engine.sample(request(9, seeds=list(range(9))), Event(), Account())
        assert server.most_at_once == 2


@pytest.mark.slow
@pytest.mark.timeout(1_000)
def test_a_run_goes_through_a_real_vllm_server(place: Place) -> None:
    with vllm_server(FOLDER, "pocket-monkey", KEY) as url:
        refuses_what_it_should(place, url)
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


def refuses_what_it_should(place: Place, url: str) -> None:
    """What vLLM itself says of a wrong name, a prompt that is too long, too many tokens, and several greedy samples."""
    command = ["enqueue", "pocket-sums", "--endpoint", url, "-n", "1", "--limit", "1"]
    assert "has no nobody" in place.refused(*command, "-m", "openai:nobody")
    with endpoint(url, llm="openai:pocket-monkey") as engine:
        long = request(1, prompt="1 + 1 = " * 5_000)
        with pytest.raises(RequestRefused, match="context length"):
            engine.sample(long, Event(), Account())
        with pytest.raises(SettingRefused, match="give another --max-tokens"):
            engine.sample(request(1, max_tokens=1_000_000), Event(), Account())
        account = Account()
        assert len(engine.sample(request(5, temperature=0.0), Event(), account)) == 5
        assert account.requests == 5
        with pytest.raises(RunRefused, match="leave out --chat"):
            engine.sample(request(1, chat=True), Event(), Account())
