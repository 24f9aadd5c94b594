"""What a supervisor does once so that each test is cheaper, and that no program notices it."""

import shutil

import pytest

from verifiers.errors import Unavailable
from verifiers.sandbox import Limits, Program, Sandbox
from verifiers.sandbox.byte_code import byte_code
from verifiers.sandbox.jail import find_python

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: the sandbox was not tried")

SIDE_BY_SIDE = """
rows = [[bytes(size) for _ in range(10)] for size in range(0, 470, 16)]
print(sum(len({id(one) >> 12 for one in row}) for row in rows) / len(rows))
"""
UNTOUCHED = """
import os, sys
print(sys.stdin.tell(), os.lseek(0, 0, 1), sys.stdin.buffer.tell(), sorted(globals())[-3:], sys.getrecursionlimit())
print(os.fstat(0).st_size, repr(sys.stdin.read()), os.listdir("."), hasattr(sys, "last_type"), file=sys.stderr)
"""


def test_a_test_has_new_objects_side_by_side() -> None:
    sandbox = Sandbox()
    (result,) = sandbox.run(Program.python(SIDE_BY_SIDE), [b""], Limits()).results
    sandbox.close()
    assert float(result.output) < 1.8, result  # 2.4 between the objects that are there


def test_what_was_tried_out_before_is_gone() -> None:
    sandbox = Sandbox()
    (result,) = sandbox.run(Program.python(UNTOUCHED), [b"5"], Limits()).results
    sandbox.close()
    assert result.output == b"0 0 0 ['__spec__', 'os', 'sys'] 1000\n"
    assert result.errors == b"1 '5' ['main.py'] False\n"


def test_the_inside_of_a_jail_is_compiled_by_the_python_that_runs_it() -> None:
    assert "supervisor.pyc" in byte_code(find_python().path)
    with pytest.raises(Unavailable, match=r"/no/python does not compile the sandbox's own modules"):
        byte_code("/no/python")
