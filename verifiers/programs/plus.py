"""HumanEval+ and MBPP+: functions judged by evalplus' tests, with or without the many that it added.

`plus` runs all tests; `base` those that the set had before, the weak verifier that people really have. A row of the
published data sets holds its tests as text (`test`, `base_test`); one of evalplus' own files holds inputs, and the
reference solution says what is right (verifiers/sandbox/inside/evalplus.py).

evalplus gives each input four times the reference's time, at least a second, and a problem a minute. Here a candidate
has 20 CPU seconds for all inputs: every reference but one (Mbpp/599) needs less, and an endless loop costs no more.
"""

from verifiers.errors import InfrastructureError
from verifiers.programs.lacks import lacks_numpy
from verifiers.programs.unit_tests import extract_function, judge_by
from verifiers.sandbox import MIB, Limits
from verifiers.verifier import Judgement, Problem, Verifier

_DRIVER_LIMITS = Limits(cpu_seconds=40, memory_bytes=1024 * MIB, output_bytes=MIB)
_LIMITS = Limits(cpu_seconds=20, memory_bytes=1024 * MIB, output_bytes=4 * MIB, least_wall_seconds=120)
"""Of wall time a candidate has what the reference may take beside it."""


def _plus(problem: Problem, candidate: str) -> Judgement:
    tests = _differential(problem, "base_input", "plus_input") or str(problem.data["test"])
    return judge_by(tests, problem, candidate, _LIMITS, _DRIVER_LIMITS)


def _base(problem: Problem, candidate: str) -> Judgement:
    tests = _differential(problem, "base_input") or problem.data.get("base_test")
    if not tests:
        raise InfrastructureError(
            f"{problem.key} does not say which of its tests were there before: evalplus' own file does (base_input), "
            "and the benchmark humaneval has them"
        )
    return judge_by(str(tests), problem, candidate, _LIMITS, _DRIVER_LIMITS)


def _differential(problem: Problem, *fields: str) -> str:
    """The tests of a row of evalplus' own form on these inputs, else nothing."""
    data = problem.data
    if "base_input" not in data:
        return ""
    told = (
        str(data["entry_point"]),
        str(data["prompt"]) + str(data["canonical_solution"]),
        float(data["atol"]),
        mbpp_number(problem.key),
    )
    inputs = [str(data[field]) for field in fields]
    return f"def check(candidate):\n    for inputs in {inputs!r}:\n        _differ(candidate, inputs, *{told!r})\n"


def mbpp_number(key: str) -> int:
    """The number of `Mbpp/2`, 0 of another key; ValueError where it has none."""
    family, _, number = key.partition("/")
    if family != "Mbpp":
        return 0
    if not (number.isascii() and number.isdigit()):
        raise ValueError(f"task_id {key!r} is not Mbpp/ and a number")
    return int(number)


PLUS = Verifier("plus", "2", extract_function, _plus, lacks=lacks_numpy)
BASE = Verifier("base", "2", extract_function, _base, lacks=lacks_numpy)
