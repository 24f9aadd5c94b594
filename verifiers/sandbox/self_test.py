"""Known programs with known ends, for a worker's start and for a doctor: no sandbox with a surprise may serve."""

from dataclasses import dataclass

from verifiers.sandbox.limits import MIB, Ended, Limits, TestResult
from verifiers.sandbox.sandbox import Sandbox
from verifiers.sandbox.slot import Program

_LIMITS = Limits(cpu_seconds=1, memory_bytes=256 * MIB, output_bytes=MIB)
_SURVIVOR = "import os\nif os.fork() == 0:\n    os.setsid()\n    while True: pass"


@dataclass(frozen=True)
class SelfTest:
    """What was found: the level, what bounds memory, and the surprises, none when all is well."""

    isolation: str
    limits: str
    python: str
    surprises: list[str]


def self_test(sandbox: Sandbox) -> SelfTest:
    """Run a right, a failing, an endless, a greedy, a talkative and a broken program."""
    surprises = []
    facts = {}
    for name, source, expected in (
        ("a right program", "print(sum(map(int, input().split())))", lambda r: r.finished and r.output == b"5\n"),
        ("an exception", "raise SystemExit(3)", lambda r: r.ended is Ended.exited and r.exit_code == 3),
        ("an endless loop", "while True: pass", lambda r: r.ended is Ended.cpu_limit),
        ("a memory hog", "a = []\nwhile True: a.append(bytearray(1 << 20))", _hit_memory),
        ("a flood", "while True: print('x' * 65536)", lambda r: r.ended is Ended.output_limit),
        ("a syntax error", "def f(:", lambda r: r.ended is Ended.not_compiled),
        (
            "a survivor's heir",
            "import os\nif os.fork() == 0:\n    os.setsid()\n    while True: pass",
            lambda r: r.finished,
        ),
    ):
        run = sandbox.run(Program.python(source), [b"2 3\n"], _LIMITS)
        facts = run.facts
        if not expected(run.results[0]):
            surprises.append(f"{name} ended as {run.results[0].ended.name}")
    return SelfTest(facts["isolation"], facts["limits"], facts["python"], surprises)


def _hit_memory(result: TestResult) -> bool:
    return result.ended is Ended.memory_limit or b"MemoryError" in result.errors
