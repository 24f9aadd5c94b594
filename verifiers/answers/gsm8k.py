"""Answers to GSM8K: the verifiers `answer` (exact numbers, wherever they stand) and `paper` (as the paper).

Both compare in process and cost microseconds, so a queue can judge thousands of samples a second.
"""

import re
from functools import lru_cache

from verifiers.answers.marks import boxed, marks, own_part, scale_behind
from verifiers.answers.numbers import LONGEST, NUMBER, canonical, last_number
from verifiers.answers.phrases import beside, is_unfinished, said
from verifiers.answers.signs import latex_signs
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

_MARKUP = re.compile(r"[\s*_~`:=≈]*")
_HEADING = re.compile(r"[*_ \t]*(?:[0-9]{1,2}[.):]\s+\*{0,2}[A-Za-z]|(?:Step|Part|Case)\s+[0-9]+\b)")
_PLAIN = re.compile(r"[\s*_:]*+(-?)\$?(0|[1-9][0-9]{0,2}(?:,[0-9]{3})++|[1-9][0-9]{0,40}+)[.*_]*+[ \t]*+(?=\n|$)")
_PAPER = re.compile(r"#### (-?[$0-9.,]+)")
_TAG = re.compile(r"</?(?!su[bp]\b)[A-Za-z][\w-]{0,20}>|<\|\w{0,30}\|>")
"""Of a page or of a chat: what it surrounds is the answer."""
_BOX = re.compile(r"(?:\\?[$(\[])*\s*\\(?:boxed|fbox)\s*\{")
_LINE = 300
"""Characters read behind a mark."""
_TAIL = 100_000
_HASHES = 1_000
"""Marks looked at; more are no sign of an answer."""
_SENTENCE = re.compile(r"[.!?](?=\s|$)(?<![\s(]vs\.)|\n")
_DIGIT = re.compile(r"[0-9\u00bd-\u00be\u2150-\u215e\uff10-\uff19]")


def extract_answer(problem: Problem, text: str) -> Candidate | None:
    """The answer a text gives, as a canonical number: `####`, else the last one marked as an answer, else the
    last number; `how` says which. What follows the answer (a next problem, a next speaker) does not count. What
    begins as a number and says another thing (`5 or 6`) comes back as it was written, and so equals no number."""
    text = own_part(text, problem.data.get("question", ""))
    heading = -1
    at = text.find("####")
    for _ in range(_HASHES):
        if at < 0:
            break
        if _HEADING.match(text, at + 4):
            heading = at
        elif (answer := read_answer(text, at + 4)) is not None:
            return Candidate(answer, "####")
        at = text.find("####", at + 4)
    found = _marked(text) or _last(text)
    if heading >= 0 and found and found.how == "last number" and not _DIGIT.search(text, heading + 8):
        return found._replace(how="####")
    return found


def _marked(text: str) -> Candidate | None:
    for start, how in reversed(marks(text)):
        if how == "boxed":
            box = boxed(text, start)
            answer = box and _in_box(box[0] + scale_behind(text, box[1]))
        else:
            answer = read_answer(text, start)
        if answer:
            return Candidate(answer, how)
    return None


def read_answer(text: str, start: int) -> str | None:
    """What stands behind a mark, in canonical form if it is one number; None if there is no digit on its line."""
    if plain := _PLAIN.match(text, start):
        return ("" if plain[2] == "0" else plain[1]) + plain[2].replace(",", "")
    markup = _MARKUP.match(text, start)
    start = markup.end() if markup else start
    if (box := _BOX.match(text, start)) and (inside := boxed(text, box.end())):
        return _in_box(inside[0])
    stop = text.find("\n", start, start + _LINE)
    line = _TAG.sub(" ", text[start : stop if stop >= 0 else start + _LINE])
    return said(_first_sentence(line)) if _DIGIT.search(line) else None


def _in_box(inside: str) -> str | None:
    """The number in a box; in there, nothing is markup or punctuation."""
    return inside[:LONGEST] if is_unfinished(inside) and _DIGIT.search(inside) else said(inside)


def _first_sentence(line: str) -> str:
    """The part of a line up to the end of its first sentence that has a digit."""
    for end in _SENTENCE.finditer(line):
        if _DIGIT.search(line, 0, end.start()):
            return line[: end.start()]
    return line


def _last(text: str) -> Candidate | None:
    """The last number of a text that announces none, if what stands beside it leaves it as it is."""
    text = text[-_TAIL:]
    if _DIGIT.search(text) is None:
        return None
    text = latex_signs(_TAG.sub(" ", text))
    found = last_number(text)
    return None if found is None else Candidate(beside(text, found), "last number")


@lru_cache(maxsize=20_000)
def true_answer(answer: str) -> str:
    """The canonical number of a problem's own answer field; ValueError when it holds none."""
    number = read_answer(answer, answer.rfind("####") + 4 if "####" in answer else 0)
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


GSM8K_ANSWER = Verifier("answer", "2", extract_answer, judge_answer)
GSM8K_PAPER = Verifier("paper", "1", extract_paper, judge_paper)
