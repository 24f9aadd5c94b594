"""How a text marks its answer, and where it goes on to something else, as base models do."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TRIED = 100
"""Announcements kept from either end of a text; more are no sign of an answer."""


class Mark(NamedTuple):
    """Where an answer begins, and how it is announced."""

    start: int
    how: str


_ANNOUNCEMENTS = (
    ("boxed", "\\boxed", re.compile(r"\s*\{")),
    ("boxed", "\\fbox", re.compile(r"\s*\{")),
    ("answer is", "nswer", re.compile(r"\*{0,2}\s+is\b")),
    ("answer:", "nswer", re.compile(r"\*{0,2}\s*[:=]|\*\*[ \t]*\n")),
    ("answer:", "ANSWER", re.compile(r"\*{0,2}\s*:")),
    ("A:", "A:", re.compile("")),
    ("A:", "A**:", re.compile("")),
)
"""The name of the way, what to look for, and what must follow it: plain searches, since a pattern is slow."""

_BOX = 2_000
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_SCALE = re.compile(r"[ $~]*(?:\\[)\],; ])*[ ]?(hundred|thousand|million|billion|trillion|dozen)\b")
_BEGINNING = re.compile(r"[0-9$]")
_NEXT = re.compile(
    r"\n[ \t]*+[*#_>]{0,4}+[ \t]*+"
    r"(?:[A-Z][a-z]{2,8} )?(?:Question|QUESTION|Q|Problem|PROBLEM|Exercise|User|Human|Instruction)"
    r"(?:[ \t]*[0-9]{1,4})?[*_]{0,2}[ \t]*[:.]"
    r"|<\|[A-Za-z_]{3,30}\|>|</s>|\[/?INST\]",
)
_SIGNS = ("Q", "Problem", "PROBLEM", "Exercise", "User", "Human", "Instruction", "<|", "</s>", "INST]")
"""Without one of these _NEXT finds nothing, and looking for them is ten times faster."""


def marks(text: str) -> list[Mark]:
    """The places where the text announces an answer, in order; of very many, the first and the last."""
    places = sorted(_marks(text))
    return places if len(places) <= 2 * _TRIED else places[:_TRIED] + places[-_TRIED:]


def _marks(text: str) -> Iterator[Mark]:
    for how, words, tail in _ANNOUNCEMENTS:
        at = text.find(words)
        while at >= 0:
            announced = tail.match(text, at + len(words))
            if announced and (how != "A:" or _begins_line(text, at)):
                yield Mark(announced.end(), how)
            at = text.find(words, at + 1)


def _begins_line(text: str, at: int) -> bool:
    return not text[max(0, at - 6) : at].rpartition("\n")[2].strip("*_# ")


def own_part(text: str, question: str, beginning: re.Pattern[str] = _BEGINNING) -> str:
    """The text up to where it goes on, after its first number or formula, to a next problem or a next speaker.

    Problem and Question are no next ones when the question itself follows: then the text only repeats it.
    """
    if not any(sign in text for sign in _SIGNS):
        return text
    first = beginning.search(text)
    for other in _NEXT.finditer(text, first.end()) if first else ():
        following = text[other.end() : other.end() + 60].lstrip(" *_\n")
        if not (question and following.startswith(question[:30])):
            return text[: other.start()]
    return text


def boxed(text: str, start: int) -> tuple[str, int] | None:
    """What stands between the brace that opened just before `start` and its partner, and the partner's index."""
    depth = 1
    for brace in _BRACE.finditer(text, start, start + _BOX):
        if brace.group() == "{":
            depth += 1
        elif brace.group() == "}":
            depth -= 1
            if depth == 0:
                return text[start : brace.start()].strip(), brace.start()
    return None


def scale_behind(text: str, end: int) -> str:
    r"""What a box ending at `end` is multiplied by in the words behind it, as `\boxed{5}$ million` is."""
    scale = _SCALE.match(text, end + 1)
    return f"\\text{{ {scale[1]}}}" if scale else ""
