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
    r"(?:answer(?:[ ](?:option|choice|letter))?|(?:correct|right|best|final|chosen|my)[ ](?:option|choice"
    r"|statement|one|letter|pick))\b"
    r"[*_`\"]{0,3}[ ]{0,2}"
    r"(?:(?P<colon>[:=>])|(?P<said>is|was|would be|should be|must be|has to be)\b)"
    r"|^[#*_ ]{0,8}(?:(?:final|correct|the)[ ])?(?P<heading>answer)[*_ ]{0,5}\n"
    r"|\bI(?:['’](?:d|ll|m))?(?:[ ](?:would|will|am|must|shall|think|have[ ]to)){0,3}[ ]"
    r"(?P<chosen>choose|pick|select|go(?:ing)?[ ]with|opt(?:ing)?[ ]for)\b",
    re.IGNORECASE | re.MULTILINE,
)
_HOW = {"boxed": "boxed", "colon": "answer:", "said": "answer is", "heading": "answer:", "chosen": "answer is"}
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
_NAMED = re.compile(
    r"(?<![\w'’\-])(?P<several>(?:[A-Z]|[)*_])[ ]{0,2}(?:,|/|&|or|and|nor|,[ ]?or|,[ ]?and)[ ](?:option[ ]"
    r"|choice[ ])?)?"
    r"[*_(\[`\"$]{0,5}(?P<letter>[A-Z])[*_)\]`\"$.:]{0,5}(?:[ ]?\([^()\n]{1,80}\)[*_]{0,3})?[ ]"
    r"(?:is|must[ ]be|would[ ]be|should[ ]be|has[ ]to[ ]be)[ ](?:(?:thus|therefore|hence|clearly|indeed"
    r"|definitely|also)[ ])?[*_]{0,3}"
    r"(?:(?:the|our|my)[ ][*_]{0,3}(?:only[ ])?(?:(?:correct|right|best|final"
    r"|most[ ]\w{1,20})[ ])?[*_]{0,3}(?:answer|option|choice|one|statement)|correct|right)"
    r"\b(?![ ]?\?|-\w|[ ]+(?:if|only|when|unless|to|in|about|that)\b)"
)
"""A letter of which it is said that it is right: `B is the correct answer`."""
_DOUBT = re.compile(
    r"\b(?:if|whether|suppose|assum\w*|unless|neither|not|why|because|say|claim|think|thought|doubt\w*|either"
    r"|perhaps|maybe|wonder"
    r"|check|that)\b[^.\n]{0,30}$",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"[\s#*_>]{0,8}(?:(?:so|thus|therefore|hence|it(?:['’]s|[ ]is)|must[ ]be|i[ ]think|the|final|correct|answer"
    r"|is|then)[ ,:*_]{1,4}){0,6}"
    r"(?P<option>(?:option|choice|letter|answer)[ ])?"
    r"[\s*_~`$#>\"'“”‘’({\[\\]{0,12}([A-Z])(?P<text>[)\]*_]{0,4}[:.)\]–—-][)*_]{0,4}[ ].{1,150})?"
    r"[\s*_~`$.\"'“”‘’)}\]\\]{0,12}",
    re.IGNORECASE,
)
"""A last line that is a letter, `Option B` or `Thus, B.`; `Option B: its text` where no other line begins so."""
_LISTED = re.compile(
    r"^[\s#*_>•-]{0,8}(?:option|choice|letter|answer)[ ][*_(\[]{0,4}[A-Z]\b", re.IGNORECASE | re.MULTILINE
)
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
    in whatever markup, or of which it is said that it is right (`B is the correct answer`); else a last line that is a
    letter or an option and nothing else (`Option B`). Several letters in the last one (`A or B`) are none.
    """
    letters = ascii_uppercase[: len(problem.data["options"])]
    text = own_part(text.translate(_WIDE), str(problem.data.get("question", "")), _ANY)
    for mark in sorted(
        [*_MARK.finditer(text), *_NAMED.finditer(text)],
        key=lambda mark: mark.start("letter") if mark.re is _NAMED else mark.end(),
        reverse=True,
    ):
        if mark.re is _NAMED:
            found, how = _named(text, mark, letters), "named"
        else:
            how = next(name for name in _HOW if mark[name])
            found = _letter(text[mark.end() : mark.end() + _LINE], letters, how)
        if found is not None:
            return Candidate(found, _HOW.get(how, "is the answer")) if found else None
    return _last_line(text, letters)


def _named(text: str, mark: re.Match[str], letters: str) -> str | None:
    """The letter of which it is said that it is right, "" where it is said of several, None where it is in doubt."""
    if mark["letter"] not in letters or _DOUBT.search(text[max(0, mark.start() - 60) : mark.start()]):
        return None
    return "" if mark["several"] else mark["letter"]


def _last_line(text: str, letters: str) -> Candidate | None:
    last = text.rstrip()[-_LINE:].rpartition("\n")[2]
    alone = _LAST.fullmatch(last)
    if alone is None or alone[2] not in letters:
        return None
    if alone["text"] and (not alone["option"] or len(_LISTED.findall(text)) > 1):
        return None
    return Candidate(alone[2], "last line")


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


CHOICE = Verifier("choice", "2", extract_choice, judge_choice)
