"""Answers to GSM8K: the verifiers `answer` (exact numbers, wherever they stand) and `paper` (as the paper).

Both compare in process and cost microseconds, so a queue can judge thousands of samples a second.
"""

import re
from functools import lru_cache

from verifiers.answers.expressions import boxed
from verifiers.answers.marks import marks, own_part
from verifiers.answers.numbers import LONGEST, NUMBER, canonical, last_number, number_at
from verifiers.answers.spelling import spelled
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

_MARKUP = re.compile(r"[\s*_~`:=≈({\[]*(?:\\?\(|\\text\{|\\boxed\s*\{)?\s*")
_HEADING = re.compile(r"[.):]\s+\*{0,2}[A-Za-z]")
_PAPER = re.compile(r"#### (-?[$0-9.,]+)")
_UNIT = re.compile(r"(?:\\[ ,;]|~|\s)*\\(?:text|textbf|mathrm|mbox)\s*\{[^{}0-9]*\}\s*$|\s*\^?\\circ\s*$")


def extract_answer(problem: Problem, text: str) -> Candidate | None:
    """The answer a text gives, as a canonical number: `####`, else the last one marked as an answer, else the
    last number; `how` says which. What follows the answer (a next problem, a next speaker) does not count."""
    text = own_part(text, problem.data.get("question", ""))
    headings = []
    at = text.find("####")
    while at >= 0:
        start = _skip(text, at + 4)
        number = number_at(text, start)
        if number is not None:
            if not _is_heading(text, start):
                return Candidate(number, "####")
            headings.append(number)
        at = text.find("####", at + 4)
    if marked := _marked(text):
        return marked
    if headings:
        return Candidate(headings[0], "####")
    number = last_number(text)
    return Candidate(number, "last number") if number is not None else None


def _marked(text: str) -> Candidate | None:
    for start, how in reversed(marks(text)):
        number = _marked_number(text, start, how)
        if number is not None:
            return Candidate(number, how)
    return None


def _marked_number(text: str, start: int, how: str) -> str | None:
    if how == "boxed":
        return _boxed_number(text, start)
    start = _skip(text, start)
    number = number_at(text, start)
    if number is not None or how != "answer is":
        return number
    sentence = re.split(r"\n|\.(?:\s|$)", text[start : start + 200], maxsplit=1)[0]
    return last_number(sentence)


def _boxed_number(text: str, start: int) -> str | None:
    """The number in a box, with its units left out; of another formula, its text, which equals no number."""
    box = boxed(text, start)
    if box is None or not any(digit in box[0] for digit in "0123456789"):
        return None
    answer = spelled(_UNIT.sub("", box[0].rpartition("=")[2])).removesuffix("\\%")
    return answer[:LONGEST]


def _skip(text: str, start: int) -> int:
    markup = _MARKUP.match(text, start)
    return markup.end() if markup else start


def _is_heading(text: str, start: int) -> bool:
    """`#### 2. Find the price` is a heading of a list, not an answer."""
    number = NUMBER.match(text, start)
    return bool(number and _HEADING.match(text, number.end()))


@lru_cache(maxsize=20_000)
def true_answer(answer: str) -> str:
    """The canonical number of a problem's own answer field; ValueError when it holds none."""
    number = number_at(answer, _skip(answer, answer.rfind("####") + 4 if "####" in answer else 0))
    if number is None:
        raise ValueError("the answer field holds no number")
    return number


def judge_answer(problem: Problem, candidate: str) -> Judgement:
    """Exact equality of canonical numbers."""
    return _CORRECT if candidate == true_answer(problem.data["answer"]) else _INCORRECT


_CORRECT, _INCORRECT = Judgement(Outcome.correct), Judgement(Outcome.incorrect)


def extract_paper(_: Problem, text: str) -> Candidate | None:
    """The first `#### N`, without `,`, `$` and a final `.`, as the paper read it.

    https://github.com/ScalingIntelligence/large_language_monkeys at ed2bdb0, llmonk/evaluate/math_datasets.py
    """
    answer = _PAPER.search(text)
    if answer is None:
        return None
    return Candidate(_paper_spelling(answer.group(1)), "####")


def _paper_spelling(text: str) -> str:
    text = text.replace(",", "").replace("$", "")
    return text[:-1] if text.endswith(".") else text


@lru_cache(maxsize=20_000)
def _paper_truth(answer: str) -> str:
    number = _PAPER.search(answer)
    return _paper_spelling(number.group(1)) if number else answer.strip()


def judge_paper(problem: Problem, candidate: str) -> Judgement:
    """Equal as texts, or equal as numbers, which is all that the paper's symbolic comparison adds here."""
    truth = _paper_truth(problem.data["answer"])
    if candidate == truth:
        return _CORRECT
    one, other = NUMBER.fullmatch(candidate), NUMBER.fullmatch(truth)
    return _CORRECT if one and other and canonical(one) == canonical(other) else _INCORRECT


GSM8K_ANSWER = Verifier("answer", "1", extract_answer, judge_answer)
GSM8K_PAPER = Verifier("paper", "1", extract_paper, judge_paper)
