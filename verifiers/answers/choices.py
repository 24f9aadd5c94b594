"""Answers that are one of a problem's options: the verifier `choice`, a letter compared with the right one.

A problem's data holds `options`, their texts in the order shown, and `answer`, the right one's letter.
"""

import re
from string import ascii_uppercase

from verifiers.answers.marks import own_part
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

MOST_OPTIONS = len(ascii_uppercase)

_WIDE = {0xFF01 + offset: 0x21 + offset for offset in range(94)}
"""Full-width signs, as texts in Chinese and Japanese have them, to those of ASCII."""

_MARK = re.compile(
    r"(?P<boxed>\\(?:boxed|fbox)[ ]?\{)"
    r"|(?<!/)\b"
    r"(?:answer(?:[ ](?:option|choice|letter))?|(?:correct|right|best|final|chosen)[ ](?:option|choice|statement))\b"
    r"[*_`\"]{0,3}[ ]{0,2}"
    r"(?:(?P<colon>[:=>])|(?P<said>is|was|would be|should be|must be|has to be)\b)"
    r"|^[#*_ ]{0,8}(?:(?:final|correct|the)[ ])?(?P<heading>answer)[*_ ]{0,5}\n",
    re.IGNORECASE | re.MULTILINE,
)
_HOW = {"boxed": "boxed", "colon": "answer:", "said": "answer is", "heading": "answer:"}
_FILLER = re.compile(
    r"(?:[\s:*_~`$\"'“”‘’<{(\[]|\\[(\[]"
    r"|\\(?:boxed|fbox|text|textbf|textit|mathrm|mathbf|mathsf|bf|rm)(?![A-Za-z])[ ]?\{?"
    r"|(?:therefore|thus|hence|so|clearly|definitely|indeed|simply|most likely|likely|probably|the|letter|option"
    r"|choice|statement|answer|is)\b){0,24}",
    re.IGNORECASE,
)
_SEVERAL = re.compile(
    r"[)\]}*$.\s]{0,6}(?:,|;|/|&|\+|\band\b|\bor\b)[\s(*$\[]{0,6}(?:and|or)?[\s(*$\[]{0,4}([A-Z])(?![\w'’])"
)
_LONE = re.compile(r"[\s*_~`$#>\"'“”‘’({\[\\]{0,12}([A-Z])[\s*_~`$.\"'“”‘’)}\]\\]{0,12}")
_NO_ARTICLE = re.compile(
    r"(?![ ])|[ ]{1,3}(?:(?:because|since|as|is|was|which|due|with|and|but|not)\b|[–—\-(\[*\\$]|$)"
)
"""What follows a letter that is none of the words A and I."""
_ANY = re.compile(r"(?i:answer|\\boxed)")
"""After one of these a text may go on to something else."""

_LINE = 200
"""Characters looked at after a mark."""


def extract_choice(problem: Problem, text: str) -> Candidate | None:
    r"""The letter of the option that a text chooses; `how` says how it is told.

    The last of `Answer: X`, `<answer>X`, `the answer is X` and `\boxed{X}` that has a letter of the problem's options,
    in whatever markup; else a last line that is a letter and nothing else. Several letters in the last one (`A or B`)
    are none.
    """
    letters = ascii_uppercase[: len(problem.data["options"])]
    text = own_part(text.translate(_WIDE), str(problem.data.get("question", "")), _ANY)
    for mark in reversed(list(_MARK.finditer(text))):
        how = next(name for name in _HOW if mark[name])
        found = _letter(text[mark.end() : mark.end() + _LINE], letters, how)
        if found is not None:
            return Candidate(found, _HOW[how]) if found else None
    last = text.rstrip()[-_LINE:].rpartition("\n")[2]
    lone = _LONE.fullmatch(last)
    return Candidate(lone[1], "last line") if lone and lone[1] in letters else None


def _letter(rest: str, letters: str, how: str) -> str | None:
    """The letter that follows a mark, "" for several of them, None for something else."""
    filler = _FILLER.match(rest)
    start = filler.end() if filler else 0
    letter, after = rest[start : start + 1], rest[start + 1 :]
    if not letter or letter.upper() not in letters or not _ends(after):
        return None
    several = _SEVERAL.match(after)
    if several and several[1] in letters:
        return ""
    line = after.partition("\n")[0]
    if letter.islower() and not _is_meant(rest[:start], line, how):
        return None
    if letter in "AI" and how != "boxed" and not _NO_ARTICLE.match(line):
        return None
    return letter.upper()


def _is_meant(before: str, line: str, how: str) -> bool:
    """Whether a small letter is an option, as in `(b)`, `Answer: b` and `Answer: b) 42`, and not the word a."""
    return before.endswith("(") or (how != "said" and (line[:1] in tuple(").]}") or not line.strip(" *_`$")))


def _ends(after: str) -> bool:
    """Whether a letter stands by itself, and is no beginning of a word, a formula or the name of a thing (C-14)."""
    if after[:1].isalnum() or (after[:1] in ("_", "^", "=", "+", "(", "<") and after[:2] != "</"):
        return False
    if after[:1] in ("'", "’", "-", "–", "‑") and after[1:2].isalnum():
        return False
    return not re.match(r"[ ]{1,9}[=+<>^]", after)


def judge_choice(problem: Problem, candidate: str) -> Judgement:
    """Whether the letter is the right one's, or of an option with the very same text."""
    options, right = problem.data["options"], problem.data["answer"]
    texts = dict(zip(ascii_uppercase, options, strict=False))
    return Judgement(Outcome.correct if texts[candidate] == texts[right] else Outcome.incorrect)


CHOICE = Verifier("choice", "1", extract_choice, judge_choice)
