"""How a person called this program, so that the commands which it names can be copied as they stand."""

import os
import re
import shlex
import shutil
import sys
from io import TextIOWrapper
from pathlib import Path

NAME = "monkeys"


def called() -> str:
    """`monkeys` where that word alone finds this program, or no file of that name was called; else the path."""
    path = sys.argv[0]
    if Path(path).name != NAME:
        return NAME
    found = shutil.which(NAME)
    return NAME if found and os.path.exists(path) and os.path.samefile(found, path) else shlex.quote(path)


def from_anywhere() -> str:
    """The same for a line that is not run from this folder."""
    name = called()
    return name if name == NAME else shlex.quote(os.path.abspath(sys.argv[0]))


def as_called(text: str) -> str:
    """A text of ours with its command lines as the person has to type them."""
    from cli import COMMANDS

    name = called()
    if name == NAME:
        return text
    return re.sub(rf"(?<![\w./-]){NAME}(?= (?:{'|'.join(COMMANDS)}|--help)\b)", lambda _: name, text)


class ToThePerson(TextIOWrapper):
    """Standard error, where nothing but sentences for a person goes: commands stand there as they have to be typed."""

    def write(self, text: str) -> int:
        super().write(as_called(text))
        return len(text)


def speak_as_called() -> None:
    """Have standard error name commands so from now on."""
    if called() != NAME and sys.stderr is not None:
        old = sys.stderr
        sys.stderr = ToThePerson(old.buffer, old.encoding, old.errors, line_buffering=True)
