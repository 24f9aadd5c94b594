"""Untrusted programs, run apart from everything.

    sandbox = the_sandbox()                            # this process's own; a jail is made on first use
    run = sandbox.run(Program.python(source), [b"3 4\\n"], Limits(cpu_seconds=2))
    run.results[0].output, run.facts["isolation"]

A slot is a bubblewrap jail (no network, no host files, never host uid 0) whose first process is a warm Python, our
supervisor. Each test is one fork of it, with an empty /tmp and /dev/shm, rlimits, no capabilities and a system call
filter; all that it started ends with it. The supervisor sees no program, no input and no output: these pass between
the test's own process and this one, which also keeps the limits. What a test is expected to print stays on this side.
`refuse_surprises` is for a worker's start, `self_test` for a doctor. Our own failures are InfrastructureError, never a
result.
"""

from verifiers.sandbox.levels import best_level, probe
from verifiers.sandbox.limits import MIB, Ended, Level, Limits, TestResult
from verifiers.sandbox.packages import find_packages, may_import, use_packages
from verifiers.sandbox.program import Program
from verifiers.sandbox.sandbox import ProgramRun, Sandbox, the_sandbox, use_level
from verifiers.sandbox.self_test import SelfTest, refuse_surprises, self_test

__all__ = [
    "MIB",
    "Ended",
    "Level",
    "Limits",
    "Program",
    "ProgramRun",
    "Sandbox",
    "SelfTest",
    "TestResult",
    "best_level",
    "find_packages",
    "may_import",
    "probe",
    "refuse_surprises",
    "self_test",
    "the_sandbox",
    "use_level",
    "use_packages",
]
