"""Taking in samples that were made elsewhere: one transaction, files read once, memory flat in their length.

Labels become verdicts of a verifier named `imported` whose candidate is the label. Each batch gets its done works, an
attempt by a worker named `import` with the sums of tokens, dollars and GPU-seconds, and its tally, so that every view
shows an imported run as it shows our own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from tasks.engines import engine_of, queue_of
from tasks.identity import this_worker
from tasks.ledger import Making
from tasks.publish import publish, request_analysis
from tasks.runs.import_request import Asked, ImportRequest, asked_of, kept, settings_hash
from tasks.runs.matching import Matching
from tasks.runs.request import BATCH_SIZE
from tasks.runs.sources import Reading
from tasks.runs.staged import Staged, insert_labels, insert_samples, stage
from verifiers.benchmarks import find_verifier
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.outcome import Outcome
from verifiers.verifier import Judgement, Problem, Verifier


@dataclass(frozen=True)
class Imported:
    """The run's id and size; `new` is False where it existed under its name, `gaps` says that indices are missing."""

    run_id: int
    samples: int
    problems: int
    new: bool
    gaps: bool
    judged_by: Benchmark | None
    """The benchmark whose verifier is to judge them; None where their labels do."""
    notes: Sequence[str] = ()
    """What the files were taken for."""


def import_samples(request: ImportRequest) -> Imported:
    """Make a run of recorded samples; UserError, and nothing half-done, on a person's mistake."""
    with kept(request.source) as source:
        return _import(replace(request, source=source))


def _import(request: ImportRequest) -> Imported:
    asked = asked_of(request)
    known = {} if asked.found is None else {each.key: each for each in asked.found.load(request.data)}
    identity = settings_hash(asked)
    reading, matching = Reading(request.source), Matching(asked.benchmark, known, key_only=request.key_only)
    with transaction() as connection:
        if request.name is not None and _exists(connection, request.name):
            return _same(connection, request, identity)
        staged = stage(connection, request.source, reading.samples(matching.key), known)
        judge = None if staged.labelled or asked.found is None else find_verifier(asked.found, None)
        run = _run(connection, asked, judge, staged, identity)
        run_id = insert_run(connection, run)
        if run_id is None:  # another import took the name in the meantime
            return _same(connection, request, identity)
        problem_ids = insert_problems(connection, run.benchmark_id, staged.problems)
        prompts = [asked.prompts.get(problem.key, "") for problem in staged.problems]
        insert_prompts(connection, run_id, problem_ids, prompts)
        insert_samples(connection, run_id, problem_ids, BATCH_SIZE, staged.planned_beyond)
        making = Making(connection, run_id)
        making.add_imported_works(this_worker("import"))
        if judge is None:
            insert_labels(connection, run_id, run.verifier_id, problem_ids)
            making.add_imported_tallies(run.verifier_id)
            connection.execute("update run set finished_at = now() where id = %s", (run_id,))
        else:
            making.add_verify_works(run.verifier_id)
    if judge is None:
        request_analysis(run_id)
    else:
        publish(judge.queue)
    return Imported(
        run_id=run_id,
        samples=sum(staged.counts),
        problems=len(problem_ids),
        new=True,
        gaps=staged.gaps,
        judged_by=None if judge is None else asked.found,
        notes=_notes(reading, matching, staged),
    )


def _notes(reading: Reading, matching: Matching, staged: Staged) -> list[str]:
    notes = []
    if reading.form is not None:
        label = f"; {reading.label} says which are correct" if reading.label else ""
        notes.append(f"Read as of {reading.form.about}{label}.")
    if reading.empty:
        notes.append(
            f"{reading.empty:,} rows hold no sample, since their lists are empty; their problems are left out."
        )
    if matching.by_question:
        notes.append("Problems were found by the text of their questions, not by their keys.")
    if staged.planned_beyond is not None:
        notes.append(f"A plan chose by outcomes which problems have more than {staged.planned_beyond:,} samples.")
    if staged.when_solved:
        notes.append("The run stopped at right samples.")
    if staged.labelled and (without := sum(staged.counts) - staged.labelled):
        notes.append(f"{without:,} samples have no outcome and are undecided; others have one, so nothing is judged.")
    return notes


def _same(connection: Connection, request: ImportRequest, identity: str) -> Imported:
    return Imported(same_run(connection, request.name, identity), 0, 0, new=False, gaps=False, judged_by=None)


def _run(connection: Connection, asked: Asked, judge: Verifier | None, staged: Staged, identity: str) -> Run:
    code = asked.found.code if asked.found else None
    benchmark = benchmark_id(connection, asked.benchmark, code)
    queue = queue_of(asked.llm, asked.engine_args)
    llm_row = llm_id(connection, asked.llm, engine_of(asked.llm), asked.engine_args, queue)
    if asked.request.sizes is not None:
        store_sizes(connection, llm_row, asked.request.sizes, over=False)
    return Run(
        name=asked.request.name,
        benchmark_id=benchmark,
        llm_id=llm_row,
        verifier_id=verifier_id(connection, benchmark, judge or _IMPORTED, code if judge else None),
        n=staged.planned_beyond or max(staged.counts),
        stop_rule=staged.stop_rule,
        batch_size=BATCH_SIZE,
        sampling=dict(asked.sampling),
        seed=0,
        imported=True,
        thinking=asked.thinking,
        settings_hash=identity,
    )


def _judge_imported(_: Problem, candidate: str) -> Judgement:
    return Judgement(Outcome(candidate))


_IMPORTED = Verifier(LABELS, "1", extract=lambda *_: None, judge=_judge_imported)
"""The verifier that stands for labels; nothing is ever sent to it."""


def _exists(connection: Connection, name: str) -> bool:
    return connection.execute("select from run where name = %s", (name,)).fetchone() is not None
