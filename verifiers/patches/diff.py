"""Finding a unified diff in what an llm wrote: the text itself, the last fenced block that holds one, or bare in prose.

A text that is a diff from its first to its last line, as official predictions are, stays what it is, even if git would
refuse it: only blank lines around it go. So does one that begins as a diff and is none throughout, unless prose merely
follows: git makes of it what it can. A last newline that lacks is not added: `git apply` calls such a diff corrupt, and
of those that `patch`, which the official harness lets try then, refuses too, many would apply with it.

Fences are lines of their own: lines of a diff begin with a mark, so that backticks within one end no block.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from verifiers.patches.hunks import (
    BLOB,
    CHANGES,
    GIT,
    HEADERS,
    HUNK,
    ChangedFile,
    begins,
    counts_of,
    files_of,
    is_of_hunk,
)
from verifiers.verifier import Candidate, Problem

MOST_BYTES = 16 * 2**20
"""Of a diff; a larger one is no answer."""

_NAMES = re.compile(r"(?:--- a/|\+\+\+ b/|rename (?:from|to) |copy (?:from|to) )([^\t]+).*|diff --git a/(.+) b/\2")
_FENCE = re.compile(r"(`{3,}|~{3,})([^`]*)|(</?)(?:patch|diff)>\s*")


def extract_patch(_: Problem, text: str) -> Candidate | None:
    """The diff of a text; None where there is none, or where it is not clear what it is.

    `how` is "" of a text that is a diff, else `fenced`, `in prose` or `counts repaired`: a hunk's two counts are
    recomputed where its end is clear. Of two diffs in prose the last one counts, as of two blocks.
    """
    whole = text.strip("\n")
    lines = whole.split("\n")
    ends = len(text) - len(text.rstrip("\n"))
    if _is_diff(lines):
        return _candidate(whole + "\n" * min(ends, 1 + _blanks_owed(lines)), "")
    parts = list(_parts(_unix(lines)))
    if len(parts) == 1 and begins(lines, 0) and not _is_followed(lines, parts[0].lines):
        return _candidate(whole + "\n" * min(ends, 1), "") if _diff_of(parts[0]) else None
    for fenced in (True, False):
        for part in reversed(parts):
            if part.fenced is fenced and (files := _diff_of(part)):
                return _joined(files, "fenced" if fenced else "in prose")
    return None


def touched_files(diff: str) -> list[str]:
    """The paths that a diff names, old and new, sorted."""
    found = (
        _NAMES.fullmatch(line) for file in files_of(diff.split("\n"), fenced=True) for line in file.lines[: file.head]
    )
    return sorted({names[1] or names[2] for names in found if names})


def _candidate(diff: str, how: str) -> Candidate | None:
    if len(diff) > MOST_BYTES or len(diff.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        return None
    return Candidate(diff, how)


def _joined(files: Sequence[ChangedFile], how: str) -> Candidate | None:
    if any(file.broken for file in files):
        return None
    diff = "\n".join(line for file in files for line in file.lines) + "\n"
    return _candidate(diff, "counts repaired" if any(file.repaired for file in files) else how)


def _is_diff(lines: Sequence[str]) -> bool:
    """Whether every line is one of a diff, whatever git would say of it, and something is changed."""
    if not begins(lines, 0):
        return False
    changes = in_blob = False
    for line in lines:
        if in_blob or BLOB.fullmatch(line):
            in_blob = line not in ("", "\r")
            continue
        if not (is_of_hunk(line) or line.startswith(("@@", GIT, *HEADERS))):
            return False
        changes = changes or line.startswith(CHANGES) or HUNK.match(line) is not None
    return changes


def _blanks_owed(lines: Sequence[str]) -> int:
    """How many blank lines belong to the end of a diff: lines of context that lost their blank, or a blob's end."""
    end = len(lines)
    last = next((at for at in range(end - 1, -1, -1) if HUNK.match(lines[at]) or BLOB.fullmatch(lines[at])), None)
    if last is None:
        return 0
    hunk = HUNK.match(lines[last])
    if hunk is None:
        return 1
    old, new = (
        int(wanted or 1) - had for wanted, had in zip(hunk.group(2, 4), counts_of(lines[last + 1 :]), strict=True)
    )
    return old if old == new > 0 else 0


class _Part(NamedTuple):
    """Lines between two fences; `fenced` are those of a block, which may be unfinished."""

    lines: list[str]
    fenced: bool


def _parts(lines: list[str]) -> Iterator[_Part]:
    opened, begin = "", 0
    for at, line in enumerate(lines):
        fence = _FENCE.fullmatch(line) if line[:1] in ("`", "~", "<") else None
        if fence is None:
            continue
        yield _Part(lines[begin:at], bool(opened))
        begin, mark = at + 1, fence[1] or fence[3]
        closes = mark == "</" or (opened and mark.startswith(opened) and not (fence[2] or "").strip())
        opened = "" if closes else mark
    yield _Part(lines[begin:], bool(opened))


def _unix(lines: list[str]) -> list[str]:
    """The lines without the CR that ends each of them, where names of files have one: else CRs are content."""
    for at, line in enumerate(lines):
        if line.endswith("\r") and begins(lines, at) and (line.startswith(GIT) or lines[at + 1].endswith("\r")):
            return [each.removesuffix("\r") for each in lines]
    return lines


def _is_followed(lines: Sequence[str], part: list[str]) -> bool:
    """Whether a text that begins as a diff is a good one and prose behind it; `part` are its lines without their CR."""
    files = _diff_of(_Part(part, False))
    wrong = any(file.broken or file.repaired for file in files)
    return part == lines and bool(files) and files[0].begin == 0 and not wrong


def _diff_of(part: _Part) -> list[ChangedFile]:
    """The files of a part's diff: all of a block, of prose the last that follow each other directly."""
    groups: list[list[ChangedFile]] = [[]]
    end = 0
    for file in files_of(part.lines, fenced=part.fenced):
        if not part.fenced and any(line.strip() for line in part.lines[end : file.begin]):
            groups.append([])
        groups[-1] += [file] if file.changes else []
        end = file.end
    return next((group for group in reversed(groups) if group), [])
