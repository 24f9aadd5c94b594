"""Problems and verifiers, from the rows that the tables hold."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from models.database import column, rows
from models.questions.health import OUTDATED
from models.settings import settings
from models.tables import ProblemRow
from tasks.patience import patient
from verifiers.benchmarks import BENCHMARKS, find_verifier
from verifiers.benchmarks.benchmark import Benchmark, Code
from verifiers.benchmarks.own import is_own_queue, load_own
from verifiers.benchmarks.sources import read_code
from verifiers.errors import Unavailable, UserError
from verifiers.verifier import Problem, Verifier

_own_allowed = False
"""Whether this process runs the code of people's own benchmarks that the tables hold."""


MOVE = "`monkeys reverify RUN --benchmark FILE.py` (or module:object) moves a run to its code as it is now"
"""What helps where code has changed."""


class BenchmarkAway(Exception):
    """The code of a person's own benchmark cannot or must not be loaded here; no work of it is to blame."""


class _Stored(NamedTuple):
    name: str
    version: str
    queue: str
    code: dict[str, Any] | None
    benchmark: str


@lru_cache(maxsize=1024)
@patient
def stored_verifier(verifier_id: int) -> Verifier:
    """The verifier of a row; RuntimeError where this code has another version of it, BenchmarkAway where none."""
    row = _stored(verifier_id)
    return _same(row, _benchmark(row))


def verifier_of(benchmark: Benchmark, verifier_id: int) -> Verifier:
    """The verifier of a row, in a benchmark that a person gave; RuntimeError where that has another version of it."""
    return _same(_stored(verifier_id), benchmark)


def _stored(verifier_id: int) -> _Stored:
    (row,) = rows(
        _Stored,
        """
        select verifier.name, verifier.version, verifier.queue, verifier.code, benchmark.name as benchmark
        from verifier join benchmark on benchmark.id = verifier.benchmark_id where verifier.id = %s
        """,
        (verifier_id,),
    )
    return row


def _benchmark(row: _Stored) -> Benchmark:
    if row.code is None and row.benchmark in BENCHMARKS:
        return BENCHMARKS[row.benchmark]
    if row.code is None and ":" not in row.benchmark:
        raise BenchmarkAway(f"{row.benchmark} is none of ours, and no code is stored with it")
    if not _own_allowed:
        raise BenchmarkAway(f"a worker of {row.queue} runs {row.benchmark} only if it was given --own-benchmarks")
    try:  # a row without code is from before it was stored, and is found by its name
        return load_own(read_code(row.benchmark) if row.code is None else Code(**row.code))
    except UserError as error:
        raise BenchmarkAway(str(error).rstrip(".")) from error


def _same(row: _Stored, benchmark: Benchmark) -> Verifier:
    verifier = find_verifier(benchmark, row.name)
    version = verifier.version if row.code or benchmark.code is None else verifier.version.rpartition("+")[0]
    if version != row.version:
        raise RuntimeError(
            f"{OUTDATED}: {row.name} is version {version} here and {row.version} in the run; "
            "`monkeys reverify` moves the run"
        )
    return verifier


@lru_cache(maxsize=1024)
@patient
def stored_problem(problem_id: int) -> Problem:
    """The problem of a row."""
    (row,) = rows(ProblemRow, "select * from problem where id = %s", (problem_id,))
    return Problem(row.key, row.data)


def load_own_benchmarks(queues: Sequence[str], *, allowed: bool) -> None:
    """Load what a worker of these queues needs of people's own benchmarks, whose code it runs from now on if allowed.

    UserError where it is not allowed to, and Unavailable where what was enqueued last cannot be loaded.
    """
    global _own_allowed
    own = [queue for queue in queues if is_own_queue(queue)]
    if own and not allowed:
        raise UserError(
            f"{own[0]} is the queue of a person's own benchmark: a worker of it runs that code, given --own-benchmarks."
        )
    _own_allowed = allowed
    for queue in own:
        newest = column(
            """
            select distinct on (benchmark_id, name) id from verifier where queue = %s and code is not null
            order by benchmark_id, name, id desc
            """,
            (queue,),
        )
        if not newest:
            raise Unavailable(f"No benchmark that was enqueued has the queue {queue}.")
        for verifier_id in newest:
            try:
                stored_verifier(verifier_id)
            except BenchmarkAway as error:
                raise Unavailable(f"{queue} cannot be served here: {error}; {MOVE}.") from error
            except RuntimeError:  # another version of a ready verifier: each work says so
                pass


def lacking(queue: str) -> str:
    """What this machine lacks to judge whatever comes to a queue of ours, in one sentence, or ""."""
    asked = {each.lacks for benchmark in BENCHMARKS.values() for each in benchmark.verifiers if each.queue == queue}
    return next((lack for lacks in asked if (lack := lacks())), "")


def prepare_verifiers(*, unsafe: bool = False, network: bool = False, packages: Path | None = None) -> None:
    """Tell the verifiers of this process what the settings say: which Lean, testlib.h and Docker, which packages
    (those of this folder, where one is given), and whether to do without a sandbox, or with a network for patches.
    """
    from verifiers import patches, sandbox
    from verifiers.programs import checker
    from verifiers.proofs import backend

    backend.configure(settings().lean_project, settings().kimina_url)
    checker.configure(settings().testlib)
    sandbox.use_packages(packages or settings().packages)
    limits = patches.PatchLimits(
        seconds=settings().patch_seconds,
        memory_bytes=int(settings().patch_memory_gb * 1e9),
        disk_bytes=int(settings().patch_disk_gb * 1e9),
        images_bytes=int(settings().images_gb * 1e9),
        network=network,
    )
    patches.configure(settings().docker, limits, settings().home / "images")
    if unsafe:
        sandbox.use_level(sandbox.Level.unsafe)
