"""Where a run's numbers come from: what it was asked, what made its samples, and what judged them."""

from datetime import datetime
from typing import Any, NamedTuple

from models.database import rows
from models.tables import Run


class Provenance(NamedTuple):
    """The settings of a run and the versions that worked on it; empty or None where that is not known."""

    enqueued: datetime
    first_attempt: datetime | None
    last_attempt: datetime | None
    finished: datetime | None
    imported: bool
    monkeys: list[str]
    """Versions, with commits where they are known, of all attempts that ended well."""
    benchmark: str
    llm: str
    engine: str
    engine_versions: list[str]
    engine_args: dict[str, Any]
    n: int
    temperature: float | None
    top_p: float
    top_k: int | None
    min_p: float | None
    max_tokens: int | None
    stop: list[str]
    chat: bool
    thinking: str
    seed: int | None
    """The root of its samples' seeds; None where they have none of their own."""
    verifier: str
    verifier_version: str
    stop_rule: dict[str, Any]
    stopped_by: str | None


def provenance_of(run: Run) -> Provenance:
    """Where a run's numbers come from."""
    (found,) = rows(
        Provenance,
        """
        select run.created_at as enqueued, made.first_attempt, made.last_attempt, run.finished_at as finished,
            run.imported, coalesce(made.monkeys, '{}') as monkeys, benchmark.name as benchmark, llm.name as llm,
            llm.engine, coalesce(made.engine_versions, '{}') as engine_versions, llm.engine_args, run.n,
            run.temperature, run.top_p, run.top_k, run.min_p, run.max_tokens, run.stop, run.chat, run.thinking,
            case when run.seeded then run.seed end as seed, verifier.name as verifier,
            verifier.version as verifier_version, run.stop_rule, run.stopped_by
        from run
        join benchmark on benchmark.id = run.benchmark_id
        join llm on llm.id = run.llm_id
        join verifier on verifier.id = run.verifier_id
        cross join lateral (
            select min(started_at) as first_attempt, max(attempt.finished_at) as last_attempt,
                array_agg(distinct code_version) as monkeys,
                array_agg(distinct engine_version) filter (where engine_version is not null) as engine_versions
            from work join attempt on attempt.work_id = work.id and attempt.ok where work.run_id = run.id
        ) as made
        where run.id = %s
        """,
        (run.id,),
    )
    return found
