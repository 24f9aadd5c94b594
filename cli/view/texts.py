"""Texts that an llm wrote, as HTML: escaped and harmless, what matters marked, long ones cut, two of them compared."""

import difflib
import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from cli.output import harmless
from models.questions.browse_one import SampleRead, VerdictRead
from verifiers.thinking import parted

SHOWN = 200_000
"""Characters of a text that a page shows unless it is asked for whole: its beginning and its end."""

COMPARED_CHARACTERS, COMPARED_LINES = 50_000, 1_000
"""Of each of two texts that are compared, the beginning."""

COMPARED_WORDS = 400
"""Of two passages that differ, so many words at most are compared one by one."""

ALIKE_LINES = 3
"""Lines that are alike, shown on each side of those that differ."""

HITS = 1_000
"""Places marked of what was searched for."""


def safe(text: str) -> Markup:
    """A text that is nothing but text."""
    return escape(harmless(text))


def shown(text: str, candidate: str | None = None, searched: str | None = None, most: int | None = SHOWN) -> Markup:
    """A text with its candidate marked where it stands last and what was searched for everywhere; the middle cut."""
    if most is None or len(text) <= most:
        return _marked(text, candidate, searched)
    head, tail, left_out = text[: most // 2], text[-(most // 2) :], len(text) - most // 2 * 2
    in_tail = candidate is not None and candidate in tail
    note = Markup("\n<span class=cut>… {:,} characters are left out here …</span>\n").format(left_out)
    return _marked(head, None if in_tail else candidate, searched) + note + _marked(tail, candidate, searched)


def _marked(text: str, candidate: str | None, searched: str | None) -> Markup:
    pieces, at = [], 0
    for start, end, kind in sorted(_spans(text, candidate, searched)):
        if start >= at:
            pieces += [safe(text[at:start]), Markup("<mark class={}>{}</mark>").format(kind, safe(text[start:end]))]
            at = end
    return Markup("").join([*pieces, safe(text[at:])])


def _spans(text: str, candidate: str | None, searched: str | None) -> Iterator[tuple[int, int, str]]:
    if candidate and (start := _last_place(text, candidate)) >= 0:
        yield start, start + len(candidate), "candidate"
    start = -1
    for _ in range(HITS if searched else 0):
        start = text.find(str(searched), start + 1)
        if start < 0:
            return
        yield start, start + len(str(searched)), "hit"


def _last_place(text: str, candidate: str) -> int:
    """Where a candidate stands last, as a word of its own if it does anywhere; -1 where it does not stand as it is."""
    place = last = text.rfind(candidate)
    for _ in range(HITS):
        if place < 0:
            break
        around = text[max(0, place - 1) : place], text[place + len(candidate) : place + len(candidate) + 1]
        if not any(character.isalnum() for character in around):
            return place
        place = text.rfind(candidate, 0, place + len(candidate) - 1)
    return last


def parts(read: SampleRead, verdict: VerdictRead | None) -> tuple[str | None, str | None]:
    """What was thought and what was answered of a sample, by a verifier's word on it."""
    if verdict is None or read.text is None:
        return read.thinking, read.text  # where its answer begins is not known yet
    return parted(read.text, read.thinking, verdict.answer_from)


def compared(one: str, two: str) -> tuple[list[tuple[str, Markup]], str | None]:
    """Lines of two texts, each ` `, `-` or `+`, with `…` where lines alike are left out; and what was not compared."""
    left, right = (_beginning(text) for text in (one, two))
    lines: list[tuple[str, Markup]] = []
    for group in difflib.SequenceMatcher(None, left, right).get_grouped_opcodes(ALIKE_LINES):
        if lines or group[0][1] > 0:
            lines.append(("…", Markup("")))
        for kind, low, high, other_low, other_high in group:
            if kind == "equal":
                lines += [(" ", safe(line)) for line in left[low:high]]
            else:
                lines += _replaced("\n".join(left[low:high]), "\n".join(right[other_low:other_high]), kind)
    if all("\n".join(side) == text for side, text in ((left, one), (right, two))):
        return lines, None
    return lines, f"Only the first {COMPARED_CHARACTERS:,} characters and {COMPARED_LINES:,} lines are compared."


def _beginning(text: str) -> list[str]:
    return text[:COMPARED_CHARACTERS].split("\n")[:COMPARED_LINES]


def _replaced(one: str, two: str, kind: str) -> list[tuple[str, Markup]]:
    left, right = (re.findall(r"\s+|\w+|[^\w\s]", text) for text in (one, two))
    if kind != "replace" or max(len(left), len(right)) > COMPARED_WORDS:
        passages = [("-", safe(one)), ("+", safe(two))]
    else:
        blocks = difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
        passages = [
            ("-", Markup("").join(_word("del", kind, left[low:high]) for kind, low, high, _, _ in blocks)),
            ("+", Markup("").join(_word("ins", kind, right[low:high]) for kind, _, _, low, high in blocks)),
        ]
    return [passage for passage, present in zip(passages, (kind != "insert", kind != "delete"), strict=True) if present]


def _word(tag: str, kind: str, words: list[str]) -> Markup:
    text = safe("".join(words))
    return text if kind == "equal" or not text else Markup("<{0}>{1}</{0}>").format(Markup(tag), text)
