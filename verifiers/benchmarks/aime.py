r"""AIME, any year's file: competition problems with a whole number for an answer.

    {"id": 60, "problem": "Every morning ...", "solution": "...", "answer": "204", "url": "https://...", "year": "2024"}
    {"problem_idx": 1, "problem": "Find the sum ...", "answer": 70, "problem_type": ["Number Theory"]}

HuggingFaceH4's fields and MathArena's; math-ai's (`problem, answer, id`, in aime24 `solution` with a box) and
AIME 1983-2024's (`ID, Year, Question, Answer`) are read as well, and MathArena's other contests (HMMT, BRUMO, CMIMC),
whose answers are expressions. A key has the year and the contest where the row says them.

The problem is asked as Qwen2.5-Math asks it (STEP_BY_STEP), without examples. Temperature 0.6, top-p 0.95 and 32,768
tokens are how DeepSeek-R1 was evaluated (arXiv 2501.12948, section 3). Nothing ends a sample but its own end.
"""

import re
from pathlib import Path
from typing import Any

from verifiers.answers import MATH_VERIFY
from verifiers.answers.math import true_expression
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.math import PROBLEMS, truth_of
from verifiers.benchmarks.rows import hub_rows, key_of, make_problems, text_of
from verifiers.benchmarks.template import STEP_BY_STEP
from verifiers.files import Row, read_rows
from verifiers.verifier import Problem

HUB = "MathArena/aime_2025"
IDS = ("id", "ID", "unique_id", "problem_idx", "name")
YEARS = ("year", "Year")
CONTESTS = ("contest", "competition")
LARGEST = 999


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public AIME 2025."""
    return make_problems(file, read_rows(file) if file else hub_rows(HUB, None, "train"), _problem)


def _problem(row: Row, line: int) -> Problem:
    truth = truth_of(row)
    answer = truth["answer"] if "answer" in truth else true_expression(None, truth["solution"])
    marks = [str(row[name]) for name in (*YEARS, *CONTESTS) if _is_word(row.get(name))]
    key = key_of(row, line, *IDS)
    named = " ".join([key, *marks, str(row.get("url"))])
    if re.search("aime", named, re.IGNORECASE) and not (re.fullmatch("[0-9]+", answer) and int(answer) <= LARGEST):
        raise ValueError(f"answer must be a whole number from 0 to {LARGEST}, as AIME's are, not {answer[:50]}")
    data = {"problem": text_of(row, *PROBLEMS), "answer": answer}
    if row.get("problem_type") is not None:
        data["problem_type"] = row["problem_type"]
    return Problem("-".join([*(mark for mark in marks if mark not in key), key]), data)


def _is_word(value: Any) -> bool:
    """Whether a year or a contest is one that a key can hold."""
    return isinstance(value, str | int) and not isinstance(value, bool) and bool(str(value).strip())


AIME = Benchmark(
    name="aime",
    about="AIME: 30 competition problems a year (2025 from the hub), zero-shot, final whole number compared",
    load=load,
    chat="{problem}\n" + STEP_BY_STEP,
    verifiers=(MATH_VERIFY,),
    sampling=Sampling(temperature=0.6, max_tokens=32_768, top_p=0.95),
    source=f"https://huggingface.co/datasets/{HUB}",
    licence="CC BY-NC-SA 4.0",
)
