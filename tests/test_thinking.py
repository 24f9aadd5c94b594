"""What was thought is kept and never judged; what was answered is."""

import json
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_check import check, write
from verifiers.thinking import RULES, UNENDED, answer_from

WRONG, RIGHT = "```python\nprint(0)\n```", "```python\nprint(int(input()) + 1)\n```"
DRAFT = "```python\ndef up(n):\n    return 0\n```"
FINAL = "```python\ndef up(n):\n    return n + 1\n```"
NEXT = {
    "name": "0",
    "description": "Print the next number.",
    "public_tests": {"input": ["1\n", "5\n"], "output": ["2\n", "6\n"]},
}
UP = {
    "task_id": "0",
    "prompt": "def up(n):\n    '''The next number.'''\n",
    "entry_point": "up",
    "test": "def check(candidate):\n    assert candidate(1) == 2\n",
}
EGGS = {"question": "How many?", "answer": "#### 18"}
TWELVE = {"problem": "How many?", "answer": "12", "unique_id": "0"}

needs_bwrap = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: no program was judged")


@pytest.mark.parametrize(
    ("benchmark", "problem", "verifier", "text", "finish_reason", "outcome"),
    [
        pytest.param(
            "codecontests", NEXT, "strict", f"<think>{WRONG}</think> {RIGHT}", "stop", "correct", marks=needs_bwrap
        ),
        pytest.param("humaneval", UP, "tests", f"<think>{DRAFT}</think> {FINAL}", "stop", "correct", marks=needs_bwrap),
        pytest.param(
            "codecontests", NEXT, "strict", f"{WRONG} That fails. Final: {RIGHT}", "stop", "correct", marks=needs_bwrap
        ),
        ("codecontests", NEXT, "strict", f"<think>{RIGHT}", "length", "no_answer"),
        ("math", TWELVE, "math-verify", r"<think>it is \boxed{12}, but check", "length", "no_answer"),
        ("gsm8k", EGGS, "answer", "<think>maybe #### 20</think> #### 18", "stop", "correct"),
        ("gsm8k", EGGS, "answer", "<think>\n#### 18\nwait, let me check", "length", "no_answer"),
        ("gsm8k", EGGS, "paper", "<think>\n#### 18\nwait, let me check", "length", "no_answer"),
        ("gsm8k", EGGS, "math-verify", "<think>\n#### 18\nwait, let me check", "length", "no_answer"),
    ],
)
def test_only_what_was_answered_is_checked(
    tmp_path: Path, benchmark: str, problem: object, verifier: str, text: str, finish_reason: str, outcome: str
) -> None:
    data = write(tmp_path / "data.jsonl", [problem])
    texts = write(tmp_path / "texts.jsonl", [{"problem": "0", "text": text, "finish_reason": finish_reason}])
    result = check(benchmark, texts, "--data", data, "--verifier", verifier, "--thinking", "tags")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert (said["outcome"], said["detail"] == UNENDED) == (outcome, outcome == "no_answer")


def test_check_takes_what_a_server_gave_apart_and_judges_all_unless_told(tmp_path: Path) -> None:
    texts = write(
        tmp_path / "texts.jsonl",
        [
            {"problem": "sums-000", "text": "", "thinking": "so much", "finish_reason": "length"},
            {"problem": "sums-000", "text": "#### 4", "thinking": "so much"},
            {"problem": "sums-000", "text": "<think>#### 3"},
        ],
    )
    for rule, wanted in (("server", [None, "4", "3"]), (None, [None, "4", "3"]), ("tags", [None, "4", None])):
        said = check("pocket-sums", texts, *(("--thinking", rule) if rule else ())).stdout
        rows = [json.loads(line) for line in said.splitlines()]
        assert [row["candidate"] for row in rows] == wanted
        assert (rows[0]["detail"] == UNENDED) is (rule is not None)
    bad = write(tmp_path / "bad.jsonl", [{"problem": "sums-000", "text": "", "thinking": 7}])
    assert "that is no text" in check("pocket-sums", bad).output
    assert check("pocket-sums", texts, "--thinking", "tag").exit_code == 2


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>a</think>b", "b"),
        (" \n<think>a</think>b", "b"),
        ("a</think>b", "b"),  # the prompt opened it
        ("<think>a</think>b</think>c", "c"),  # the thought quoted its tag
        ("<think>a</think>b<think>c</think>d", "d"),  # it thought again
        ("<think>a<think>b</think>c", "c"),  # the thought spoke of the tag
        ("<think>a<think>b</think>c</think>d", "d"),
        ("<think></think>b", "b"),
        ("<think>a</think>", ""),
        ("<think>a</think>b <think> is a tag", "b <think> is a tag"),
        ("b <think> is a tag", "b <think> is a tag"),
        ("<Think>b", "<Think>b"),
        ("<think>a</think> b", "b"),
        ("<think>a</think>\n \n\n    return b\n", "    return b\n"),  # its indentation means something
        ("<think>a", None),
        ("<think>", None),
        ("<think>a</think>\n<think>b", None),
        ("<think>a</think>b\n<think>c", None),  # it thinks again, and what it considers is no answer
        ("b", "b"),
        ("", ""),
    ],
)
def test_an_answer_begins_behind_the_last_closing_tag(text: str, answer: str | None) -> None:
    start = answer_from("tags", text)
    assert (None if start is None else text[start:]) == answer


def test_a_prompt_may_open_the_thought() -> None:
    assert answer_from("tags", "a", prompt="Go.<think>\n") is None
    assert answer_from("tags", "a</think>b", prompt="Go.<think>\n") == len("a</think>")
    assert answer_from("tags", "a", prompt="Go.<think>\n\n</think>\n\n") == 0
    assert answer_from("end-tag", "a") is None
    assert answer_from("end-tag", "a</think>b") == len("a</think>")


def test_nothing_beside_a_thought_or_the_limit_is_no_answer() -> None:
    for rule in ("server", "tags", "end-tag"):
        assert answer_from(rule, " \n", thinking="a") is None
        assert answer_from(rule, None, finish_reason="length") is None
    for rule in ("server", "tags"):
        assert answer_from(rule, "", finish_reason="stop") == 0
        assert answer_from(rule, "b", thinking="a", finish_reason="length") == 0
    assert answer_from("server", "<think>a") == 0
    assert answer_from("none", "", thinking="a", finish_reason="length") == 0


PIECES = st.lists(st.sampled_from(["<think>", "</think>", "a", " ", "\n", "<", "think>", "é"])).map("".join)


@given(PIECES, st.sampled_from(list(RULES)), st.none() | PIECES, st.sampled_from(["", "Go.<think>\n"]))
def test_an_answer_is_the_end_of_its_text_and_holds_no_closed_thought(
    text: str, rule: str, thinking: str | None, prompt: str
) -> None:
    start = answer_from(rule, text, thinking, prompt)
    if start is None:
        assert rule != "none"
        return
    assert 0 <= start <= len(text)
    if rule in ("tags", "end-tag"):
        assert "</think>" not in text[start:]
        assert start == 0 or text[:start].rstrip().endswith("</think>")
        assert not text[start:].lstrip().startswith("<think>")


@given(PIECES.filter(lambda text: "<think>" not in text and "</think>" not in text), PIECES)
def test_whatever_was_thought_changes_no_answer(answer: str, thought: str) -> None:
    whole = f"<think>{thought}</think>{answer}"
    start = answer_from("tags", whole)
    assert start is not None
    assert whole[start:].split() == answer.split()


def test_a_hundred_thousand_tokens_of_thought_take_no_time() -> None:
    began = time.process_time()
    for unit in ("wait, ", "<think>", "</think>", "\n", " ", "<", "</think>\n"):
        text = "<think>" + unit * (1_000_000 // len(unit))
        assert answer_from("tags", text + "x</think>b") == len(text + "x</think>")
        answer_from("tags", text)
    assert time.process_time() - began < 2
