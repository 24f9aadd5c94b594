"""Benchmarks, problems and verifiers, from the names and rows that the tables hold."""

import difflib
import sys
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from models.database import rows
from models.settings import settings
from models.tables import Problem as ProblemRow
from tasks.patience import patient
from verifiers.benchmarks import BENCHMARKS
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import UserError
from verifiers.verifier import Problem, Verifier


@cache
def find_benchmark(name: str) -> Benchmark:
    """A benchmark of ours by name, or a user's own as `module:object` from the working folder or the environment."""
    if name in BENCHMARKS:
        return BENCHMARKS[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        near = difflib.get_close_matches(name, BENCHMARKS, 1)
        hint = f"did you mean {near[0]}?" if near else "`monkeys benchmarks` lists them."
        raise UserError(f"There is no benchmark {name!r}; {hint}")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UserError(f"The benchmark {name} could not be imported ({error}).") from error
    if not isinstance(found, Benchmark):
        raise UserError(f"{name} is a {type(found).__name__}, not a Benchmark of verifiers.benchmarks.benchmark.")
    return found


def find_verifier(benchmark: Benchmark, name: str | None) -> Verifier:
    """A benchmark's verifier by name; the first one, which counts by default, without a name."""
    if name is None:
        return benchmark.verifiers[0]
    for verifier in benchmark.verifiers:
        if verifier.name == name:
            return verifier
    names = ", ".join(verifier.name for verifier in benchmark.verifiers)
    raise UserError(f"{benchmark.name} has no verifier {name!r}; it has {names}.")


class _Stored(NamedTuple):
    name: str
    version: str
    benchmark: str


@lru_cache(maxsize=1024)
@patient
def stored_verifier(verifier_id: int) -> Verifier:
    """The verifier of a row; RuntimeError where this code has another version of it."""
    (row,) = rows(
        _Stored,
        """
        select verifier.name, verifier.version, benchmark.name as benchmark
        from verifier join benchmark on benchmark.id = verifier.benchmark_id where verifier.id = %s
        """,
        (verifier_id,),
    )
    verifier = find_verifier(find_benchmark(row.benchmark), row.name)
    if verifier.version != row.version:
        raise RuntimeError(
            f"verifier {row.name} is version {verifier.version} here and {row.version} in the run: "
            "run a worker of that version, or `monkeys reverify`"
        )
    return verifier


@lru_cache(maxsize=1024)
@patient
def stored_problem(problem_id: int) -> Problem:
    """The problem of a row."""
    (row,) = rows(ProblemRow, "select * from problem where id = %s", (problem_id,))
    return Problem(row.key, row.data)


def prepare_verifiers(*, unsafe: bool = False) -> None:
    """Tell the verifiers of this process what the settings say: which Lean, and whether to do without a sandbox."""
    from verifiers import sandbox
    from verifiers.proofs import backend

    backend.configure(settings().lean_project, settings().kimina_url)
    if unsafe:
        sandbox.use_level(sandbox.Level.unsafe)
