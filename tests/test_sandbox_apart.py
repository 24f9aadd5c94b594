"""What one candidate, or one test, must not know of another."""

import shutil
from collections.abc import Iterator

import pytest

from verifiers.programs.compilers import Binary, compiled
from verifiers.sandbox import Level, Limits, Program, Sandbox
from verifiers.sandbox.inside.codec import encode

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: the sandbox was not tried")

SCAN = """
import re
mark = re.compile(rb"a m[a]rk of an [e]arlier one")  # without having it itself
found, seen = 0, 0
with open("/proc/self/mem", "rb", 0) as memory:
    for line in open("/proc/self/maps"):
        place, flags = line.split()[:2]
        if "r" not in flags or "[v" in line:
            continue
        low, high = (int(end, 16) for end in place.split("-"))
        try:
            memory.seek(low)
            data = memory.read(high - low)
        except OSError:
            continue
        seen += len(data)
        found += len(mark.findall(data))
        del data
print(found, seen > 1 << 20)
"""
MARK = "a mark of an earlier one"
COUNTERS = """
import os, resource
print(os.getpid(), os.getppid(), os.getpgrp(), os.getsid(0), os.listdir("/proc/self/fd"))
print(open("/proc/loadavg").read().split()[-1], open("/proc/sys/kernel/ns_last_pid").read())
print(sorted(p for p in os.listdir("/proc") if p.isdigit()), os.path.exists("/proc/1"))
print([(os.stat(p).st_ino, os.stat(p).st_nlink, os.stat(p).st_mode) for p in ("/tmp", "main.py", "/dev/shm")])
open("left", "w").close()
print(os.stat("left").st_ino)
if os.fork() == 0:
    os._exit(0)
print(os.wait()[0])
"""
AGES = "import os, time\nprint(max(time.time() - os.stat(p).st_ctime for p in ('/tmp', 'main.py', '/dev/shm')) < .5)"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


def said(sandbox: Sandbox, source: str, *given: bytes) -> list[str]:
    results = sandbox.run(Program.python(source), given or [b""], Limits()).results
    assert all(result.finished for result in results), results
    return [result.output.decode() for result in results]


@pytest.mark.parametrize("size", [1, 400, 3_000, 40_000])
def test_no_memory_of_an_earlier_program_is_in_a_later_one(sandbox: Sandbox, size: int) -> None:
    source = (
        f"{MARK!r}\n" + "# filler\n" * (size // 9) + f"import sys\nprint({MARK!r}, sys.stdin.read(), file=sys.stderr)"
    )
    said(sandbox, source, *[f"{MARK} {'x' * size}".encode()] * 2)
    assert said(sandbox, f"print({MARK!r} * {size})")[0].startswith(MARK)
    sandbox.run(Program.python(f"{MARK!r} {MARK!r}, def"), [MARK.encode()], Limits())
    assert said(sandbox, SCAN, b"", b"") == ["0 True\n"] * 2


def test_the_scan_finds_what_is_there(sandbox: Sandbox) -> None:
    assert not said(sandbox, f"kept = {MARK!r}\n{SCAN}")[0].startswith("0 ")


def test_no_memory_of_an_earlier_function_or_its_tests_is_in_a_later_program(sandbox: Sandbox) -> None:
    served = Program.python(f"def f(): return {MARK!r}", serve=True)
    data = encode(("", f"assert f() == {MARK!r}", "f"))
    sandbox.converse(served, Limits(), Program("drive", reuse=False), Limits(), data)
    for slot in ("main", "driver"):
        run = sandbox.run(Program.python(SCAN), [b""], Limits(), slot=slot)
        assert run.results[0].output == b"0 True\n"


def test_no_test_can_tell_its_number(sandbox: Sandbox) -> None:
    outputs = said(sandbox, COUNTERS, *[b""] * 4)
    if sandbox.slot().level is Level.bwrap:
        assert len(set(outputs)) == 1, outputs


def test_what_a_test_finds_is_made_for_it(sandbox: Sandbox) -> None:
    assert said(sandbox, "import time\ntime.sleep(.3)\n" + AGES, *[b""] * 3) == ["True\n"] * 3


ENDS = """
import gc, struct
n = int(input())
taken = [bytes([n]) * (n << 22)]
ends = [each for each in gc.get_objects() if type(each) is tuple and len(each) == 3 and type(each[1]) is float]
print(len(ends), ends)
"""
EXECUTABLE = r"""
#include <cstdio>
#include <sys/stat.h>
int main() {
    struct stat program, input;
    if (stat("/proc/self/exe", &program) || fstat(0, &input)) return 1;
    std::printf("%ld\n", (long)(input.st_ino - program.st_ino));
}
"""
MOUNTS = """
import ctypes, os
said = (ctypes.c_uint64 * 64)()
number = {"x86_64": 332, "aarch64": 291}[os.uname().machine]
failed = ctypes.CDLL(None).syscall(number, -100, b"/tmp", 0, 0x4000, said)
print(failed, said[18], ctypes.CDLL(None).syscall(number, -100, b"/tmp", 0, 0xFFF, said))
"""


def test_how_a_test_ended_is_not_in_the_memory_of_the_next(sandbox: Sandbox) -> None:
    assert said(sandbox, ENDS, b"1", b"5", b"9") == ["0 []\n"] * 3


@pytest.mark.skipif(shutil.which("g++") is None, reason="NO G++: no program was compiled")
def test_an_executable_is_as_old_as_its_test(sandbox: Sandbox) -> None:
    binary = compiled(EXECUTABLE)
    assert isinstance(binary, Binary), binary
    results = sandbox.run(Program("binary", code=binary.code), [b""] * 3, Limits()).results
    if sandbox.slot().level is Level.bwrap:
        assert [result.output for result in results] == [b"1\n"] * 3


def test_no_mount_says_how_many_there_were(sandbox: Sandbox) -> None:
    assert said(sandbox, MOUNTS, b"", b"") == ["-1 0 0\n"] * 2
