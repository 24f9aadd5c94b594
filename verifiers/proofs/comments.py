"""Lean's block comments, which may hold others."""

import re

_MARK = re.compile(r"/-|-/")


def comment_end(text: str, place: int) -> int | None:
    """The place after a comment that was opened just before `place`; None where nothing closes it."""
    depth = 1
    while depth:
        mark = _MARK.search(text, place)
        if mark is None:
            return None
        depth += 1 if mark[0] == "/-" else -1
        place = mark.end()
    return place
