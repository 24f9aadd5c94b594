"""Known programs with known ends, for a worker's start and for a doctor: no sandbox with a surprise may serve."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from verifiers.errors import InfrastructureError, Unavailable
from verifiers.sandbox.limits import MIB, Ended, Limits, TestResult
from verifiers.sandbox.program import Program
from verifiers.sandbox.sandbox import Sandbox, the_sandbox


@dataclass(frozen=True)
class SelfTest:
    """What a sandbox showed: its level, what bounds memory, and the surprises, none when all is well."""

    isolation: str
    limits: str
    python: str
    surprises: list[str]


class _Known(NamedTuple):
    name: str
    source: str
    expected: Callable[[TestResult], bool]
    cpu_seconds: float = 5.0


_PROGRAMS = (
    _Known("a right program", "print(sum(map(int, input().split())))", lambda r: r.finished and r.output == b"5\n"),
    _Known("an exception", "raise SystemExit(3)", lambda r: r.ended is Ended.exited and r.exit_code == 3),
    _Known("an endless loop", "while True: pass", lambda r: r.ended is Ended.cpu_limit, 0.2),
    _Known("a memory hog", "a = []\nwhile True: a.append(bytearray(1 << 20))", lambda r: _hit_memory(r)),
    _Known("a flood", "while True: print('x' * 65536)", lambda r: r.ended is Ended.output_limit),
    _Known("a syntax error", "def f(:", lambda r: r.ended is Ended.not_compiled),
    _Known(
        "a survivor's heir",
        "import os\nif os.fork() == 0:\n    os.setsid()\n    while True: pass",
        lambda r: r.finished,
    ),
)


def self_test(sandbox: Sandbox) -> SelfTest:
    """Run a right, a failing, an endless, a greedy, a talkative and a broken program, all within a second.

    One that ends otherwise than it must is run once more: on a busy machine something else may have killed it.
    """
    surprises = []
    facts = {}
    for known in _PROGRAMS:
        limits = Limits(cpu_seconds=known.cpu_seconds, memory_bytes=128 * MIB, output_bytes=MIB)
        for _ in range(2):
            run = sandbox.run(Program.python(known.source), [b"2 3\n"], limits)
            if known.expected(run.results[0]):
                break
        else:
            surprises.append(f"{known.name} ended as {run.results[0].ended.name}")
        facts = run.facts
    return SelfTest(facts["isolation"], facts["limits"], facts["python"], surprises)


def refuse_surprises() -> str:
    """For a worker's start, before it forks: try this process's sandbox, and leave no process of it behind.

    The empty string where all is well. Where no program runs at all, why: answers can be judged all the same, and every
    program becomes an infrastructure error. Unavailable where programs run but do not end as they must.
    """
    sandbox = the_sandbox()
    try:
        surprises = self_test(sandbox).surprises
    except InfrastructureError as error:
        return f"no program can be judged here: {error}"
    finally:
        sandbox.close()
    if surprises:
        raise Unavailable(
            f"No verify worker may serve here, since the sandbox does not do what it must ({'; '.join(surprises)}): "
            "take another host, or mend this one until `monkeys doctor` finds its sandbox well."
        )
    return ""


def _hit_memory(result: TestResult) -> bool:
    return result.ended is Ended.memory_limit or b"MemoryError" in result.errors
