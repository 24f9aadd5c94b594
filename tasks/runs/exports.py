"""Writing a run's samples out, in the columns that an import reads: one snapshot, memory flat in the run's length."""

from collections.abc import Iterator
from typing import Any

from models.database import transaction

FETCH = 2_000
"""Samples in memory at a time."""


def export_samples(run_id: int) -> Iterator[dict[str, Any]]:
    """Yield a run's samples as they are at one moment, problem by problem in order of index.

    Outcomes are the counting verifier's; an attempt's dollars and GPU-seconds are shared out among its samples.
    """
    with transaction() as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        problems = connection.execute(
            """
            select prompt.problem_id, problem.key, run.verifier_id
            from prompt join problem on problem.id = prompt.problem_id join run on run.id = prompt.run_id
            where prompt.run_id = %s order by position
            """,
            (run_id,),
        ).fetchall()
        for problem in problems:
            with connection.cursor(name="samples") as cursor:
                cursor.itersize = FETCH
                cursor.execute(
                    """
                    select %(key)s::text as problem, sample.sample_index, judged.outcome,
                        case when judged.outcome <> 'infrastructure_error' then judged.outcome = 'correct' end
                            as correct,
                        sample.text, sample.prompt_tokens, sample.completion_tokens, sample.finish_reason,
                        sample.logprob, sample.seed,
                        coalesce(sample.usd, attempt.usd / batch.size) as usd,
                        coalesce(sample.gpu_seconds, attempt.gpu_seconds / batch.size) as gpu_seconds,
                        (
                            select jsonb_object_agg(reward_model, score) from score
                            where score.run_id = sample.run_id and score.problem_id = sample.problem_id
                                and score.sample_index = sample.sample_index
                        ) as scores
                    from sample
                    left join attempt on attempt.id = sample.attempt_id
                    left join work on work.id = attempt.work_id
                    left join batch on batch.id = work.batch_id
                    left join lateral (
                        select case when extraction.candidate_id is null then 'no_answer' else verdict.outcome::text end
                            as outcome
                        from extraction
                        left join verdict on verdict.candidate_id = extraction.candidate_id
                            and verdict.verifier_id = extraction.verifier_id
                        where extraction.run_id = sample.run_id and extraction.problem_id = sample.problem_id
                            and extraction.sample_index = sample.sample_index
                            and extraction.verifier_id = %(verifier)s
                    ) as judged on true
                    where sample.run_id = %(run)s and sample.problem_id = %(problem)s
                    order by sample.sample_index
                    """,
                    {
                        "key": problem["key"],
                        "run": run_id,
                        "problem": problem["problem_id"],
                        "verifier": problem["verifier_id"],
                    },
                )
                yield from cursor
