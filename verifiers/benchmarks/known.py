"""Problems that are known to be defective or flaky: those of the benchmark, and those of a person's file."""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import UserError
from verifiers.files import read_rows
from verifiers.verifier import Problem


def read_known(file: Path) -> dict[str, str]:
    """Key -> why, of rows of {"problem": KEY, "why": TEXT}, as `monkeys flaky --save` writes them, or of one object."""
    rows = list(read_rows(file))
    if len(rows) == 1 and "problem" not in rows[0]:
        rows = [{"problem": key, "why": why} for key, why in rows[0].items()]
    known = {}
    for line, row in enumerate(rows, 1):
        key, why = row.get("problem"), row.get("why", "")
        if not isinstance(key, str | int) or isinstance(key, bool) or not isinstance(why, str | None):
            raise UserError(
                f'Row {line} of {file} is not {{"problem": KEY, "why": TEXT}}, as `flaky --save` writes it.'
            )
        known[str(key)] = why or ""
    return known


def is_defective(benchmark: Benchmark, key: str, data: Mapping[str, Any]) -> bool:
    """Whether a problem is known to be defective, and its statement is not one that a newer file has mended."""
    mended = benchmark.mended.get(key)
    text = "".join(str(data.get("statement", "")).split())
    return key in benchmark.known and (mended is None or re.search(mended, text) is None)


def known_keys(benchmark: Benchmark, file: Path | None, problems: Collection[Problem]) -> set[str]:
    """Keys of the known ones of all problems; UserError where the file names another one."""
    of_file = {} if file is None else read_known(file)
    keys = {problem.key for problem in problems}
    for key in of_file:
        if key not in keys:
            raise UserError(f"{file} names a problem {key!r:.200} that {benchmark.name} does not have.")
    return {*(one.key for one in problems if is_defective(benchmark, one.key, one.data)), *of_file}
