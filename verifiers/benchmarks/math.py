r"""MATH: competition problems with an expression for an answer, few-shot in Minerva's form as in the paper.

    {"problem": "What is $1+1$?", "solution": "... $\\boxed{2}$.", "answer": "2", "level": "Level 1", ...}

Settings and the subset follow "Large Language Monkeys" (arXiv 2407.21787, appendix A) and its code,
https://github.com/ScalingIntelligence/large_language_monkeys at ed2bdb0, llmonk/generate/MATH.py; the examples are
our own, in the form of Lewkowycz et al. 2022 (arXiv 2206.14858), and --prompt-file takes any others. In a chat the
problem is asked as Qwen2.5-Math asks it (STEP_BY_STEP); the paper's own grading, which reads "The final answer is"
alone, finds no answer to that.

Other sets of problems with an expression for an answer are read by their own fields, which PROBLEMS and ANSWERS name.
An answer may be a whole number, or a list of one. OlympiadBench's `context` stands before its question; its problems
with a tolerance (`error`) are refused, since none is applied here.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from verifiers.answers import MATH_PAPER, MATH_VERIFY
from verifiers.answers.math import true_expression
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.gsm8k import paper_draw
from verifiers.benchmarks.rows import answer_of, hub_rows, key_of, make_problems, text_of
from verifiers.benchmarks.template import STEP_BY_STEP
from verifiers.errors import UserError
from verifiers.files import Row, read_rows
from verifiers.verifier import Problem

HUB = "HuggingFaceH4/MATH-500"
TRAIN, TEST = 7500, 5000
"""Problems in the public sets: the paper's subset depends on these numbers alone."""

PROBLEMS = ("problem", "question", "Problem", "Question")
ANSWERS = ("answer", "Answer", "expected_answer", "final_answer")
"""MATH's own, AIME 1983-2024's, OpenMathReasoning's and OlympiadBench's: where a row has several, they are the same."""

KEPT = ("level", "subject", "type")

_GSM8K = re.compile(r"^#### ", re.MULTILINE)

EXAMPLES = r"""Problem:
A bag holds $3$ red and $5$ blue marbles. Two marbles are drawn without replacement. What is the probability that both are red? Express your answer as a common fraction.

Solution:
There are $\binom{8}{2} = 28$ equally likely pairs, and $\binom{3}{2} = 3$ of them are red. The probability is $\boxed{\frac{3}{28}}.$
Final Answer: The final answer is $\frac{3}{28}$. I hope it is correct.

Problem:
For which values of $x$ is $\log_2 (9 - x^2)$ a real number? Express your answer in interval notation.

Solution:
The logarithm is real exactly when $9 - x^2 > 0$, so $x^2 < 9$, which means that $-3 < x < 3$. The answer is $\boxed{(-3,3)}.$
Final Answer: The final answer is $(-3,3)$. I hope it is correct.

Problem:
Find the remainder when $7^{50}$ is divided by $16$.

Solution:
Since $7^2 = 49 = 3 \cdot 16 + 1$, we have $7^2 \equiv 1 \pmod{16}$. Therefore $7^{50} = (7^2)^{25} \equiv 1 \pmod{16}$, and the remainder is $\boxed{1}.$
Final Answer: The final answer is $1$. I hope it is correct.

Problem:
The roots of $x^2 - 6x + 4 = 0$ are $p$ and $q$, with $p > q$. Find $p - q$.

Solution:
By the quadratic formula,
\[x = \frac{6 \pm \sqrt{36 - 16}}{2} = 3 \pm \sqrt{5}.\]
So $p - q = (3 + \sqrt{5}) - (3 - \sqrt{5}) = \boxed{2\sqrt{5}}.$
Final Answer: The final answer is $2\sqrt{5}$. I hope it is correct."""  # noqa: E501


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public MATH-500."""
    return make_problems(file, read_rows(file) if file else hub_rows(HUB, None, "test"), _problem)


def _problem(row: Row, line: int) -> Problem:
    before = [text_of(row, "context")] if row.get("context") else []
    data = {"problem": "\n".join([*before, text_of(row, *PROBLEMS)]), **truth_of(row)}
    data |= {name: row[name] for name in KEPT if row.get(name) is not None}
    return Problem(key_of(row, line, "unique_id", "id", "name"), data)


def truth_of(row: Row) -> dict[str, str]:
    """A row's `solution` and `answer`, as far as it has them; KeyError, TypeError or ValueError where they say none."""
    given = [name for name in ANSWERS if row.get(name) is not None]
    answers = {name: answer_of(row, name) for name in given}
    if len({true_expression(answer, None) for answer in answers.values()}) > 1:
        raise ValueError(f"its {' and '.join(given)} differ")
    if any(_GSM8K.search(answer) for answer in answers.values()):
        raise ValueError("its answer is a solution that ends in ####, as the benchmark gsm8k reads it")
    if "final_answer" in given and row.get("error"):
        raise ValueError("it has a tolerance, error, which is not applied here")
    if not given and row.get("solution") is None:
        raise KeyError("answer")
    truth = {}
    if isinstance(row.get("solution"), str) or not given:
        truth["solution"] = row["solution"] if given else text_of(row, "solution")
    elif not isinstance(row.get("solution"), list | None):
        raise TypeError("solution must be a text")
    if given:
        truth["answer"] = answers[given[0]]
    true_expression(truth.get("answer"), truth.get("solution"))
    return truth


def prompts(problems: Sequence[Problem], shots: Path | None, prefix: str | None) -> list[str]:
    """Raw completion prompts in Minerva's form: the examples, and the problem."""
    if shots is not None:
        raise UserError("MATH has one fixed prefix of examples; give another with --prompt-file instead of --shots.")
    text = EXAMPLES if prefix is None else prefix.rstrip("\n")
    before = f"{text}\n\n" if text.strip() else ""
    return [f"{before}Problem:\n{problem.data['problem']}\n\nSolution:" for problem in problems]


def monkeys_subset(problems: Sequence[Problem]) -> list[int]:
    """The paper's 128 problems, from the whole test set in the order of hendrycks/competition_math."""
    if len(problems) != TEST:
        raise UserError(
            f"The subset monkeys needs all {TEST} problems of the MATH test set, in the order of "
            f"hendrycks/competition_math (--data FILE); here are {len(problems)}."
        )
    return paper_draw(TEST, TRAIN)[1][:128]


MATH = Benchmark(
    name="math",
    about="MATH: competition problems (MATH-500 from the hub), few-shot, final expression compared",
    load=load,
    chat="{problem}\n" + STEP_BY_STEP,
    prompts=prompts,
    verifiers=(MATH_VERIFY, MATH_PAPER),
    sampling=Sampling(temperature=0.6, max_tokens=512, stop=("Problem:",)),
    subsets={"monkeys": monkeys_subset},
    source="https://huggingface.co/datasets/HuggingFaceH4/MATH-500",
    licence="MIT (the MATH data set)",
)
