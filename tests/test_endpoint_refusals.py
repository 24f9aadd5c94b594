"""What endpoints refuse, and what is learned from it."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from tasks.engines.engine import Account, EngineAway, Interrupted, RequestRefused, RunRefused
from tasks.engines.openai_refusals import change, fitted, left_out, read
from tests.endpoints import KEY, at_once, endpoint, request, sampled
from tests.misbehaving import BILLED, Answer, Asked, Billing, choices, failure, misbehaving
from verifiers.benchmarks.benchmark import Sampling

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
    ("Please stop. We do not seed clouds", None, {"n": 1}),
    ("no", None, {"n": 1}), ("", None, {"n": 1}), (None, None, {"n": 1}), (7, None, {"n": 1}),
    ([{"loc": [["logprobs"]]}, {"param": ["n"]}], None, {"n": 1}),
    ([{"error": {"code": 400, "message": "Multiple candidates is not enabled for this model"}}], "n", {"n": 1}),
    ("Unable to submit request because candidateCount must be 1 but the entered value was 8.", "n", {"n": 1}),
    ("Only one completion choice is allowed", "n", {"n": 1}),
    ("Unable to submit request because it has 6 stopSequences but the supported range is from 0 to 5.", "stop", None),
    (openai_says("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8193. Given: 8000 `inputs` "
                 "tokens and 1024 `max_new_tokens`", "max_tokens"), None, None),
    ("`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
     "temperature", {"top_p": None}),
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


@pytest.mark.parametrize("refused", [("logprobs",), ("logprobs", "n"), ("max_tokens", "n"), ("logprobs", "max_tokens")])
def test_concurrent_batches_lose_nothing_to_what_a_server_refuses(refused: tuple[str, ...]) -> None:
    billing = Billing(refused)
    with misbehaving(billing) as server, endpoint(server.url) as engine:
        sizes, accounts = at_once(engine, 10, 12)
        assert sizes == [12] * 10
        for name in BILLED:
            assert sum(getattr(account, name) for account in accounts) == getattr(billing.ledger, name)
        assert {account.left_out for account in accounts} == {frozenset({"logprobs"} & set(refused))}
        assert billing.refusals <= 2 * len(refused)


def test_a_batch_of_several_requests_loses_nothing_either() -> None:
    found, _ = sampled(Billing(("logprobs",)), request(300))
    assert len(found) == 300


def test_a_request_that_is_refused_after_another_one_taught_the_same_is_asked_again() -> None:
    changed, taught = Event(), Event()

    def answer(asked: Asked) -> Answer:
        if "logprobs" not in asked:
            taught.set()
            return choices(asked, logprobs=False)
        if not changed.is_set():
            return choices(asked)
        if asked["prompt"] != "0":  # it was sent before that of batch 0 was accepted without the field
            assert taught.wait(30)
            time.sleep(0.3)
        return failure(400, "logprobs is not supported", param="logprobs")

    with misbehaving(answer) as server, endpoint(server.url) as engine:
        at_once(engine, 1, 1)
        changed.set()
        sizes, _ = at_once(engine, 5, 4)
        assert sizes == [4] * 5
        assert sum("logprobs" in asked for asked in server.asked) == 1 + 5


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
        time.sleep(0.1)  # long enough for others to come too
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
            assert account == Account(requests=0)
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


@pytest.mark.parametrize(("status", "said"), [(500, "Only one completion choice is allowed"), (400, "Bad request")])
def test_a_server_that_takes_one_choice_and_hardly_says_so_loses_nothing(status: int, said: str) -> None:
    def answer(asked: Asked) -> Answer:
        return failure(status, said) if asked.get("n", 1) > 1 else choices(asked)

    found, asked = sampled(answer, request(6), retries=0)
    assert len(found) == 6
    assert len(asked) == 7


def test_of_two_settings_that_do_not_go_together_the_one_that_does_nothing_goes() -> None:
    def answer(asked: Asked) -> Answer:
        both = "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
        return failure(400, both) if {"temperature", "top_p"} <= asked.keys() else choices(asked)

    _, asked = sampled(answer, request(2))
    assert asked[-1]["temperature"] == 0.7
    with pytest.raises(RunRefused, match="give --temperature 1"):
        sampled(answer, request(2, top_p=0.9))


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
