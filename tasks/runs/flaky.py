"""Judging right solutions, or a run's candidates, again and again, to see whether the verifiers are well.

Every judgement is a row of `rejudgement`, committed as it comes, and the first one a candidate's verdict too. What is
lacking is counted there: a call that was stopped is taken up by the next one, and several hosts can share one.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import shuffle
from threading import Event
from typing import NamedTuple

from models.database import Connection, fetch_column, rows, transaction
from models.logs import pack_log
from models.rows import benchmark_id, insert_problems, verifier_id
from models.storable import storable, storable_facts
from models.tables import Run
from tasks.identity import build
from tasks.ledger.results import LONGEST_DETAIL, candidate_hash
from tasks.runs.own import benchmark_of
from tasks.runs.request import chosen_places
from tasks.stored import OtherVersion, StoredProblem, problem_by, stored_verifier, verifier_of
from verifiers.benchmarks import find_benchmark, find_verifier
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import JudgingStopped, UserError
from verifiers.outcome import Outcome
from verifiers.verifier import Judgement, Problem, Verifier


@dataclass(frozen=True)
class ReferenceRequest:
    """Whose right solutions a person wants judged; as in RunRequest."""

    benchmark: str
    data: Path | None = None
    subset: str | None = None
    problems: Sequence[str] = ()
    limit: int | None = None
    verifier: str | None = None


@dataclass(frozen=True)
class Suspects:
    """Candidates to be judged again and again by a verifier.

    unreadable: keys of the problems in whose right solution the verifier finds no candidate.
    """

    verifier: Verifier
    verifier_id: int
    candidates: Sequence[int]
    problems: int
    are_references: bool
    unreadable: Sequence[str] = ()
    without_reference: int = 0


class Repeat(NamedTuple):
    """One more judgement of a candidate, unless it has as many as are wanted by then."""

    candidate_id: int
    verifier_id: int
    repeats: int
    is_reference: bool


class _Missing(NamedTuple):
    candidate_id: int
    missing: int


class _Text(NamedTuple):
    text: str
    problem_id: int
    key: str
    content_hash: str


class _Drawn(NamedTuple):
    candidate_id: int
    problem_id: int


def references(request: ReferenceRequest) -> Suspects:
    """The right solutions that come with a benchmark, as candidates in the tables; UserError where none does."""
    benchmark = find_benchmark(request.benchmark)
    verifier = find_verifier(benchmark, request.verifier)
    problems = benchmark.load(request.data)
    places = chosen_places(benchmark, problems, request.subset, request.problems, request.limit)
    chosen = [problems[place] for place in places]
    found = [(each, verifier.extract(each, each.reference)) for each in chosen if each.reference is not None]
    if not found:
        raise UserError(
            f"None of these problems of {benchmark.name} comes with a right solution that could be judged; "
            "`monkeys flaky --run RUN` judges a run's candidates."
        )
    readable = [(each, storable(candidate.text)) for each, candidate in found if candidate is not None]
    with transaction() as connection:
        benchmark_row = benchmark_id(connection, benchmark.name, benchmark.code)
        verifier_row = verifier_id(connection, benchmark_row, verifier, benchmark.code)
        candidates = _insert_candidates(connection, benchmark_row, readable)
        connection.execute(  # judged before as a candidate of a run
            """
            update rejudgement set facts = facts || '{"reference": true}'
            where verifier_id = %s and candidate_id = any(%s) and not facts ? 'reference'
            """,
            (verifier_row, candidates),
        )
    return Suspects(
        verifier=verifier,
        verifier_id=verifier_row,
        candidates=candidates,
        problems=len(chosen),
        are_references=True,
        unreadable=[each.key for each, candidate in found if candidate is None],
        without_reference=len(chosen) - len(found),
    )


def _insert_candidates(connection: Connection, benchmark: int, found: Sequence[tuple[Problem, str]]) -> list[int]:
    """The ids of candidates, in order; those that are new are inserted, in order of what they are found by."""
    columns = {
        "problems": insert_problems(connection, benchmark, [problem for problem, _ in found]),
        "hashes": [candidate_hash(text) for _, text in found],
        "texts": [text for _, text in found],
    }
    connection.execute(
        """
        insert into candidate (problem_id, hash, text)
        select * from unnest(%(problems)s::bigint[], %(hashes)s::bytea[], %(texts)s::text[])
            as new (problem_id, hash, text)
        order by problem_id, hash
        on conflict do nothing
        """,
        columns,
    )
    return fetch_column(
        connection,
        """
        select candidate.id
        from unnest(%(problems)s::bigint[], %(hashes)s::bytea[]) with ordinality as wanted (problem_id, hash, place)
        join candidate using (problem_id, hash) order by place
        """,
        columns,
    )


def drawn(run: Run, share: float, own: Benchmark | None = None) -> Suspects:
    """A share of the distinct candidates that a run's counting verifier judged, drawn by their hashes.

    So it is the same share whoever asks. `own` is the run's benchmark where that is a person's own.
    """
    with transaction() as connection:
        benchmark = benchmark_of(connection, run.benchmark_id, own)
        try:
            verifier = verifier_of(benchmark, run.verifier_id)
        except OtherVersion as error:
            raise UserError(f"Run {run.id} cannot be judged again: {error}.") from error
        if benchmark.code is not None:
            verifier_id(connection, run.benchmark_id, verifier, benchmark.code)
    candidates = rows(
        _Drawn,
        """
        with judged as (
            select distinct candidate_id from extraction where run_id = %(run)s and verifier_id = %(verifier)s
        ), placed as (
            select candidate_id, problem_id, row_number() over (order by hash, candidate_id) as place,
                count(*) over () as all_of
            from judged
            join verdict using (candidate_id) join candidate on candidate.id = candidate_id
            where verdict.verifier_id = %(verifier)s and verdict.outcome <> 'infrastructure_error'
        )
        select candidate_id, problem_id from placed where place <= ceil(all_of * %(share)s::double precision)
        """,
        {"run": run.id, "verifier": run.verifier_id, "share": share},
    )
    if not candidates:
        raise UserError(f"Run {run.id} has no judged candidates yet; `monkeys watch {run.id}` follows it.")
    return Suspects(
        verifier=verifier,
        verifier_id=run.verifier_id,
        candidates=[each.candidate_id for each in candidates],
        problems=len({each.problem_id for each in candidates}),
        are_references=False,
    )


def missing_repeats(suspects: Suspects, repeats: int) -> list[Repeat]:
    """The judgements that lack to so many of every candidate: a round of all, in any order, after the other."""
    missing = rows(
        _Missing,
        """
        select wanted.id as candidate_id, %(repeats)s - count(rejudgement.id) as missing
        from unnest(%(candidates)s::bigint[]) as wanted (id)
        left join rejudgement on rejudgement.candidate_id = wanted.id and verifier_id = %(verifier)s
            and outcome is distinct from 'infrastructure_error'
        group by wanted.id having count(rejudgement.id) < %(repeats)s
        """,
        {"candidates": list(suspects.candidates), "verifier": suspects.verifier_id, "repeats": repeats},
    )
    shuffle(missing)  # so that two hosts are seldom at the same one
    return [
        Repeat(each.candidate_id, suspects.verifier_id, repeats, suspects.are_references)
        for nth in range(repeats)
        for each in missing
        if nth < each.missing
    ]


def judge(repeat: Repeat, stop: Event) -> bool:
    """Judge once more and store what came of it; False where there were enough judgements by then.

    JudgingStopped, and nothing stored, where `stop` was set meanwhile: it may be what the judgement came of.
    """
    wanted = rows(
        _Text,
        """
        select text, problem_id, key, content_hash from candidate join problem on problem.id = problem_id
        where candidate.id = %(candidate_id)s and %(repeats)s > (
            select count(*) from rejudgement where candidate_id = %(candidate_id)s and verifier_id = %(verifier_id)s
                and outcome is distinct from 'infrastructure_error')
        """,
        repeat._asdict(),
    )
    for text, problem_id, key, content_hash in wanted:
        problem = problem_by(StoredProblem(problem_id, key, content_hash))
        judgement = stored_verifier(repeat.verifier_id).judge_safely(problem, text, stop)
        if stop.is_set():
            raise JudgingStopped
        _store(repeat, judgement)
    return bool(wanted)


def _store(repeat: Repeat, judgement: Judgement) -> None:
    row = {
        **repeat._asdict(),
        "outcome": judgement.outcome.value,
        "detail": storable(judgement.detail)[:LONGEST_DETAIL] or None,
        "cpu_seconds": judgement.cpu_seconds,
        "facts": storable_facts(judgement.facts),
        "marked": storable_facts({**judgement.facts, "reference": True} if repeat.is_reference else judgement.facts),
        "host": socket.gethostname(),
        "code_version": build(),
        "log": pack_log(judgement.log),
    }
    with transaction() as connection:
        if judgement.outcome is not Outcome.infrastructure_error:
            connection.execute(
                """
                insert into verdict (candidate_id, verifier_id, outcome, detail, cpu_seconds, facts, log)
                values (%(candidate_id)s, %(verifier_id)s, %(outcome)s, %(detail)s, %(cpu_seconds)s, %(facts)s, %(log)s)
                on conflict do nothing
                """,
                row,
            )
        connection.execute(
            """
            insert into rejudgement (candidate_id, verifier_id, outcome, detail, cpu_seconds, facts, host, code_version,
                log)
            values (%(candidate_id)s, %(verifier_id)s, %(outcome)s, %(detail)s, %(cpu_seconds)s, %(marked)s, %(host)s,
                %(code_version)s, %(log)s)
            """,
            row,
        )
