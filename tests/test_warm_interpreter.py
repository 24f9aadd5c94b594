"""A warm interpreter is `python main.py`: the same idioms in a slot and in a Python started for each, compared.

The idioms lie in idioms/*.txt. What differs on purpose is left out there, and said in the README.
"""

import json
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.shared_data import shared, shared_rows
from verifiers.sandbox import MIB, Ended, Limits, Program, Sandbox, TestResult
from verifiers.sandbox.jail import find_python

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: the sandbox was not tried")
LIMITS = Limits(cpu_seconds=10, memory_bytes=512 * MIB)
_FOLDER = Path(__file__).with_name("idioms")
_MAIN = ["reading", "writing", "ending", "source", pytest.param("surroundings", marks=pytest.mark.slow)]
_VARIES = re.compile(rb"0x[0-9a-f]+|refcount : \d+")
_OF_STACKS = ("python: threads", "python: setrlimit", "without cgroups threads' default stacks")


def idioms(path: Path) -> dict[str, tuple[str, bytes]]:
    r"""The programs of a file: name -> (source, input).

    `=== name` begins one, `=== name escaped` one whose source is written with escapes (\r, \x0c); `<<< text` is its
    input, always with escapes.
    """
    found = {}
    for section in path.read_text().split("\n=== ")[1:]:
        head, _, source = section.partition("\n")
        given = r"5 7\n1 2 3\nabc def\n"
        if source.startswith("<<< "):
            given, _, source = source[4:].partition("\n")
        name, _, escaped = head.partition(" ")
        if escaped:
            source = source.strip("\n").encode().decode("unicode_escape")
        found[name] = (source, given.encode().decode("unicode_escape").encode("latin-1"))
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


class Pairs:
    """Slots for programs run warm and plainly, as many of each as there are threads."""

    def __init__(self, threads: int) -> None:
        self.pool = ThreadPoolExecutor(threads)
        self.idle = [(Sandbox(), Sandbox()) for _ in range(threads)]

    def compare(self, source: str, given: bytes) -> list[tuple[object, ...]]:
        warm, own = self.idle.pop()
        try:
            results = [warm.run(Program.python(source), [given], LIMITS), own.run(plain(source), [given], LIMITS)]
        finally:
            self.idle.append((warm, own))
        return [shown(run.results[0]) for run in results]

    def differences(self, path: Path) -> dict[str, list[tuple[object, ...]]]:
        """Name of an idiom that differs -> what it showed warm, and plainly."""
        programs = idioms(path)
        assert programs
        compared = self.pool.map(lambda program: self.compare(*program), programs.values())
        return {name: pair for name, pair in zip(programs, compared, strict=True) if pair[0] != pair[1]}


@pytest.fixture(scope="module")
def pairs() -> Iterator[Pairs]:
    pairs = Pairs(2)
    yield pairs
    pairs.pool.shutdown()
    for sandboxes in pairs.idle:
        for sandbox in sandboxes:
            sandbox.close()


@pytest.mark.parametrize("name", _MAIN)
def test_a_warm_interpreter_does_what_python_main_py_does(pairs: Pairs, name: str) -> None:
    assert pairs.differences(_FOLDER / f"{name}.txt") == {}


@pytest.mark.slow
def test_nor_do_pools_of_processes_deep_stacks_and_much_data_tell_them_apart(pairs: Pairs) -> None:
    assert pairs.differences(_FOLDER / "slow.txt") == {}


def test_each_test_of_a_program_is_the_same_with_its_code_kept(pairs: Pairs) -> None:
    source = (
        "import sys, inspect\ndef f(): return input()\nprint(f(), inspect.getsource(f), open(__file__).read())\n1 / 0"
    )
    warm, own = pairs.idle[0]
    results = warm.run(Program.python(source), [b"a", b"b", b"c"], LIMITS).results
    assert [shown(result) for result in results] == [
        shown(own.run(plain(source), [given], LIMITS).results[0]) for given in (b"a", b"b", b"c")
    ]


def test_no_two_tests_share_random_state_or_objects(pairs: Pairs) -> None:
    source = "import random, uuid, sys\nprint(random.random(), uuid.uuid4(), hasattr(sys, 'left'))\nsys.left = 1"
    outputs = [r.output for r in pairs.idle[0][0].run(Program.python(source), [b""] * 3, LIMITS).results]
    assert len(set(outputs)) == 3
    assert all(output.endswith(b"False\n") for output in outputs)


def test_ten_megabytes_pass_in_and_out_as_they_are(pairs: Pairs) -> None:
    given = b"12 34\n" * (10 * MIB // 6)
    for source in ("import sys\nsys.stdout.write(sys.stdin.read())", "for line in open(0): print(line, end='')"):
        result = pairs.idle[0][0].run(Program.python(source), [given], LIMITS).results[0]
        assert result.finished
        assert result.output == given


def test_programs_that_were_refused_for_their_interpreter_are_right(pairs: Pairs) -> None:
    kinds = ("python: standard", "python: a replaced", "python: the program's own", "python: multi", *_OF_STACKS)
    rows = [row for row in shared_rows("../cases/programs/index.jsonl") if row["kind"].startswith(kinds)]
    rows = [row for row in rows if row["language"] == "python"]
    assert len(rows) > 9
    limits = Limits(cpu_seconds=2, memory_bytes=256_000_000)
    for row in rows:
        tests = json.loads(shared(f"../cases/programs/{row['problem']}").read_text())["public_tests"]
        program = Program.python(shared(f"../cases/programs/{row['file']}").read_text())
        for given, wanted in zip(tests["input"], tests["output"], strict=True):
            result = pairs.idle[0][0].run(program, [given.encode()], limits).results[0]
            assert (row["file"], result.output.split()) == (row["file"], wanted.encode().split()), result.errors
            assert result.finished
