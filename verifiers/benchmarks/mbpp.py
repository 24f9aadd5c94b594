"""MBPP, sanitized: 427 basic Python functions from one sentence and three asserts, zero-shot.

Rows are either the public set's own, `task_id, prompt, code, test_imports, test_list` (of the full set `text` and
`test_setup_code`), or in HumanEval's shape, `task_id, prompt, test, entry_point`: the public file of that shape names
the first function of its code there, and in 11 rows that only helps the one which the asserts call. The public rows'
prompt shows the sentence and the asserts, as "Program Synthesis with Large Language Models" (arXiv 2108.07732) does;
temperature 0.8 and top-p 0.95 as for HumanEval. In a chat it is asked as evalplus asks (functions.py).
"""

import re
from dataclasses import replace
from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.functions import (
    ASK,
    SAMPLING,
    as_answer,
    completion_prompts,
    entry_point,
    function_problem,
    tests_of,
)
from verifiers.benchmarks.rows import hub_rows, make_problems, text_of, texts_of
from verifiers.files import Row, read_rows
from verifiers.programs import MBPP as TESTS
from verifiers.verifier import Problem


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public sanitized test set."""
    rows = read_rows(file) if file else hub_rows("google-research-datasets/mbpp", "sanitized", "test")
    return make_problems(file, rows, _problem, judged_by=("test", "test_list"))


def _problem(row: Row, line: int) -> Problem:
    if row.get("test_list") is None:
        return function_problem({**row, "entry_point": _called(row)}, line)
    if row.get("test"):
        raise ValueError("it has test_list and test, and which of them counts mbpp-plus knows")
    asserts, code = asserts_of(row), text_of(row, "code")
    problem = function_problem(
        {
            "task_id": row["task_id"],
            "prompt": asked(row, asserts),
            "test": base_test(row, asserts),
            "entry_point": tested(code, asserts),
        },
        line,
    )
    return replace(problem, reference=as_answer(code))


def _called(row: Row) -> str:
    """The function that a row in HumanEval's shape is tested by: the one it names, unless its asserts call another."""
    name, code = entry_point(row), f"{row.get('prompt')}{row.get('canonical_solution')}"
    asserts = "\n".join(re.findall(r"^[ \t]*assert\b.*", tests_of(row), re.MULTILINE))
    names = [name, "candidate", *re.findall(r"^def[ \t]+(\w+)", code, re.MULTILINE)]
    called = next((each for each in names if re.search(rf"\b{each}[ \t]*\(", asserts)), name)
    return name if called == "candidate" else str(called)


def asserts_of(row: Row) -> list[str]:
    """The asserts of a public row."""
    asserts = texts_of(row, "test_list")
    if not asserts:
        raise ValueError("test_list is empty")
    return asserts


def asked(row: Row, asserts: list[str]) -> str:
    """The sentence and the asserts, as a docstring."""
    shown = "\n".join(asserts)
    return f'"""\n{text_of(row, "prompt", "text")}\n{shown}\n"""\n'


def base_test(row: Row, asserts: list[str]) -> str:
    """A `check` of the asserts, after whatever the row wants run before them."""
    imports = texts_of(row, "test_imports") if row.get("test_imports") else []
    setup = [text_of(row, "test_setup_code")] if row.get("test_setup_code") else []
    return "\n".join([*imports, *setup, "def check(candidate):", *(f"    {text}" for text in asserts)]) + "\n"


def tested(code: str, asserts: list[str]) -> str:
    """The function that the asserts call."""
    for name in re.findall(r"^def[ \t]+(\w+)", code, re.MULTILINE):
        if re.search(rf"\b{name}\(", asserts[0]):
            return str(name)
    raise ValueError("its asserts call no function of its code")


MBPP = Benchmark(
    name="mbpp",
    about="MBPP sanitized: 427 basic Python functions, zero-shot, run against their asserts",
    load=load,
    chat=ASK,
    prompts=completion_prompts,
    verifiers=(TESTS,),
    sampling=SAMPLING,
    source="https://huggingface.co/datasets/google-research-datasets/mbpp",
    licence="CC BY 4.0",
    known=dict.fromkeys(
        ("461", "MbppEval/461"), "its asserts are wrong (https://github.com/evalplus/evalplus/issues/147)"
    ),
)
