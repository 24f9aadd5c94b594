"""Taking in samples that were made elsewhere: one transaction, the file read once, memory flat in its length.

Labels become verdicts of a verifier named `imported` whose candidate is the label. Each batch gets its done works, an
attempt by a worker named `import` with the sums of tokens, dollars and GPU-seconds, and its tally, so that every view
shows an imported run as it shows our own.
"""

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from models.cost import Sizes
from models.database import Connection, transaction
from models.rows import (
    LABELS,
    benchmark_id,
    insert_problems,
    insert_prompts,
    insert_run,
    llm_id,
    same_run,
    store_sizes,
    verifier_id,
)
from models.tables import Run
from tasks.engines import check_arguments, engine_of, full_name, queue_of
from tasks.engines.recorded import Recorded, Source, read_recorded
from tasks.identity import this_worker
from tasks.ledger import Making
from tasks.publish import publish
from tasks.runs.request import BATCH_SIZE, check_name
from tasks.runs.staged import insert_labels, insert_samples, stage
from verifiers.benchmarks import find_benchmark, find_verifier
from verifiers.benchmarks.benchmark import Code
from verifiers.benchmarks.sources import is_own
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Judgement, Problem, Verifier


@dataclass(frozen=True)
class ImportRequest:
    """What a person asks for; `key_only` makes problems that are not at hand, `sizes` are the llm's, for FLOPs.

    thinking: how thoughts are split off its texts (verifiers/thinking.py).
    """

    source: Source
    benchmark: str
    llm: str
    name: str | None = None
    data: Path | None = None
    key_only: bool = False
    sizes: Sizes | None = None
    thinking: str = "none"


@dataclass(frozen=True)
class Imported:
    """The run's id and size; `new` is False where it existed under its name, `gaps` says that indices are missing."""

    run_id: int
    samples: int
    problems: int
    new: bool
    labelled: bool
    gaps: bool


def import_samples(request: ImportRequest) -> Imported:
    """Make a run of recorded samples; UserError, and nothing half-done, on a person's mistake."""
    llm = full_name(request.llm)
    _check(request, llm)
    name, code = _named(request)
    known = _problems_at_hand(request)
    settings_hash = _settings_hash(request, name, llm)
    with transaction() as connection:
        if request.name is not None and _exists(connection, request.name):
            return _same(connection, request, settings_hash)
        staged = stage(connection, request.source, _checked(request, known), known)
        verifier = _IMPORTED if staged.labelled else find_verifier(find_benchmark(request.benchmark), None)
        benchmark = benchmark_id(connection, name, code)
        judge = verifier_id(connection, benchmark, verifier, None if staged.labelled else code)
        run = _run(connection, request, llm, benchmark, judge, max(staged.counts), settings_hash)
        run_id = insert_run(connection, run)
        if run_id is None:  # another import took the name in the meantime
            return _same(connection, request, settings_hash)
        problem_ids = insert_problems(connection, run.benchmark_id, staged.problems)
        insert_prompts(connection, run_id, problem_ids, [""] * len(problem_ids))
        insert_samples(connection, run_id, problem_ids, BATCH_SIZE)
        making = Making(connection, run_id)
        making.add_imported_works(this_worker("import"))
        if staged.labelled:
            insert_labels(connection, run_id, run.verifier_id, problem_ids)
            making.add_imported_tallies(run.verifier_id)
            connection.execute("update run set finished_at = now() where id = %s", (run_id,))
        else:
            making.add_verify_works(run.verifier_id)
    if not staged.labelled:
        publish(verifier.queue)
    return Imported(run_id, sum(staged.counts), len(problem_ids), True, staged.labelled, staged.gaps)


def _check(request: ImportRequest, llm: str) -> None:
    check_name("--name", request.name)
    if not is_own(request.benchmark):
        check_name("--benchmark", request.benchmark)
    check_arguments(llm, {})


def _same(connection: Connection, request: ImportRequest, settings_hash: str) -> Imported:
    return Imported(same_run(connection, request.name, settings_hash), 0, 0, False, False, False)


def _run(
    connection: Connection, request: ImportRequest, llm: str, benchmark: int, judge: int, n: int, settings_hash: str
) -> Run:
    llm_row = llm_id(connection, llm, engine_of(llm), {}, queue_of(llm, {}))
    if request.sizes is not None:
        store_sizes(connection, llm_row, request.sizes, over=False)
    return Run(
        name=request.name,
        benchmark_id=benchmark,
        llm_id=llm_row,
        verifier_id=judge,
        n=n,
        batch_size=BATCH_SIZE,
        seed=0,
        imported=True,
        thinking=request.thinking,
        settings_hash=settings_hash,
    )


def _judge_imported(_: Problem, candidate: str) -> Judgement:
    return Judgement(Outcome(candidate))


_IMPORTED = Verifier(LABELS, "1", extract=lambda *_: None, judge=_judge_imported)
"""The verifier that stands for labels; nothing is ever sent to it."""


def _named(request: ImportRequest) -> tuple[str, Code | None]:
    """The name of the benchmark's row, and the code of a person's own; of key-only samples it may be any name."""
    if request.key_only and request.data is None and not is_own(request.benchmark):
        return request.benchmark, None
    benchmark = find_benchmark(request.benchmark)
    return benchmark.name, benchmark.code


def _problems_at_hand(request: ImportRequest) -> dict[str, Problem]:
    if request.key_only and request.data is None:
        return {}
    return {problem.key: problem for problem in find_benchmark(request.benchmark).load(request.data)}


def _settings_hash(request: ImportRequest, benchmark: str, llm: str) -> str:
    source = request.source
    if not source.file.is_file():
        raise UserError(f"There is no file {source.file}.")
    with source.file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    identity = [benchmark, llm, digest, dict(source.columns), source.base, list(source.where), request.key_only]
    if request.thinking != "none":
        identity.append(request.thinking)
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _exists(connection: Connection, name: str) -> bool:
    return connection.execute("select from run where name = %s", (name,)).fetchone() is not None


def _checked(request: ImportRequest, known: Mapping[str, Problem]) -> Iterator[Recorded]:
    """The file's samples, each of a problem that is at hand or may be made."""
    for sample in read_recorded(request.source):
        if sample.problem not in known and not request.key_only:
            near = difflib.get_close_matches(sample.problem, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise UserError(
                f"{request.benchmark} has no problem {sample.problem!r}; {hint}--data gives its problems, and "
                "--key-only makes those that are not at hand."
            )
        yield sample
