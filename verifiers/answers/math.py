"""Verifiers of mathematical expressions: `math-verify` and `paper` (as the paper graded).

`math-verify` does not use the library of that name, which reads what it can and leaves out the rest: answers are read
to their end by a grammar of our own (verifiers/answers/statements.py), and compared by sympy. The name has stayed
because runs and queries hold it. What spelling cannot decide goes to a child
process that can be killed (verifiers/answers/comparer.py).
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from verifiers.answers.comparer import COMPARER, CPU_SECONDS, TooBig, TooSlow
from verifiers.answers.expressions import extract_expression
from verifiers.answers.gsm8k import true_answer
from verifiers.answers.minerva import final_answer, last_boxed, normalize
from verifiers.answers.spelling import PLAIN_NUMBER, same_spelling, spelled, words
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

LONGEST = 2_000
"""Characters: what is longer is no answer, and would only keep sympy busy."""

Same = Callable[[str, str], bool | None]
"""Whether two answers are equal, as far as their text can tell; None when it cannot."""


@lru_cache(maxsize=20_000)
def true_expression(answer: str | None, solution: str | None) -> str:
    """A MATH problem's own answer, spelled: its answer field, else what its solution boxes; ValueError without."""
    text = answer if answer is not None else last_boxed(solution or "")
    if not text or not text.strip():
        raise ValueError("there is no answer, and the solution boxes none")
    if r"\boxed" in text and (boxed := extract_expression(text)):
        return boxed.text
    return spelled(text)


@lru_cache(maxsize=20_000)
def _true_paper_answer(answer: str | None, solution: str | None) -> str:
    return normalize((last_boxed(solution) if solution else None) or answer or "")


def _extract(problem: Problem, text: str) -> Candidate | None:
    return extract_expression(text, problem.data.get("problem") or problem.data.get("question") or "")


def _extract_paper(_: Problem, text: str) -> Candidate | None:
    answer = final_answer(text)
    if answer is None:
        return None
    normal = (
        normalize(answer) if len(answer) <= LONGEST else answer[: LONGEST + 1]
    )  # Minerva's rules take quadratic time
    return Candidate(normal, "final answer is")


def _judge(grader: str, same: Same, truth: Callable[[Problem], str], problem: Problem, candidate: str) -> Judgement:
    gold = truth(problem)
    known = same(gold, candidate)
    if known is None and max(len(gold), len(candidate)) > LONGEST:
        return Judgement(Outcome.incorrect, "longer than any answer")
    if known is not None:
        return Judgement(Outcome.correct if known else Outcome.incorrect)
    try:
        reply = COMPARER.ask(grader, gold, candidate)
    except TooSlow:
        return Judgement(Outcome.time_limit, f"the comparison with {gold[:100]} took too long", CPU_SECONDS)
    except TooBig:
        return Judgement(Outcome.memory_limit, f"the comparison with {gold[:100]} took too much memory")
    return Judgement(Outcome.correct if reply.value else Outcome.incorrect, cpu_seconds=reply.cpu_seconds)


def _classes(grader: str, same: Same, candidates: Sequence[str]) -> list[int]:
    """Numbers from 0 in order of appearance; each candidate is compared with the first of every class whose
    members have its numbers in them, so that the comparisons stay few."""
    numbers: dict[str, int] = {}
    buckets: dict[str, list[str]] = {}
    for candidate in dict.fromkeys(candidates):
        firsts = buckets.setdefault(_bucket(grader, candidate), [])
        first = next((first for first in firsts if _equal(grader, same, first, candidate)), None)
        if first is None:
            firsts.append(candidate)
            numbers[candidate] = len(set(numbers.values()))
        else:
            numbers[candidate] = numbers[first]
    return [numbers[candidate] for candidate in candidates]


def _bucket(grader: str, candidate: str) -> str:
    if PLAIN_NUMBER.fullmatch(candidate):
        return f"{complex(float(candidate)):.4g}"
    if named := words(candidate):
        return named
    try:
        return candidate if len(candidate) > LONGEST else str(COMPARER.ask("bucket", grader, candidate).value)
    except (TooSlow, TooBig):
        return candidate


def _equal(grader: str, same: Same, one: str, other: str) -> bool:
    known = same(one, other)
    if known is not None or max(len(one), len(other)) > LONGEST:
        return bool(known)
    try:
        return bool(COMPARER.ask(grader, one, other).value)
    except (TooSlow, TooBig):
        return False


def _identical(one: str, other: str) -> bool | None:
    return True if one == other else None


def _verifier(
    name: str,
    grader: str,
    same: Same,
    extract: Callable[[Problem, str], Candidate | None],
    truth: Callable[[Problem], str],
) -> Verifier:
    return Verifier(
        name,
        "2",
        extract,
        judge=partial(_judge, grader, same, truth),
        classes=partial(_classes, grader, same),
    )


MATH_VERIFY = _verifier(
    "math-verify",
    "math-verify",
    same_spelling,
    _extract,
    truth=lambda problem: true_expression(problem.data.get("answer"), problem.data.get("solution")),
)
MATH_PAPER = _verifier(
    "paper",
    "minerva",
    _identical,
    _extract_paper,
    truth=lambda problem: _true_paper_answer(problem.data.get("answer"), problem.data.get("solution")),
)
GSM8K_MATH_VERIFY = _verifier(
    "math-verify",
    "math-verify",
    same_spelling,
    _extract,
    truth=lambda problem: true_answer(problem.data["answer"]),
)
