"""Runs with known counts or known samples, put straight into the tables."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from models.database import Connection, transaction
from verifiers.outcome import Outcome


@dataclass(frozen=True)
class Tally:
    """A problem's samples: those judged right come at the indices from `first`, the undecided ones last."""

    samples: int
    correct: int
    undecided: int = 0
    first: int = 0


@dataclass(frozen=True)
class Judged:
    """A batch: its samples, of which so many are right, the first of them first, and undecided; None: not judged."""

    size: int
    right: int | None
    undecided: int = 0


@dataclass(frozen=True)
class Sampled:
    """One sample: its candidate, or None where nothing could be extracted, and what was said of it."""

    candidate: str | None
    correct: bool = False
    outcome: Outcome | None = None
    logprob: float | None = None
    completion_tokens: int = 10
    finish_reason: str = "stop"
    scores: Mapping[str, float] = field(default_factory=dict)
    text: str | None = None
    thinking_tokens: int | None = None
    answer_from: int | None = 0


def counted_run(tallies: Sequence[Tally], *, batch: int = 100, **settings: Any) -> int:
    """A run whose batches are verified with these tallies, without a sample; returns its id."""
    with transaction() as connection:
        run, verifier, problems = _run(connection, [str(place) for place in range(len(tallies))], settings)
        if settings.get("n") is None:
            most = max(each.samples for each in tallies)
            connection.execute("update run set n = %s where id = %s", (most, run))
        connection.execute(
            """
            create temporary table counted on commit drop as
            select problem_id, samples, correct, undecided, first
            from unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[])
                as each (problem_id, samples, correct, undecided, first)
            """,
            (
                problems,
                [each.samples for each in tallies],
                [each.correct for each in tallies],
                [each.undecided for each in tallies],
                [each.first for each in tallies],
            ),
        )
        connection.execute(
            """
            insert into batch (run_id, problem_id, first_index, size)
            select %(run)s, problem_id, start, least(%(size)s, samples - start)
            from counted cross join lateral generate_series(0, samples - 1, %(size)s) as start
            order by start, problem_id
            """,
            {"run": run, "size": batch},
        )
        connection.execute(
            """
            insert into work (run_id, batch_id, kind, queue, state)
            select run_id, id, 'generate', 'generate.counted', 'done' from batch where run_id = %s
            """,
            (run,),
        )
        connection.execute(
            """
            insert into work (run_id, batch_id, kind, verifier_id, queue, state,
                correct, incorrect, no_answer, undecided, first_correct)
            select run_id, id, 'verify', %s, 'verify', 'done', correct, size - correct - undecided, 0, undecided,
                case when correct > 0 then greatest(first_index, first) end
            from (
                select batch.*,
                    greatest(0, least(first_index + size, first + counted.correct) - greatest(first_index, first))
                        as correct,
                    greatest(0, first_index + size - greatest(first_index, samples - counted.undecided))
                        as undecided,
                    first
                from batch join counted using (problem_id) where run_id = %s
            ) as each
            """,
            (verifier, run),
        )
    return run


def batched_run(problems: Sequence[Sequence[Judged]], **settings: Any) -> int:
    """A run with these batches of each problem, in order, without a sample; returns its id."""
    with transaction() as connection:
        n = max(sum(batch.size for batch in batches) for batches in problems)
        keys = [str(place) for place in range(len(problems))]
        run, verifier, ids = _run(connection, keys, {"n": n, **settings})
        connection.execute("update run set imported = %s where id = %s", (settings.get("imported", False), run))
        for problem, batches in zip(ids, problems, strict=True):
            first = 0
            for batch in batches:
                row = connection.execute(
                    "insert into batch (run_id, problem_id, first_index, size) values (%s, %s, %s, %s) returning id",
                    (run, problem, first, batch.size),
                ).fetchone()
                assert row is not None
                if batch.right is not None:
                    wrong = batch.size - batch.right - batch.undecided
                    connection.execute(
                        """
                        insert into work (run_id, batch_id, kind, verifier_id, queue, state,
                            correct, incorrect, no_answer, undecided, first_correct)
                        values (%s, %s, 'verify', %s, 'verify', 'done', %s, %s, 0, %s, %s)
                        """,
                        (run, row["id"], verifier, batch.right, wrong, batch.undecided, first if batch.right else None),
                    )
                first += batch.size
    return run


def sampled_run(problems: Mapping[str, Sequence[Sampled]], **settings: Any) -> int:
    """A run with these samples, candidates, verdicts and scores, one batch a problem; returns its id."""
    with transaction() as connection:
        run, verifier, ids = _run(connection, list(problems), settings)
        connection.execute("update run set n = %s where id = %s", (max(len(each) for each in problems.values()), run))
        for problem, samples in zip(ids, problems.values(), strict=True):
            _insert_samples(connection, run, verifier, problem, samples)
    return run


def add_attempts(
    run: int, *, completion_tokens: int, prompt_tokens: int, gpu_seconds: float = 0.0, flops: float = 0.0
) -> None:
    """Give every batch of a run one attempt that took this much."""
    with transaction() as connection:
        connection.execute(
            """
            insert into attempt (work_id, worker, host, code_version, finished_at, ok, gpu_seconds, prompt_tokens,
                completion_tokens, flops)
            select id, 'w', 'h', '0', now(), true, %s, %s, %s, %s from work where run_id = %s and kind = 'generate'
            """,
            (gpu_seconds, prompt_tokens, completion_tokens, flops, run),
        )


def judge_again(run: int, name: str | None = None) -> int:
    """Have version 2 of a run's verifier, or another one, call every candidate correct beside it; return its id."""
    with transaction() as connection:
        row = connection.execute(
            """
            insert into verifier (benchmark_id, name, version)
            select benchmark_id, coalesce(%s, name), '2' from verifier
            where id = (select verifier_id from run where id = %s)
            returning id
            """,
            (name, run),
        ).fetchone()
        assert row is not None
        ids = {"run": run, "second": row["id"]}
        connection.execute(
            """
            insert into work (run_id, batch_id, kind, verifier_id, queue, state,
                correct, incorrect, no_answer, undecided, first_correct)
            select run_id, batch_id, kind, %(second)s, queue, state, correct + incorrect, 0, no_answer, undecided, 0
            from work
            where run_id = %(run)s and kind = 'verify'
                and verifier_id = (select verifier_id from run where id = %(run)s)
            """,
            ids,
        )
        connection.execute(
            """
            insert into verdict (candidate_id, verifier_id, outcome)
            select distinct candidate_id, %(second)s, 'correct'::outcome from extraction
            where run_id = %(run)s and candidate_id is not null
            """,
            ids,
        )
        connection.execute(
            """
            insert into extraction (run_id, problem_id, sample_index, verifier_id, candidate_id, answer_from)
            select run_id, problem_id, sample_index, %(second)s, candidate_id, answer_from
            from extraction
            where run_id = %(run)s and verifier_id = (select verifier_id from run where id = %(run)s)
            """,
            ids,
        )
        connection.execute(
            "update run set other_verifiers = other_verifiers || %(second)s::bigint where id = %(run)s", ids
        )
        return int(row["id"])


def _run(connection: Connection, keys: list[str], settings: Mapping[str, Any]) -> tuple[int, int, list[int]]:
    """A run of these problems: its id, its verifier's and its problems' in order."""

    def insert(sql: Any, *values: Any) -> int:
        row = connection.execute(sql, values).fetchone()
        assert row is not None
        return int(row["id"])

    benchmark = insert(
        """
        insert into benchmark (name) values (%s) on conflict (name) do update set name = excluded.name returning id
        """,
        settings.get("benchmark", "counted"),
    )
    llm = settings.get("llm", "counted")
    llm_id = insert(
        """
        insert into llm (name, engine, queue) values (%s, 'replay', %s)
        on conflict (queue) do update set name = excluded.name returning id
        """,
        llm,
        f"generate.{llm}",
    )
    verifier = insert(
        """
        insert into verifier (benchmark_id, name, version) values (%s, %s, '1')
        on conflict (benchmark_id, name, version) do update set name = excluded.name returning id
        """,
        benchmark,
        settings.get("verifier", "answer"),
    )
    run = insert(
        """
        insert into run (name, benchmark_id, llm_id, verifier_id, n, batch_size, sampling, seed,
            settings_hash, stop_rule, finished_at)
        values (%s, %s, %s, %s, %s, 100, '{"temperature": 1, "max_tokens": 100}', 0, '', %s, now()) returning id
        """,
        settings.get("name"),
        benchmark,
        llm_id,
        verifier,
        settings.get("n") or 1,
        Jsonb(settings.get("stop_rule", {})),
    )
    connection.execute(
        """
        insert into problem (benchmark_id, key, content_hash) select %s, key, '' from unnest(%s::text[]) as key
        on conflict do nothing
        """,
        (benchmark, keys),
    )
    rows = connection.execute(
        """
        insert into prompt (run_id, problem_id, position, text)
        select %s, problem.id, place - 1, 'prompt' from unnest(%s::text[]) with ordinality as each (key, place)
        join problem on problem.key = each.key and problem.benchmark_id = %s order by place
        returning problem_id
        """,
        (run, keys, benchmark),
    ).fetchall()
    return run, verifier, [row["problem_id"] for row in rows]


def _insert_samples(connection: Connection, run: int, verifier: int, problem: int, samples: Sequence[Sampled]) -> None:
    outcomes = [_outcome(each) for each in samples]
    right = [place for place, outcome in enumerate(outcomes) if outcome is Outcome.correct]
    blank = sum(outcome is Outcome.no_answer for outcome in outcomes)
    lost = sum(outcome is Outcome.infrastructure_error for outcome in outcomes)
    cursor = connection.cursor()
    row = cursor.execute(
        "insert into batch (run_id, problem_id, first_index, size) values (%s, %s, 0, %s) returning id",
        (run, problem, len(samples)),
    ).fetchone()
    assert row is not None
    cursor.execute(
        "insert into work (run_id, batch_id, kind, queue, state) values (%s, %s, 'generate', 'g', 'done')",
        (run, row["id"]),
    )
    cursor.execute(
        """
        insert into work (run_id, batch_id, kind, verifier_id, queue, state, correct, incorrect, no_answer, undecided,
            first_correct) values (%s, %s, 'verify', %s, 'verify', 'done', %s, %s, %s, %s, %s)
        """,
        (
            run,
            row["id"],
            verifier,
            len(right),
            len(samples) - len(right) - blank - lost,
            blank,
            lost,
            right[0] if right else None,
        ),
    )
    cursor.executemany(
        """
        insert into sample (run_id, problem_id, sample_index, text, completion_tokens, thinking_tokens, finish_reason,
            logprob)
        values (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        [
            (
                run,
                problem,
                place,
                each.text,
                each.completion_tokens,
                each.thinking_tokens,
                each.finish_reason,
                each.logprob,
            )
            for place, each in enumerate(samples)
        ],
    )
    ids: dict[str, int] = {}
    for each, outcome in zip(samples, outcomes, strict=True):
        if each.candidate is not None and each.candidate not in ids:
            made = cursor.execute(
                """
                insert into candidate (problem_id, hash, text) values (%s, %s, %s)
                on conflict (problem_id, hash) do update set text = excluded.text returning id
                """,
                (problem, hashlib.sha256(each.candidate.encode()).digest(), each.candidate),
            ).fetchone()
            assert made is not None
            ids[each.candidate] = made["id"]
            cursor.execute(
                """
                insert into verdict (candidate_id, verifier_id, outcome) values (%s, %s, %s) on conflict do nothing
                """,
                (made["id"], verifier, outcome.value),
            )
    cursor.executemany(
        """
        insert into extraction (run_id, verifier_id, problem_id, sample_index, candidate_id, answer_from)
        values (%s, %s, %s, %s, %s, %s)
        """,
        [
            (run, verifier, problem, place, None if each.candidate is None else ids[each.candidate], each.answer_from)
            for place, each in enumerate(samples)
        ],
    )
    cursor.executemany(
        "insert into score (run_id, reward_model, problem_id, sample_index, score) values (%s, %s, %s, %s, %s)",
        [
            (run, model, problem, place, score)
            for place, each in enumerate(samples)
            for model, score in each.scores.items()
        ],
    )


def _outcome(sample: Sampled) -> Outcome:
    if sample.candidate is None:
        return Outcome.no_answer
    return sample.outcome or (Outcome.correct if sample.correct else Outcome.incorrect)
