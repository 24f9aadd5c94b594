"""Untrusted programs, run apart from everything.

    sandbox = the_sandbox()                            # this process's own; a jail is made on first use
    run = sandbox.run(Program.python(source), [b"3 4\\n"], Limits(cpu_seconds=2))
    run.results[0].output, run.facts["isolation"]

A slot is a bubblewrap jail (no network, no host files, never host uid 0) with a warm Python inside, our supervisor.
Each program gets fresh namespaces and an empty /tmp; each test is one fork with rlimits, no capabilities
and a system call filter. What a test is expected to print stays on this side. `self_test` is for a worker's start,
`probe` and `best_level` for a doctor. Our own failures are InfrastructureError, never a result.
"""

from verifiers.sandbox.limits import MIB, Ended, Level, Limits, TestResult
from verifiers.sandbox.sandbox import Run, Sandbox, best_level, probe
from verifiers.sandbox.self_test import SelfTest, self_test
from verifiers.sandbox.slot import Program

__all__ = [
    "MIB",
    "Ended",
    "Level",
    "Limits",
    "Program",
    "Run",
    "Sandbox",
    "SelfTest",
    "TestResult",
    "best_level",
    "probe",
    "self_test",
    "the_sandbox",
    "use_level",
]

_sandboxes: dict[str, Sandbox] = {}


def the_sandbox() -> Sandbox:
    """This process's sandbox, shared by all its verifiers."""
    return _sandboxes.setdefault("one", Sandbox())


def use_level(level: Level | None) -> None:
    """Take this level from now on: the only way to `Level.unsafe`, for a person who asked for it by hand."""
    old = _sandboxes.pop("one", None)
    if old:
        old.close()
    _sandboxes["one"] = Sandbox(level)
