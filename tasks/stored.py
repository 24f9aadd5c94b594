"""Problems and verifiers, from the rows that the tables hold."""

from functools import lru_cache
from typing import NamedTuple

from models.database import rows
from models.questions.health import OUTDATED
from models.settings import settings
from models.tables import ProblemRow
from tasks.patience import patient
from verifiers.benchmarks import find_benchmark, find_verifier
from verifiers.verifier import Problem, Verifier


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
            f"{OUTDATED}: {row.name} is version {verifier.version} here and {row.version} in the run; "
            "`monkeys reverify` moves the run"
        )
    return verifier


@lru_cache(maxsize=1024)
@patient
def stored_problem(problem_id: int) -> Problem:
    """The problem of a row."""
    (row,) = rows(ProblemRow, "select * from problem where id = %s", (problem_id,))
    return Problem(row.key, row.data)


def prepare_verifiers(*, unsafe: bool = False) -> None:
    """Tell the verifiers of this process what the settings say: which Lean and testlib.h, and whether to do without a
    sandbox.
    """
    from verifiers import sandbox
    from verifiers.programs import checker
    from verifiers.proofs import backend

    backend.configure(settings().lean_project, settings().kimina_url)
    checker.configure(settings().testlib)
    if unsafe:
        sandbox.use_level(sandbox.Level.unsafe)
