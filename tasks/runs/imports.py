"""Taking in samples that were made elsewhere: one transaction, the file read once, memory flat in its length.

Labels become verdicts of a verifier named `imported` whose candidate is the label. Each batch gets its done works, an
attempt by a worker named `import` with the sums of tokens, dollars and GPU-seconds, and its tally, so that every view
shows an imported run as it shows our own.
"""

import difflib
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg.types.json import Jsonb

from models.cost import Sizes
from models.database import Connection, transaction
from models.rows import (
    benchmark_id,
    insert_problems,
    insert_prompts,
    insert_run,
    llm_id,
    same_run,
    store_sizes,
    verifier_id,
)
from tasks.engines import engine_of, full_name, queue_of
from tasks.engines.recorded import Recorded, Source, read_recorded
from tasks.identity import this_worker
from tasks.ledger import Making
from tasks.publish import publish
from tasks.runs.make import BATCH_SIZE
from tasks.stored import find_benchmark, find_verifier
from verifiers.errors import UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Judgement, Problem, Verifier


@dataclass(frozen=True)
class ImportRequest:
    """What a person asks for; `key_only` makes problems that are not at hand, `sizes` are the llm's, for FLOPs."""

    source: Source
    benchmark: str
    llm: str
    name: str | None = None
    data: Path | None = None
    key_only: bool = False
    sizes: Sizes | None = None


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
    known = _problems_at_hand(request)
    llm = full_name(request.llm)
    settings_hash = _settings_hash(request, llm)
    with transaction() as connection:
        if request.name is not None and _exists(connection, request.name):
            return Imported(same_run(connection, request.name, settings_hash), 0, 0, False, False, False)
        staged = _stage(connection, request, known)
        benchmark_row = benchmark_id(connection, request.benchmark)
        verifier = _IMPORTED if staged.labelled else find_verifier(find_benchmark(request.benchmark), None)
        counting = verifier_id(connection, benchmark_row, verifier)
        llm_row = llm_id(connection, llm, engine_of(llm), {}, queue_of(llm, {}))
        if request.sizes is not None:
            store_sizes(connection, llm_row, request.sizes, over=False)
        run_id = insert_run(
            connection,
            {
                "name": request.name,
                "benchmark_id": benchmark_row,
                "llm_id": llm_row,
                "verifier_id": counting,
                "n": max(staged.counts),
                "batch_size": BATCH_SIZE,
                "seed": 0,
                "imported": True,
                "settings_hash": settings_hash,
            },
        )
        if run_id is None:  # another import took the name in the meantime
            return Imported(same_run(connection, request.name, settings_hash), 0, 0, False, False, False)
        problem_ids = insert_problems(connection, benchmark_row, staged.problems)
        insert_prompts(connection, run_id, problem_ids, [""] * len(problem_ids))
        _insert_samples(connection, run_id, problem_ids)
        worker = this_worker("import")
        making = Making(connection, run_id)
        making.add_imported_works(worker)
        if staged.labelled:
            _insert_labels(connection, run_id, counting, problem_ids)
            making.add_imported_tallies(counting)
            connection.execute("update run set finished_at = now() where id = %s", (run_id,))
        else:
            making.add_verify_works(counting)
    if not staged.labelled:
        publish(verifier.queue)
    return Imported(run_id, sum(staged.counts), len(problem_ids), True, staged.labelled, staged.gaps)


def _judge_imported(_: Problem, candidate: str) -> Judgement:
    return Judgement(Outcome(candidate))


_IMPORTED = Verifier("imported", "1", extract=lambda *_: None, judge=_judge_imported)
"""The verifier that stands for labels; nothing is ever sent to it."""


def _problems_at_hand(request: ImportRequest) -> dict[str, Problem]:
    if request.key_only and request.data is None:
        return {}
    return {problem.key: problem for problem in find_benchmark(request.benchmark).load(request.data)}


def _settings_hash(request: ImportRequest, llm: str) -> str:
    source = request.source
    if not source.file.is_file():
        raise UserError(f"There is no file {source.file}.")
    with source.file.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    identity = [request.benchmark, llm, digest, dict(source.columns), source.base, list(source.where), request.key_only]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def _exists(connection: Connection, name: str) -> bool:
    return connection.execute("select from run where name = %s", (name,)).fetchone() is not None


@dataclass(frozen=True)
class _Staged:
    """What a file turned out to hold: its problems in order of appearance, and how many samples each has."""

    problems: Sequence[Problem]
    counts: Sequence[int]
    labelled: bool
    gaps: bool


def _stage(connection: Connection, request: ImportRequest, known: dict[str, Problem]) -> _Staged:
    """Copy the file into a temporary table, each problem by its place."""
    connection.execute(
        """
        create temporary table staged (
            place int, sample_index int, outcome text, text text, prompt_tokens int, completion_tokens int,
            finish_reason text, logprob float8, seed bigint, usd float8, gpu_seconds float8, scores jsonb
        ) on commit drop
        """
    )
    places: dict[str, int] = {}
    counts: list[int] = []
    highest: list[int] = []
    labels = texts = 0
    with connection.cursor() as cursor, cursor.copy("copy staged from stdin") as copy:
        for sample in _checked(request, known):
            place = places.setdefault(sample.problem, len(places))
            if place == len(counts):
                counts.append(0)
                highest.append(-1)
            counts[place] += 1
            highest[place] = max(highest[place], sample.sample_index)
            labels += sample.outcome is not None
            texts += sample.text is not None
            copy.write_row((place, *sample[1:-1], None if sample.scores is None else Jsonb(dict(sample.scores))))
    if not counts:
        wanted = " and ".join("=".join(each) for each in request.source.where)
        raise UserError(f"{request.source.file} has no sample{' with ' * bool(wanted)}{wanted}.")
    if not labels and texts < sum(counts):
        raise UserError(f"{request.source.file} has samples with neither an outcome nor a text.")
    if not labels and not known:
        raise UserError(
            f"{request.source.file} has no outcomes, and with only the keys of its problems nothing can be judged; "
            "give the problems with --data, or say which column has the outcome (--column correct=...)."
        )
    connection.execute("create index on staged (place, sample_index)")
    connection.execute("analyze staged")
    _refuse_repeats(connection, request.source, list(places))
    problems = [known.get(key) or _KeyOnly(key, {}) for key in places]
    gaps = any(high >= count for high, count in zip(highest, counts, strict=True))
    return _Staged(problems, counts, labels > 0, gaps)


class _KeyOnly(Problem):
    """A problem of which nothing but the key is known."""

    content_hash = ""


def _checked(request: ImportRequest, known: dict[str, Problem]) -> Iterator[Recorded]:
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


def _refuse_repeats(connection: Connection, source: Source, keys: Sequence[str]) -> None:
    row = connection.execute(
        "select place, sample_index from staged group by 1, 2 having count(*) > 1 order by 1, 2 limit 1"
    ).fetchone()
    if row is not None:
        raise UserError(
            f"{source.file} has sample {row['sample_index'] + source.base} of problem {keys[row['place']]!r} more than "
            "once; --where column=value picks one llm's or one run's."
        )


def _insert_samples(connection: Connection, run_id: int, problem_ids: Sequence[int]) -> None:
    """Insert samples, scores and batches. A gap in the indices begins a new batch."""
    connection.execute("create temporary table placed (place int primary key, problem_id bigint) on commit drop")
    connection.execute(
        "insert into placed select place - 1, id from unnest(%s::bigint[]) with ordinality as made (id, place)",
        (list(problem_ids),),
    )
    connection.execute(
        """
        insert into sample (run_id, problem_id, sample_index, text, prompt_tokens, completion_tokens,
                            finish_reason, logprob, seed, usd, gpu_seconds)
        select %s, problem_id, sample_index, text, prompt_tokens, completion_tokens,
               finish_reason, logprob, seed, usd, gpu_seconds
        from staged join placed using (place)
        """,
        (run_id,),
    )
    connection.execute(
        """
        insert into score (run_id, problem_id, sample_index, reward_model, score)
        select %s, problem_id, sample_index, scored.key, scored.value::float8
        from staged join placed using (place) cross join jsonb_each_text(scores) as scored
        where scores is not null
        """,
        (run_id,),
    )
    connection.execute(
        """
        insert into batch (run_id, problem_id, first_index, size)
        select %(run)s, problem_id, min(sample_index), count(*)
        from (
            select *, row_number() over (partition by place, island order by sample_index) as nth
            from (
                select place, sample_index,
                    sample_index - row_number() over (partition by place order by sample_index) as island
                from staged
            ) as numbered
        ) as found
        join placed using (place)
        group by problem_id, island, (nth - 1) / %(size)s
        order by min(sample_index), problem_id
        """,
        {"run": run_id, "size": BATCH_SIZE},
    )
    for table in ("placed", "sample", "batch"):
        connection.execute(f"analyze {table}")


def _insert_labels(connection: Connection, run_id: int, verifier: int, problem_ids: Sequence[int]) -> None:
    """Insert labels as candidates with their verdicts; a sample without one is undecided."""
    connection.execute(
        """
        create temporary table label on commit drop as
        select outcome, sha256(convert_to(outcome, 'UTF8')) as hash
        from unnest(enum_range(null::outcome)::text[]) as outcome
        """
    )
    connection.execute(
        """
        insert into candidate (problem_id, hash, text)
        select distinct problem_id, hash, label.outcome
        from staged join placed using (place)
        join label on label.outcome = coalesce(staged.outcome, 'infrastructure_error')
        order by problem_id, hash
        on conflict do nothing
        """
    )
    connection.execute(
        """
        insert into verdict (candidate_id, verifier_id, outcome, detail)
        select candidate.id, %s, label.outcome::outcome,
            case when label.outcome = 'infrastructure_error' then 'no outcome was imported' end
        from candidate join label using (hash) where candidate.problem_id = any(%s)
        order by candidate.id
        on conflict do nothing
        """,
        (verifier, list(problem_ids)),
    )
    connection.execute(
        """
        insert into extraction (run_id, problem_id, sample_index, verifier_id, candidate_id)
        select %s, placed.problem_id, sample_index, %s, candidate.id
        from staged join placed using (place)
        join label on label.outcome = coalesce(staged.outcome, 'infrastructure_error')
        join candidate on candidate.problem_id = placed.problem_id and candidate.hash = label.hash
        """,
        (run_id, verifier),
    )
    connection.execute("analyze extraction")
