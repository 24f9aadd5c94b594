r"""No true answer with one character changed is right, and every true answer written in another way is.

    python -m tests.test_answers_rewritings

prints how many rewritings of each family we accept, and how many math-verify does on the same pairs.
"""

from collections.abc import Callable
from itertools import islice
from random import Random

import math_verify
import pytest

from tests.answer_changes import Pair, changed, golds_of_gsm8k, golds_of_math
from tests.answer_rewritings import FAMILIES, Made, rewritten
from verifiers.answers import GSM8K_ANSWER, GSM8K_MATH_VERIFY, MATH_VERIFY
from verifiers.verifier import Problem, Verifier

MANY = 1_000
VALUES = 10


def is_right(verifier: Verifier, pair: Pair, text: str) -> bool:
    problem = Problem("x", {"problem": "", "question": "", "answer": pair.gold})
    return verifier.check(problem, text).judgement.outcome == "correct"


def boxed(pair: Pair) -> str:
    return f"So the answer is $\\boxed{{{pair.answer}}}$."


def accepted(pairs: list[Pair]) -> list[Pair]:
    return [pair for pair in pairs if is_right(MATH_VERIFY, pair, boxed(pair))]


def accepted_by_math_verify(pair: Pair) -> bool:
    gold, answer = math_verify.parse(f"${pair.gold}$"), math_verify.parse(boxed(pair))
    return bool(math_verify.verify(gold, answer))


def assert_no_changed_answer_is_right(seed: int, pairs: int) -> None:
    wrong = accepted(list(islice(changed(golds_of_math(), seed), pairs)))
    for pair in islice(changed(golds_of_gsm8k(), seed), pairs):
        texts = (
            [boxed(pair)] if pair.answer.strip("*_()[]:=!., ;") == pair.gold else [boxed(pair), f"#### {pair.answer}"]
        )
        for verifier in (GSM8K_ANSWER, GSM8K_MATH_VERIFY):
            wrong += [pair for text in texts if is_right(verifier, pair, text)]
    assert not wrong


def test_no_answer_with_one_character_changed_is_right() -> None:
    assert_no_changed_answer_is_right(seed=1, pairs=150)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 5))
def test_no_answer_of_many_with_one_character_changed_is_right(seed: int) -> None:
    assert_no_changed_answer_is_right(seed, MANY)


@pytest.mark.parametrize("family", FAMILIES)
def test_rewritings_are_right_and_other_values_are_not(family: Callable[[Random], Made]) -> None:
    equal, different = rewritten(family, seed=1, values=2)
    assert accepted(equal) == equal
    assert not accepted(different)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_we_are_ahead_of_math_verify_in_every_family(family: Callable[[Random], Made]) -> None:
    equal, different = rewritten(family, seed=2, values=VALUES)
    assert not accepted(different)
    assert accepted(equal) == equal
    assert sum(map(accepted_by_math_verify, equal)) <= len(equal)


def main() -> None:
    """Print the table."""
    print(
        f"{'family':12} {'equal':>6} {'ours':>6} {'math-verify':>12} {'different':>10} {'ours':>6} {'math-verify':>12}"
    )
    for family in FAMILIES:
        equal, different = rewritten(family, seed=2, values=VALUES)
        counts = [len(accepted(pairs)) for pairs in (equal, different)]
        theirs = [sum(map(accepted_by_math_verify, pairs)) for pairs in (equal, different)]
        print(
            f"{family.__name__:12} {len(equal):6} {counts[0]:6} {theirs[0]:12} "
            f"{len(different):10} {counts[1]:6} {theirs[1]:12}"
        )


if __name__ == "__main__":
    main()
