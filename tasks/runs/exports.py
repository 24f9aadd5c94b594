"""Writing a run's samples out, in the columns that an import reads: one snapshot, memory flat in the run's length."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from psycopg.rows import tuple_row

from models.database import Connection, fetch, transaction
from tasks.engines.recorded import OF_COMPLETION

FETCH = 2_000
"""Samples in memory at a time."""

SHARED_OUT = {
    "usd": "coalesce(sample.usd, attempt.usd / batch.size)",
    "gpu_seconds": "coalesce(sample.gpu_seconds, attempt.gpu_seconds / batch.size)",
}

SAMPLES = f"""
    select %(key)s::text, sample.sample_index, judged.outcome::text,
        case when judged.outcome <> 'infrastructure_error' then judged.outcome = 'correct' end,
        {", ".join(SHARED_OUT.get(name, f"sample.{name}") for name in OF_COMPLETION)},
        (
            select jsonb_object_agg(reward_model, score) from score
            where score.run_id = sample.run_id and score.problem_id = sample.problem_id
                and score.sample_index = sample.sample_index
        )
    from sample
    left join attempt on attempt.id = sample.attempt_id
    left join work on work.id = attempt.work_id
    left join batch on batch.id = work.batch_id
    left join judged on judged.run_id = sample.run_id and judged.problem_id = sample.problem_id
        and judged.sample_index = sample.sample_index and judged.verifier_id = %(verifier)s
    where sample.run_id = %(run)s and sample.problem_id = %(problem)s
    order by sample.sample_index
"""
"""A problem's samples, in the columns and the order of recorded.COLUMNS."""


class _Problem(NamedTuple):
    problem_id: int
    key: str
    verifier_id: int


def export_samples(run_id: int) -> Iterator[tuple[Any, ...]]:
    """Yield a run's samples as they are at one moment, problem by problem in order of index, as recorded.COLUMNS.

    Outcomes are the counting verifier's; an attempt's dollars and GPU-seconds are shared out among its samples.
    """
    with transaction() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        for problem in _problems(connection, run_id):
            with connection.cursor(name="samples", row_factory=tuple_row) as cursor:
                cursor.itersize = FETCH
                cursor.execute(
                    SAMPLES,
                    {
                        "key": problem.key,
                        "run": run_id,
                        "problem": problem.problem_id,
                        "verifier": problem.verifier_id,
                    },
                )
                yield from cursor


def _problems(connection: Connection, run_id: int) -> list[_Problem]:
    return fetch(
        connection,
        _Problem,
        """
        select prompt.problem_id, problem.key, run.verifier_id
        from prompt join problem on problem.id = prompt.problem_id join run on run.id = prompt.run_id
        where prompt.run_id = %s order by position
        """,
        (run_id,),
    )
