"""What endpoints refuse: what is learned from it, what ends a run, and what is known before one is made."""

import shlex
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from models.settings import settings
from tasks.engines.engine import Account, EngineAway, Interrupted, Load, RequestRefused, RunRefused
from tasks.engines.openai import Endpoint
from tasks.engines.openai_probe import probe
from tasks.engines.openai_refusals import change, fitted, left_out, read
from tasks.workers.generate import use_engine
from tests.endpoints import KEY, endpoint, request, sampled
from tests.misbehaving import BILLED, Answer, Asked, Billing, Server, choices, failure, misbehaving
from tests.place import Place
from tests.small_runs import check, work_off
from verifiers.benchmarks.benchmark import Sampling
from verifiers.errors import Unavailable

pytestmark = pytest.mark.usefixtures("key")

CARRIED: dict[str, Any] = {
    "model": "m", "temperature": 0.7, "top_p": 1.0, "max_tokens": 50, "n": 8, "seed": 3, "stop": ["Q:"], "top_k": 5,
    "min_p": 0.1, "include_stop_str_in_output": True, "logprobs": 0, "prompt": "What?",
}  # fmt: skip
SAMPLING = Sampling(0.7, 50)


def openai_says(message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": param, "code": code}


SAID: list[tuple[Any, str | None, dict[str, Any] | None]] = [
    (openai_says("logprobs is not supported with this model", "logprobs"), "logprobs", {"logprobs": None}),
    ("Logprobs is not supported for the current model.", "logprobs", {"logprobs": None}),
    ("This model cannot return log probabilities.", "logprobs", {"logprobs": None}),
    (openai_says("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
                 "instead.", "max_tokens", "unsupported_parameter"),
     "max_tokens", {"max_tokens": "max_completion_tokens"}),
    (openai_says("max_tokens is too large: 100000. This model supports at most 16384 completion tokens, whereas you "
                 "provided 100000.", "max_tokens"), "max_tokens", None),
    ("max_tokens=3000 cannot be greater than max_model_len=max_total_tokens=2048. Please request fewer output tokens.",
     "max_tokens", None),
    ("'max_tokens' or 'max_completion_tokens' is too large: 3000. This model's maximum context length is 2048 tokens "
     "and your request has 70 input tokens (3000 > 2048 - 70).", None, None),
    (openai_says("This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (8900 in the "
                 "messages, 100 in the completion). Please reduce the length of the messages or completion.",
                 "messages", "context_length_exceeded"), None, None),
    ({"message": "This model's maximum context length is 2048 tokens. However, your prompt contains 4000 input tokens, "
      "which exceeds this limit even without any output tokens.", "param": "input_tokens"}, None, None),
    ("prompt is too long: 210000 tokens > 200000 maximum; lower max_tokens", None, None),
    ("The response was filtered due to the prompt triggering Azure's content management policy; stop.", None, None),
    (openai_says("Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value "
                 "is supported.", "temperature", "unsupported_value"), "temperature", None),
    ("parameter n must be 1", "n", {"n": 1}),
    ("n must be 1 when using greedy sampling, got 8.", "n", {"n": 1}),
    ("n must be less than or equal to 4", "n", {"n": 4}),
    ("The maximum number of completions is: 5. Fewer, please.", "n", {"n": 5}),
    ({"detail": [{"type": "less_than_equal", "loc": ["body", "n"], "msg": "Input should be less than or equal to 2",
                  "input": 8, "ctx": {"le": 2}}]}, "n", {"n": 2}),
    ({"detail": [{"type": "extra_forbidden", "loc": ["body", "min_p"], "msg": "Extra inputs are not permitted",
                  "input": "n seed logprobs"}]}, "min_p", None),
    ({"object": "error", "message": {"detail": [{"loc": ["body", "logprobs"], "msg": "Extra inputs"}]}},
     "logprobs", {"logprobs": None}),
    ({"message": "[{'type': 'extra_forbidden', 'loc': ('body', 'top_k'), 'msg': 'Extra inputs are not permitted', "
      "'input': 5}]", "code": 400}, "top_k", None),
    ("Unrecognized request argument supplied: include_stop_str_in_output", "include_stop_str_in_output", None),
    ("`seed` is not enabled for this account", "seed", None),
    ("Please stop. We do not seed clouds", None, None),
    ("no", None, None), ("", None, None), (None, None, None), (7, None, None),
    ([{"loc": [["logprobs"]]}, {"param": ["n"]}], None, None),
    ({"message": "unknown field top_logits, not logprobs"}, "logprobs", {"logprobs": None}),
    ("best_of is not supported: line one\\nline two", "n", {"n": 1}),
]  # fmt: skip
"""What a server says -> the field that it refuses, and what a request then does; None: nothing helps."""


@pytest.mark.parametrize(("said", "field", "learned"), SAID)
def test_a_refusal_is_of_a_field_that_the_request_carried(
    said: Any, field: str | None, learned: dict[str, Any] | None
) -> None:
    refusal = read(said, CARRIED)
    assert refusal.field == field
    assert change(refusal, CARRIED, SAMPLING) == learned


@pytest.mark.parametrize("field", [name for name in CARRIED if name not in ("model", "prompt")])
def test_what_a_request_did_not_carry_was_not_refused(field: str) -> None:
    without = {name: value for name, value in CARRIED.items() if name != field}
    for said in (openai_says(f"{field} is not supported", field), f"{field} is not supported"):
        assert read(said, CARRIED).field == field
        assert read(said, without).field is None


def test_only_what_samples_do_not_depend_on_is_left_out() -> None:
    learned: dict[str, Any] = {
        "logprobs": None,
        "temperature": None,
        "top_p": None,
        "max_tokens": "max_completion_tokens",
    }
    assert fitted(CARRIED, learned, SAMPLING) == {
        "model": "m", "temperature": 0.7, "max_completion_tokens": 50, "n": 8, "seed": 3, "stop": ["Q:"], "top_k": 5,
        "min_p": 0.1, "include_stop_str_in_output": True, "prompt": "What?",
    }  # fmt: skip
    assert left_out(learned) == {"logprobs", "temperature", "top_p"}
    asked_for = Sampling(0.7, 50, token_logprobs=True)
    assert "logprobs" in fitted(CARRIED, learned, asked_for)
    assert change(read("logprobs are unsupported", CARRIED), CARRIED, asked_for) is None
    own = {"max_tokens": 50, "max_completion_tokens": 9}
    assert fitted(own, learned, SAMPLING) == {"max_completion_tokens": 9}


def at_once(engine: Endpoint, batches: int, size: int, **options: Any) -> tuple[list[int], list[Account]]:
    """How many samples each of some concurrent batches got, and what each was billed."""
    accounts = [Account() for _ in range(batches)]
    start = threading.Barrier(batches)

    def one(account: Account) -> int:
        start.wait()
        return len(engine.sample(request(size, **options), Event(), account))

    with ThreadPoolExecutor(batches) as pool:
        return list(pool.map(one, accounts)), accounts


def billed(accounts: list[Account]) -> dict[str, int]:
    return {name: sum(getattr(account, name) for account in accounts) for name in BILLED}


@pytest.mark.parametrize("refused", [("logprobs",), ("logprobs", "n"), ("max_tokens", "n"), ("logprobs", "max_tokens")])
def test_concurrent_batches_lose_nothing_to_what_a_server_refuses(refused: tuple[str, ...]) -> None:
    billing = Billing(refused)
    with misbehaving(billing) as server, endpoint(server.url) as engine:
        sizes, accounts = at_once(engine, 10, 12)
        assert sizes == [12] * 10
        assert billed(accounts) == {name: getattr(billing.ledger, name) for name in BILLED}
        assert {account.left_out for account in accounts} == {frozenset({"logprobs"} & set(refused))}
        assert billing.refusals <= 2 * len(refused)


def test_a_batch_of_several_requests_loses_nothing_either() -> None:
    found, _ = sampled(Billing(("logprobs",)), request(300))
    assert len(found) == 300


def test_a_server_that_changes_its_mind_in_the_middle_is_learned_again() -> None:
    billing = Billing()
    with misbehaving(billing) as server, endpoint(server.url) as engine:
        for refused in ((), ("logprobs",), ("max_tokens", "logprobs"), ("max_completion_tokens", "n"), ("n",)):
            billing.refused = refused
            sizes, _ = at_once(engine, 5, 4)
            assert sizes == [4] * 5
        assert {"max_tokens" in asked for asked in server.asked[-20:]} == {True}


def test_the_first_request_goes_alone_and_when_it_fails_so_does_the_next() -> None:
    alone, failing = [], iter([True, True, False])

    def answer(asked: Asked) -> Answer:
        alone.append(server.now)
        return failure(500, "not yet", Retry_After="0") if next(failing, False) else choices(asked)

    with misbehaving(answer) as server, endpoint(server.url, requests=8) as engine:
        at_once(engine, 8, 1)
        assert alone[:3] == [1, 1, 1]


def test_the_gate_opens_where_the_first_request_is_told_to_stop() -> None:
    going, stop, first = Event(), Event(), Event()

    def hang(asked: Asked) -> Answer:
        if not first.is_set():
            first.set()
            going.wait(30)
        return choices(asked)

    with misbehaving(hang) as server, endpoint(server.url) as engine, ThreadPoolExecutor(2) as pool:
        stopped = pool.submit(engine.sample, request(1), stop, Account())
        first.wait(30)
        waiting = pool.submit(engine.sample, request(1), Event(), Account())
        stop.set()
        with pytest.raises(Interrupted):
            stopped.result(30)
        assert len(waiting.result(5)) == 1
        going.set()


SENTENCES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("temperature", {}, {}, r"refuses temperature 0\.7 for m \(.*\); give --temperature 1\.$"),
    ("top_p", {"top_p": 0.9}, {}, "give --top-p 1"),
    ("top_k", {"top_k": 5}, {}, "leave out --top-k"),
    ("min_p", {"min_p": 0.1}, {}, "leave out --min-p"),
    ("stop", {"stop": ("Q:",)}, {}, "give --no-stop"),
    ("include_stop_str_in_output", {"stop": ("Q:",), "include_stop": True}, {}, "give --no-stop"),
    ("seed", {"seeded": True}, {}, "leave out --seeded"),
    ("logprobs", {"token_logprobs": True}, {}, "leave out --token-logprobs"),
    ("best_guess", {}, {"best_guess": 3}, "leave out --engine-arg best_guess"),
]
"""A refused field, the sampling and the engine arguments that carry it, and what a person is told."""


@pytest.mark.parametrize(("field", "options", "arguments", "told"), SENTENCES, ids=lambda value: str(value)[:20])
def test_a_refused_setting_that_changes_the_experiment_is_a_sentence_for_the_run(
    field: str, options: dict[str, Any], arguments: dict[str, Any], told: str
) -> None:
    billing = Billing((field,))
    seeds = [1, 2, 3] if "seeded" in options else None
    with misbehaving(billing) as server, endpoint(server.url, **arguments) as engine:
        for _ in range(2):  # whichever way it is worded
            account = Account()
            with pytest.raises(RunRefused, match=told) as caught:
                engine.sample(request(3, seeds, **options), Event(), account)
            assert account == Account()
            assert "\n" not in str(caught.value)
    assert len(server.asked) == 2


def test_a_setting_at_the_value_where_it_does_nothing_is_left_out() -> None:
    account = Account()
    found, asked = sampled(Billing(("temperature", "top_p")), request(3, temperature=1.0), account)
    assert len(found) == 3
    assert not {"temperature", "top_p"} & set(asked[-1])
    assert account.left_out == {"temperature", "top_p"}


def test_a_prompt_that_is_too_long_fails_alone_also_where_it_is_the_first() -> None:
    def answer(asked: Asked) -> Answer:
        said = "'max_tokens' is too large: the maximum context length is 9 tokens"
        return failure(400, said, param="max_tokens") if len(server.asked) in (1, 3) else choices(asked)

    with misbehaving(answer) as server, endpoint(server.url) as engine:
        for _ in range(2):
            with pytest.raises(RequestRefused, match="maximum context length"):
                engine.sample(request(1), Event(), Account())
            assert len(engine.sample(request(1), Event(), Account())) == 1


def test_words_about_one_prompt_end_no_run_that_was_accepted_before() -> None:
    def answer(asked: Asked) -> Answer:
        return failure(400, "temperature must be kept out of prompts") if len(server.asked) == 2 else choices(asked)

    with misbehaving(answer) as server, endpoint(server.url) as engine:
        engine.sample(request(1), Event(), Account())
        with pytest.raises(RequestRefused):
            engine.sample(request(1), Event(), Account())


STATUSES: list[tuple[Answer, type[Exception], str]] = [
    (failure(404, "The model `m` does not exist", code="model_not_found"), RunRefused, "has no m .*see -m and"),
    (failure(403, "Project has no access to model `m`", code="model_not_found"), RunRefused, "has no m "),
    (Answer(404, b"<html>Not Found</html>", kind="text/html"), RunRefused, "has no m .*--chat where it only chats"),
    (Answer(405, {"detail": "Method Not Allowed"}), RunRefused, "has no m "),
    (failure(401, f"Incorrect API key: {KEY}"), EngineAway, r"refuses the key .*\(the key\)"),
    (failure(402, "Insufficient credits"), EngineAway, "nothing more for this key"),
    (failure(429, "You exceeded your quota", code="insufficient_quota"), EngineAway, "nothing more for this key"),
    (failure(403, "Your input was flagged"), RequestRefused, "flagged"),
    (failure(413, "too much"), RequestRefused, "too much"),
    (failure(418, ""), RequestRefused, "refuses this request"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "error", "told"), STATUSES, ids=lambda value: getattr(value, "status", None))
def test_a_status_says_whose_fault_it_is(answer: Answer, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told) as caught:
        sampled(lambda _: answer, request(1))
    assert KEY not in str(caught.value)
    assert type(caught.value) is not RuntimeError


def test_a_base_model_without_a_chat_template_is_a_sentence_for_the_run() -> None:
    with pytest.raises(RunRefused, match="leave out --chat"):
        sampled(lambda _: failure(400, "you must provide a chat template"), request(1, chat=True))


def enqueued(place: Place, server: Server, *more: str) -> int:
    """A run of 2 problems in 6 batches."""
    said = place.ok(
        "enqueue", "pocket-sums", "-m", "openai:m", "--endpoint", server.url, "-n", "6", "--limit", "2",
        "--batch-size", "2", "--quiet", *more,
    )  # fmt: skip
    return int(said)


def works(place: Place) -> list[tuple[str, int, str | None]]:
    """State, attempts and last error of every generate work."""
    rows = place.query("select state::text, attempts, last_error from work where kind = 'generate' order by id")
    return [(row["state"], row["attempts"], row["last_error"]) for row in rows]


def test_a_refused_run_ends_with_its_sentence_after_one_request_and_can_be_resumed(place: Place) -> None:
    billing = Billing(("temperature",))
    with misbehaving(billing) as server, endpoint(server.url) as engine:
        use_engine(engine)
        run = enqueued(place, server, "--no-probe", "--temperature", "0.7")
        other = enqueued(place, server, "--no-probe", "--temperature", "1")
        work_off(place, at_most=1)
        assert len(server.asked) == 1
        states = place.query("select run_id, state::text, count(*), min(last_error) from work group by 1, 2 order by 1")
        assert [(row["run_id"], row["state"], row["count"]) for row in states] == [
            (run, "failed", 6), (other, "published", 6),
        ]  # fmt: skip
        assert "give --temperature 1" in states[0]["min"]
        work_off(place)
        place.ok("sweep", "--once")
        told = place.monkeys("watch", str(run))
        assert told.exit_code == 1
        assert "6 works failed: The endpoint" in told.output
        assert "give --temperature 1" in told.output
        billing.refused = ("logprobs",)
        place.ok("resume", str(run))
        work_off(place)
        place.ok("sweep", "--once")
        watched = place.monkeys("watch", str(run))
        assert watched.exit_code == 0
        assert "logprobs left out: the endpoint refuses it" in watched.output
        check(place, run)
        check(place, other)
        sums = place.query(
            """
            select sum(billed_prompt_tokens) as prompt_tokens, sum(cached_prompt_tokens) as cached_prompt_tokens,
                sum(completion_tokens) as completion_tokens, sum(thinking_tokens) as thinking_tokens
            from attempt join work on work.id = work_id where kind = 'generate'
            """
        )
        assert sums == [{name: getattr(billing.ledger, name) for name in BILLED if name != "usd"}]
        assert place.one("select count(usd) from attempt") == 0


@pytest.mark.parametrize(
    ("passing", "told"),
    [(failure(401, "expired"), "refuses the key"), (failure(503, "overloaded", Retry_After="0"), "answers 503")],
    ids=["a key that expires", "a server that is overloaded"],
)
def test_what_is_no_fault_of_a_work_counts_no_attempt_of_it(place: Place, passing: Answer, told: str) -> None:
    answers: Callable[[Asked], Answer] = Billing()
    with misbehaving(lambda asked: answers(asked)) as server, endpoint(server.url, retries=0) as engine:
        use_engine(engine)
        run = enqueued(place, server)
        work_off(place, ("generate",), at_most=2)
        answers = lambda _: passing  # noqa: E731
        for _ in range(6):
            with_pauses_over(place)
            work_off(place, ("generate",), at_most=1)
        assert engine.dead.is_set() is (passing.status == 401)
        assert [(state, attempts) for state, attempts, _ in works(place)] == [
            ("done", 1), ("done", 1), ("ready", 0), *[("published", 0)] * 3,
        ]  # fmt: skip
        assert told in str(works(place)[2])
    with misbehaving(Billing()) as server, endpoint(server.url) as engine:
        use_engine(engine)
        with_pauses_over(place)
        work_off(place)
        check(place, run)
        assert {state for state, _, _ in works(place)} == {"done"}


def with_pauses_over(place: Place) -> None:
    from models.database import transaction

    with transaction() as connection:
        connection.execute("update work set not_before = null")


def told_by_probe(answer: Callable[[Asked], Answer], **options: Any) -> tuple[str, list[Asked]]:
    """What a person is told of an endpoint before sampling, and what that was asked."""
    with misbehaving(answer) as server:
        probed = probe(Load("openai:m", {"endpoint": server.url}), request(1, **options).sampling)
        assert not probed.left_out
        return " ".join(probed.notes), server.asked


PROBED: list[tuple[Callable[[Asked], Answer], dict[str, Any], str]] = [
    (Billing(("temperature",)), {}, "give --temperature 1."),
    (Billing(("top_k",)), {"top_k": 5}, "leave out --top-k."),
    (Billing(("seed",)), {"seeded": True}, "leave out --seeded."),
    (lambda _: failure(404, "no such model", code="model_not_found"), {}, "has no m \\(no such model\\)"),
    (lambda _: failure(401, "Incorrect API key"), {}, "refuses the key"),
    (lambda _: failure(402, "Insufficient credits"), {}, "nothing more for this key"),
    (lambda _: Answer(200, b"<html>Hello</html>", kind="text/html"), {}, "no completion as OpenAI's"),
    (lambda _: Answer(200, {"answer": 42}), {}, "see --endpoint, which ends in /v1"),
    (lambda _: failure(400, "no"), {}, "--no-probe enqueues all the same"),
]


@pytest.mark.parametrize(("answer", "options", "told"), PROBED, ids=[each[-1] for each in PROBED])
def test_what_an_endpoint_refuses_is_a_sentence_before_sampling(
    answer: Callable[[Asked], Answer], options: dict[str, Any], told: str
) -> None:
    with pytest.raises(Unavailable, match=rf"^The endpoint http.*{told}") as caught:
        told_by_probe(answer, **options)
    assert "\n" not in str(caught.value)


WELL: list[tuple[Callable[[Asked], Answer], str]] = [
    (lambda _: failure(429, "slow down"), "answers 429: slow down; the run waits for it."),
    (lambda _: failure(500, "oh"), "answers 500: oh; the run waits for it."),
    (lambda _: failure(400, "Could not finish the message because max_tokens or model output limit was reached. Please "
                       "try again with higher max_tokens."), ""),
    (lambda _: failure(400, "max_tokens must be at least 16", param="max_tokens"), ""),
    (choices, ""),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "told"), WELL)
def test_an_endpoint_that_is_not_well_just_now_is_a_note(answer: Callable[[Asked], Answer], told: str) -> None:
    note, asked = told_by_probe(answer)
    assert told in note
    assert bool(note) is bool(told)
    assert [each["max_tokens"] for each in asked] == [1]


@pytest.mark.slow
def test_an_endpoint_is_asked_for_five_seconds_at_most() -> None:
    going = Event()

    def hang(asked: Asked) -> Answer:
        going.wait(20)
        return choices(asked)

    began = time.monotonic()
    try:
        assert "takes longer than 5 s" in told_by_probe(hang)[0]
        assert time.monotonic() - began < 7
    finally:
        going.set()


def test_without_a_key_only_a_server_that_wants_none_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    settings.cache_clear()
    assert "it wants a key, and OPENAI_API_KEY is not set here" in told_by_probe(lambda _: failure(401, "who?"))[0]
    with pytest.raises(Unavailable, match="give --temperature 1"):
        told_by_probe(Billing(("temperature",)))
    (note,) = probe(Load("openai:m"), request(1).sampling).notes
    assert "https://api.openai.com/v1 was not asked first" in note


def test_an_endpoint_is_asked_before_anything_is_stored(place: Place) -> None:
    with misbehaving(choices) as one, misbehaving(Billing(("logprobs", "temperature"))) as other:
        command = ["enqueue", "pocket-sums", "-m", "openai:m", "-n", "1", "--limit", "1"]
        both = ["--endpoint", one.url, "--endpoint", other.url]
        refused = place.monkeys(*command, *both, "--temperature", "0.5")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert refused.stderr.startswith(f"monkeys: The endpoint {other.url} refuses temperature 0.5 for m")
        assert refused.stderr.count("\n") == 1
        assert "another one each time" in place.refused(*command, "--endpoint", one.url, "--endpoint", one.url)
        assert place.one("select count(*) from run") + place.one("select count(*) from llm") == 0
        told = place.monkeys(*command, *both)
        assert "logprobs, temperature left out: the endpoint refuses it" in told.stderr
        assert shlex.join(["monkeys", "worker", "generate", "-m", "openai:m", *both]) in told.stderr
        assert place.one("select left_out from run") == ["logprobs", "temperature"]
        assert place.one("select engine_args from llm") == {"endpoint": [one.url, other.url]}
        assert len(one.asked) == 2
        place.ok(*command, *both, "--temperature", "0.5", "--no-probe", "--quiet")
        other.end()
        assert f"{other.url} does not answer" in place.monkeys(*command, *both).stderr
        assert len(one.asked) == 3
