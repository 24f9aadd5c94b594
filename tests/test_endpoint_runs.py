"""What endpoints do to runs: what ends one, what is given back, and what is known before one is made."""

import shlex
import time
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from models.database import transaction
from models.questions.health import refused_queues
from models.settings import settings
from tasks.engines.engine import BILLED, Load
from tasks.engines.openai_probe import probe
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest
from tasks.workers.generate import use_engine
from tests.endpoints import endpoint, request
from tests.misbehaving import Answer, Asked, Billing, Server, choices, failure, misbehaving
from tests.place import Place
from tests.small_runs import check, work_off
from verifiers.errors import Unavailable

pytestmark = pytest.mark.usefixtures("key")


def asked_for(*servers: Server, temperature: float = 1.0, probe: bool = True) -> RunRequest:
    """A run of 2 problems in 6 batches."""
    urls = [server.url for server in servers]
    arguments = {"endpoint": urls[0] if len(urls) == 1 else urls}
    return RunRequest(
        "pocket-sums", "openai:m", 6, limit=2, batch_size=2, engine_args=arguments,
        sampling={"temperature": temperature}, probe=probe,
    )  # fmt: skip


def works(place: Place) -> list[tuple[str, int, str | None]]:
    """State, attempts and last error of every generate work."""
    rows = place.query("select state::text, attempts, last_error from work where kind = 'generate' order by id")
    return [(row["state"], row["attempts"], row["last_error"]) for row in rows]


def test_a_refused_run_ends_with_its_sentence_after_one_request_and_can_be_resumed(place: Place) -> None:
    billing = Billing(("temperature",))
    with misbehaving(billing) as server, endpoint(server.url) as engine:
        use_engine(engine)
        run = enqueue(asked_for(server, temperature=0.7, probe=False)).run_id
        other = enqueue(asked_for(server, probe=False)).run_id
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
        run = enqueue(asked_for(server)).run_id
        work_off(place, ("generate",), at_most=2)
        answers = lambda _: passing  # noqa: E731
        for _ in range(6):
            with_pauses_over(place)
            work_off(place, ("generate",), at_most=1)
        assert engine.dead.is_set() is (passing.status == 401)
        assert [(state, attempts) for state, attempts, _ in works(place)] == [
            ("done", 1), ("done", 1), ("ready", 0), *[("published", 0)] * 3,
        ]  # fmt: skip
        (broken,) = refused_queues()
        assert told in broken.error
        assert place.one("select attempts_unmeasured from cost where run_id = %s", (run,)) == 0, "nothing was billed"
    with misbehaving(Billing()) as server, endpoint(server.url) as engine:
        use_engine(engine)
        with_pauses_over(place)
        work_off(place)
        check(place, run)
        assert {state for state, _, _ in works(place)} == {"done"}


def with_pauses_over(place: Place) -> None:
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
        assert "another one each time" in place.refused(*command, "--endpoint", one.url, "--endpoint", f"{one.url}/")
        assert place.one("select count(*) from run") + place.one("select count(*) from llm") == 0
        told = place.monkeys(*command, *both)
        assert "logprobs, temperature left out: the endpoint refuses it" in told.stderr
        assert shlex.join(["monkeys", "worker", "generate", "-m", "openai:m", *both]) in told.stderr
        assert place.one("select left_out from run") == ["logprobs", "temperature"]
        assert place.one("select engine_args from llm") == {"endpoint": [one.url, other.url]}
        assert len(one.asked) == 2
        enqueue(asked_for(one, other, temperature=0.5, probe=False))
        other.end()
        assert f"{other.url} does not answer" in " ".join(enqueue(asked_for(one, other)).notes)
        assert len(one.asked) == 3
