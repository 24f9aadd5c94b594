"""Every change of a work's state, each one transaction: what must always hold can be checked by reading this file.

    ready -> published -> leased -> done | failed | cancelled

A work is claimed by a lease (a token and a time) and ended only by whoever holds the token: a worker that was paused
past its lease finds 0 rows and throws its result away. All times are the database's, so no worker's clock matters.
"""

import hashlib
import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from models.database import Connection, transaction
from models.rows import storable
from models.tables import Kind
from tasks.engines.engine import Completion
from verifiers.errors import UserError
from verifiers.verifier import Candidate, Judgement

MAX_ATTEMPTS = 5
"""Claims of one work before it is set aside."""

WINDOW = 2_000
"""Messages of one queue at a time; the rest waits in Postgres, since a broker is not a database."""

STALE_SECONDS = 3_600
"""A message that was not delivered for so long is taken for lost even if its queue is not empty."""


@dataclass(frozen=True)
class Worker:
    """Who claims: stored with each attempt."""

    name: str
    host: str
    code_version: str
    gpus: str = ""
    engine: str | None = None
    engine_version: str | None = None
    engine_seed: int | None = None


@dataclass(frozen=True)
class Lease:
    """A claimed work, its batch, and the token that fences it."""

    work_id: int
    token: uuid.UUID
    attempt_id: int
    attempts: int
    kind: Kind
    run_id: int
    batch_id: int
    problem_id: int
    first_index: int
    size: int
    verifier_id: int | None
    reward_model: str | None


@dataclass(frozen=True)
class Publication:
    """A work id to be sent to a queue; `label` is what people see in Flower."""

    work_id: int
    kind: Kind
    label: str


@dataclass
class Usage:
    """What an attempt used; times in seconds."""

    gpu_seconds: float = 0.0
    cpu_seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    truncated: int = 0
    flops: float = 0.0
    usd: float | None = None
    judged: int = 0
    reused: int = 0


# ---------------------------------------------------------------------------------------------------------------------
# ready


def add_batches(connection: Connection, run_id: int, queue: str, batches: Iterable[tuple[int, int, int]]) -> int:
    """Make batches (problem_id, first_index, size) and their generate works, to be published in this order."""
    count = 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            create temporary table new_batch (place int, problem_id bigint, first_index int, size int)
            on commit drop
            """
        )
        with cursor.copy("copy new_batch (place, problem_id, first_index, size) from stdin") as copy:
            for problem_id, first_index, size in batches:
                copy.write_row((count, problem_id, first_index, size))
                count += 1
        cursor.execute(
            """
            with made as (
                insert into batch (run_id, problem_id, first_index, size)
                select %(run)s, problem_id, first_index, size from new_batch order by place
                returning id
            )
            insert into work (run_id, batch_id, kind, queue)
            select %(run)s, id, 'generate', %(queue)s from made order by id
            """,
            {"run": run_id, "queue": queue},
        )
    return count


def add_verify_works(connection: Connection, run_id: int, verifier_id: int) -> int:
    """Make the works that judge a run's finished batches by one more verifier; those that exist stay.

    The caller holds the run's row (`hold_run`) and has noted the verifier there, so that batches that finish later
    make theirs.
    """
    return connection.execute(
        """
        insert into work (run_id, batch_id, kind, verifier_id, queue)
        select g.run_id, g.batch_id, 'verify', v.id, v.queue
        from work g, verifier v
        where g.run_id = %s and g.kind = 'generate' and g.state = 'done' and v.id = %s
        order by g.batch_id
        on conflict do nothing
        """,
        (run_id, verifier_id),
    ).rowcount


# ---------------------------------------------------------------------------------------------------------------------
# done elsewhere


def add_imported_works(connection: Connection, run_id: int, worker: Worker) -> None:
    """The done generate works of an imported run's batches, each with an attempt that holds its samples' sums."""
    connection.execute(
        """
        with made as (
            insert into work (run_id, batch_id, kind, queue, state, attempts, ended_at)
            select batch.run_id, batch.id, 'generate', llm.queue, 'done', 1, now()
            from batch join run on run.id = batch.run_id join llm on llm.id = run.llm_id
            where run.id = %(run)s order by batch.id
            returning id, batch_id
        ), used as (
            select made.id, summed.*
            from made
            join batch on batch.id = made.batch_id
            join run on run.id = batch.run_id
            join llm on llm.id = run.llm_id
            cross join lateral (  -- batch by batch: a join could pair each batch with all samples of its problem
                select coalesce(max(sample.prompt_tokens), 0) as prompt_tokens,
                    coalesce(sum(sample.completion_tokens), 0) as completion_tokens,
                    count(*) filter (where sample.finish_reason = 'length') as truncated,
                    coalesce(sum(span_flops(llm.active_parameters, llm.layers, llm.token_dim,
                        coalesce(sample.prompt_tokens, 0), coalesce(sample.completion_tokens, 0))), 0) as flops,
                    sum(sample.usd) as usd, coalesce(sum(sample.gpu_seconds), 0) as gpu_seconds
                from sample
                where sample.run_id = batch.run_id and sample.problem_id = batch.problem_id
                    and sample.sample_index >= batch.first_index
                    and sample.sample_index < batch.first_index + batch.size
            ) as summed
        )
        insert into attempt (work_id, worker, host, code_version, seen_at, finished_at, ok,
                             prompt_tokens, completion_tokens, truncated, flops, usd, gpu_seconds)
        select id, 'import', %(host)s, %(code_version)s, now(), now(), true,
               prompt_tokens, completion_tokens, truncated, flops, usd, gpu_seconds
        from used order by id
        """,
        {"run": run_id, "host": worker.host, "code_version": worker.code_version},
    )


def add_imported_tallies(connection: Connection, run_id: int, verifier_id: int) -> None:
    """The done verify works of an imported run's labels, with their tallies."""
    works = connection.execute(
        """
        insert into work (run_id, batch_id, kind, verifier_id, queue, state, ended_at)
        select batch.run_id, batch.id, 'verify', verifier.id, verifier.queue, 'done', now()
        from batch, verifier where batch.run_id = %s and verifier.id = %s order by batch.id
        returning id
        """,
        (run_id, verifier_id),
    ).fetchall()
    _tally(connection, [row["id"] for row in works])


def add_score_works(connection: Connection, run_id: int, reward_model: str, queue: str) -> int:
    """Make the works that score a run's finished batches by a reward model; those that exist stay."""
    return connection.execute(
        """
        insert into work (run_id, batch_id, kind, reward_model, queue)
        select batch.run_id, batch.id, 'score', %s, %s from batch
        where batch.run_id = %s and exists (
            select from sample where sample.run_id = batch.run_id and sample.problem_id = batch.problem_id
                and sample.sample_index = batch.first_index)
        order by batch.id
        on conflict do nothing
        """,
        (reward_model, queue, run_id),
    ).rowcount


# ---------------------------------------------------------------------------------------------------------------------
# ready -> published


def take_for_publishing(queue: str, at_most: int = WINDOW) -> list[Publication]:
    """Mark as many ready works of a queue published as its window has room for; the caller sends them.

    A crash before the sending loses messages, not works: the sweeper finds them.
    """
    with transaction() as connection:
        rows = connection.execute(
            """
            with chosen as (
                select id from work
                where queue = %(queue)s and state = 'ready' and (not_before is null or not_before <= now())
                order by id
                limit (
                    select greatest(0, least(%(at_most)s, %(window)s - count(*))) from work
                    where queue = %(queue)s and state = 'published'
                )
                for update skip locked
            )
            update work set state = 'published', published_at = now()
            from chosen, batch
            where work.id = chosen.id and batch.id = work.batch_id
            returning work.id, work.kind, work.run_id, batch.problem_id, batch.first_index, batch.size
            """,
            {"queue": queue, "at_most": at_most, "window": WINDOW},
        ).fetchall()
    rows.sort(key=lambda row: row["id"])
    return [
        Publication(
            row["id"],
            Kind(row["kind"]),
            f"run {row['run_id']} · problem {row['problem_id']} · "
            f"samples {row['first_index']}–{row['first_index'] + row['size'] - 1}",
        )
        for row in rows
    ]


def unpublish(work_ids: Sequence[int]) -> None:
    """Messages that could not be sent, or came to a worker that is leaving: ready again."""
    with transaction() as connection:
        connection.execute(
            "update work set state = 'ready' where id = any(%s) and state = 'published'", (list(work_ids),)
        )


# ---------------------------------------------------------------------------------------------------------------------
# published -> leased


def claim(work_id: int, worker: Worker, lease_seconds: float) -> Lease | None:
    """Lease a work and begin an attempt; None where it is done, held by another, not yet due, or gone."""
    token = uuid.uuid4()
    with transaction() as connection:
        row = connection.execute(
            """
            with claimed as (
                update work
                set state = 'leased', attempts = attempts + 1, lease_token = %(token)s,
                    lease_until = now() + make_interval(secs => %(lease)s)
                where id = %(id)s and attempts < %(max)s and (not_before is null or not_before <= now())
                    and (state in ('ready', 'published') or (state = 'leased' and lease_until < now()))
                returning *
            ), begun as (
                insert into attempt (work_id, worker, host, gpus, engine, engine_version, engine_seed, code_version)
                select id, %(worker)s, %(host)s, %(gpus)s, %(engine)s, %(engine_version)s, %(engine_seed)s,
                       %(code_version)s
                from claimed
                returning id
            )
            select claimed.id, claimed.attempts, claimed.kind, claimed.run_id, claimed.batch_id,
                   claimed.verifier_id, claimed.reward_model, begun.id as attempt_id,
                   batch.problem_id, batch.first_index, batch.size
            from claimed, begun, batch
            where batch.id = claimed.batch_id
            """,
            {
                "token": token,
                "lease": lease_seconds,
                "id": work_id,
                "max": MAX_ATTEMPTS,
                "worker": worker.name,
                "host": worker.host,
                "gpus": worker.gpus,
                "engine": worker.engine,
                "engine_version": worker.engine_version,
                "engine_seed": worker.engine_seed,
                "code_version": worker.code_version,
            },
        ).fetchone()
    if row is None:
        return None
    return Lease(
        work_id=row["id"],
        token=token,
        attempt_id=row["attempt_id"],
        attempts=row["attempts"],
        kind=Kind(row["kind"]),
        run_id=row["run_id"],
        batch_id=row["batch_id"],
        problem_id=row["problem_id"],
        first_index=row["first_index"],
        size=row["size"],
        verifier_id=row["verifier_id"],
        reward_model=row["reward_model"],
    )


def renew(leases: Sequence[Lease], lease_seconds: float, gpu_seconds: Sequence[float]) -> set[int]:
    """Prolong leases and store what each attempt used so far; return the ids of the works that are still held."""
    with transaction() as connection:
        rows = connection.execute(
            """
            with mine as (
                select work.id from work join unnest(%s::bigint[], %s::uuid[]) as mine (id, token)
                    on work.id = mine.id and work.lease_token = mine.token
                where work.state = 'leased' order by work.id for update of work
            ), seen as (
                update attempt set seen_at = now(), gpu_seconds = used.gpu_seconds
                from unnest(%s::bigint[], %s::float8[]) as used (id, gpu_seconds)
                where attempt.id = used.id and attempt.finished_at is null
            )
            update work set lease_until = now() + make_interval(secs => %s)
            from mine where work.id = mine.id returning work.id
            """,
            (
                [lease.work_id for lease in leases],
                [lease.token for lease in leases],
                [lease.attempt_id for lease in leases],
                list(gpu_seconds),
                lease_seconds,
            ),
        ).fetchall()
    return {row["id"] for row in rows}


def still_held(leases: Sequence[Lease]) -> set[int]:
    """The ids of the works that are still held, or were ended by their holder: a look without a write."""
    with transaction() as connection:
        rows = connection.execute(
            """
            select work.id from work join unnest(%s::bigint[], %s::uuid[]) as mine (id, token)
                on work.id = mine.id and work.lease_token = mine.token
            where work.state in ('leased', 'done')
            """,
            ([lease.work_id for lease in leases], [lease.token for lease in leases]),
        ).fetchall()
    return {row["id"] for row in rows}


# ---------------------------------------------------------------------------------------------------------------------
# leased -> done


def finish_generate(lease: Lease, completions: Sequence[Completion], usage: Usage) -> bool:
    """Insert a batch's samples, end its work, make its verify works; False (and nothing done) if the lease was lost."""
    if len(completions) != lease.size:
        raise ValueError(f"the engine gave {len(completions)} samples for a batch of {lease.size}")
    with transaction() as connection:
        # whoever cancels or changes which verifiers are due takes the run's row first: neither misses the other
        connection.execute("select from run where id = %s for key share", (lease.run_id,))
        if not _end(connection, lease, usage):
            return _ended_before(connection, lease, usage)
        with (
            connection.cursor() as cursor,
            cursor.copy(
                """
            copy sample (run_id, problem_id, sample_index, attempt_id, text, prompt_tokens, completion_tokens,
                         finish_reason, logprob, token_logprobs, seed, usd, gpu_seconds) from stdin
            """
            ) as copy,
        ):
            for index, each in enumerate(completions, lease.first_index):
                copy.write_row(
                    (
                        lease.run_id,
                        lease.problem_id,
                        index,
                        lease.attempt_id,
                        None if each.text is None else storable(each.text),
                        each.prompt_tokens,
                        each.completion_tokens,
                        each.finish_reason,
                        each.logprob,
                        None if each.token_logprobs is None else list(each.token_logprobs),
                        each.seed,
                        each.usd,
                        each.gpu_seconds,
                    )
                )
        connection.execute(
            """
            insert into work (run_id, batch_id, kind, verifier_id, queue)
            select %(run)s, %(batch)s, 'verify', verifier.id, verifier.queue
            from run join verifier on verifier.id = run.verifier_id or verifier.id = any(run.other_verifiers)
            where run.id = %(run)s
            """,
            {"run": lease.run_id, "batch": lease.batch_id},
        )
    return True


@dataclass(frozen=True)
class Verification:
    """One sample's extraction: its index and its candidate, if any."""

    sample_index: int
    candidate: Candidate | None


Verdicts = dict[str, Judgement]
"""Candidate text -> judgement."""


def known_candidates(connection: Connection, lease: Lease, candidates: Sequence[str]) -> set[str]:
    """Those of the candidates that already have a verdict by the lease's verifier."""
    rows = connection.execute(
        """
        select candidate.text from candidate
        join verdict on verdict.candidate_id = candidate.id and verdict.verifier_id = %s
        where candidate.problem_id = %s and candidate.hash = any(%s)
        """,
        (lease.verifier_id, lease.problem_id, [_hash(text) for text in candidates]),
    ).fetchall()
    return {row["text"] for row in rows}


def record_verdicts(lease: Lease, verdicts: Verdicts) -> None:
    """Keep verdicts while a long work goes on; those that exist stay. They are true whoever holds the lease."""
    with transaction() as connection:
        _insert_verdicts(connection, lease, verdicts, list(verdicts))


def finish_verify(lease: Lease, extractions: Sequence[Verification], verdicts: Verdicts, usage: Usage) -> bool:
    """Insert the last verdicts and all extractions, end the work with its tally; False if the lease was lost.

    Every candidate must have its verdict here or in the table.
    """
    candidates = list({each.candidate.text for each in extractions if each.candidate is not None})
    with transaction() as connection:
        if not _end(connection, lease, usage):
            return _ended_before(connection, lease, usage)
        _insert_verdicts(connection, lease, verdicts, candidates)
        connection.execute(
            """
            insert into extraction (run_id, verifier_id, problem_id, sample_index, candidate_id, how)
            select %(run)s, %(verifier)s, %(problem)s, found.sample_index, candidate.id, found.how
            from unnest(%(indices)s::int[], %(hashes)s::bytea[], %(hows)s::text[]) as found (sample_index, hash, how)
            left join candidate on candidate.problem_id = %(problem)s and candidate.hash = found.hash
            on conflict do nothing
            """,
            {
                "run": lease.run_id,
                "verifier": lease.verifier_id,
                "problem": lease.problem_id,
                "indices": [each.sample_index for each in extractions],
                "hashes": [None if each.candidate is None else _hash(each.candidate.text) for each in extractions],
                "hows": [each.candidate.how or None if each.candidate else None for each in extractions],
            },
        )
        missing = _tally(connection, [lease.work_id])
        if missing:
            raise RuntimeError(f"work {lease.work_id} would end with {missing} candidates unjudged")
    return True


def _tally(connection: Connection, work_ids: Sequence[int]) -> int:
    """Count the tallies of verify works from extractions and verdicts; return how many candidates lack a verdict."""
    rows = connection.execute(
        """
        with counted as (
            select work.id, summed.*
            from work
            join batch on batch.id = work.batch_id
            cross join lateral (  -- batch by batch: a join could pair each batch with all samples of its problem
                select count(*) filter (where verdict.outcome = 'correct') as correct,
                    count(*) filter (where verdict.outcome not in ('correct', 'no_answer', 'infrastructure_error'))
                        as incorrect,
                    count(*) filter (where extraction.candidate_id is null or verdict.outcome = 'no_answer')
                        as no_answer,
                    count(*) filter (where verdict.outcome = 'infrastructure_error') as undecided,
                    count(*) filter (where extraction.candidate_id is not null and verdict.outcome is null) as missing,
                    min(extraction.sample_index) filter (where verdict.outcome = 'correct') as first_correct
                from extraction
                left join verdict on verdict.candidate_id = extraction.candidate_id
                    and verdict.verifier_id = extraction.verifier_id
                where extraction.run_id = work.run_id and extraction.verifier_id = work.verifier_id
                    and extraction.problem_id = batch.problem_id
                    and extraction.sample_index >= batch.first_index
                    and extraction.sample_index < batch.first_index + batch.size
            ) as summed
            where work.id = any(%s)
        )
        update work set correct = counted.correct, incorrect = counted.incorrect, no_answer = counted.no_answer,
                        undecided = counted.undecided, first_correct = counted.first_correct
        from counted where work.id = counted.id
        returning counted.missing
        """,
        (list(work_ids),),
    ).fetchall()
    return sum(row["missing"] for row in rows)


def _insert_verdicts(connection: Connection, lease: Lease, verdicts: Verdicts, candidates: Sequence[str]) -> None:
    """Candidates and verdicts in hash order, so that two workers with the same ones cannot deadlock."""
    hashed = sorted((_hash(text), text) for text in candidates)
    if not hashed:
        return
    connection.execute(
        """
        insert into candidate (problem_id, hash, text)
        select %s, hash, text from unnest(%s::bytea[], %s::text[]) as found (hash, text)
        on conflict do nothing
        """,
        (lease.problem_id, [each for each, _ in hashed], [text for _, text in hashed]),
    )
    judged = [(each, verdicts[text]) for each, text in hashed if text in verdicts]
    if not judged:
        return
    connection.execute(
        """
        insert into verdict (candidate_id, verifier_id, outcome, detail, cpu_seconds, facts)
        select candidate.id, %s, found.outcome, found.detail, found.cpu_seconds, found.facts
        from unnest(%s::bytea[], %s::outcome[], %s::text[], %s::float8[], %s::jsonb[])
            as found (hash, outcome, detail, cpu_seconds, facts)
        join candidate on candidate.problem_id = %s and candidate.hash = found.hash
        order by found.hash
        on conflict do nothing
        """,
        (
            lease.verifier_id,
            [each for each, _ in judged],
            [judgement.outcome.value for _, judgement in judged],
            [storable(judgement.detail)[:2_000] or None for _, judgement in judged],
            [judgement.cpu_seconds for _, judgement in judged],
            [json.dumps(dict(judgement.facts)) for _, judgement in judged],
            lease.problem_id,
        ),
    )


@dataclass(frozen=True)
class Scored:
    """One sample's number by a reward model, and each step's where it gives them."""

    sample_index: int
    score: float
    step_scores: Sequence[float] | None = None


def finish_score(lease: Lease, scores: Sequence[Scored], usage: Usage) -> bool:
    """Insert a batch's scores and end its work; False (and nothing done) if the lease was lost."""
    with transaction() as connection:
        if not _end(connection, lease, usage):
            return _ended_before(connection, lease, usage)
        with connection.cursor() as cursor:
            cursor.executemany(
                """
                insert into score (run_id, problem_id, sample_index, reward_model, score, step_scores)
                values (%s, %s, %s, %s, %s, %s) on conflict do nothing
                """,
                [
                    (
                        lease.run_id,
                        lease.problem_id,
                        each.sample_index,
                        lease.reward_model,
                        each.score,
                        None if each.step_scores is None else list(each.step_scores),
                    )
                    for each in scores
                ],
            )
    return True


# ---------------------------------------------------------------------------------------------------------------------
# leased -> ready | failed


def give_back(lease: Lease, usage: Usage | None = None) -> None:
    """Hand an unharmed work back: the worker is leaving, or it has had its five minutes. Not counted as an attempt."""
    with transaction() as connection:
        connection.execute(
            """
            update work set state = 'ready', attempts = attempts - 1, lease_token = null, lease_until = null
            where id = %s and lease_token = %s and state = 'leased'
            """,
            (lease.work_id, lease.token),
        )
        _end_attempt(connection, lease, usage or Usage(), error="given back")


def fail(lease: Lease, error: str, usage: Usage | None = None, *, final: bool = False) -> None:
    """An attempt failed: try again later, or set the work aside after its last attempt or a `final` error."""
    message = storable(error)[:4_000]
    with transaction() as connection:
        connection.execute(
            """
            update work set
                state = case when %(final)s or attempts >= %(max)s then 'failed' else 'ready' end::state,
                ended_at = case when %(final)s or attempts >= %(max)s then now() end,
                not_before = now() + make_interval(secs => least(300, 2 ^ attempts)),
                last_error = %(error)s, lease_token = null, lease_until = null
            where id = %(id)s and lease_token = %(token)s and state = 'leased'
            """,
            {
                "final": final,
                "max": MAX_ATTEMPTS,
                "error": message,
                "id": lease.work_id,
                "token": lease.token,
            },
        )
        _end_attempt(connection, lease, usage or Usage(), error=message)


def free_expired() -> list[int]:
    """Leases that ran out: ready again, or failed after the last attempt. Returns the works."""
    with transaction() as connection:
        rows = connection.execute(
            """
            with expired as (
                select id from work where state = 'leased' and lease_until < now() for update skip locked
            ), lost as (
                update attempt set error = 'its worker was lost', ok = false
                where finished_at is null and ok is null and work_id in (select id from expired)
            )
            update work set
                state = case when attempts >= %(max)s then 'failed' else 'ready' end::state,
                ended_at = case when attempts >= %(max)s then now() end,
                last_error = case when attempts >= %(max)s
                    then 'its worker was lost ' || attempts || ' times'
                        || coalesce('; the error before: ' || last_error, '')
                    else coalesce(last_error, 'its worker was lost') end,
                lease_token = null, lease_until = null
            from expired where work.id = expired.id
            returning work.id
            """,
            {"max": MAX_ATTEMPTS},
        ).fetchall()
    return [row["id"] for row in rows]


def free_lost_messages(queue: str, *, queue_is_empty: bool, older_than_seconds: float) -> int:
    """Published works whose message must be gone: their queue is empty, or it was not delivered for an hour."""
    age = older_than_seconds if queue_is_empty else STALE_SECONDS
    with transaction() as connection:
        return connection.execute(
            """
            with lost as (
                select id from work
                where queue = %s and state = 'published' and published_at < now() - make_interval(secs => %s)
                for update skip locked
            )
            update work set state = 'ready' from lost where work.id = lost.id
            """,
            (queue, age),
        ).rowcount


# ---------------------------------------------------------------------------------------------------------------------
# -> cancelled, and back


def hold_run(connection: Connection, run_id: int) -> dict[str, Any]:
    """Lock a run's row until the transaction ends, and return it: one person changes it at a time."""
    row = connection.execute("select * from run where id = %s for update", (run_id,)).fetchone()
    if row is None:
        raise UserError(f"Run {run_id} has just been deleted.")
    return row


def cancel(connection: Connection, run_id: int) -> int:
    """Cancel every open work of a held run; those in the middle of one notice within seconds."""
    cancelled = connection.execute(
        """
        with open as (
            select id from work where run_id = %s and state in ('ready', 'published', 'leased') order by id for update
        )
        update work set state = 'cancelled', ended_at = now(), lease_token = null, lease_until = null
        from open where work.id = open.id
        """,
        (run_id,),
    ).rowcount
    if cancelled:
        connection.execute("update run set cancelled_at = now() where id = %s", (run_id,))
    return cancelled


def resume(connection: Connection, run_id: int) -> int:
    """Make every failed or cancelled work of a held run ready again, with its attempts anew.

    Works of a verifier that a newer version of itself replaced stay as they are.
    """
    connection.execute("update run set cancelled_at = null where id = %s", (run_id,))
    resumed = connection.execute(
        """
        update work set state = 'ready', attempts = 0, ended_at = null, not_before = null
        from run
        where run.id = %s and work.run_id = run.id and work.state in ('failed', 'cancelled') and (
            work.kind <> 'verify' or work.verifier_id in (run.verifier_id, run.next_verifier_id)
            or work.verifier_id = any(run.other_verifiers))
        """,
        (run_id,),
    ).rowcount
    if resumed:
        connection.execute("update run set finished_at = null where id = %s", (run_id,))
    return resumed


def judge_again(connection: Connection, run_id: int) -> int:
    """Forget the verdicts that failed by our fault where a run has any, and make the works that gave them ready.

    A verdict is shared by all runs of its problem, so the works of the other runs that counted it are ready too.
    """
    works = connection.execute(
        """
        with again as (
            select distinct work.verifier_id, batch.problem_id from work join batch on batch.id = work.batch_id
            where work.run_id = %s and work.kind = 'verify' and work.state = 'done' and work.undecided > 0
        ), forgotten as (
            delete from verdict using candidate, again
            where candidate.id = verdict.candidate_id and candidate.problem_id = again.problem_id
                and verdict.verifier_id = again.verifier_id and verdict.outcome = 'infrastructure_error'
        ), redone as (
            select work.id from work
            join batch on batch.id = work.batch_id
            join again on again.verifier_id = work.verifier_id and again.problem_id = batch.problem_id
            where work.kind = 'verify' and work.state = 'done' and work.undecided > 0
            order by work.id for update of work
        )
        update work set state = 'ready', attempts = 0, ended_at = null, not_before = null, lease_token = null,
            correct = null, incorrect = null, no_answer = null, undecided = null, first_correct = null
        from redone where work.id = redone.id
        returning work.run_id
        """,
        (run_id,),
    ).fetchall()
    runs = sorted({row["run_id"] for row in works})
    connection.execute("update run set finished_at = null where id = any(%s)", (runs,))
    return len(works)


def set_counting(connection: Connection, run_id: int) -> bool:
    """Move the counting verifier of a held run to the next one, if that has judged every sample; whether it moved.

    The verifier that counted goes on beside it, unless the next one is a newer version of the same.
    """
    moved = connection.execute(
        """
        update run set verifier_id = run.next_verifier_id, next_verifier_id = null,
            other_verifiers = array_remove(run.other_verifiers, run.next_verifier_id)
                || case when old.name = next.name then '{}'::bigint[] else array[run.verifier_id] end
        from verifier old, verifier next
        where run.id = %(run)s and old.id = run.verifier_id and next.id = run.next_verifier_id and not exists (
            select from work sampled
            left join work judged on judged.batch_id = sampled.batch_id and judged.kind = 'verify'
                and judged.verifier_id = run.next_verifier_id and judged.state = 'done'
            where sampled.run_id = %(run)s and sampled.kind = 'generate' and sampled.state = 'done'
                and judged.id is null
        )
        """,
        {"run": run_id},
    ).rowcount
    if moved:
        connection.execute(
            """
            with replaced as (
                select work.id from work join run on run.id = work.run_id
                where run.id = %s and work.kind = 'verify' and work.state in ('ready', 'published', 'leased', 'failed')
                    and work.verifier_id <> run.verifier_id and work.verifier_id <> all(run.other_verifiers)
                order by work.id for update of work
            )
            update work set state = 'cancelled', ended_at = now(), lease_token = null, lease_until = null
            from replaced where work.id = replaced.id
            """,
            (run_id,),
        )
    return moved == 1


# ---------------------------------------------------------------------------------------------------------------------
# the run as a whole


def move_counting() -> list[int]:
    """Move the counting verifier of every run where the next one is through; return the runs."""
    with transaction() as connection:
        waiting = connection.execute(
            "select id from run where next_verifier_id is not null order by id for update skip locked"
        ).fetchall()
        return [row["id"] for row in waiting if set_counting(connection, row["id"])]


def stop_runs() -> list[tuple[int, str]]:
    """Cancel the batches that stopping rules leave out; return (run, rule) of the runs that one of them was cut from.

    Works in flight finish, and so do all lower indices of a problem, so that short samples are not favoured.
    """
    with transaction() as connection:
        ruled = connection.execute(
            """
            select id from run where finished_at is null and stop_rule <> '{}' and not imported
            order by id for no key update skip locked
            """
        ).fetchall()
        stopping = connection.execute(_STOPPING, {"runs": [row["id"] for row in ruled]}).fetchall() if ruled else []
        if not stopping:
            return []
        stops = {
            "runs": [row["run_id"] for row in stopping],
            "problems": [row["problem_id"] for row in stopping],
            "last": [row["last_index"] for row in stopping],
            "rules": [row["rule"] for row in stopping],
        }
        # none of these is claimed while we hold them: what is not among them is in flight, or was
        held = connection.execute(
            """
            select work.id, stop.rule from work join batch on batch.id = work.batch_id
            join unnest(%(runs)s::bigint[], %(problems)s::bigint[], %(last)s::int[], %(rules)s::text[])
                as stop (run_id, problem_id, last_index, rule)
                on stop.run_id = batch.run_id and batch.problem_id = coalesce(stop.problem_id, batch.problem_id)
                and batch.first_index > coalesce(stop.last_index, -1)
            where work.run_id = any(%(runs)s) and work.kind = 'generate' and work.state in ('ready', 'published')
            order by work.id for update of work
            """,
            stops,
        ).fetchall()
        rows = connection.execute(
            """
            with held as (
                select * from unnest(%(held)s::bigint[], %(rules)s::text[]) as held (id, rule)
            ), drawn as (
                select work.run_id, batch.problem_id, max(batch.first_index) as last_index
                from work join batch on batch.id = work.batch_id
                where work.run_id = any(%(runs)s) and work.kind = 'generate'
                    and work.state in ('leased', 'done', 'failed')
                group by work.run_id, batch.problem_id
            ), cut as (
                update work set state = 'cancelled', ended_at = now()
                from held, batch left join drawn using (run_id, problem_id)
                where work.id = held.id and batch.id = work.batch_id
                    and (held.rule = 'when_solved' or batch.first_index > coalesce(drawn.last_index, -1))
                returning work.run_id, held.rule
            )
            update run set stopped_by = coalesce(run.stopped_by, first.rule)
            from (select run_id, min(rule) as rule from cut group by run_id) as first
            where run.id = first.run_id
            returning run.id, first.rule
            """,
            {
                "held": [row["id"] for row in held],
                "rules": [row["rule"] for row in held],
                "runs": stops["runs"],
            },
        ).fetchall()
    return [(row["id"], row["rule"]) for row in rows]


_STOPPING = """
    select work.run_id, batch.problem_id, min(work.first_correct) as last_index, 'when_solved' as rule
    from run
    join work on work.run_id = run.id and work.kind = 'verify' and work.verifier_id = run.verifier_id
    join batch on batch.id = work.batch_id
    where run.id = any(%(runs)s) and run.stop_rule ? 'when_solved' and work.first_correct is not null
    group by work.run_id, batch.problem_id
    union all
    select * from (
        select run.id, null::bigint, null::int,
            case when cost.usd >= (run.stop_rule ->> 'usd')::float8 then 'usd'
                 when cost.gpu_seconds + cost.gpu_seconds_lost + cost.gpu_seconds_running
                      >= (run.stop_rule ->> 'gpu_hours')::float8 * 3600 then 'gpu_hours'
                 when cost.flops >= (run.stop_rule ->> 'flops')::float8 then 'flops' end as rule
        from run join cost on cost.run_id = run.id
        where run.id = any(%(runs)s) and run.stop_rule ?| array['usd', 'gpu_hours', 'flops']
    ) as spent
    where rule is not null
"""
"""(run, problem, last index it still needs, rule); a null problem: all, up to what was drawn when the rule is met."""


def end_runs() -> list[int]:
    """Note the end of runs whose last work ended, and undo it where works came since; return those that ended."""
    with transaction() as connection:
        connection.execute(
            """
            update run set finished_at = null where finished_at is not null and exists (
                select from work where run_id = run.id and state in ('ready', 'published', 'leased'))
            """
        )
        rows = connection.execute(
            """
            update run set finished_at = now()
            where finished_at is null
                and not exists (select from work where run_id = run.id and state in ('ready', 'published', 'leased'))
            returning id
            """
        ).fetchall()
    return [row["id"] for row in rows]


def open_queues() -> list[dict[str, Any]]:
    """Every queue with ready or published works: queue, ready, published, leased."""
    with transaction() as connection:
        return connection.execute(
            """
            select queue, count(*) filter (where state = 'ready') as ready,
                   count(*) filter (where state = 'published') as published
            from work where state in ('ready', 'published') group by queue order by queue
            """
        ).fetchall()


# ---------------------------------------------------------------------------------------------------------------------


def _end(connection: Connection, lease: Lease, usage: Usage) -> bool:
    """Mark a leased work done by its holder; False where it is not held any more."""
    held = connection.execute(
        """
        update work set state = 'done', ended_at = now(), last_error = null, lease_until = null
        where id = %s and lease_token = %s and state = 'leased'
        """,
        (lease.work_id, lease.token),
    ).rowcount
    if held:
        _end_attempt(connection, lease, usage, error=None)
    return held == 1


def _ended_before(connection: Connection, lease: Lease, usage: Usage) -> bool:
    """Whether this very lease had ended the work: a commit whose answer was lost on the way."""
    row = connection.execute(
        "select from work where id = %s and lease_token = %s and state = 'done'", (lease.work_id, lease.token)
    ).fetchone()
    if row is None:
        _end_attempt(connection, lease, usage, error="lost its lease")
    return row is not None


def _end_attempt(connection: Connection, lease: Lease, usage: Usage, error: str | None) -> None:
    connection.execute(
        """
        update attempt set finished_at = now(), seen_at = now(), ok = %s, error = %s, gpu_seconds = %s,
            cpu_seconds = %s, prompt_tokens = %s, completion_tokens = %s, truncated = %s, flops = %s, usd = %s,
            judged = %s, reused = %s
        where id = %s and ok is not true
        """,
        (
            error is None,
            error,
            usage.gpu_seconds,
            usage.cpu_seconds,
            usage.prompt_tokens,
            usage.completion_tokens,
            usage.truncated,
            usage.flops,
            usage.usd,
            usage.judged,
            usage.reused,
            lease.attempt_id,
        ),
    )


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
