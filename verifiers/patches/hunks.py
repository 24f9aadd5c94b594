"""Lines of a unified diff: where a file's change begins, where each of its hunks ends, and counts that are wrong.

Each line is looked at a few times at most, whatever a text holds.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
BLOB = re.compile(r"(?:literal|delta) \d{1,12}\r?")
"""What begins a piece of a binary diff, which a blank line ends."""

GIT = "diff --git "
_BINARY = "GIT binary patch"
CHANGES = (
    "new mode ", "new file mode ", "deleted file mode ", "rename to ", "copy to ", "Binary files ", _BINARY,
)  # fmt: skip
HEADERS = (
    "index ", "old mode ", "similarity index ", "dissimilarity index ", "rename from ", "copy from ", *CHANGES,
)  # fmt: skip
"""What may stand between `diff --git` and the names of the two files; some of it is a change of its own."""

_SIGNATURE = ("--", "-- ")
"""What `git format-patch` writes behind a diff."""


@dataclass
class ChangedFile:
    """The lines of a diff that change one file, the first `head` of which are no hunk's, and its place in a text.

    broken: a hunk of it is not clear. repaired: counts of a hunk were.
    """

    begin: int
    end: int = 0
    lines: list[str] = field(default_factory=list)
    head: int = 0
    changes: bool = False
    repaired: bool = False
    broken: bool = False


def begins(lines: Sequence[str], at: int) -> bool:
    """Whether a file's change begins at a line: `diff --git`, or the names of two files."""
    line = lines[at]
    return line.startswith(GIT) or (
        line.startswith("--- ") and at + 1 < len(lines) and lines[at + 1].startswith("+++ ")
    )


def is_of_hunk(line: str) -> bool:
    """Whether a hunk may have such a line. An empty one is context that lost its blank."""
    return line[:1] in (" ", "+", "-", "\\") or _is_blank(line)


def counts_of(lines: Sequence[str]) -> tuple[int, int]:
    """How many lines of a hunk are the old file's, and how many the new one's."""
    context = sum(line[:1] == " " or _is_blank(line) for line in lines)
    return context + sum(line[:1] == "-" for line in lines), context + sum(line[:1] == "+" for line in lines)


def files_of(lines: Sequence[str], *, fenced: bool) -> Iterator[ChangedFile]:
    """What lines say of each file, in order; what stands between is passed over. `fenced`: they are a whole block."""
    at = 0
    while at < len(lines):
        if not begins(lines, at):
            at += 1
            continue
        file = ChangedFile(begin=at)
        at = _read_hunks(file, lines, _read_head(file, lines, at), fenced)
        file.end = at
        yield file


def _read_head(file: ChangedFile, lines: Sequence[str], at: int) -> int:
    """Take a file's headers, and a binary change; where its hunks begin."""
    if lines[at].startswith(GIT):
        file.lines.append(lines[at])
        at += 1
        while at < len(lines) and lines[at].startswith(HEADERS):
            file.lines.append(lines[at])
            file.changes = file.changes or lines[at].startswith(CHANGES)
            at += 1
            if file.lines[-1] == _BINARY:
                file.head = len(file.lines)
                return _read_blobs(file, lines, at)
    if at < len(lines) and lines[at].startswith("--- ") and begins(lines, at):
        file.lines += lines[at : at + 2]
        at += 2
    file.head = len(file.lines)
    return at


def _read_blobs(file: ChangedFile, lines: Sequence[str], at: int) -> int:
    """Take the pieces of a binary change, the new file's and the old one's, each with the blank line that ends it."""
    begin = at
    for _ in range(2):
        if at < len(lines) and BLOB.fullmatch(lines[at]):
            while at < len(lines) and lines[at]:
                file.lines.append(lines[at])
                at += 1
            file.lines.append("")
            at += 1
    file.broken = at == begin
    return min(at, len(lines))


def _read_hunks(file: ChangedFile, lines: Sequence[str], at: int, fenced: bool) -> int:
    """Take a file's hunks until one is not clear; where what follows begins."""
    if file.head == 0 or not file.lines[file.head - 1].startswith("+++ "):
        return at
    while (begin := _after_blanks(lines, at)) < len(lines) and HUNK.match(lines[begin]):
        file.changes = True
        end = _counted(lines, begin)
        if end is not None and _is_settled(lines, end, fenced):
            file.lines += [lines[begin], *map(_whole, lines[begin + 1 : end])]
            at = end
            continue
        at = _extent(lines, begin + 1)
        last = at
        while _is_blank(lines[last - 1]):
            last -= 1
        body = lines[begin + 1 : last]
        if not body or not _is_clear(lines, at, body, fenced):
            file.broken = True
            return at
        file.lines += [_recounted(lines[begin], body), *map(_whole, body)]
        file.repaired = True
    return at


def _counted(lines: Sequence[str], begin: int) -> int | None:
    """Where a hunk ends by its counts, None where its lines are not those."""
    header = HUNK.match(lines[begin])
    assert header is not None
    old, new = int(header[2] or 1), int(header[4] or 1)
    at = begin + 1
    while old or new:
        if at >= len(lines) or not is_of_hunk(lines[at]) or _is_next_file(lines, at):
            return None
        mark = lines[at][:1]
        old -= mark not in ("+", "\\")
        new -= mark not in ("-", "\\")
        if old < 0 or new < 0:
            return None
        at += 1
    while at < len(lines) and lines[at].startswith("\\"):
        at += 1
    return at


def _is_settled(lines: Sequence[str], at: int, fenced: bool) -> bool:
    """Whether what follows a hunk's last line by its counts is no line of it. In prose a blank line may end it."""
    if fenced:
        at = _after_blanks(lines, at)
    if at >= len(lines) or (not fenced and _is_blank(lines[at])) or lines[at] in _SIGNATURE:
        return True
    return begins(lines, at) or not is_of_hunk(lines[at])


def _extent(lines: Sequence[str], at: int) -> int:
    """Where lines end that a hunk may have."""
    while at < len(lines) and is_of_hunk(lines[at]) and not _is_next_file(lines, at) and lines[at] not in _SIGNATURE:
        at += 1
    return at


def _is_clear(lines: Sequence[str], at: int, body: Sequence[str], fenced: bool) -> bool:
    """Whether a hunk must end before a line: there the next one begins, the next file, or nothing is left.

    In prose what stands behind a blank line may be a list of points.
    """
    if at == len(lines):
        return fenced or not any(map(_is_blank, body))
    return (
        lines[at].startswith(GIT)
        or HUNK.match(lines[at]) is not None
        or _is_next_file(lines, at)
        or (lines[at] in _SIGNATURE)
    )


def _is_next_file(lines: Sequence[str], at: int) -> bool:
    """Whether lines that might be a hunk's, removed and added, are the names of the next file's."""
    return (
        lines[at].startswith("--- ")
        and at + 2 < len(lines)
        and lines[at + 1].startswith("+++ ")
        and lines[at + 2].startswith("@@ -")
    )


def _recounted(header: str, body: Sequence[str]) -> str:
    found = HUNK.match(header)
    assert found is not None
    old, new = counts_of(body)
    return f"@@ -{found[1]},{old} +{found[3]},{new} @@{header[found.end() :]}"


def _after_blanks(lines: Sequence[str], at: int) -> int:
    while at < len(lines) and _is_blank(lines[at]):
        at += 1
    return at


def _is_blank(line: str) -> bool:
    return line in ("", "\r")


def _whole(line: str) -> str:
    """A line of a hunk as git takes it: an empty line without its blank it takes too, unless that ends in CR."""
    return " \r" if line == "\r" else line
