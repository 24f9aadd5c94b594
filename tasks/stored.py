"""Problems and verifiers, from the rows that the tables hold."""

from functools import lru_cache

from models.database import transaction
from models.settings import settings
from verifiers.benchmarks import find_benchmark as find_benchmark
from verifiers.benchmarks import find_verifier as find_verifier
from verifiers.verifier import Problem, Verifier


@lru_cache(maxsize=1024)
def stored_verifier(verifier_id: int) -> Verifier:
    """The verifier of a row; RuntimeError where this code has another version of it."""
    with transaction() as connection:
        row = connection.execute(
            """
            select verifier.name, verifier.version, benchmark.name as benchmark
            from verifier join benchmark on benchmark.id = verifier.benchmark_id where verifier.id = %s
            """,
            (verifier_id,),
        ).fetchone()
    assert row is not None
    verifier = find_verifier(find_benchmark(row["benchmark"]), row["name"])
    if verifier.version != row["version"]:
        raise RuntimeError(
            f"verifier {row['name']} is version {verifier.version} here and {row['version']} in the run: "
            "run a worker of that version, or `monkeys reverify`"
        )
    return verifier


@lru_cache(maxsize=1024)
def stored_problem(problem_id: int) -> Problem:
    """The problem of a row."""
    with transaction() as connection:
        row = connection.execute("select key, data from problem where id = %s", (problem_id,)).fetchone()
    assert row is not None
    return Problem(row["key"], row["data"])


def prepare_verifiers(*, unsafe: bool = False) -> None:
    """Tell the verifiers of this process what the settings say: which Lean, and whether to do without a sandbox."""
    from verifiers import sandbox
    from verifiers.proofs import backend

    backend.configure(settings().lean_project, settings().kimina_url)
    if unsafe:
        sandbox.use_level(sandbox.Level.unsafe)
