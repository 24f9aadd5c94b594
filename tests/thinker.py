"""An OpenAI-compatible server of two llms that think, with a ledger of all that they answered, by seed.

`small` thinks between tags, `large` in a field of its own. Both know what they answer: thoughts hold the opposite of
the answer, some do not end, and some answers are none.
"""

import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.misbehaving import Answer, Asked, failure
from verifiers.outcome import Outcome

SECONDS = 0.3
"""That an answer takes."""

FAILING = 0.08
"""Share of requests that get a 429, a 500, a 503 or half an answer."""


@dataclass(frozen=True)
class Told:
    """One answer as it was given, and what it is worth."""

    text: str
    thinking: str | None
    outcome: Outcome
    completion_tokens: int
    thinking_tokens: int
    finish_reason: str


@dataclass
class Thinker:
    """Answers by (llm, problem, seed) and by nothing else, however often it is asked."""

    chances: Mapping[str, Mapping[str, float]]
    """llm -> problem -> how often it is right."""
    answers: Mapping[str, int]
    """Problem -> its right answer. A prompt names its problem as [KEY]."""
    told: dict[str, dict[str, dict[int, Told]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(dict)))
    """llm -> problem -> seed -> the answer: the test's own ledger."""
    failed: Counter[str] = field(default_factory=Counter)
    again: int = 0
    """Requests for what was answered before, by someone who is no more or heard only half of it."""

    def __post_init__(self) -> None:
        self._random, self._lock = Random(0), threading.Lock()

    def __call__(self, asked: Asked) -> Answer:
        with self._lock:
            fails = self._random.random() < FAILING
            passing = self._random.choice(("429", "500", "503", "cut")) if fails else ""
            self.failed[passing] += fails
        time.sleep(SECONDS)
        if passing.isdecimal():
            return failure(int(passing), "not now", Retry_After="0.05")
        llm, seed = asked["model"], asked.get("seed")
        if seed is None:
            return _answer(Told("", None, Outcome.no_answer, 1, 0, "length"), asked)  # it is asked whether it is there
        (key,) = re.findall(r"\[(\w+)\]", asked["messages"][-1]["content"])
        with self._lock:
            told = self._say(llm, key, seed)
            self.again += seed in self.told[llm][key]
            self.told[llm][key][seed] = told
        return _answer(told, asked, cut=passing == "cut")

    def _say(self, llm: str, key: str, seed: int) -> Told:
        random, right = Random(f"{llm} {key} {seed}"), self.answers[key]
        wrong = right + random.randint(1, 9)
        if random.random() < 0.1:
            return _said(llm, f"Is it {right}?\nANSWER: {right}", None, Outcome.no_answer, random)
        if random.random() < 0.1:
            return _said(llm, f"ANSWER: {right}", "I do not know.", Outcome.no_answer, random)
        if random.random() < self.chances[llm][key]:
            return _said(llm, f"ANSWER: {wrong}\nNo.", f"So.\nANSWER: {right}", Outcome.correct, random)
        return _said(llm, f"ANSWER: {right}\nNo.", f"So.\nANSWER: {wrong}", Outcome.incorrect, random)


def _said(llm: str, thought: str, answer: str | None, outcome: Outcome, random: Random) -> Told:
    """A thought and an answer, None where the thought does not end, as this llm gives them."""
    thought_tokens = random.randint(5, 40)
    tokens = thought_tokens + (random.randint(3, 9) if answer else 0)
    reason = "length" if answer is None else "stop"
    if llm == "large":
        return Told(answer or "", thought, outcome, tokens, thought_tokens, reason)
    text = f"<think>\n{thought}" + ("" if answer is None else f"\n</think>\n\n{answer}")
    return Told(text, None, outcome, tokens, thought_tokens, reason)


def _answer(told: Told, asked: Asked, *, cut: bool = False) -> Answer:
    message = {"role": "assistant", "content": told.text, "reasoning_content": told.thinking}
    body: dict[str, Any] = {
        "id": "1", "object": "chat.completion", "created": 1, "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": told.finish_reason, "logprobs": None}],
        "usage": {
            "prompt_tokens": 20, "completion_tokens": told.completion_tokens,
            "total_tokens": 20 + told.completion_tokens,
            "completion_tokens_details": {"reasoning_tokens": told.thinking_tokens},
        },
    }  # fmt: skip
    return Answer(body=body, cut=cut)
