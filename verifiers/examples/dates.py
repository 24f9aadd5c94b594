"""Days between two dates: a benchmark of one's own, by the ready verifier of numbers.

monkeys enqueue ./dates.py -m LLM -n 100
"""

from datetime import date
from pathlib import Path

from verifiers.answers import GSM8K_ANSWER
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.files import read_rows
from verifiers.verifier import Problem

DATES = [("2024-02-01", "2024-03-01"), ("1999-12-31", "2000-02-29"), ("2021-07-04", "2022-07-04")]


def load(file: Path | None) -> list[Problem]:
    """Those of a file (question, answer), or the three above."""
    ours = (
        (f"How many days is {two} after {one}?", date.fromisoformat(two) - date.fromisoformat(one))
        for one, two in DATES
    )
    rows = read_rows(file) if file else [{"question": text, "answer": str(gap.days)} for text, gap in ours]
    return [Problem(str(n), {"question": row["question"], "answer": row["answer"]}) for n, row in enumerate(rows)]


benchmark = Benchmark(
    name="dates",
    about="Days between two dates",
    load=load,
    chat="{question}\nEnd with: The answer is N.",
    verifiers=(GSM8K_ANSWER,),
    sampling=Sampling(temperature=0.8, max_tokens=256),
)
