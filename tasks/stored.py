"""Problems and verifiers, from the rows that the tables hold."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from models.database import column, rows
from models.questions.health import OUTDATED
from models.settings import settings
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


class OtherVersion(BenchmarkAway):
    """This code has another version of a verifier, or none: a worker of the right one is to judge by it."""


class ReplacedError(Exception):
    """An id means something else than it did: the database was replaced, or restored to an earlier time."""


class StoredVerifier(NamedTuple):
    """What tells a verifier from all others, by its row: an id alone may be another's in a database made anew."""

    id: int
    benchmark: str
    name: str
    version: str


class StoredProblem(NamedTuple):
    """The same of a problem."""

    id: int
    key: str
    content_hash: str


class _Code(NamedTuple):
    queue: str
    code: dict[str, Any] | None


@lru_cache(maxsize=1024)
def verifier_by(stored: StoredVerifier) -> Verifier:
    """The verifier of a row; OtherVersion where this code has another version of it, BenchmarkAway where none."""
    row = _code(stored)
    try:
        return _same(stored, row, _benchmark(stored, row))
    except UserError as error:  # of that name there is none here
        raise OtherVersion(f"{OUTDATED}: {str(error).rstrip('.')}; `monkeys reverify` moves the run") from error


def stored_verifier(verifier_id: int) -> Verifier:
    """The verifier of an id, as `verifier_by`: of whoever does not know yet what the id means."""
    return verifier_by(_stored(verifier_id))


def verifier_of(benchmark: Benchmark, verifier_id: int) -> Verifier:
    """The verifier of an id, in a benchmark that a person gave; OtherVersion where that has another version of it."""
    stored = _stored(verifier_id)
    return _same(stored, _code(stored), benchmark)


@patient
def _stored(verifier_id: int) -> StoredVerifier:
    (row,) = rows(
        StoredVerifier,
        """
        select verifier.id, benchmark.name as benchmark, verifier.name, verifier.version
        from verifier join benchmark on benchmark.id = verifier.benchmark_id where verifier.id = %s
        """,
        (verifier_id,),
    )
    return row


@patient
def _code(stored: StoredVerifier) -> _Code:
    found = rows(
        _Code,
        """
        select verifier.queue, verifier.code from verifier join benchmark on benchmark.id = verifier.benchmark_id
        where verifier.id = %(id)s and verifier.name = %(name)s and version = %(version)s
            and benchmark.name = %(benchmark)s
        """,
        stored._asdict(),
    )
    if not found:
        raise ReplacedError(f"verifier {stored.id} is no longer {stored.benchmark}'s {stored.name}")
    return found[0]


def _benchmark(stored: StoredVerifier, row: _Code) -> Benchmark:
    if row.code is None and stored.benchmark in BENCHMARKS:
        return BENCHMARKS[stored.benchmark]
    if row.code is None and ":" not in stored.benchmark:
        raise BenchmarkAway(f"{stored.benchmark} is none of ours, and no code is stored with it")
    if not _own_allowed:
        raise BenchmarkAway(f"a worker of {row.queue} runs {stored.benchmark} only if it was given --own-benchmarks")
    try:  # a row without code is from before it was stored, and is found by its name
        return load_own(read_code(stored.benchmark) if row.code is None else Code(**row.code))
    except UserError as error:
        raise BenchmarkAway(str(error).rstrip(".")) from error


def _same(stored: StoredVerifier, row: _Code, benchmark: Benchmark) -> Verifier:
    verifier = find_verifier(benchmark, stored.name)
    version = verifier.version if row.code or benchmark.code is None else verifier.version.rpartition("+")[0]
    if version != stored.version:
        raise OtherVersion(
            f"{OUTDATED}: {stored.name} is version {version} here and {stored.version} in the run; "
            "`monkeys reverify` moves the run"
        )
    return verifier


@lru_cache(maxsize=1024)
@patient
def problem_by(stored: StoredProblem) -> Problem:
    """The problem of a row."""
    sql = "select data from problem where id = %(id)s and key = %(key)s and content_hash = %(content_hash)s"
    found = column(sql, stored._asdict())
    if not found:
        raise ReplacedError(f"problem {stored.id} is no longer {stored.key}")
    return Problem(stored.key, found[0])


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
            except OtherVersion:  # of a ready verifier: each work says so
                pass
            except BenchmarkAway as error:
                raise Unavailable(f"{queue} cannot be served here: {error}; {MOVE}.") from error


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
