"""The official evaluation script of a problem, made to leave evidence that the tests really ran.

Canaries are tests with random names, appended to the test files after the official script has put these back and right
before it starts the tests; a random half of them fails. They are in no list of the problem, so that the official
grading passes over them.
"""

import random
import re
import shlex
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from verifiers.errors import InfrastructureError

START, END, CODE = ">>>>> Start Test Output", ">>>>> End Test Output", ">>>>> Test Exit Code"
"""The marks of the official harness; CODE stands before the test command's exit code."""
_TEST_MODULE = re.compile(r"(test_.+|.+_test|tests)\.py")
_PAIRS = 3
_random = random.SystemRandom()


class Canary(NamedTuple):
    """One test of ours, and whether it is one that fails."""

    name: str
    fails: bool


class Canaries(NamedTuple):
    """Those of one test file: `label` is what the test command calls the file, `text` what is appended to it."""

    path: str
    label: str
    tests: tuple[Canary, ...]
    text: str

    @property
    def delimiter(self) -> str:
        """A line that the text does not have."""
        return f"EOF_{self.tests[0].name}"


def canaries(script: str, log_parser: str, files: Mapping[str, bytes]) -> list[Canaries]:
    """Canaries for each of the files (path: content) that is a test module and that the script's test command names."""
    words = set(_words(script))
    placed = []
    for path, content in files.items():
        labels = [label for label in (path, _dotted(path)) if label in words]
        if labels and _TEST_MODULE.fullmatch(PurePosixPath(path).name):
            tests = _tests()
            text = _in_a_class(tests) if log_parser == "parse_log_django" else _functions(tests)
            newline = "" if content.endswith(b"\n") or not content else "\n"
            placed.append(Canaries(path, labels[0], tests, newline + text))
    return placed


def with_evidence(script: str, placed: list[Canaries]) -> bytes:
    """The script with the canaries, which exits as its test command does.

    script: an official one that records the test command's exit code. What follows the record only tidies up. Both
    streams go one way, lest the marks overtake what the tests printed.
    """
    lines = script.split("\n")
    start, _ = _region(lines)
    record = next((at for at in range(start, len(lines)) if CODE in lines[at]), None)
    if record is None:
        raise InfrastructureError("The problem's evaluation script does not record how its tests ended.")
    variable = lines[record].rstrip('"').rpartition("$")[2]
    appended = [
        f"{{ cat >> {shlex.quote(each.path)} <<'{each.delimiter}'; }} 2>/dev/null\n{each.text}{each.delimiter}"
        for each in placed
    ]
    head = [*lines[:1], "exec 2>&1", *lines[1:start]]
    return "\n".join([*head, *appended, *lines[start : record + 1], f'exit "${variable}"', ""]).encode()


def _words(script: str) -> list[str]:
    """The words of the test command: names of files, or of django's modules."""
    lines = script.split("\n")
    start, end = _region(lines)
    return " ".join(lines[start + 1 : end]).split()


def _region(lines: list[str]) -> tuple[int, int]:
    """The lines of the two marks between which the tests run."""
    start = max((at for at, line in enumerate(lines) if START in line), default=None)
    end = next((at for at, line in enumerate(lines) if END in line and start is not None and at > start), None)
    if start is None or end is None:
        raise InfrastructureError("The problem's evaluation script does not say where its tests start and end.")
    return start, end


def _dotted(path: str) -> str:
    """What django's runner calls a file below tests/."""
    return path.removeprefix("tests/").removesuffix(".py").replace("/", ".")


def _tests() -> tuple[Canary, ...]:
    """As many that pass as that fail, in no order."""
    tests = [Canary(f"test_{_random.getrandbits(48):012x}", fails) for fails in (True, False) * _PAIRS]
    return tuple(_random.sample(tests, len(tests)))


def _claim(test: Canary) -> tuple[str, int]:
    """A product and a number that is it, or not."""
    one, other = _random.randrange(10**3, 10**4), _random.randrange(10**3, 10**4)
    return f"{one} * {other}", one * other + test.fails * _random.randrange(1, 10**3)


def _functions(tests: tuple[Canary, ...]) -> str:
    """For pytest, and for sympy's own runner."""
    return "".join("\n\ndef {}():\n    assert {} == {}\n".format(test.name, *_claim(test)) for test in tests)


def _in_a_class(tests: tuple[Canary, ...]) -> str:
    """For django's runner, which knows no test outside a class."""
    name = f"C{_random.getrandbits(48):012x}"
    methods = (
        "    def {}(self):\n        self.assertEqual({}, {})\n".format(test.name, *_claim(test)) for test in tests
    )
    return f"\n\nimport unittest as {name}_unittest\n\n\nclass {name}({name}_unittest.TestCase):\n" + "\n".join(methods)
