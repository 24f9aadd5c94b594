"""Problems that are known to be defective or flaky: those of the benchmark, and those of a person's file."""

from collections.abc import Collection
from pathlib import Path

from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import UserError
from verifiers.files import read_rows


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


def known_keys(benchmark: Benchmark, file: Path | None, keys: Collection[str]) -> set[str]:
    """Keys of the known problems; `keys` are those of all problems: UserError where the file names another one."""
    of_file = {} if file is None else read_known(file)
    for key in of_file:
        if key not in keys:
            raise UserError(f"{file} names a problem {key!r:.200} that {benchmark.name} does not have.")
    return {*benchmark.known, *of_file}
