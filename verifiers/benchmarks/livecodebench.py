"""LiveCodeBench: contest problems by their date, judged on standard input or as a function.

    {"question_title": "...", "question_content": "...", "platform": "leetcode", "question_id": "2844",
     "contest_id": "...", "contest_date": "2023-09-03T00:00:00", "starter_code": "class Solution: ...",
     "difficulty": "easy", "public_test_cases": "[{\"input\": \"...\", \"output\": \"...\", \"testtype\": \"stdin\"}]",
     "private_test_cases": "... or base64 of zlib of a pickle of such a text", "metadata": "{\"func_name\": \"...\"}"}

Fields, prompt and rules are those of https://github.com/LiveCodeBench/LiveCodeBench at 4fa1594
(lcb_runner/benchmarks/code_generation.py, lcb_runner/prompts/code_generation.py: what it asks reasoning llms). Its
private tests are unpickled there; here only a text is read. Problems keep their tests unpacked.
"""

import json
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.packed_text import unpacked
from verifiers.benchmarks.rows import hub_rows, make_problems, text_of
from verifiers.files import Row, read_rows
from verifiers.programs import LIVECODEBENCH_PUBLIC, LIVECODEBENCH_TESTS
from verifiers.verifier import Problem

HUB, CONFIG = "lighteval/code_generation_lite", "release_v6"
PLATFORMS = ("atcoder", "codeforces", "leetcode")
DIFFICULTIES = ("easy", "medium", "hard")
WINDOWS = (
    "2305-2403", "2305-2405", "2305-2407", "2305-2409", "2305-2501", "2305-2504", "2408-2501", "2408-2505", "2410-2502",
    "2410-2505", "2501-2505", "2502-2505",
)  # fmt: skip
"""Months of contests, first and last: releases v1 to v6, and what leader boards and reports give."""

CHAT = (
    "You are an expert Python programmer. You will be given a question (problem specification) and will generate a "
    "correct Python program that matches the specification and passes all tests. You will NOT return anything except "
    "for the program.\n\n### Question:\n{question_content}\n\n### Format: {format}\n\n"
    "### Answer: (use the provided format with backticks)\n\n"
)
_WITH_STARTER = (
    "You will use the following starter code to write the solution to the problem and enclose your code within "
    "delimiters.\n```python\n{}\n```"
)
_WITHOUT_STARTER = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on the sample "
    "inputs). Enclose your code within delimiters as follows.\n```python\n# YOUR CODE HERE\n```"
)
_FIELDS = ("public_test_cases", "private_test_cases")

KNOWN = {
    **dict.fromkeys(
        ("abc311_c", "abc326_d", "abc327_b", "abc333_e", "abc343_e", "abc362_c"),
        "several answers are right and one is accepted",
    ),
    **dict.fromkeys(("abc337_e", "abc355_e"), "interactive: no program can pass"),
    "abc350_c": "its tests are wrong: no program can pass",
}
"""Of https://github.com/LiveCodeBench/LiveCodeBench/blob/174aacf/ERRATA.md, which names three more by their titles."""


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public set (all releases until the sixth)."""
    rows = read_rows(file) if file else hub_rows(HUB, CONFIG, "test")
    return make_problems(file, rows, _problem, judged_by=_FIELDS)


def _problem(row: Row, _: int) -> Problem:
    metadata = _json("metadata", row["metadata"], dict)
    name = metadata.get("func_name")
    if name is not None and not (isinstance(name, str) and name.isidentifier()):
        raise TypeError("func_name of metadata must be the name of a function")
    starter = row["starter_code"] or ""
    if not isinstance(starter, str):
        raise TypeError("starter_code must be a text")
    if name is not None and not starter.strip():
        raise ValueError("metadata has a func_name, but starter_code does not show the function")
    public, private = (_tests(field, row[field], name is not None) for field in _FIELDS)
    if not public["input"] and not private["input"]:
        raise ValueError("it has no tests")
    data = {
        "question_title": text_of(row, "question_title"),
        "question_content": text_of(row, "question_content"),
        "platform": _one_of(row, "platform", PLATFORMS),
        "difficulty": _one_of(row, "difficulty", DIFFICULTIES),
        "contest_date": _date(row["contest_date"]),
        "starter_code": starter,
        "format": _WITH_STARTER.format(starter) if starter else _WITHOUT_STARTER,
        "func_name": name,
        "public_tests": public,
        "private_tests": private,
    }
    return Problem(text_of(row, "question_id"), data)


def _one_of(row: Row, field: str, names: Sequence[str]) -> str:
    if row[field] not in names:
        raise ValueError(f"{field} must be one of {', '.join(names)}")
    return str(row[field])


def _date(value: Any) -> str:
    """The day of a text in ISO form, or of a column of times."""
    try:
        day = datetime.fromisoformat(value) if isinstance(value, str) else value
        return date(day.year, day.month, day.day).isoformat()
    except (ValueError, AttributeError) as error:
        raise TypeError("contest_date must be a date, as in 2024-08-31T00:00:00") from error


def _tests(field: str, held: Any, functional: bool) -> dict[str, list[str]]:
    """Inputs and outputs of tests that are a list, JSON text, or packed."""
    if isinstance(held, str) and not held.lstrip().startswith("["):
        try:
            held = unpacked(held)
        except ValueError as error:
            raise ValueError(f"{field} cannot be read: {error}") from error
    tests: dict[str, list[str]] = {"input": [], "output": []}
    for number, test in enumerate(_json(field, held, list)):
        where = f"{field}[{number}]"
        if not isinstance(test, dict) or not all(isinstance(test.get(name), str) for name in tests):
            raise TypeError(f"{where} must have the texts input and output")
        if test.get("testtype") != ("functional" if functional else "stdin"):
            raise ValueError(f"{where} has the testtype {test.get('testtype')!r}, which metadata contradicts")
        if functional:
            for line in [*test["input"].split("\n"), test["output"]]:
                _json(where, line, object)
        for name, texts in tests.items():
            texts.append(test[name])
    return tests


def _json(field: str, held: Any, kind: type) -> Any:
    """A value of that kind, or the JSON text of one."""
    try:
        value = json.loads(held, parse_constant=_constant) if isinstance(held, str) else held
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{field} is not valid JSON ({str(error)[:100]})") from error
    if not isinstance(value, kind):
        raise TypeError(f"{field} must be a JSON {'object' if kind is dict else 'list'}")
    return value


def _constant(name: str) -> float:
    if name == "NaN":
        raise ValueError("it holds NaN, which nothing equals")
    return float(name)


def _window(months: str) -> Callable[[Sequence[Problem]], list[int]]:
    """The problems of contests from the first of two months to the last, as in 2408-2505."""
    first, last = (f"20{year}-{month}" for year, month in re.findall(r"(\d\d)(\d\d)", months))
    return lambda problems: [
        index for index, problem in enumerate(problems) if first <= problem.data["contest_date"][:7] <= last
    ]


def _holding(field: str, value: str) -> Callable[[Sequence[Problem]], list[int]]:
    return lambda problems: [index for index, problem in enumerate(problems) if problem.data[field] == value]


LIVECODEBENCH = Benchmark(
    name="livecodebench",
    about="LiveCodeBench: contest problems by date, on standard input or as functions, as its own runner judges",
    load=load,
    verifiers=(LIVECODEBENCH_TESTS, LIVECODEBENCH_PUBLIC),
    sampling=Sampling(temperature=0.6, max_tokens=32_768, top_p=0.95),
    chat=CHAT,
    subsets={
        **{name: _window(name) for name in WINDOWS},
        **{name: _holding("platform", name) for name in PLATFORMS},
        **{name: _holding("difficulty", name) for name in DIFFICULTIES},
    },
    source="https://huggingface.co/datasets/livecodebench/code_generation_lite",
    licence="CC",
    known=KNOWN,
)
