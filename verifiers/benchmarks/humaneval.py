"""HumanEval: 164 Python functions to complete from their head and docstring, zero-shot.

    {"task_id": "HumanEval/0", "prompt": "def f(a):\\n    ...", "test": "def check(candidate): ...", "entry_point": "f"}

Settings follow "Evaluating Large Language Models Trained on Code" (arXiv 2107.03374): temperature 0.8 and top-p 0.95
are its choice for many samples, the stop strings those of section 2.1. In a chat it is asked as evalplus asks
(functions.py).
"""

from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.functions import ASK, SAMPLING, completion_prompts, function_problem
from verifiers.benchmarks.rows import hub_rows, make_problems
from verifiers.files import read_rows
from verifiers.programs import HUMANEVAL as TESTS
from verifiers.verifier import Problem

KNOWN = {
    "HumanEval/47": "an example of its prompt is wrong (https://github.com/openai/human-eval/pull/23)",
    "HumanEval/75": "prompt and tests differ (https://github.com/evalplus/evalplus/issues/12)",
    "HumanEval/116": "prompt and tests differ (https://github.com/evalplus/evalplus/issues/12)",
}


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public set."""
    rows = read_rows(file) if file else hub_rows("openai/openai_humaneval", None, "test")
    return make_problems(file, rows, function_problem, judged_by=("test",))


HUMANEVAL = Benchmark(
    name="humaneval",
    about="HumanEval: 164 Python functions, zero-shot, run against their unit tests",
    load=load,
    chat=ASK,
    prompts=completion_prompts,
    verifiers=(TESTS,),
    sampling=SAMPLING,
    source="https://huggingface.co/datasets/openai/openai_humaneval (https://github.com/openai/human-eval)",
    licence="MIT",
    known=KNOWN,
)
