"""Chat runs: what a person gives is what is stored, what an endpoint is sent and what `show` prints."""

import json
import re
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from tasks.engines import openai_wire
from tasks.engines.engine import Account, Load, Request
from tasks.engines.openai import Endpoint
from tasks.engines.vllm_request import Tags
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest, chosen_sampling
from tests.misbehaving import choices, misbehaving
from tests.place import Place
from tests.small_runs import small, use_recording, work_off
from verifiers.benchmarks.benchmark import Sampling
from verifiers.benchmarks.pocket_sums import POCKET_SUMS
from verifiers.benchmarks.template import filled
from verifiers.errors import UserError
from verifiers.verifier import Problem

SCHEMA = {"type": "object", "properties": {"sum": {"type": "integer"}}}

ASKED = ("enqueue", "pocket-sums", "-m", "openai:m", "-n", "1", "--limit", "1", "--quiet")


def stored(place: Place, *options: str) -> dict[str, Any]:
    """run.sampling of a run that is enqueued with these options."""
    found = place.one("select sampling from run where id = %s", (int(place.ok(*ASKED, *options)),))
    assert isinstance(found, dict)
    return found


def test_what_a_person_asks_of_a_chat_is_what_the_endpoint_is_sent(place: Place, tmp_path: Path) -> None:
    (tmp_path / "system").write_text("Rechne. Ä\n")
    (tmp_path / "schema").write_text(json.dumps({"json": SCHEMA}))
    sampling = stored(
        place, "--chat", "--system", str(tmp_path / "system"), "--chat-template-arg", "enable_thinking=false",
        "--chat-template-arg", "effort=high", "--thinking-budget", "500", "--presence-penalty", "-1.5",
        "--frequency-penalty", "0.5", "--repetition-penalty", "1.1", "--structured-outputs", f"@{tmp_path / 'schema'}",
        "--stop", "END",
    )  # fmt: skip
    assert sampling == {
        "temperature": 1.0, "max_tokens": 160, "top_p": 1.0, "stop": ["END"], "include_stop": False, "chat": True,
        "token_logprobs": False, "seeded": False, "system": "Rechne. Ä\n", "thinking_budget": 500,
        "chat_template_args": {"enable_thinking": False, "effort": "high"}, "presence_penalty": -1.5,
        "frequency_penalty": 0.5, "repetition_penalty": 1.1, "structured_outputs": {"json": SCHEMA},
    }  # fmt: skip
    with misbehaving(choices) as server:
        engine = Endpoint(Load("openai:m", {"endpoint": server.url}))
        try:
            engine.sample(Request("p", "What is 3 + 4?", 0, 2, Sampling.read(sampling)), Event(), Account())
        finally:
            engine.close()
        assert server.asked == [
            {
                "model": "m", "temperature": 1.0, "top_p": 1.0, "max_tokens": 160, "n": 2, "stop": ["END"],
                "presence_penalty": -1.5, "frequency_penalty": 0.5, "repetition_penalty": 1.1, "logprobs": True,
                "chat_template_kwargs": {"enable_thinking": False, "effort": "high"},
                "thinking_token_budget": 500, "custom_params": {"thinking_budget": 500},
                "response_format": {
                    "type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
                },
                "messages": [
                    {"role": "system", "content": "Rechne. Ä\n"}, {"role": "user", "content": "What is 3 + 4?"},
                ],
            }
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        ({"regex": "[0-9]+"}, {"structured_outputs": {"regex": "[0-9]+"}, "regex": "[0-9]+"}),
        ({"grammar": 'root ::= "7"'}, {"structured_outputs": {"grammar": 'root ::= "7"'}, "ebnf": 'root ::= "7"'}),
        ({"choice": ["7", "a+b"]}, {"structured_outputs": {"choice": ["7", "a+b"]}, "regex": r"7|a\+b"}),
    ],
)
def test_a_structure_is_asked_for_by_each_servers_own_name(wanted: dict[str, Any], fields: dict[str, Any]) -> None:
    plain, asked = (
        openai_wire.body("m", Request("p", "?", 0, 1, Sampling(1, 9, structured_outputs=each)), 1, None, {})
        for each in (None, wanted)
    )
    assert asked == plain | fields


def test_a_choice_as_a_regular_expression_means_the_same_texts() -> None:
    texts = ["a.b", "(x)", "1|2", "[^\\]", "$5?", "{2}*", "ä b"]
    asked = openai_wire.body(
        "m", Request("p", "?", 0, 1, Sampling(1, 9, structured_outputs={"choice": texts})), 1, None, {}
    )
    assert all(re.fullmatch(asked["regex"], each) for each in texts)
    assert not re.fullmatch(asked["regex"], "axb")


ANSWERS: list[tuple[dict[str, Any], dict[str, Any], tuple[str, str | None, int | None]]] = [
    ({"content": "7", "reasoning": "3 + 4"}, {"reasoning_tokens": 3}, ("7", "3 + 4", 3)),
    ({"content": "7", "reasoning_content": "3 + 4"}, {"reasoning_tokens": 3}, ("7", "3 + 4", 3)),
    ({"content": None, "reasoning": "3 + 4 is"}, {"reasoning_tokens": 5}, ("", "3 + 4 is", 5)),
    ({"content": "7", "reasoning": "3 + 4"}, {"reasoning_tokens": 0}, ("7", "3 + 4", None)),
    ({"content": "7", "reasoning": None}, {"reasoning_tokens": 0}, ("7", None, 0)),
    ({"content": "7", "reasoning": ""}, {}, ("7", None, None)),
    ({"content": "7"}, {"reasoning_tokens": -3}, ("7", None, None)),
    ({"content": "7"}, {"reasoning_tokens": "many"}, ("7", None, None)),
    ({"content": [{"type": "text", "text": "7"}, {"type": "text", "text": "!"}, 5]}, {}, ("7!", None, None)),
    (
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "3 + 4"}]}, {"text": "7"}]},
        {},
        ("7", "3 + 4", None),
    ),
    ({"content": [{"type": "reasoning", "text": "3 + 4"}, {"type": "text", "text": None}]}, {}, ("", "3 + 4", None)),
    ({"content": None, "refusal": "I may not."}, {}, ("", None, None)),
    ({"content": None, "tool_calls": [{"function": {"name": "add"}}]}, {}, ("", None, None)),
    ({"content": "7", "reasoning": 7}, {}, ("7", None, None)),
]


@pytest.mark.parametrize(("message", "details", "found"), ANSWERS)
def test_what_was_thought_and_answered_is_kept_apart(
    message: dict[str, Any], details: dict[str, Any], found: tuple[str, str | None, int | None]
) -> None:
    answer = {
        "choices": [{"message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 9, "completion_tokens_details": details or None},
    }
    (sample,) = openai_wire.completions(answer, Request("p", "?", 0, 1, Sampling(1, 9, chat=True)), 1, None)
    assert (sample.text, sample.thinking, sample.thinking_tokens) == found
    assert sample.completion_tokens == 9


def test_thinking_tokens_of_several_samples_are_not_known_of_each() -> None:
    choice = {"message": {"content": "7", "reasoning": "3 + 4"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 5, "completion_tokens": 18, "completion_tokens_details": {"reasoning_tokens": 6}}
    request = Request("p", "?", 0, 2, Sampling(1, 9, chat=True))
    found = openai_wire.completions({"choices": [choice] * 2, "usage": usage}, request, 2, None)
    assert [(each.thinking, each.thinking_tokens) for each in found] == [("3 + 4", None)] * 2


def test_sglang_tells_thinking_tokens_in_a_place_of_its_own_where_0_is_no_news() -> None:
    choice = {"message": {"content": "7", "reasoning_content": "3 + 4"}, "finish_reason": "stop"}
    request = Request("p", "?", 0, 1, Sampling(1, 9, chat=True))
    for told, known in ((4, 4), (0, None)):
        (sample,) = openai_wire.completions(
            {"choices": [choice], "usage": {"reasoning_tokens": told}}, request, 1, None
        )
        assert sample.thinking_tokens == known


OWN_CHAT = replace(POCKET_SUMS, name="own-chat", sampling=Sampling(1, 9, stop=("END",), chat=True))


@pytest.mark.parametrize(
    ("benchmark", "sampling", "stop"),
    [
        ("gsm8k", {}, ("Q:", "Question:")),
        ("gsm8k", {"chat": True}, ()),
        ("gsm8k", {"chat": True, "stop": ("Q:",)}, ("Q:",)),
        ("gsm8k", {"stop": ()}, ()),
        ("tests.test_chat:OWN_CHAT", {"chat": True}, ("END",)),
    ],
)
def test_a_chat_does_not_carry_the_stop_strings_of_a_raw_prompt(
    benchmark: str, sampling: dict[str, Any], stop: tuple[str, ...]
) -> None:
    assert chosen_sampling(RunRequest(benchmark, "openai:m", 1, sampling=sampling)).stop == stop


def test_a_run_may_have_no_stop_string(place: Place, tmp_path: Path) -> None:
    run = small(tmp_path).enqueue(place, 1, "--no-stop")
    assert place.one("select stop from run where id = %s", (run,)) == []


def test_show_prints_the_messages_as_sent(place: Place, tmp_path: Path) -> None:
    recorded = small(tmp_path, problems=1)
    (tmp_path / "system").write_text("You are\x1b[31m a bird.")
    run = recorded.enqueue(
        place, 5, "--chat", "--system", str(tmp_path / "system"), "--chat-template-arg", "enable_thinking=false"
    )
    use_recording(recorded.recording)
    work_off(place)
    said = place.ok("show", str(run), "0", "0")
    assert "── system ─" in said
    assert "You are\\x1b[31m a bird." in said
    assert "── prompt with enable_thinking=false ─" in said
    (row,) = json.loads(place.ok("show", str(run), "0", "0", "--json"))
    assert (row["system"], row["chat_template_args"]) == ("You are\x1b[31m a bird.", {"enable_thinking": False})


def test_a_template_is_the_whole_prompt(place: Place, tmp_path: Path) -> None:
    recorded = small(tmp_path)
    recorded.data.write_text('{"question": "Is {question} 5{answers}?", "answer": "#### 5"}\n')
    (tmp_path / "template").write_text("{question}\nPut it in \\boxed{}, as {x}.")
    options = ("enqueue", "gsm8k", "-m", f"replay:{recorded.recording}", "-n", "1", "--data", str(recorded.data))
    run = place.ok(*options, "--prompt-template", str(tmp_path / "template"), "--quiet")
    text = place.one("select text from prompt where run_id = %s", (int(run),))
    assert text == "Is {question} 5{answers}?\nPut it in \\boxed{}, as {x}."
    for content, said in {
        "{question} \\boxed{answer}": "holds {answer}, which says what is right",
        "{problem}": "no field of these problems, which have {question}.",
        "": "no field of these problems",
        "{question}" + "x" * 200_000: "at most 200,000 characters",
    }.items():
        (tmp_path / "template").write_text(content)
        assert said in place.refused(*options, "--prompt-template", str(tmp_path / "template"))
    said = place.refused(*options, "--prompt-template", str(tmp_path / "template"), "--shots", str(recorded.data))
    assert "leave out --shots" in said
    assert place.one("select count(*) from run") == 1


def test_a_field_that_is_no_text_stands_in_a_prompt_as_json() -> None:
    assert filled("{a} {b}", [Problem("1", {"a": ["ä", 1], "b": "{a}"})]) == ['["ä", 1] {a}']


DEEP = "[" * 600 + "]" * 600

WRONG = [
    (["--thinking", "server"], "--thinking server is what a chat's answer holds apart from its text; add --chat"),
    (["--system", "FILE"], "--system is for a chat template; add --chat"),
    (["--chat-template-arg", "a=1"], "--chat-template-arg is for a chat template; add --chat"),
    (["--chat", "--chat-template-arg", "a"], "--chat-template-arg takes key=value"),
    (["--chat", "--chat-template-arg", "a=NaN"], "--chat-template-arg a must not be or hold NaN"),
    (["--chat", "--chat-template-arg", "tokenize=true"], "not the template's own"),
    (["--chat", "--chat-template-arg", 'a="\\u0000"'], "without NUL and broken Unicode"),
    (["--chat", "--chat-template-arg", "a=\udce4"], "is not UTF-8 text"),
    (["--chat", "--chat-template-arg", f"a={DEEP}"], "nothing nested very deeply"),
    (["--chat", "--chat-template-arg", "a=" + "x" * 300_000], "at most 200,000 characters"),
    (["--chat", "--system", "LARGE"], "at most 200,000 characters"),
    (["--chat", "--system", "NUL"], "without NUL and broken Unicode"),
    (["--chat", "--system", "LATIN"], "cannot be read"),
    (["--chat", "--system", "."], "cannot be read"),
    (["--chat", "--system", "missing"], "cannot be read"),
    (["--stop", "\udce4"], "is not UTF-8 text"),
    (["--stop", "x", "--no-stop"], "--stop or --no-stop"),
    (["--thinking-budget", "0"], "--thinking-budget"),
    (["-m", "some/Llm", "--thinking-budget", "9"], "--engine-arg reasoning_parser="),
    (["--presence-penalty", "2.5"], "it must be a number of at least -2 and at most 2"),
    (["--frequency-penalty", "nan"], "it must be a number of at least -2 and at most 2"),
    (["--repetition-penalty", "0"], "it must be a number above 0"),
    (["--structured-outputs", "7"], "it must be a JSON object"),
    (["--structured-outputs", "{"], "it must be a JSON object"),
    (["--structured-outputs", "[" * 100_000], "it must be a JSON object"),
    (["--structured-outputs", "@missing"], "cannot be read"),
    (["--structured-outputs", "{}"], "takes one of"),
    (["--structured-outputs", '{"regex": "a", "json": {}}'], "takes one of"),
    (["--structured-outputs", '{"json": "integer"}'], "takes one of"),
    (["--structured-outputs", '{"regex": ""}'], "takes one of"),
    (["--structured-outputs", '{"guess": "a"}'], "takes one of"),
    (["--structured-outputs", '{"choice": ["a", 7]}'], "takes texts as a choice"),
    (["--structured-outputs", '{"json": {"maximum": 1e999}}'], "must not be or hold NaN"),
    (["--structured-outputs", f'{{"json": {{"enum": {DEEP}}}}}'], "nothing nested very deeply"),
    (["--engine-arg", f"a={DEEP}"], "nothing nested very deeply"),
    (["--engine-arg", "model=another"], "--engine-arg model is settled by -m"),
    (["--engine-arg", "n=99"], "--engine-arg n is settled by -n"),
]


UNASKABLE: list[dict[str, Any]] = [
    {"system": "x"},
    {"chat": True, "chat_template_args": {"a": float("nan")}},
    {"presence_penalty": 3},
]
"""The same of a program."""


def test_what_cannot_be_asked_is_one_sentence_and_leaves_nothing(place: Place, tmp_path: Path) -> None:
    files = {"FILE": b"Be a bird.", "LARGE": b"x" * 1_000_000, "NUL": b"a\0b", "LATIN": "é".encode("latin-1")}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    for options, said in WRONG:
        output = place.refused(*ASKED, *(str(tmp_path / each) if each in files else each for each in options))
        assert said in " ".join(output.split()), options
    for sampling in UNASKABLE:
        with pytest.raises(UserError):
            enqueue(RunRequest("pocket-sums", "openai:m", 1, limit=1, sampling=sampling))
    assert place.one("select count(*) from run") == 0


@pytest.mark.parametrize(
    ("prompt", "opened"),
    [("2 + 2?<think>\n", "<think>\n"), ("2 + 2?<think>", "<think>"), ("<think>\n\n</think>\n\n", ""), ("2 + 2?", "")],
)
def test_a_prompt_that_ends_in_the_tag_opens_the_thinking(prompt: str, opened: str) -> None:
    assert Tags().opened(prompt) == opened


@pytest.mark.parametrize(
    ("text", "ids", "thought"),
    [
        ("<think>3 + 4</think>7", [1, 2, 8, 9, 5], 4),
        ("3 + 4</think>7</think>5", [2, 8, 9, 5, 8, 9, 5], 6),
        ("<think>3 + 4", [1, 2, 8], 3),
        ("7", [5], 0),
        ("", [], 0),
    ],
)
def test_thinking_tokens_are_those_up_to_the_tag_that_ends_it(text: str, ids: list[int], thought: int) -> None:
    assert Tags("<think>", (8, 9)).thinking_tokens(text, ids) == thought
    assert Tags().thinking_tokens(text, ids) is None
