"""A tiny real llm that thinks, in this process and behind a real `vllm serve`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from cli.stack.servers import Urls
from models.settings import settings
from tasks.engines.engine import Account, Completion, Engine, Load, Request, RequestRefused
from tests.place import Place, new_place, wait_until
from tests.thinking_checkpoint import make_thinking_llm
from tests.vllm_server import vllm_server
from verifiers.benchmarks.benchmark import Sampling

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1_000),
    pytest.mark.filterwarnings("default"),  # those of torch and vLLM, which are imported here
]

QUESTION = "Question: Ada has 3 apples and gets 4 more. How many apples?\nAnswer:"

OFF = {"enable_thinking": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("thinking")
    make_thinking_llm(made)
    return made


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    """vLLM in this process, with two replicas: on a CPU they share it."""
    from tasks.engines.vllm import load

    made = load(Load(str(folder), {"reasoning_parser": "qwen3", "data_parallel_size": 2, "dtype": "float32"}))
    yield made
    made.close()


def sampled(engine: Engine, size: int = 20, seeds: list[int] | None = None, **options: Any) -> list[Completion]:
    """Samples of the question, of an engine that bills what its samples say."""
    account = Account()
    sampling = Sampling(**{"temperature": 1.0, "max_tokens": 40, "chat": True, **options})
    found = engine.sample(Request("p", QUESTION, 0, size, sampling, seeds), Event(), account)
    assert account.completion_tokens == sum(each.completion_tokens or 0 for each in found)
    assert account.thinking_tokens == sum(each.thinking_tokens or 0 for each in found)
    return found


def test_a_template_that_opens_the_thinking_begins_the_sample(engine: Engine) -> None:
    found = sampled(engine, 100)
    assert all(each.text is not None and each.text.startswith("<think>\n") for each in found)
    ended = [each for each in found if "</think>" in str(each.text)]
    assert 0 < len(ended) < 100
    for each in found:
        assert each.completion_tokens is not None
        assert each.thinking_tokens is not None
        assert 0 < each.thinking_tokens <= each.completion_tokens
        assert each in ended or each.thinking_tokens == each.completion_tokens


def test_arguments_and_the_system_message_change_the_prompt(engine: Engine) -> None:
    (thinks,), (off,), (told,) = (
        sampled(engine, 1, **each) for each in ({}, {"chat_template_args": OFF}, {"system": "You add. Be brief."})
    )
    assert thinks.prompt_tokens is not None
    assert off.prompt_tokens == thinks.prompt_tokens - 2, "<think> and a line's end"
    assert told.prompt_tokens is not None
    assert told.prompt_tokens > thinks.prompt_tokens
    assert off.text is not None
    assert not off.text.startswith("<think>")


def test_a_thinking_budget_ends_the_thinking(engine: Engine) -> None:
    free, short = (
        [str(each.text).removeprefix("<think>\n").partition("</think>") for each in sampled(engine, **options)]
        for options in ({}, {"thinking_budget": 2})
    )
    assert not all(ended for _, ended, _ in free)
    assert all(ended for _, ended, _ in short)
    assert max(len(thought) for thought, _, _ in short) < max(len(thought) for thought, _, _ in free)


def test_a_structure_holds_for_the_answer_and_not_for_the_thinking(engine: Engine) -> None:
    for text in (str(each.text) for each in sampled(engine, structured_outputs={"choice": ["12", "7"]})):
        thinking, ended, answer = text.partition("</think>")
        assert thinking.startswith("<think>\n")
        assert answer in ("12", "7") if ended else True
    for each in sampled(engine, structured_outputs={"regex": "[0-9]{3}"}, chat_template_args=OFF):
        assert str(each.text).isdigit()
        assert len(str(each.text)) == 3


@pytest.mark.parametrize("penalty", ["presence_penalty", "frequency_penalty", "repetition_penalty"])
def test_penalties_reach_the_sampler(engine: Engine, penalty: str) -> None:
    seeds = list(range(60))
    plain, again, other = (
        [
            each.text
            for each in sampled(engine, 60, seeds, temperature=2.0, chat_template_args=OFF, seeded=True, **options)
        ]
        for options in ({}, {}, {penalty: 2.0})
    )
    assert same(plain, again) > same(plain, other) + 6


def same(texts: list[str | None], others: list[str | None]) -> int:
    """How many are equal, place by place."""
    return sum(one == other for one, other in zip(texts, others, strict=True))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"chat_template_args": {"enable_thinking": "x"}}, "enable_thinking must be true or false"),
        ({"structured_outputs": {"regex": "(("}}, "regex"),
        ({"structured_outputs": {"json": {"type": "nothing"}}}, "nothing"),
        ({"structured_outputs": {"grammar": "nonsense"}}, "grammar"),
    ],
)
def test_what_the_llm_cannot_be_asked_fails_at_once_with_the_reason(
    engine: Engine, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(RequestRefused, match=said):
        sampled(engine, 1, **options)


def test_replicas_are_counted_and_share_no_random_stream(engine: Engine) -> None:
    assert engine.gpus == 0, "on a CPU"
    assert engine.capacity == 2 * 2 * 256
    texts = [each.text for each in sampled(engine, 64, temperature=2.0, chat_template_args=OFF)]
    assert same(texts[::2], texts[1::2]) < 16


KEY = "sk-very-secret"


@pytest.fixture(scope="module")
def served(bundled: Urls, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, str]]:
    """A place with a worker for the llm behind a real server, and the server's URL."""
    before = os.environ.get("OPENAI_API_KEY")
    os.environ["OPENAI_API_KEY"] = KEY
    settings.cache_clear()
    home = tmp_path_factory.mktemp("served")
    options = ("--reasoning-parser", "qwen3", "--enable-prompt-tokens-details")
    with (
        new_place(bundled.database_url, bundled.broker_url, home) as place,
        vllm_server(folder, "thinks", KEY, *options) as url,
    ):
        place.start("worker", "generate", "-m", "openai:thinks", "--endpoint", url)
        place.start("worker", "verify", "-c", "1")
        place.start("sweep")
        yield place, url
    if before is None:
        del os.environ["OPENAI_API_KEY"]
    settings.cache_clear()


def run_of(served: tuple[Place, str], *options: str) -> list[dict[str, Any]]:
    """The samples of a run of ten of each of two problems, with their attempts."""
    place, url = served
    run = place.ok(
        "enqueue", "pocket-sums", "-m", "openai:thinks", "--endpoint", url, "-n", "10", "--limit", "2",
        "--max-tokens", "40", "--chat", "--quiet", *options,
    ).strip()  # fmt: skip
    wait_until(lambda: place.one("select finished_at from run where id = %s", (run,)), 300)
    rows = place.query("select * from sample where run_id = %s", (run,))
    assert len(rows) == 20, place.query("select last_error from work where run_id = %s", (run,))
    return rows


def test_a_server_gives_what_was_thought_apart(served: tuple[Place, str], tmp_path: Path) -> None:
    (tmp_path / "system").write_text("You add. Be brief.")
    rows = run_of(
        served, "--system", str(tmp_path / "system"), "--presence-penalty", "0.1", "--frequency-penalty", "0.1",
        "--repetition-penalty", "1.1", "--chat-template-arg", "enable_thinking=true",
    )  # fmt: skip
    assert all(each["thinking"] and "<think>" not in each["thinking"] for each in rows)
    assert any(each["text"] for each in rows)
    assert not any(each["text"] and each["text"].startswith(each["thinking"]) for each in rows)
    assert all(each["completion_tokens"] > 0 and each["logprob"] < 0 for each in rows)


def test_a_seeded_sample_has_its_thinking_tokens_too(served: tuple[Place, str]) -> None:
    rows = run_of(served, "--seeded")
    assert all(0 < each["thinking_tokens"] <= each["completion_tokens"] for each in rows)
    (billed,) = served[0].query(
        """
        select sum(billed_prompt_tokens) as prompt, sum(attempt.completion_tokens) as completion from attempt
        where id in (select attempt_id from sample where run_id = %s)
        """,
        (rows[0]["run_id"],),
    )
    assert billed["completion"] == sum(each["completion_tokens"] for each in rows)
    assert billed["prompt"] == sum(each["prompt_tokens"] or 0 for each in rows)


def test_a_server_is_told_not_to_think(served: tuple[Place, str]) -> None:
    rows = run_of(
        served, "--chat-template-arg", "enable_thinking=false", "--structured-outputs", '{"regex": "[0-9]{3}"}'
    )
    assert not any(each["thinking"] for each in rows)
    assert all(each["text"].isdigit() and len(each["text"]) == 3 for each in rows)


def test_a_server_ends_the_thinking_at_the_budget(served: tuple[Place, str]) -> None:
    schema = json.dumps({"json": {"type": "integer"}})
    rows = run_of(served, "--seeded", "--thinking-budget", "2", "--structured-outputs", schema)
    assert max(each["thinking_tokens"] for each in rows) <= 2
    assert any(each["text"].strip("-").isdigit() for each in rows)
