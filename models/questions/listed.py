"""Runs as a list of them shows: how far each is, and in what those of one llm differ."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from models.database import column, rows
from models.schema import check_schema

STATES = {
    "running": "state = 'running'",
    "done": "state = 'done'",
    "stopped": "starts_with(state, 'stopped')",
    "failed": "failed_works > 0",
    "cancelled": "state = 'cancelled'",
}
"""What a person calls a run's state, as a condition on run_progress."""


class ListedRun(NamedTuple):
    """A row of run_progress, with what tells the run from others of its llm."""

    run_id: int
    name: str | None
    benchmark: str
    llm: str
    problems: int
    samples_wanted: int
    samples: int
    verified: int
    correct: int
    failed_works: int
    tokens_per_second: float | None
    eta: timedelta | None
    state: str
    created_at: datetime
    differs: dict[str, Any]
    """Engine arguments in which it differs from the listed runs of its llm's name, and settings in which it does from
    those of its benchmark too."""


class WhichRuns(NamedTuple):
    """Which runs are listed; None is any."""

    benchmark: str | None = None
    llm: str | None = None
    state: str | None = None
    since: datetime | None = None


def listed_runs(wanted: WhichRuns, last: int | None = None) -> tuple[list[ListedRun], int]:
    """The wanted runs, the last so many of them, the newest last; and how many there are."""
    check_schema()
    chosen = f"""
        from run_progress
        where (%(benchmark)s::text is null or benchmark = %(benchmark)s) and (%(llm)s::text is null or llm = %(llm)s)
            and (%(since)s::timestamptz is null or created_at >= %(since)s)
            and {STATES[wanted.state] if wanted.state else "true"}
        """
    listed = rows(
        ListedRun,
        f"""
        with listed as (
            select * {chosen} order by run_id desc limit %(last)s
        ), setting as (
            select listed.run_id, listed.llm, given.benchmark, each.key, each.value
            from listed
            join run on run.id = listed.run_id
            join llm on llm.id = run.llm_id
            join verifier on verifier.id = run.verifier_id
            cross join lateral (
                values ('', llm.engine_args), (listed.benchmark, run.sampling || jsonb_build_object(
                    'thinking', run.thinking, 'verifier', concat_ws(' ', verifier.name, verifier.version)))
            ) as given (benchmark, settings)
            cross join lateral jsonb_each(given.settings) as each
        ), differing as (
            select llm, benchmark, key from setting group by llm, benchmark, key
            having count(distinct value) > 1 or count(*) < (
                select count(*) from listed where listed.llm = setting.llm
                    and setting.benchmark in ('', listed.benchmark))
        )
        select run_id, name, benchmark, llm, problems, samples_wanted, samples, verified, correct, failed_works,
            tokens_per_second, eta, state, created_at, coalesce((
                select jsonb_object_agg(setting.key, setting.value)
                from setting join differing using (llm, benchmark, key) where setting.run_id = listed.run_id
            ), '{{}}') as differs
        from listed order by run_id
        """,
        {**wanted._asdict(), "last": last},
    )
    (count,) = column(f"select count(*) {chosen}", wanted._asdict()) if len(listed) == last else (len(listed),)
    return listed, count
