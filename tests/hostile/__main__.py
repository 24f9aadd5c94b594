"""Judge every hostile program in one sandbox, as whoever runs this; one JSON object a line, then what was left over.

python -m tests.hostile [PART OF]    # every OF-th of them
"""

import glob
import json
import os
import sys
from pathlib import Path

from tests.hostile import calls, stdio
from verifiers.programs import stdio as programs
from verifiers.programs import unit_tests
from verifiers.programs.lacks import find_compiler
from verifiers.sandbox import MIB, Limits, Program, the_sandbox
from verifiers.verifier import Problem


class Short(Limits):
    """Of little wall time, too: some of them only wait."""

    wall_seconds = 1.5


LIMITS = Short(cpu_seconds=0.4, memory_bytes=128 * MIB, output_bytes=MIB, scratch_bytes=4 * MIB)


def judge_stdio(hostile: stdio.Hostile) -> tuple[str, str]:
    tests = {"input": ["1 2\n"] * hostile.tests, "output": ["3\n"] * hostile.tests}
    problem = Problem(hostile.name, {"public_tests": tests})
    verifier = programs.CODECONTESTS_CPP if hostile.language == "cpp" else programs.CODECONTESTS_STRICT
    judgement = verifier.judge_safely(problem, hostile.source)
    return judgement.outcome.value, judgement.detail


def judge_call(hostile: stdio.Hostile) -> tuple[str, str]:
    problem = Problem(hostile.name, {"prompt": calls.PROMPT, "test": calls.TESTS, "entry_point": "add"})
    judgement = unit_tests.HUMANEVAL.judge_safely(problem, hostile.source)
    return judgement.outcome.value, judgement.detail


def is_healthy() -> bool:
    run = the_sandbox().run(Program.python("print(input()[::-1])"), [b"abc\n"], Limits())
    return run.results[0].output == b"cba\n" and run.results[0].finished


def leftovers() -> list[str]:
    """Processes, groups and files of this process's jails, which are closed by now."""
    the_sandbox().close()
    me = str(os.getpid())
    groups = glob.glob(f"/sys/fs/cgroup/**/monkeys-{me}-*", recursive=True)
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if "scratch" in line]
    children = Path(f"/proc/{me}/task/{me}/children").read_text().split()
    return groups + mounts + children


def main() -> None:
    programs.limits_of = lambda *_: LIMITS  # small, so that the suite takes a minute
    unit_tests._LIMITS = LIMITS
    has_cpp = find_compiler() is not None
    part, of = map(int, sys.argv[1:] or (0, 1))
    for judge, hostiles in ((judge_stdio, stdio.PROGRAMS), (judge_call, calls.FUNCTIONS)):
        for hostile in hostiles[part::of]:
            if hostile.language == "cpp" and not has_cpp:
                continue
            outcome, detail = judge(hostile)
            said = {"name": hostile.name, "outcome": outcome, "detail": detail, "healthy": is_healthy()}
            print(json.dumps(said), flush=True)
    print(json.dumps({"leftovers": leftovers(), "uid": os.getuid()}))


if __name__ == "__main__":
    sys.exit(main())
