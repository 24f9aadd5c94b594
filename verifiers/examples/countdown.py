"""Countdown: reach a target with given numbers, each used once at most. Many answers are right, so it judges itself.

monkeys enqueue ./countdown.py -m LLM -n 100
"""

import ast
import operator
from collections import Counter
from fractions import Fraction
from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.files import read_rows
from verifiers.outcome import Outcome
from verifiers.verifier import Candidate, Judgement, Problem, Verifier

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
LONGEST = 200


def load(file: Path | None) -> list[Problem]:
    """Those of a file (numbers, target), or two of our own."""
    rows = (
        read_rows(file) if file else [{"numbers": [25, 3, 4], "target": 100}, {"numbers": [7, 2, 5, 8], "target": 24}]
    )
    return [Problem(str(n), {"numbers": row["numbers"], "target": row["target"]}) for n, row in enumerate(rows)]


def extract(_: Problem, text: str) -> Candidate | None:
    """What follows the last `Answer:`, up to the end of its line; any text may come here, and none raises."""
    found, after = text.rpartition("Answer:")[1:]
    return Candidate("".join(after.partition("\n")[0].split())) if found else None


def value(node: ast.expr) -> Fraction:
    """Worked out by hand: what an llm wrote is never run."""
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return Fraction(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return Fraction(OPERATORS[type(node.op)](value(node.left), value(node.right)))
    raise ValueError("it holds more than numbers, + - * / and brackets")


def judge(problem: Problem, candidate: str) -> Judgement:
    """Right is what makes the target of numbers that are there."""
    if len(candidate) > LONGEST:
        return Judgement(Outcome.incorrect, f"longer than {LONGEST} characters")
    try:
        formula = ast.parse(candidate, mode="eval").body
        reached = value(formula)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError) as error:
        return Judgement(Outcome.incorrect, f"no formula: {type(error).__name__}")
    used = Counter(node.value for node in ast.walk(formula) if isinstance(node, ast.Constant))
    if not used <= Counter(problem.data["numbers"]):
        return Judgement(Outcome.incorrect, "it uses other numbers, or one too often")
    right = reached == problem.data["target"]
    return Judgement(Outcome.correct if right else Outcome.incorrect, f"it makes {reached}", facts={"used": len(used)})


benchmark = Benchmark(
    name="countdown",
    about="Reach a target with the numbers given",
    load=load,
    chat="With each of {numbers} at most once, and + - * / and brackets, make {target}. End with: Answer: FORMULA",
    verifiers=(Verifier("formula", "1", extract, judge),),
    sampling=Sampling(temperature=1.0, max_tokens=512),
)
