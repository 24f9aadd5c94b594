"""MiniF2F-MATH: theorems of school mathematics in Lean 4, to be proved; five-shot as in the paper.

    {"name": "mathd_algebra_182", "split": "valid", "header": "import Mathlib ...",
     "formal_statement": "theorem mathd_algebra_182 (y : ℂ) : 7 * (3 * y + 2) = 21 * y + 14 := by\\n"}

or, in place of header and formal_statement, `lean`: a file that ends in `sorry`; AI-MO's formal_statement is such a
file too. The files of miniF2F-v2s and v2c are read. Statements of different files and Mathlib versions differ, so a
result belongs to its data file and its Lean. Form and settings of the prompt follow
"Large Language Monkeys" (arXiv 2407.21787, appendix A) and its code,
https://github.com/ScalingIntelligence/large_language_monkeys at ed2bdb0, llmonk/generate/minif2f.py; the five
examples are our own, `--prompt-file` takes others. The chat prompt is DeepSeek-Prover-V2's,
https://github.com/deepseek-ai/DeepSeek-Prover-V2 at 24ec082, README.md.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.rows import hub_rows, key_of, make_problems
from verifiers.errors import UserError
from verifiers.files import Row, read_rows
from verifiers.proofs import LEAN_STEPWISE, LEAN_WHOLE
from verifiers.proofs.statement import read_statement
from verifiers.verifier import Problem

HUB = "cat-searcher/minif2f-lean4"
MATH_PROBLEMS = 130
INSTRUCTION = (
    "Write a lean4 proof to the provided formal statement. You have access to the standard mathlib4 library.\n"
)
CHAT = (
    "Complete the following Lean 4 code:\n\n```lean4\n{header}\n{informal_prefix?}{statement} := by\n  sorry\n```\n\n"
    "Before producing the Lean 4 code to formally prove the given theorem, provide a detailed proof plan outlining the "
    "main proof steps and strategies.\nThe plan should highlight key ideas, intermediate lemmas, and proof structures "
    "that will guide the construction of the final formal proof."
)
_KEPT = ("split", "informal_prefix")

_EXAMPLES = (
    (
        "(x : ℝ)\n  (h₀ : 3 * x - 7 = 2 * (x + 4)) :\n  x = 15",
        "linarith",
    ),
    (
        "(n : ℕ)\n  (h₀ : n % 7 = 5) :\n  (3 * n) % 7 = 1",
        "omega",
    ),
    (
        "(a b : ℝ)\n  (h₀ : a + b = 10)\n  (h₁ : a - b = 4) :\n  a * b = 21",
        "have h₂ : a = 7 := by linarith\n  have h₃ : b = 3 := by linarith\n  rw [h₂, h₃]\n  norm_num",
    ),
    (
        "(f : ℝ → ℝ)\n  (h₀ : ∀ x, f x = 3 * x - 5) :\n  f (f 4) = 16",
        "simp only [h₀]\n  norm_num",
    ),
    (
        "(x y : ℝ)\n  (h₀ : x + y = 6) :\n  x * y ≤ 9",
        "nlinarith [sq_nonneg (x - y)]",
    ),
)


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public test set."""
    return make_problems(file, read_rows(file) if file else hub_rows(HUB, None, "test"), theorem_problem)


def theorem_problem(row: Row, line: int) -> Problem:
    """The problem of a row whose theorem `read_statement` reads."""
    kept = {name: row[name] for name in _KEPT if row.get(name) is not None}
    return Problem(key_of(row, line, "name", "id"), {**read_statement(row), **kept})


def prompts(problems: Sequence[Problem], shots: Path | None, prefix: str | None) -> list[str]:
    """Raw completion prompts that end in `by (`: five worked examples and the statement, under the name theorem6."""
    if shots is not None:
        raise UserError("MiniF2F's examples are a fixed text: give another one with --prompt-file, not --shots.")
    before = EXAMPLES if prefix is None else prefix
    if before and not before.endswith("\n"):
        before += "\n"
    return [before + INSTRUCTION + _opening(problem, f"theorem{len(_EXAMPLES) + 1}") for problem in problems]


def _opening(problem: Problem, name: str) -> str:
    renamed = re.sub(r"\A(?:theorem|lemma)\s+\S+", f"theorem {name}", problem.data["statement"])
    return f"```{problem.data['header'].rstrip()}\n\n{renamed} :=\nby (\n"


def _example(number: int, statement: str, proof: str) -> str:
    header = "import Mathlib\n\nopen BigOperators Real Nat Topology Rat"
    problem = Problem("", {"header": header, "statement": f"theorem example\n  {statement}"})
    return f"{INSTRUCTION}{_opening(problem, f'theorem{number}')}  {proof}\n)\n```\n"


EXAMPLES = "".join(_example(number, *example) for number, example in enumerate(_EXAMPLES, 1))
"""Five worked examples of our own, in the form of the paper's."""


_ESCAPES = "in DeepSeek-Prover-V1.5's file a sum or product ends before the term that it should hold"

KNOWN = {
    **dict.fromkeys(
        (
            "induction_pord1p1on2powklt5on2", "induction_prod1p1onk3le3m1onn", "amc12a_2021_p9", "mathd_algebra_158",
            "mathd_algebra_342",
        ),
        _ESCAPES,
    ),
    "mathd_algebra_314": "over the natural numbers, where 1 / 4 is 0, it says that 0 is 0",
    "mathd_numbertheory_618": "false for n = 0 in files without n > 0",
    "aime_1994_p3": "not provable in files whose hypothesis is of one x alone",
    "algebra_ineq_nto1onlt2m1on": "false for n = 1 in files with < for ≤",
}  # fmt: skip
"""https://github.com/deepseek-ai/DeepSeek-Prover-V1.5/issues/26 and https://github.com/yangky11/miniF2F-lean4/pull/33;
newer files have mended most of them, see MENDED."""


MENDED = {
    "induction_pord1p1on2powklt5on2": r",\(1\+",
    "induction_prod1p1onk3le3m1onn": r",\(1\+",
    "amc12a_2021_p9": r",\(2\^",
    "mathd_algebra_158": r",\(2\*k\+1\)",
    "mathd_algebra_342": r",\(a\+k\*d\)",
    "mathd_algebra_314": r"1/4:|\(1:",
    "mathd_numbertheory_618": r"n>0|0<n|n≠0|\b1≤n",
    "aime_1994_p3": r"∀x,f",
    "algebra_ineq_nto1onlt2m1on": r"≤",
}
"""What their statements hold in the files that have mended them, blanks left out."""


def math_subset(problems: Sequence[Problem]) -> list[int]:
    """The paper's 130 problems: those of the test split that come from the MATH data set."""
    chosen = [
        index
        for index, problem in enumerate(problems)
        if problem.key.startswith("mathd_") and problem.data.get("split", "test") == "test"
    ]
    if len(chosen) != MATH_PROBLEMS:
        raise UserError(
            f"The subset monkeys needs the {MATH_PROBLEMS} mathd_ problems of MiniF2F's test split; "
            f"here are {len(chosen)}."
        )
    return chosen


MINIF2F = Benchmark(
    name="minif2f",
    about="MiniF2F-MATH: theorems in Lean 4 to be proved, five-shot; the subset monkeys is the paper's 130",
    load=load,
    chat=CHAT,
    prompts=prompts,
    verifiers=(LEAN_WHOLE, LEAN_STEPWISE),
    sampling=Sampling(temperature=0.5, max_tokens=200, stop=("Write a lean4",), include_stop=True),
    subsets={"monkeys": math_subset},
    source=f"https://huggingface.co/datasets/{HUB}",
    licence="Apache 2.0 (openai/miniF2F) or MIT (yangky11/miniF2F-lean4), by the file",
    known=KNOWN,
    mended=MENDED,
)
