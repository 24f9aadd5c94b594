"""Terminals of every kind: those that cannot write every character, and those that want no colours."""

import codecs
import io
import os
import sys

PLAIN = {
    **dict.fromkeys("─–—", "-"), "│": "|", **dict.fromkeys("┌┐└┘├┤┬┴┼", "+"), "…": "~", "⏎": "\\n", "·": "*", "×": "x",
    "\u2800": " ", **dict.fromkeys(map(chr, range(0x2801, 0x2900)), "*"),
}  # fmt: skip
"""What is written where a terminal's encoding lacks what we draw with; of braille, any dots are a star."""


def make_ready() -> bool | None:
    """Let this process write anything to any terminal; False where colours are not wanted, else None."""
    codecs.register_error("plain", _plain)
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain")
    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def _open_what_is_closed() -> None:
    """Give a closed standard stream nothing to read or write: no file that is opened later takes its place."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        name, mode = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))[opened]
        setattr(sys, name, os.fdopen(opened, mode, encoding="utf-8"))
    os.close(opened)


def _plain(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(each) or each.encode("ascii", "backslashreplace").decode() for each in lacking), error.end
