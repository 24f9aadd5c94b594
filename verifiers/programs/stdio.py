"""Programs that read standard input and write standard output: CodeContests."""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.programs.blocks import CPP_TAGS, PYTHON_TAGS, blocks, looks_like_code, tidy
from verifiers.programs.compare import same_as_paper, same_tokens
from verifiers.programs.compilers import Binary, compiled
from verifiers.programs.lacks import lacks_compiler, lacks_sandbox
from verifiers.programs.outcomes import detail, failure
from verifiers.sandbox import MIB, Limits, Program, TestResult, the_sandbox
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

Compare = Callable[[bytes, bytes], bool]
Refuse = Callable[["StdioTest", bytes], str]
TEST_FIELDS = ("public_tests", "private_tests", "generated_tests")
PUBLIC_FIELDS = TEST_FIELDS[:1]
FILE_FIELDS = ("input_file", "output_file")
"""Names of files that a program may read and write in place of its standard streams."""
LEAST_MEMORY = 64 * MIB
_PAPER_EXTRA_SECONDS = 10.0
_DEFAULT_SECONDS = 10.0
_PAPER_MEMORY = 1024 * MIB
_MOST_CPU_SECONDS = 600.0
_MACHINE_BYTES = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
_SEVERAL_ANSWERS = re.compile(
    r"\b(?:any (?:one )?of them|any (?:valid|suitable|correct|order)|(?:print|output) any"
    r"|(?:multiple|several) (?:answers|solutions)|multiple possible|more than one (?:answer|solution))\b"
)


class StdioTest(NamedTuple):
    """What a program reads and what it should write."""

    given: bytes
    expected: bytes


class _Rules(NamedTuple):
    """How one verifier judges; `fields` hold its tests, in order."""

    compare: Compare
    extra_seconds: float
    least_memory: int
    cpp: bool = False
    fields: Sequence[str] = TEST_FIELDS


def extract_program(tags: frozenset[str], _: Problem, text: str) -> Candidate | None:
    """The last fenced block in the language, or in none named that reads like code; else the last in the language or
    in none named, else the last block, else a text that is code. Empty ones do not count.

    Drafts come before what is final; what a program prints often stands behind it, in a block with no language.
    """
    fenced = [block for block in blocks(text) if block.text.strip()]
    wanted = [block for block in fenced if block.tag in tags]
    code = [block for block in wanted if block.tag or looks_like_code(block.text)]
    for block in (code or wanted or fenced)[-1:]:
        return Candidate(tidy(block.text), "block")
    return _whole(text)


def extract_paper(_: Problem, text: str) -> Candidate | None:
    """The first fenced block, as the paper read it, but for one in another language where there is one in Python.

    https://github.com/ScalingIntelligence/large_language_monkeys at ed2bdb0, llmonk/evaluate/code_contests.py
    """
    fenced = [block for block in blocks(text) if block.text.strip()]
    for block in [block for block in fenced if block.tag in PYTHON_TAGS] or fenced:
        return Candidate(tidy(block.text), "block")
    return _whole(text)


def _whole(text: str) -> Candidate | None:
    if not blocks(text) and looks_like_code(text):
        return Candidate(tidy(text), "whole text")
    return None


def _judge(rules: _Rules, problem: Problem, candidate: str) -> Judgement:
    tests = held_tests(problem, rules.fields)
    limits = limits_of(problem, rules.extra_seconds, rules.least_memory)
    input_file, output_file = (str(problem.data.get(name) or "") for name in FILE_FIELDS)
    if input_file:  # it has to fit into what a program may write
        longest = max(len(test.given) for test in tests)
        limits = replace(limits, scratch_bytes=limits.scratch_bytes + longest)

    def run(program: Program) -> Judgement:
        program = replace(program, input_file=input_file, artifact=output_file)
        judgement = run_tests(program, tests, limits, compared(rules.compare))
        return replace(judgement, facts={**judgement.facts, "several_answers": accepts_several(problem)})

    return run_compiled(candidate, run) if rules.cpp else run(Program.python(candidate, reuse=len(tests) > 1))


def run_compiled(source: str, run: Callable[[Program], Judgement]) -> Judgement:
    """What `run` says of a C++ or C program, and by which standard it was compiled; or why it does not compile."""
    binary = compiled(source)
    if not isinstance(binary, Binary):
        return binary
    judgement = run(Program("binary", code=binary.code))
    return replace(judgement, facts={**judgement.facts, "standard": binary.standard})


def compared(compare: Compare) -> Refuse:
    """Wrong is what is not the same as what is expected."""
    return lambda test, output: "" if compare(output, test.expected) else "wrong answer"


def run_tests(
    program: Program, tests: Sequence[StdioTest], limits: Limits, refuse: Refuse, slot: str = "main"
) -> Judgement:
    """Run the tests in order until one fails; `refuse(test, output)` says what is wrong with an output, or "".

    The output is what it wrote to the file that the program's artifact names, if it did, else to standard output.
    """
    spent, wrong, waiting = 0.0, "", iter(tests)

    def go_on(result: TestResult) -> bool:
        nonlocal spent, wrong
        test = next(waiting)
        spent += result.cpu_seconds
        wrong = refuse(test, result.artifact or result.output) if failure(result) is None else ""
        return failure(result) is None and not wrong and spent < _MOST_CPU_SECONDS

    run = the_sandbox().run(program, (test.given for test in tests), limits, go_on, slot)
    where = f"test {len(run.results)} of {len(tests)}"

    def judgement(outcome: Outcome, why: str) -> Judgement:
        return Judgement(outcome, why, run.cpu_seconds, {**run.facts, "tests": len(tests)})

    last = run.results[-1]
    reason = failure(last)
    if reason is not None:
        return judgement(reason, f"{where}: {detail(last)}".rstrip(": "))
    if wrong:
        return judgement(Outcome.incorrect, f"{where}: {wrong}")
    if len(run.results) < len(tests):
        return judgement(Outcome.time_limit, f"{where}: {_MOST_CPU_SECONDS:g} CPU-seconds over all")
    return judgement(Outcome.correct, f"{len(tests)} tests")


def held_tests(problem: Problem, fields: Sequence[str]) -> list[StdioTest]:
    """The tests of these fields, in order; InfrastructureError where there are none, or they are no lists of texts."""
    tests = []
    for name in fields:
        held = problem.data.get(name) or {"input": [], "output": []}
        if wrong := wrong_tests(held):
            raise InfrastructureError(f"{name} of the problem {wrong}")
        tests += [
            StdioTest(given.encode(errors="surrogatepass"), expected.encode(errors="surrogatepass"))
            for given, expected in zip(held["input"], held["output"], strict=True)
        ]
    if not tests:
        raise InfrastructureError(f"the problem has no {'public ' if fields == PUBLIC_FIELDS else ''}tests")
    return tests


def wrong_tests(held: Any) -> str:
    """What keeps a value from being tests, as lists of texts `input` and `output`; "" where nothing does."""
    if not isinstance(held, Mapping):
        return "must have input and output"
    for name in ("input", "output"):
        if not isinstance(held.get(name), list) or not all(isinstance(text, str) for text in held[name]):
            return f"must have a list of texts {name}"
    inputs, outputs = len(held["input"]), len(held["output"])
    return "" if inputs == outputs else f"has {inputs} inputs and {outputs} outputs"


def limits_of(problem: Problem, extra_seconds: float = 0.0, least_memory: int = LEAST_MEMORY) -> Limits:
    """A problem's own limits, or 10 seconds and 256 MiB, as far as this machine has them."""
    memory = _number(problem.data, "memory_limit_bytes") or 256 * MIB
    return Limits(
        cpu_seconds=min((time_limit(problem.data) or _DEFAULT_SECONDS) + extra_seconds, _MOST_CPU_SECONDS),
        memory_bytes=max(int(min(memory, _MACHINE_BYTES)), least_memory),
    )


def time_limit(data: Mapping[str, Any]) -> float | None:
    """A problem's time limit in seconds, as a number or as the public set's seconds and nanos; None without one.

    InfrastructureError where it is no number above 0.
    """
    limit = data.get("time_limit")
    if isinstance(limit, Mapping):
        return (_number(limit, "seconds") or 0) + (_number(limit, "nanos") or 0) / 1e9 or None
    return _number(data, "time_limit")


def _number(data: Mapping[str, Any], name: str) -> float | None:
    number = data.get(name)
    if not number:
        return None
    if not isinstance(number, int | float) or not 0 < number < math.inf:
        raise InfrastructureError(f"{name} of the problem must be a number above 0, not {str(number)[:40]!r}")
    return number


def accepts_several(problem: Problem) -> bool:
    """Whether the statement says that several answers are right; comparing with one then fails right programs."""
    statement = " ".join(str(problem.data.get("description", "")).lower().split())
    return _SEVERAL_ANSWERS.search(statement) is not None


_PAPER = _Rules(same_as_paper, _PAPER_EXTRA_SECONDS, _PAPER_MEMORY)
_STRICT = _Rules(same_tokens, 0.0, LEAST_MEMORY)
_CPP = _Rules(same_as_paper, 0.0, LEAST_MEMORY, cpp=True)
_PUBLIC = _PAPER._replace(fields=PUBLIC_FIELDS)

CODECONTESTS_PAPER = Verifier("paper", "2", extract_paper, partial(_judge, _PAPER), lacks=lacks_sandbox)
CODECONTESTS_STRICT = Verifier(
    "strict", "3", partial(extract_program, PYTHON_TAGS), partial(_judge, _STRICT), lacks=lacks_sandbox
)
CODECONTESTS_CPP = Verifier("cpp", "3", partial(extract_program, CPP_TAGS), partial(_judge, _CPP), lacks=lacks_compiler)
CODECONTESTS_PUBLIC = Verifier("public", "2", extract_paper, partial(_judge, _PUBLIC), lacks=lacks_sandbox)
"""What one has without the set: the tests that the statement shows, judged as `paper` judges."""
