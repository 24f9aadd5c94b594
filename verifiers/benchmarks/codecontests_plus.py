"""CodeContests+: CodeContests with better tests, and checkers that say which outputs are right.

    {"source": "Codeforces", "id": "1575_A", "title": "...", "description": "...", "time_limit": 2000,
     "memory_limit": 256, "checker": "#include \"testlib.h\" ...", "test_cases": [{"input": "...", "output": "..."}]}

Times are milliseconds, memory is MB. Fields, as of configs 1x to 5x of the public set, and the protocol of checkers:
arXiv 2506.05817 and https://huggingface.co/datasets/ByteDance-Seed/Code-Contests-Plus. Neither gives a prompt: a chat
is asked what the paper of CodeContests here is, in words of our own. Problems without a test are left out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.benchmarks.codecontests import CHAT
from verifiers.benchmarks.rows import hub_rows, make_problems, number_of, text_of
from verifiers.files import Row, read_rows
from verifiers.programs import CODECONTESTS_PLUS_CHECKER, CODECONTESTS_PLUS_CPP
from verifiers.verifier import Problem

HUB, CONFIG = "ByteDance-Seed/Code-Contests-Plus", "1x"
GOOD_RATE = 0.9
MOST_MEGABYTES = 65_536
_FIELDS = ("test_cases", "checker")
_RATES = ("true_positive_rate", "true_negative_rate")


def load(file: Path | None) -> list[Problem]:
    """The problems of a file, or of the public set's smallest config, that have tests."""
    rows = read_rows(file) if file else hub_rows(HUB, CONFIG, "train")
    return make_problems(file, rows, _problem, judged_by=_FIELDS)


def _problem(row: Row, _: int) -> Problem | None:
    tests = _tests(row["test_cases"])
    if not tests["input"]:
        return None
    checker = row["checker"]
    if checker is not None and not isinstance(checker, str):
        raise TypeError("checker must be a text")
    memory = number_of(row, "memory_limit") or 0
    if memory > MOST_MEGABYTES:
        raise ValueError(f"memory_limit must be MB, not {memory:g}")
    data = {
        "title": text_of(row, "title") if row.get("title") else "",
        "description": text_of(row, "description"),
        "test_cases": tests,
        "checker": checker if checker and checker.strip() else None,
        "time_limit": (number_of(row, "time_limit") or 0) / 1000 or None,
        "memory_limit_bytes": int(memory * 1_000_000),
        **{name: number_of(row, name) for name in _RATES},
    }
    return Problem(text_of(row, "id"), data)


def _tests(cases: Any) -> dict[str, list[str]]:
    tests: dict[str, list[str]] = {"input": [], "output": []}
    if cases is None:
        return tests
    if not isinstance(cases, list):
        raise TypeError("test_cases must be a list")
    for number, case in enumerate(cases):
        for name, texts in tests.items():
            if not isinstance(case, dict) or not isinstance(case.get(name), str):
                raise TypeError(f"test_cases[{number}] must have the texts input and output")
            texts.append(case[name])
    return tests


def reliable(problems: Sequence[Problem]) -> list[int]:
    """The problems whose tests are known to accept and to refuse at least 90 % of the submissions that they should."""
    return [
        index
        for index, problem in enumerate(problems)
        if all((problem.data[name] or 0) >= GOOD_RATE for name in _RATES)
    ]


CODECONTESTS_PLUS = Benchmark(
    name="codecontests-plus",
    about="CodeContests+: competitive programming with better tests, judged by each problem's own checker",
    load=load,
    chat=CHAT,
    verifiers=(CODECONTESTS_PLUS_CHECKER, CODECONTESTS_PLUS_CPP),
    sampling=Sampling(temperature=0.6, max_tokens=32_768, top_p=0.95),
    subsets={"reliable": reliable},
    source="https://huggingface.co/datasets/ByteDance-Seed/Code-Contests-Plus",
    licence="CC BY 4.0",
)
