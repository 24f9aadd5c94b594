"""CodeContests: competitive programming problems, two-shot in Python as in the paper.

    {"name": "1575_A. Another Sorting Problem", "description": "...", "public_tests": {"input": [...], "output": [...]},
     "private_tests": {...}, "generated_tests": {...}, "time_limit": {"seconds": 2, "nanos": 0},
     "memory_limit_bytes": 512000000, "input_file": "", "output_file": ""}

Prompts and settings follow "Large Language Monkeys" (arXiv 2407.21787, appendix A) and its code,
https://github.com/ScalingIntelligence/large_language_monkeys at ed2bdb0, llmonk/generate/code_contests.py: raw
completion prompts, two training problems drawn anew for each problem, problems with images left out (140 of 165 stay).
There is no public protocol of a chat: what it is asked is the paper's request in words of our own.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.functions import as_answer
from verifiers.benchmarks.rows import hub_rows, key_of, make_problems, number_of
from verifiers.errors import UserError
from verifiers.files import Row, read_rows
from verifiers.programs import CODECONTESTS_CPP, CODECONTESTS_PAPER, CODECONTESTS_PUBLIC, CODECONTESTS_STRICT
from verifiers.programs.stdio import FILE_FIELDS, TEST_FIELDS, accepts_several, wrong_tests
from verifiers.verifier import Problem

HUB = "deepmind/code_contests"
SHOTS = 2
PYTHON3 = 3
LEAST_SECONDS, LEAST_BYTES = 0.001, 1_000_000
"""Less than any problem gives: a limit below has another unit."""
IMAGES = ("<image>", "[Image]")
_STREAMS = ("", "stdin", "stdout", "standard input", "standard output", "-")
_OWN_FILES = ("main.py", "program")
ASK = (
    "Q: Write python code to solve the following coding problem that obeys the constraints and passes the example test "
    "cases. The output code needs to read from and write to standard IO. Please wrap your code answer using ```:"
)
CHAT = (
    "Write a Python program that solves the following problem within its limits. It reads standard input and writes "
    "standard output. Put the whole program into one block that begins with ```python.\n\n{description}"
)


def load(file: Path | None) -> list[Problem]:
    """The problems without images of a file, or of the public test set."""
    rows = read_rows(file) if file else hub_rows(HUB, None, "test")
    return make_problems(file, rows, _problem, judged_by=TEST_FIELDS)


def _has_images(row: Row) -> bool:
    return any(tag in str(row.get("description")) for tag in IMAGES)


def _problem(row: Row, line: int) -> Problem | None:
    if _has_images(row):
        return None
    if not isinstance(row["description"], str):
        raise TypeError("description must be a text")
    tests = {name: _examples(row.get(name), name) for name in TEST_FIELDS}
    data = {
        "description": row["description"],
        **tests,
        "time_limit": _seconds(row.get("time_limit")),
        "memory_limit_bytes": _bytes(row),
        **{name: file for name in FILE_FIELDS if (file := _file_name(row, name))},
    }
    if not any(examples["input"] for examples in tests.values()):
        raise ValueError("it has no tests")
    return Problem(key_of(row, line, "name", "id"), data, _reference(row))


def _reference(row: Row) -> str | None:
    """The first Python 3 solution of a row that has one."""
    try:
        solutions = _solutions(row)
    except (KeyError, TypeError, ValueError):
        return None
    return as_answer(solutions[0]) if solutions else None


def _solutions(row: Row) -> list[str]:
    """The Python 3 solutions of a row; KeyError, TypeError or ValueError where it has no list of solutions."""
    solutions = zip(row["solutions"]["language"], row["solutions"]["solution"], strict=True)
    return [text for language, text in solutions if language == PYTHON3 and isinstance(text, str)]


def _seconds(limit: Any) -> float | None:
    """A time limit as a number of seconds or as the public set's seconds and nanos; None without one."""
    if isinstance(limit, Mapping):
        seconds = (number_of(limit, "seconds") or 0) + (number_of(limit, "nanos") or 0) / 1e9
    else:
        seconds = number_of({"time_limit": limit}, "time_limit") or 0.0
    if 0 < seconds < LEAST_SECONDS:
        raise ValueError(f"time_limit must be seconds, not {seconds:g}")
    return seconds or None


def _bytes(row: Row) -> int:
    """A memory limit, 0 without one."""
    size = int(number_of(row, "memory_limit_bytes") or 0)
    if 0 < size < LEAST_BYTES:
        raise ValueError(f"memory_limit_bytes must be bytes, not {size}")
    return size


def _examples(tests: Any, name: str) -> dict[str, list[str]]:
    if tests is None:
        return {"input": [], "output": []}
    if wrong := wrong_tests(tests):
        raise ValueError(f"{name} {wrong}")
    return {"input": tests["input"], "output": tests["output"]}


def _file_name(row: Row, name: str) -> str:
    """The name of a file in a program's folder, "" where it is a standard stream."""
    file = row.get(name)
    if file is not None and not isinstance(file, str):
        raise TypeError(f"{name} must be a text")
    file = (file or "").strip()
    if file.lower() in _STREAMS:
        return ""
    if not re.fullmatch(r"\w[\w .-]{0,99}", file, re.ASCII) or file in _OWN_FILES:
        raise ValueError(f"{name} must be the name of a file in a program's own folder, not {file[:40]!r}")
    return file


def prompts(problems: Sequence[Problem], shots: Path | None, prefix: str | None) -> list[str]:
    """Raw completion prompts: two training problems with a solution, drawn anew for each problem, and the problem."""
    questions = [f"{ASK}\n{problem.data['description']}\nA:" for problem in problems]
    if prefix is not None:
        before = prefix.rstrip("\n") + "\n" if prefix.strip() else ""
        return [before + question for question in questions]
    examples = _shots(shots)
    random = Random(0)
    return ["".join(random.sample(examples, SHOTS)) + question for question in questions]


def _shots(file: Path | None) -> list[str]:
    """Training problems without images, each with its first Python 3 solution in ASCII."""
    where = file or "the training set"
    examples = []
    for row in read_rows(file) if file else hub_rows(HUB, None, "train", "--shots"):
        if _has_images(row):
            continue
        try:
            python = [text for text in _solutions(row) if text.isascii()]
            if python:
                examples.append(f"{ASK}\n{row['description']}\nA: ```{python[0].strip()}```\n")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{where} needs description and solutions (language, solution) in each row.") from error
    if len(examples) < SHOTS:
        raise UserError(f"{where} holds {len(examples)} problems with a Python 3 solution; the prompt needs {SHOTS}.")
    return examples


def one_answer(problems: Sequence[Problem]) -> list[int]:
    """The problems whose statement does not say that several answers are right."""
    return [index for index, problem in enumerate(problems) if not accepts_several(problem)]


CODECONTESTS = Benchmark(
    name="codecontests",
    about="CodeContests: competitive programming without images, two-shot, run against all its tests",
    load=load,
    prompts=prompts,
    chat=CHAT,
    verifiers=(CODECONTESTS_PAPER, CODECONTESTS_STRICT, CODECONTESTS_CPP, CODECONTESTS_PUBLIC),
    sampling=Sampling(temperature=0.6, max_tokens=1024, top_p=0.95, stop=("Q:", "Question:"), include_stop=True),
    subsets={"one-answer": one_answer},
    source="https://huggingface.co/datasets/deepmind/code_contests",
    licence="CC BY 4.0",
)
