"""HumanEval: 164 Python functions to complete from their head and docstring, zero-shot.

    {"task_id": "HumanEval/0", "prompt": "def f(a):\\n    ...", "test": "def check(candidate): ...", "entry_point": "f"}

Settings follow "Evaluating Large Language Models Trained on Code" (arXiv 2107.03374): temperature 0.8 and top-p 0.95
are its choice for many samples, the stop strings those of section 2.1.
"""

from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.functions import completion_prompts, function_problem
from verifiers.benchmarks.rows import hub_rows, make_problems
from verifiers.files import read_rows
from verifiers.programs import HUMANEVAL as TESTS
from verifiers.programs.unit_tests import STOPS
from verifiers.verifier import Problem


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public set."""
    rows = read_rows(file) if file else hub_rows("openai/openai_humaneval", None, "test")
    return make_problems(file, rows, function_problem, judged_by=("test",))


HUMANEVAL = Benchmark(
    name="humaneval",
    about="HumanEval: 164 Python functions, zero-shot, run against their unit tests",
    load=load,
    prompts=completion_prompts,
    verifiers=(TESTS,),
    sampling=Sampling(temperature=0.8, max_tokens=512, top_p=0.95, stop=STOPS),
)
