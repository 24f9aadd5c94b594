"""Functions judged by unit tests: HumanEval and MBPP.

The tests run in one jail and the candidate in another; only plain data passes between them
(`verifiers/sandbox/inside/calls.py`), so a candidate can neither see an expected value nor compare anything itself.
"""

import re

from verifiers.errors import InfrastructureError
from verifiers.outcome import Outcome
from verifiers.programs.blocks import PYTHON_TAGS, blocks, tidy
from verifiers.programs.lacks import lacks_sandbox
from verifiers.programs.outcomes import detail, failure
from verifiers.sandbox import MIB, Ended, Limits, Program, may_import, the_sandbox
from verifiers.sandbox.inside.broken import OURS, THEIRS
from verifiers.sandbox.inside.codec import encode
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

STOPS = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
"""Where a completion of a function ends: https://github.com/openai/human-eval, and the paper before it."""

_DEFINES = r"(?:(?:async[ \t]+)?def|class)[ \t]+"
_LIMITS = Limits(cpu_seconds=5, memory_bytes=1024 * MIB, output_bytes=4 * MIB)
_DRIVER_LIMITS = Limits(cpu_seconds=10, memory_bytes=1024 * MIB, output_bytes=MIB)


def extract_function(problem: Problem, text: str) -> Candidate | None:
    """A whole program: the last block or a text that defines the function, else the prompt with its completion.

    Drafts come before what is final; a block that only calls the function defines nothing.
    """
    if not text.strip():
        return None
    prompt, name = str(problem.data["prompt"]), str(problem.data["entry_point"])
    assigns = rf"^{re.escape(name)}[ \t]*(?::[^=\n]+)?=(?!=)"
    defines = re.compile(rf"^[ \t]*{_DEFINES}{re.escape(name)}\b|{assigns}", re.MULTILINE)
    fenced = blocks(text)
    for block in reversed(fenced):
        if block.tag in PYTHON_TAGS and defines.search(block.text):
            return Candidate(tidy(prelude(problem) + "\n" + tidy(block.text)), "block")
    if defines.search(_cut(text, STOPS[:1])) and not text.startswith((" ", "\t")):
        return Candidate(tidy(prelude(problem) + "\n" + tidy(text)), "whole text")
    for block in fenced:
        if block.tag in PYTHON_TAGS and block.text.strip() and not text[: text.find(block.text)].strip("`~ \n\t"):
            text = block.text.lstrip("\n")
            break
    return Candidate(tidy(prompt + _cut(text, STOPS)), "completion")


def _cut(text: str, stops: tuple[str, ...]) -> str:
    return text[: min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))]


def prelude(problem: Problem) -> str:
    """What the prompt holds before the function: imports, and the helpers that tests may call."""
    prompt, name = str(problem.data["prompt"]), str(problem.data["entry_point"])
    head = re.search(rf"^{_DEFINES}{re.escape(name)}\b", prompt, re.MULTILINE)
    return prompt[: head.start()] if head else ""


def judge_by(tests: str, problem: Problem, candidate: str, limits: Limits, driver_limits: Limits) -> Judgement:
    """The verdict of tests that call the problem's function; InfrastructureError where they cannot be run."""
    told = encode((prelude(problem), tests, str(problem.data["entry_point"])))
    answered, driven = the_sandbox().converse(
        Program.python(candidate, serve=True, reuse=False),
        limits,
        Program("drive", reuse=False),
        driver_limits,
        told,
        slot_for(tests),
    )
    result, driver = answered.results[0], driven.results[0]
    marks, verdict, said = _read(driver.output)

    def judgement(outcome: Outcome, why: str) -> Judgement:
        return Judgement(outcome, why, answered.cpu_seconds + driven.cpu_seconds, answered.facts)

    if verdict == "broken":
        raise InfrastructureError(f"the tests of {problem.key} are broken: {said}")
    if result.ended is not Ended.exited:
        return judgement(failure(result) or Outcome.runtime_error, detail(result))
    if not driver.finished:
        if marks.endswith(OURS):
            raise InfrastructureError(
                f"the tests of {problem.key} need more than the sandbox gives: {driver.ended.name}"
            )
        return judgement(failure(driver) or Outcome.runtime_error, "while its answers were compared")
    if verdict == "passed":
        return judgement(Outcome.correct, "")
    if verdict == "failed":
        return judgement(Outcome.incorrect, said)
    if verdict == "raised":
        return judgement(Outcome.memory_limit if said == "MemoryError" else Outcome.runtime_error, said)
    return judgement(failure(result) or Outcome.runtime_error, detail(result) or "ended during the tests")


def slot_for(tests: str) -> str:
    """The jail that has what tests import, made only where some do."""
    by_numpy = re.search(r"^[ \t]*(?:import|from)[ \t]+numpy\b|\b_differ\(", tests, re.MULTILINE)
    return "numpy driver" if by_numpy and may_import("numpy") else "driver"


def _read(output: bytes) -> tuple[bytes, str, str]:
    """What the driver wrote: its marks of whose work it was at, its verdict and a detail."""
    said = output.lstrip(OURS + THEIRS)
    verdict, _, why = said.decode("utf-8", "replace").partition(" ")
    return output[: len(output) - len(said)], verdict, why


def _judge(problem: Problem, candidate: str) -> Judgement:
    return judge_by(str(problem.data["test"]), problem, candidate, _LIMITS, _DRIVER_LIMITS)


HUMANEVAL = Verifier("tests", "4", extract_function, _judge, lacks=lacks_sandbox)
MBPP = Verifier("tests", "4", extract_function, _judge, lacks=lacks_sandbox)
