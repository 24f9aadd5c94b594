"""Right programs beside many busy processes: what waits for a CPU is not slow, and what idles still is."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.shared_data import shared
from verifiers.programs import stdio, unit_tests
from verifiers.sandbox import MIB, Ended, Limits, Program, Sandbox
from verifiers.sandbox.inside.codec import encode
from verifiers.sandbox.jail import find_python
from verifiers.sandbox.tree import Tree
from verifiers.verifier import Problem

pytestmark = pytest.mark.skipif(shutil.which("bwrap") is None, reason="NO BUBBLEWRAP: the sandbox was not tried")

WORK = "import time\nwhile time.process_time() < .07: pass\n"
PARENT = f"import os\nif os.fork() == 0:\n exec({WORK!r})\n os._exit(0)\nos.wait()\n"


class Impatient(Limits):
    """Of much less wall time than any of these programs gets its CPU time in."""

    wall_seconds = 0.3


LIMITS = Impatient(cpu_seconds=1.0, memory_bytes=128 * MIB)


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes that spin, each in a session of its own: the scheduler is fair to sessions."""
    spin = ["/bin/sh", "-c", "while :; do :; done"]
    started = [subprocess.Popen(spin, start_new_session=True) for _ in range(processes * (os.cpu_count() or 2) // 2)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def ways(sandbox: Sandbox) -> Iterator[tuple[str, bool]]:
    """What was run, and whether it ended well."""
    for name, source in (("itself", WORK), ("a parent", PARENT)):
        yield name, sandbox.run(Program.python(source), [b""], LIMITS).results[0].finished
    command = Program(
        "command", argv=("/bin/sh", "-c", f"{find_python().path} -c '{WORK}' && echo 1 > made"), artifact="made"
    )
    yield "a compiler's driver", sandbox.run(command, [b""], LIMITS).results[0].artifact == b"1\n"
    served = Program.python(f"def f():\n exec({WORK!r})\n return 1", serve=True)
    data = encode(("", "assert f() == 1", "f"))
    _, drove = sandbox.converse(served, LIMITS, Program("drive", reuse=False), LIMITS, data)
    yield "tests that wait for a function", drove.results[0].output.endswith(b"passed ")


@pytest.mark.timeout(120)
def test_right_programs_are_right_beside_twenty_busy_processes() -> None:
    sandbox = Sandbox()
    with busy(20):
        assert [name for name, well in ways(sandbox) if not well] == []
        sleeper = sandbox.run(Program.python("import time\ntime.sleep(60)"), [b""], LIMITS)
    sandbox.close()
    assert sleeper.results[0].ended is Ended.wall_limit
    assert "retries" not in sleeper.facts


def test_a_wait_counts_before_it_is_over() -> None:
    spin = "while :; do :; done"
    first = str(min(os.sched_getaffinity(0)))
    ours = f"chrt --idle 0 /bin/sh -c '{spin}' & wait"
    lines = (["/bin/sh", "-c", spin], ["/bin/sh", "-c", ours])
    spinner, supervisor = [subprocess.Popen(["taskset", "-c", first, *line], process_group=0) for line in lines]
    try:
        while not Path(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children").read_text():
            time.sleep(0.01)
        tree, started, unknown = Tree(supervisor.pid), time.monotonic(), 0.0
        while time.monotonic() < started + 1.5:
            tree.look()
            unknown = max(unknown, time.monotonic() - started - tree.delay_seconds - tree.cpu_seconds)
            time.sleep(0.02)
    finally:
        os.killpg(supervisor.pid, 9)
        spinner.kill()
        supervisor.wait()
        spinner.wait()
    assert unknown < 0.3


@pytest.fixture
def quota() -> Iterator[Path]:
    """A control group whose processes get a tenth of one CPU."""
    group = Path(f"/sys/fs/cgroup/cpu/monkeys-test-{os.getpid()}")
    try:
        group.mkdir()
    except OSError:
        pytest.skip("only root sets a quota, where cgroup v1 counts CPU")
    (group / "cpu.cfs_period_us").write_text("100000")
    (group / "cpu.cfs_quota_us").write_text("10000")
    yield group
    (group.parent / "cgroup.procs").write_text(str(os.getpid()))
    for _ in range(100):
        with suppress(OSError):
            group.rmdir()
            break
        time.sleep(0.02)


def test_what_a_quota_keeps_back_is_not_idleness(quota: Path) -> None:
    sandbox = Sandbox()
    sandbox.run(Program.python(""), [b""], LIMITS)
    supervisor = sandbox.slot().supervisor
    for pid in (os.getpid(), supervisor):  # first: what it forks from then on is in the group
        (quota / "cgroup.procs").write_text(str(pid))
    for child in Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        (quota / "cgroup.procs").write_text(child)
    worker = sandbox.run(Program.python(WORK), [b""], LIMITS)
    sleeper = sandbox.run(Program.python("import time\ntime.sleep(60)"), [b""], LIMITS)
    sandbox.close()
    assert worker.results[0].finished
    assert worker.results[0].wall_seconds > LIMITS.wall_seconds
    assert sleeper.results[0].ended is Ended.wall_limit


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(shutil.which("g++") is None, reason="NO G++: no program was compiled")
def test_right_programs_are_right_beside_sixty() -> None:
    slow = shared("../cases/programs/cpp_slow_compile.cpp").read_text()
    tests = {"public_tests": {"input": ["1 2\n"] * 3, "output": ["3\n"] * 3}, "time_limit": {"seconds": 2}}
    function = {"prompt": "def f(x):\n", "test": "def check(f):\n    assert f(1) == 1\n", "entry_point": "f"}
    adds = WORK + "print(sum(map(int, input().split())))"
    sandbox = Sandbox()
    with busy(60):
        outcomes = [
            stdio.CODECONTESTS_CPP.judge_safely(Problem("sum", tests), slow),
            stdio.CODECONTESTS_STRICT.judge_safely(Problem("sum", tests), adds),
            unit_tests.HUMANEVAL.judge_safely(Problem("f", function), f"def f(x):\n    exec({WORK!r})\n    return x"),
        ]
        assert [name for name, well in ways(sandbox) if not well] == []
    sandbox.close()
    assert [(each.outcome.value, each.detail) for each in outcomes if each.outcome.value != "correct"] == []
