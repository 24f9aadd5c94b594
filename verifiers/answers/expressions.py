r"""Where a text gives its mathematical answer: boxed, announced, or simply last."""

import re
from collections.abc import Iterator

from verifiers.answers.marks import Mark, boxed, marks, own_part, scale_behind
from verifiers.answers.numbers import NUMBER, Found, last_number
from verifiers.answers.phrases import beside, phrase
from verifiers.answers.signs import latex_signs
from verifiers.answers.spelling import spelled
from verifiers.verifier import Candidate

_HASHES = 100
_TAIL = 4_000
_SENTENCE = 300
_STRONG = ("boxed", "final answer is", "####")

_MATH = re.compile(
    r"\$\$(.{1,2000}?)\$\$|(?<!\\)\$((?:\\\$|[^$\n]){1,2000}?)(?<!\\)\$|\\\((.{1,2000}?)\\\)|\\\[(.{1,2000}?)\\\]",
    re.DOTALL,
)
_PERCENT = re.compile(r"\s*(?:\\?%|[Pp]ercent\b|pct\b)")
_AND = re.compile(r"\s*(?:,?\s*\band\b|,?\s*\bor\b|,)\s*(?=\$|\\\(|\\\[)")
_BETWEEN_BOXES = re.compile(
    r"(?:[\s$,;.]|\\q?quad|\\[,;()\[\]]|\\text\s*\{[\s,]*(?:and|or)?[\s,]*\}|\band\b|\bor\b"
    r"|\b[A-Za-z](?:_\{?\w{1,3}\}?)?\s*=)*"
)
_WORDS_BETWEEN_BOXES = re.compile(r"[\s$,A-Za-z\\()\[\]]{0,80}\b(?:and|or)\b[\s$A-Za-z\\()\[\]]{0,40}")
_NEW_THOUGHT = re.compile(
    r"\b(?:so|thus|hence|therefore|answers?|final|finally|not|but|then|gives?|which|because|since|we|get|have"
    r"|obtain|is|are"
    r"|equals?|total|substitut\w*|simplif\w*)\b",
    re.IGNORECASE,
)
"""Words after which a second box is another answer, and not the second part of one."""
_LEAD = re.compile(r"[\s:*_~`\"']*(?:\\\")?(?:(?:equal to|exactly|simply|thus|therefore|just)\s+)?")
_CLAUSE = re.compile(r"[,;:\n—*(]|\.(?=\s|$)| [-–] |\\[()\[\]]")
_STOP = re.compile(r"\n|\.(?=\s|$|\*|\"|<)|,? I hope")
_AFTER = re.compile(r"[.*_\"'\s]*(?:$|\n|I hope)")
_BOXED = re.compile(r"(?:\$\$?|\\[(\[])?\s*\\(?:boxed|fbox)")
_PROSE = re.compile(
    r"\n|(?<![\\A-Za-z{])(?!(?:sqrt|cbrt|arc(?:sin|cos|tan)|sin|cos|tan|log|exp|inf(?:inity)?"
    r"|and)(?![A-Za-z]))[A-Za-z]{3,}"
)
"""What a text that is nothing but a formula has not: lines, and words of three letters."""
_MARKUP_BEHIND = re.compile(r"[\s*_:]+$")
_BEGINS = re.compile(r"[-−–+$€£\\({\[0-9.½¼¾⅓⅔√]")
_HEADING = re.compile(r"[0-9]+[.):]\s+[A-Za-z*]")


def extract_expression(text: str, question: str = "") -> Candidate | None:
    r"""The answer a text gives: the last one boxed, announced as final or behind `####`; else the last one announced
    (`answer is`, `Answer:`, `A:`); else the last formula or number. What follows and belongs to a next problem or
    speaker does not count."""
    text = own_part(text, question)
    marked = [(mark, content) for mark in _without_inner(text, _all_marks(text)) if (content := _content(text, mark))]
    if not marked:
        return _unannounced(text)
    strong = [(mark, content) for mark, content in marked if mark.how in _STRONG]
    mark, content = (strong or marked)[-1]
    if mark.how == "boxed":
        content = _boxed_together(text, [mark for mark, _ in strong if mark.how == "boxed"])
    return Candidate(spelled(content), mark.how)


def _all_marks(text: str) -> list[Mark]:
    signs = re.finditer(r"(?<!#)####(?!#)", text) if "####" in text else ()
    hashes = [Mark(sign.end(), "####") for sign in signs][-_HASHES:]
    announced = [Mark(start, "final answer is" if _is_final(text, start, how) else how) for start, how in marks(text)]
    return sorted(announced + hashes)


def _without_inner(text: str, found: list[Mark]) -> Iterator[Mark]:
    """The marks that stand in no box."""
    behind = 0
    for mark in found:
        if mark.how == "boxed":
            box = boxed(text, mark.start)
            behind = max(behind, box[1] if box else 0)
            yield mark
        elif mark.start > behind:
            yield mark


def _is_final(text: str, start: int, how: str) -> bool:
    return how.startswith("answer") and "final answer" in text[max(0, start - 24) : start].lower()


def _content(text: str, mark: Mark) -> str | None:
    if mark.how == "boxed":
        box = boxed(text, mark.start)
        return box and box[0] + scale_behind(text, box[1])
    lead = _LEAD.match(text, mark.start)
    start = lead.end() if lead else mark.start
    if _BOXED.match(text, start):
        return None
    if formula := _formulas(text, start):
        return formula
    stop = _STOP.search(text, start, start + _SENTENCE)
    end = stop.start() if stop else min(start + _SENTENCE, len(text))
    sentence = text[start:end].strip()
    if mark.how == "####":
        begins = _BEGINS.match(sentence) or phrase(sentence, names=False)
        return sentence if begins and not _HEADING.match(text, start) else None
    ends = _AFTER.match(text, start + len(sentence)) is not None
    return _of_sentence(_MARKUP_BEHIND.sub("", sentence), ends)


def _of_sentence(sentence: str, ends: bool) -> str | None:
    """What the words behind an announcement say, unless they begin an explanation: a few words that end the line,
    or the last formula or number in them."""
    if sentence and ends and len(sentence.split()) <= 4 and "$" not in sentence:
        return sentence
    if sentence and phrase(sentence, names=False):
        return sentence
    answer = _last(sentence)
    return answer and answer.text


def _boxed_together(text: str, boxes: list[Mark]) -> str:
    r"""The last box, with those that stand right before it: `\boxed{1} and \boxed{2}` is one answer of two parts."""
    parts: list[str] = []
    after = len(text)
    for mark in reversed(boxes):
        content, end = boxed(text, mark.start) or ("", mark.start)
        if end > after:  # it holds the one before
            continue
        if parts and not _are_together(text[end + 1 : after] if after - end < _SENTENCE else "."):
            break
        if content := content + scale_behind(text, end):
            joint = r"\text{ or }" if parts and _OR.search(text[end + 1 : after]) else ","
            if content not in parts[::2]:
                parts += [joint, content] if parts else [content]
        after = text.rfind("\\", 0, mark.start)
    return "".join(reversed(parts))


_OR = re.compile(r"\bor\b")


def _are_together(between: str) -> bool:
    """Whether two boxes with this between them are the parts of one answer."""
    if _BETWEEN_BOXES.fullmatch(between):
        return True
    return bool(_WORDS_BETWEEN_BOXES.fullmatch(between)) and not _NEW_THOUGHT.search(between)


def _formulas(text: str, start: int) -> str | None:
    """The formula that begins at `start`, with those joined to it by `and`, `or` or a comma."""
    formula = _MATH.match(text, start)
    if formula is None:
        return None
    parts = [_inside(formula)]
    while (joint := _AND.match(text, formula.end())) and (following := _MATH.match(text, joint.end())):
        formula = following
        parts.append(_inside(formula))
    percent = "\\%" if _PERCENT.match(text, formula.end()) else ""
    if len(parts) == 1 and not percent and NUMBER.fullmatch(parts[0]):
        clause = _CLAUSE.split(text[formula.end() : formula.end() + _SENTENCE], maxsplit=1)[0].replace("$", "")
        return f"{parts[0]} {clause.strip()}".strip()
    return ",".join(parts) + percent


def _inside(formula: re.Match[str]) -> str:
    return next(group for group in formula.groups() if group is not None).strip()


def _unannounced(text: str) -> Candidate | None:
    bare = text.strip()
    if 0 < len(bare) <= _SENTENCE and _is_whole(bare):
        return Candidate(spelled(bare), "whole text")
    return _last(text[-_TAIL:])


def _is_whole(bare: str) -> bool:
    """Whether a text is an answer and nothing else: one formula, or one number with its unit."""
    if "\n" in bare or (_MATH.search(bare) and not _MATH.fullmatch(bare.strip("*_` ."))):
        return False
    return not _PROSE.search(bare) or phrase(bare, names=False) is not None


def _last(text: str) -> Candidate | None:
    """The last formula, or the number that follows it."""
    formula = None
    for formula in _MATH.finditer(text):  # noqa: B007
        pass
    rest = latex_signs(text[formula.end() :] if formula else text)
    number = last_number(rest)
    if number is not None:
        return Candidate(beside(rest, number), "last number")
    return Candidate(_among_words(text, formula), "last formula") if formula else None


def _among_words(text: str, formula: re.Match[str]) -> str:
    """A formula, changed by the words beside it: `at least $5$`, `$5$ million`."""
    inside = spelled(_inside(formula))
    before, after = text[: formula.start()], text[formula.end() :]
    found = Found(inside, len(before) + 1, len(before) + 1 + len(inside))
    changed = beside(f"{before} {inside}{after}", found)
    return changed if changed != inside else inside
