"""Answers judged per second, with and without judging a candidate once, and how far the verdicts agree with labels.

    python tests/bench/answers.py

Real texts: for GSM8K the model solutions with official labels, for MATH Qwen's responses, repeated to 10,000 samples
a problem, as a run of repeated sampling holds them. The last line is how many times faster the rule makes the whole.
"""

import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
sys.path[0] = str(ROOT)  # in place of this folder, whose file names are those of other modules

from tests.shared_data import shared_rows  # noqa: E402
from verifiers.answers import (  # noqa: E402
    GSM8K_ANSWER,
    GSM8K_MATH_VERIFY,
    GSM8K_PAPER,
    MATH_PAPER,
    MATH_VERIFY,
)
from verifiers.answers.comparer import COMPARER  # noqa: E402
from verifiers.outcome import Outcome  # noqa: E402
from verifiers.verifier import Judgement, Problem, Verifier  # noqa: E402

SAMPLES, ROUNDS = 10_000, 5
EXPRESSION = "3"
"""The key of a MATH problem whose answer is no plain number, so that a comparison needs sympy."""


class Labelled(NamedTuple):
    problem: Problem
    text: str
    label: bool


def gsm8k() -> Iterator[Labelled]:
    pairs = zip(shared_rows("gsm8k/test.jsonl"), shared_rows("gsm8k/model_solutions.jsonl"), strict=True)
    for number, (truth, solution) in enumerate(pairs):
        for model in ("6b_finetuning", "6b_verification"):
            yield Labelled(Problem(str(number), truth), solution[model]["solution"], solution[model]["is_correct"])


def math() -> Iterator[Labelled]:
    for number, row in enumerate(shared_rows("math/qwen25math_responses.jsonl")):
        problem = Problem(str(number), {"problem": row["question"], "answer": row["gt"]})
        for text, label in zip(row["code"], row["score"], strict=True):
            yield Labelled(problem, text, bool(label))


def judge_each(verifier: Verifier, problem: Problem, texts: list[str]) -> int:
    """Every text extracted and every candidate judged; the number of judgements."""
    found = [candidate for text in texts if (candidate := verifier.extract(problem, text))]
    for candidate in found:
        verifier.judge(problem, candidate.text)
    return len(found)


def judge_once(verifier: Verifier, problem: Problem, texts: list[str]) -> int:
    """Every text extracted, every candidate judged once; the number of judgements."""
    verdicts: dict[str, Judgement] = {}
    for text in texts:
        candidate = verifier.extract(problem, text)
        if candidate and candidate.text not in verdicts:
            verdicts[candidate.text] = verifier.judge(problem, candidate.text)
    return len(verdicts)


def many(rows: list[Labelled], key: str) -> tuple[Problem, list[str]]:
    """A problem and SAMPLES texts for it: its own, again and again."""
    own = [row for row in rows if row.problem.key == key]
    return own[0].problem, list(islice(cycle([row.text for row in own]), SAMPLES))


def rate(
    judge: Callable[[Verifier, Problem, list[str]], int], verifier: Verifier, problem: Problem, texts: list[str]
) -> float:
    """Samples per second."""
    start = time.perf_counter()
    judge(verifier, problem, texts)
    return len(texts) / (time.perf_counter() - start)


def shown(rates: list[float]) -> str:
    return f"{statistics.median(rates):>11,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"


def agreement(name: str, verifier: Verifier, rows: list[Labelled]) -> None:
    table: Counter[tuple[bool, Outcome]] = Counter()
    for row in rows:
        table[row.label, verifier.check(row.problem, row.text).judgement.outcome] += 1
    for label in (True, False):
        cells = "  ".join(f"{outcome} {n}" for (is_right, outcome), n in sorted(table.items()) if is_right == label)
        print(f"{name:22} label {'correct' if label else 'incorrect':9} {cells}")


def main() -> None:
    """Print the two tables and, last, the ratio."""
    words, expressions = list(gsm8k()), list(math())
    cases = [
        ("gsm8k answer", GSM8K_ANSWER, *many(words, "0")),
        ("gsm8k math-verify", GSM8K_MATH_VERIFY, *many(words, "0")),
        ("math math-verify", MATH_VERIFY, *many(expressions, EXPRESSION)),
    ]
    rates: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for name, verifier, problem, texts in cases:
            rates.setdefault((name, "each"), []).append(rate(judge_each, verifier, problem, texts))
            rates.setdefault((name, "once"), []).append(rate(judge_once, verifier, problem, texts))
    print(f"samples/s, {SAMPLES:,} samples of one problem, median of {ROUNDS} rounds (least to most)")
    for name, verifier, problem, texts in cases:
        each, once = rates[name, "each"], rates[name, "once"]
        print(
            f"{name:20} judged each {shown(each):36} judged once {shown(once):36} candidates "
            f"{judge_once(verifier, problem, texts)}"
        )
    for name, verifier, rows in (
        ("gsm8k answer", GSM8K_ANSWER, words),
        ("gsm8k math-verify", GSM8K_MATH_VERIFY, words),
        ("gsm8k paper", GSM8K_PAPER, words),
        ("math math-verify", MATH_VERIFY, expressions),
        ("math paper", MATH_PAPER, expressions),
    ):
        agreement(name, verifier, rows)
    name = cases[-1][0]
    print(f"ratio {statistics.median(rates[name, 'once']) / statistics.median(rates[name, 'each']):.1f}")
    COMPARER.warm.close()


if __name__ == "__main__":
    main()
