"""Recorded samples in a temporary table, each problem by its place, and from there in the tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb

from models.database import Connection, fetch
from tasks.engines.recorded import COLUMNS, OF_COMPLETION, Recorded
from tasks.runs.sources import Source
from verifiers.errors import UserError
from verifiers.verifier import Problem

NAMES = ", ".join(OF_COMPLETION)


@dataclass(frozen=True)
class Staged:
    """What a source turned out to hold: its problems in order of appearance, and how many samples each has."""

    problems: Sequence[Problem]
    counts: Sequence[int]
    labelled: int
    """Samples that have a label."""
    gaps: bool
    planned_beyond: int | None
    """Samples of each problem above which a plan chose by outcomes who has more; None where none did."""
    when_solved: bool
    """Whether its run stopped at right samples."""

    @property
    def stop_rule(self) -> dict[str, Any]:
        """The run's rules that looked at outcomes."""
        rules = {"when_solved": self.when_solved, "planned": self.planned_beyond is not None}
        return {name: True for name, holds in rules.items() if holds}


def stage(connection: Connection, source: Source, samples: Iterable[Recorded], known: Mapping[str, Problem]) -> Staged:
    """Copy a source's samples into the table `staged`, and say what they were; UserError where they cannot be a run."""
    typed = ", ".join(f"{name} {COLUMNS[name].sql}" for name in OF_COMPLETION)
    connection.execute(
        f"create temporary table staged (place int, sample_index int, outcome text, {typed}, scores jsonb) "
        "on commit drop"
    )
    values = attrgetter(*OF_COMPLETION)
    places: dict[str, int] = {}
    counts: list[int] = []
    highest: list[int] = []
    labels = texts = 0
    planned_beyond, when_solved = None, False
    with connection.cursor() as cursor, cursor.copy("copy staged from stdin") as copy:
        for sample in samples:
            place = places.setdefault(sample.problem, len(places))
            if place == len(counts):
                counts.append(0)
                highest.append(-1)
            counts[place] += 1
            highest[place] = max(highest[place], sample.sample_index)
            labels += sample.outcome is not None
            texts += sample.completion.text is not None
            when_solved |= sample.biased_by == "when_solved"
            if sample.biased_by == "planned":
                planned_beyond = min(sample.sample_index, planned_beyond or sample.sample_index)  # never 0
            scores = None if sample.scores is None else Jsonb(dict(sample.scores))
            copy.write_row((place, sample.sample_index, sample.outcome, *values(sample.completion), scores))
    _refuse_what_cannot_be_judged(source, sum(counts), labels, texts, known)
    connection.execute("create index on staged (place, sample_index)")
    connection.execute("analyze staged")
    _refuse_repeats(connection, source, list(places))
    problems = [known.get(key) or _KeyOnly(key, {}) for key in places]
    gaps = any(high >= count for high, count in zip(highest, counts, strict=True))
    return Staged(problems, counts, labels, gaps, planned_beyond, when_solved)


class _KeyOnly(Problem):
    """A problem of which nothing but the key is known."""

    content_hash = ""


def _refuse_what_cannot_be_judged(
    source: Source, samples: int, labels: int, texts: int, known: Mapping[str, Problem]
) -> None:
    if not samples:
        wanted = " and ".join("=".join(pair) for pair in source.where)
        raise UserError(f"{source} has no sample{' with ' * bool(wanted)}{wanted}.")
    if not labels and texts < samples:
        raise UserError(f"{source} has samples with neither an outcome nor a text.")
    if not labels and not known:
        raise UserError(
            f"{source} has no outcomes, and with only the keys of its problems nothing can be judged; "
            "give the problems with --data, or say which column has the outcome (--column correct=...)."
        )


class _Repeat(NamedTuple):
    place: int
    sample_index: int


def _refuse_repeats(connection: Connection, source: Source, keys: Sequence[str]) -> None:
    sql = "select place, sample_index from staged group by 1, 2 having count(*) > 1 order by 1, 2 limit 1"
    for repeat in fetch(connection, _Repeat, sql):
        raise UserError(
            f"{source} has sample {repeat.sample_index + source.base} of problem {keys[repeat.place]!r} more than "
            "once; --where column=value picks one llm's or one run's."
        )


def insert_samples(
    connection: Connection, run_id: int, problem_ids: Sequence[int], batch_size: int, planned_beyond: int | None = None
) -> None:
    """Insert what is staged as samples, scores and batches, the problems by their ids in order of place.

    No batch holds samples both below and from planned_beyond on: outcomes chose who has those.
    """
    connection.execute("create temporary table placed (place int primary key, problem_id bigint) on commit drop")
    connection.execute(
        "insert into placed select place - 1, id from unnest(%s::bigint[]) with ordinality as new (id, place)",
        (list(problem_ids),),
    )
    connection.execute(
        f"""
        insert into sample (run_id, problem_id, sample_index, {NAMES})
        select %s, problem_id, sample_index, {NAMES} from staged join placed using (place)
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
    _insert_batches(connection, run_id, batch_size, planned_beyond)
    for table in ("placed", "sample", "batch"):
        connection.execute(f"analyze {table}")


def _insert_batches(connection: Connection, run_id: int, size: int, planned_beyond: int | None) -> None:
    """A gap in the indices begins a new batch."""
    connection.execute(
        """
        insert into batch (run_id, problem_id, first_index, size)
        select %(run)s, problem_id, min(sample_index), count(*)
        from (
            select *, row_number() over (partition by place, island, chosen order by sample_index) as nth
            from (
                select place, sample_index,
                    sample_index - row_number() over (partition by place order by sample_index) as island,
                    coalesce(sample_index >= %(planned_beyond)s, false) as chosen
                from staged
            ) as numbered
        ) as islands
        join placed using (place)
        group by problem_id, island, chosen, (nth - 1) / %(size)s
        order by min(sample_index), problem_id
        """,
        {"run": run_id, "size": size, "planned_beyond": planned_beyond},
    )


def insert_labels(connection: Connection, run_id: int, verifier_id: int, problem_ids: Sequence[int]) -> None:
    """Insert staged labels as candidates with their verdicts; a sample without one is undecided."""
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
        (verifier_id, list(problem_ids)),
    )
    connection.execute(
        """
        insert into extraction (run_id, problem_id, sample_index, verifier_id, candidate_id, answer_from)
        select %s, placed.problem_id, sample_index, %s, candidate.id, 0  -- a label is a whole sample's
        from staged join placed using (place)
        join label on label.outcome = coalesce(staged.outcome, 'infrastructure_error')
        join candidate on candidate.problem_id = placed.problem_id and candidate.hash = label.hash
        """,
        (run_id, verifier_id),
    )
    connection.execute("analyze extraction")
