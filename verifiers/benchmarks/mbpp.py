"""MBPP, sanitized: 427 basic Python functions from one sentence and three asserts, zero-shot.

Rows are either the public set's own, `task_id, prompt, code, test_imports, test_list`, or in HumanEval's shape,
`task_id, prompt, test, entry_point`. The public rows' prompt shows the sentence and the asserts, as "Program Synthesis
with Large Language Models" (arXiv 2108.07732) does; temperature 0.8 and top-p 0.95 as for HumanEval.
"""

import re
from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.functions import completion_prompts, function_problem
from verifiers.benchmarks.rows import hub_rows, make_problems
from verifiers.files import Row, read_rows
from verifiers.programs import MBPP as TESTS
from verifiers.programs.unit_tests import STOPS
from verifiers.verifier import Problem


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public sanitized test set."""
    rows = read_rows(file) if file else hub_rows("google-research-datasets/mbpp", "sanitized", "test")
    return make_problems(file, rows, _problem, judged_by=("test", "test_list"))


def _problem(row: Row, line: int) -> Problem:
    if "test_list" not in row:
        return function_problem(row, line)
    asserts = list(row["test_list"])
    name = _tested(row["code"], asserts)
    shown = "\n".join(asserts)
    lines = [*row.get("test_imports", ()), "def check(candidate):", *(f"    {text}" for text in asserts)]
    return function_problem(
        {
            "task_id": row["task_id"],
            "prompt": f'"""\n{row["prompt"]}\n{shown}\n"""\n',
            "test": "\n".join(lines) + "\n",
            "entry_point": name,
        },
        line,
    )


def _tested(code: str, asserts: list[str]) -> str:
    """The function that the asserts call."""
    for name in re.findall(r"^def[ \t]+(\w+)", code, re.MULTILINE):
        if re.search(rf"\b{name}\(", asserts[0]):
            return str(name)
    raise ValueError("its asserts call no function of its code")


MBPP = Benchmark(
    name="mbpp",
    about="MBPP sanitized: 427 basic Python functions, zero-shot, run against their asserts",
    load=load,
    prompts=completion_prompts,
    verifiers=(TESTS,),
    sampling=Sampling(temperature=0.8, max_tokens=512, top_p=0.95, stop=STOPS),
)
