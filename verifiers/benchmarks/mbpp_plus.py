"""MBPP+: 378 of MBPP's functions, mended, with some 35 times its tests, zero-shot.

Rows are the published set's, `task_id, code, prompt, test_imports, test_list, test`, or those of evalplus' own file
(MbppPlus.jsonl), where a reference solution says what is right of `base_input` and `plus_input`. A problem's key is
evalplus' own, `Mbpp/2`, in both. The prompt is evalplus': the sentence and the first assert. "Is Your Code Generated
by ChatGPT Really Correct?" (arXiv 2305.01210); settings as for HumanEval.
"""

from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.functions import (
    ASK,
    SAMPLING,
    as_answer,
    completion_prompts,
    evalplus_problem,
    run_once,
    tests_of,
)
from verifiers.benchmarks.mbpp import asked, asserts_of, base_test, tested
from verifiers.benchmarks.rows import hub_rows, key_of, make_problems, text_of, texts_of
from verifiers.files import Row, read_rows
from verifiers.programs.plus import BASE, PLUS
from verifiers.verifier import Problem

_TOO_MUCH = "its reference needs more than the sandbox gives (https://github.com/EIT-EAST-Lab/C3/issues/2)"


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public set."""
    rows = read_rows(file) if file else hub_rows("evalplus/mbppplus", None, "test")
    return make_problems(file, rows, _problem, judged_by=("test", "test_list", "base_input", "plus_input"))


def _problem(row: Row, line: int) -> Problem:
    if row.get("base_input") is not None:
        return evalplus_problem(row)
    asserts = asserts_of(row)
    code = text_of(row, "code")
    name = tested(code, asserts)
    imports = texts_of(row, "test_imports") if row.get("test_imports") else []
    data = {
        "prompt": asked(row, asserts[:1]),
        "test": "\n".join([*imports, run_once(tests_of(row), name)]),
        "base_test": base_test(row, asserts),
        "entry_point": name,
    }
    key = key_of(row, line, "task_id")
    return Problem(key if "/" in key else f"Mbpp/{key}", data, as_answer(code))


MBPP_PLUS = Benchmark(
    name="mbpp-plus",
    about="MBPP+: 378 basic Python functions, zero-shot, run against evalplus' many tests",
    load=load,
    chat=ASK,
    prompts=completion_prompts,
    verifiers=(PLUS, BASE),
    sampling=SAMPLING,
    source="https://huggingface.co/datasets/evalplus/mbppplus (https://github.com/evalplus/mbppplus_release)",
    licence="Apache-2.0",
    known={"Mbpp/255": _TOO_MUCH, "Mbpp/599": _TOO_MUCH},
)
