"""A person's own benchmark, in what people ask of runs: its rows, whoever serves it, and whether a run is of it."""

from collections.abc import Callable

from models.database import Connection, fetch, transaction
from models.rows import benchmark_id, verifier_id
from models.tables import BenchmarkRow
from verifiers.benchmarks import BENCHMARKS
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import UserError

Serve = Callable[[Benchmark], None]
"""Sees to it that a worker judges by a benchmark, where its works do not go to `verify`."""


def make_ready(benchmark: Benchmark, serve: Serve) -> None:
    """Store a person's own benchmark, so that a worker can load it; and have somebody see to one, of ours too."""
    if benchmark.code is not None:
        with transaction() as connection:
            row = benchmark_id(connection, benchmark.name, benchmark.code)
            for verifier in benchmark.verifiers:
                verifier_id(connection, row, verifier, benchmark.code)
    serve(benchmark)


def benchmark_of(connection: Connection, row_id: int, given: Benchmark | None) -> Benchmark:
    """The benchmark of a row: ours by its name, a person's own as that person gave it, since its code is run.

    UserError where it was not given, or is another one.
    """
    (row,) = fetch(connection, BenchmarkRow, "select * from benchmark where id = %s", (row_id,))
    ours = BENCHMARKS.get(row.name)
    if ours is None and given is None:
        where = f", which was {row.origin}" if row.origin else ""
        raise UserError(
            f"The benchmark {row.name} is a person's own{where}: give it with --benchmark FILE.py or module:object, "
            "since its code is to be run."
        )
    found = given or ours
    assert found is not None
    code = found.code
    names = [found.name] if code is None else [found.name, f"{code.module}:{code.attribute}"]  # as rows were named once
    if row.name not in names or (ours is not None and code is not None):
        raise UserError(f"--benchmark names {found.name}, and the run is of {row.name}.")
    return found


def note_origin(connection: Connection, row_id: int, benchmark: Benchmark) -> bool:
    """A person says where a run's own benchmark is by now: its folder may have moved. Whether it had."""
    if benchmark.code is None:
        return False
    sql = "update benchmark set origin = %(origin)s where id = %(id)s and origin is distinct from %(origin)s"
    return connection.execute(sql, {"origin": benchmark.code.origin, "id": row_id}).rowcount > 0
