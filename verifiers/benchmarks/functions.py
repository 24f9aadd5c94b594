"""Rows and prompts that HumanEval, MBPP and their plus sets share: a function to be written, and tests that call it."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from verifiers.benchmarks.benchmark import Sampling
from verifiers.benchmarks.rows import key_of, number_of, text_of
from verifiers.files import Row
from verifiers.programs.lacks import lacks_imports
from verifiers.programs.plus import mbpp_number
from verifiers.programs.unit_tests import STOPS
from verifiers.sandbox.inside.codec import encode
from verifiers.sandbox.inside.evalplus import restored
from verifiers.verifier import Problem

ASK = (
    "Please provide a self-contained Python script that solves the following problem in a markdown code block:\n"
    "```python\n{prompt}\n```"
)
"""evalplus' chat prompt: https://github.com/evalplus/evalplus at 013927a, evalplus/codegen.py, provider/openai.py."""

SAMPLING = Sampling(temperature=0.8, max_tokens=512, top_p=0.95, stop=STOPS)
"""Of "Evaluating Large Language Models Trained on Code" (arXiv 2107.03374), for many samples; its stops (2.1)."""

LARGEST_TESTS = 16 << 20
_FIND_ZERO = re.compile(r"^( +)assert _poly\(\*candidate\(\*inp\), inp\) <= (\S+)$", re.MULTILINE)


def function_problem(row: Row, line: int) -> Problem:
    """A row of `task_id, prompt, test, entry_point`."""
    prompt, name = text_of(row, "prompt"), entry_point(row)
    data = {"prompt": prompt, "test": run_once(tests_of(row), name), "entry_point": name}
    return Problem(key_of(row, line, "task_id", "name"), data, solution_of(row, prompt))


def solution_of(row: Row, prompt: str) -> str | None:
    """The right solution of a row that has one, a whole program or what completes the prompt, as an llm's answer.

    The public MBPP in HumanEval's shape has bodies that are indented otherwise than their docstrings, which go then.
    """
    body = row.get("canonical_solution")
    if not isinstance(body, str) or not body.strip():
        return None
    indents = [re.findall(r"^[ \t]+(?=\S)", text, re.MULTILINE) for text in (prompt, body)]
    if all(indents) and indents[0][-1] != indents[1][0]:
        *_, prompt = re.findall(r"\A[\s\S]*^def .*\n", prompt, re.MULTILINE) or [prompt]
    return as_answer(prompt + body)


def as_answer(program: str) -> str:
    """A Python program as an llm would give it."""
    return f"```python\n{program}\n```\n"


def entry_point(row: Row) -> str:
    """The name of the function."""
    name = text_of(row, "entry_point").strip()  # the public MBPP in HumanEval's shape has one with a blank at its end
    if not name.isidentifier():
        raise ValueError(f"entry_point {name!r} is not a name")
    return name


def tests_of(row: Row) -> str:
    """The tests of a row, as text."""
    test = text_of(row, "test")
    if len(test) > LARGEST_TESTS:
        raise ValueError(f"test has {len(test):,} characters; at most {LARGEST_TESTS:,} are run")
    if lack := lacks_imports(test):
        raise ValueError(lack)
    return test


def run_once(test: str, name: str) -> str:
    """Published tests without the call of `check` that ends them: whoever judges calls it, and once is enough.

    The published HumanEval/32 unpacks a number, which no program survives. Right is a zero, as evalplus' own runner
    has it, or the expected one (https://github.com/evalplus/evalplus/issues/253).
    """
    test = re.sub(rf"\n\s*check\({re.escape(name)}\)\s*\Z", "\n", test)
    return _FIND_ZERO.sub(
        r"\1out = candidate(*inp)\n\1assert abs(_poly(*inp, out)) <= \2 or abs(out - exp) <= \2", test
    )


def evalplus_problem(row: Row) -> Problem:
    """A row of evalplus' own form: `task_id, prompt, entry_point, canonical_solution, base_input, plus_input, atol`.

    Inputs are kept as JSON text, which tells 1.0 from 1 and holds infinities. `contract` and `assertion` say of
    inputs and of the base tests what the inputs themselves say.
    """
    key, prompt = text_of(row, "task_id"), text_of(row, "prompt")
    number = mbpp_number(key)
    atol = number_of(row, "atol")
    if atol is None:
        raise KeyError("atol")
    data = {
        "prompt": prompt,
        "entry_point": entry_point(row),
        "canonical_solution": text_of(row, "canonical_solution"),
        "base_input": _inputs(row, "base_input", number),
        "plus_input": _inputs(row, "plus_input", number),
        "atol": atol,
    }
    if data["base_input"] == "[]":
        raise ValueError("base_input is empty")
    if lack := lacks_imports("import numpy"):
        raise ValueError(lack)
    return Problem(key, data, solution_of(row, prompt))


def _inputs(row: Row, name: str, number: int) -> str:
    inputs = row[name]
    if not isinstance(inputs, list) or not all(isinstance(arguments, list) for arguments in inputs):
        raise TypeError(f"{name} must be a list of lists of arguments")
    try:
        encode(restored(number, inputs))
        text = json.dumps(inputs)
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise ValueError(f"{name} is not of the form that evalplus gives {row['task_id']}: {error}") from error
    if len(text) > LARGEST_TESTS:
        raise ValueError(f"{name} has {len(text):,} characters; at most {LARGEST_TESTS:,} are run")
    return text


def completion_prompts(problems: Sequence[Problem], _: Path | None, prefix: str | None) -> list[str]:
    """Raw completion prompts: the function's head, after the prefix if there is one."""
    before = prefix.rstrip("\n") + "\n\n\n" if prefix and prefix.strip() else ""
    return [before + problem.data["prompt"] for problem in problems]
