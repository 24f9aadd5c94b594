"""A warm interpreter is `python main.py`: the same idioms in a slot and in a Python started for each, compared."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from verifiers.sandbox import MIB, Ended, Limits, Program, Sandbox, TestResult
from verifiers.sandbox.jail import find_python

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: the sandbox was not tried")
LIMITS = Limits(cpu_seconds=10, memory_bytes=512 * MIB)
_VARIES = re.compile(rb"0x[0-9a-f]+|refcount : \d+")
_FOLDER = Path(__file__).with_name("idioms")


def idioms(path: Path) -> dict[str, tuple[str, bytes]]:
    r"""The programs of a file: name -> (source, input). `=== name` begins one, `<<< text` with \n is its input.

    A source with `\x` in its name's line is written with escapes.
    """
    found = {}
    for section in path.read_text().split("\n=== ")[1:]:
        head, _, source = section.partition("\n")
        given = "5 7\n1 2 3\nabc def\n"
        if source.startswith("<<< "):
            given, _, source = source[4:].partition("\n")
            given = given.encode().decode("unicode_escape")
        name, _, escaped = head.partition(" ")
        if escaped:
            source = source.strip("\n").encode().decode("unicode_escape")
        found[name] = (source, given.encode("latin-1"))
    return found


def plain(source: str) -> Program:
    """The program in a Python of its own, in the same jail."""
    shell = f'printf %s "$1" > main.py; exec {find_python().path} -s -B main.py'
    return Program("command", argv=("/bin/sh", "-c", shell, "sh", source))


def shown(result: TestResult) -> tuple[object, ...]:
    """All of a result that a program decides."""
    output, errors = (_VARIES.sub(b"", text) for text in (result.output, result.errors))
    if result.ended is Ended.not_compiled:
        return Ended.exited, 1, 0, b"", errors
    return result.ended, result.exit_code, result.signal, output, errors
