"""How fast an llm's workers drew samples lately."""

from models.database import column

LATELY = 200
"""Attempts that its pace is taken from, of the hour up to the last one."""


def seconds_for(llm_id: int, benchmark_id: int, samples: int) -> float | None:
    """How long so many samples take at the pace of the last of this llm and benchmark; None where there are none."""
    (each,) = column(
        """
        with attempted as (
            select attempt.started_at, attempt.finished_at, batch.size
            from run
            join work on work.run_id = run.id and work.kind = 'generate' and work.state = 'done'
            join batch on batch.id = work.batch_id
            join attempt on attempt.work_id = work.id and attempt.ok
            where run.llm_id = %(llm)s and run.benchmark_id = %(benchmark)s and not run.imported
            order by attempt.finished_at desc limit %(lately)s
        ), recent as (
            select * from attempted
            where finished_at > (select max(finished_at) from attempted) - interval '1 hour'
        )
        select extract(epoch from max(finished_at) - min(started_at))::float8 / nullif(sum(size), 0) from recent
        """,
        {"llm": llm_id, "benchmark": benchmark_id, "lately": LATELY},
    )
    return None if not each else float(each) * samples
