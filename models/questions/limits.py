"""What a run may spend, and what it has."""

from typing import NamedTuple

from models.database import rows


class LimitRow(NamedTuple):
    """One of a run's budgets, and how much of it is spent; null is no budget, or not known."""

    run_id: int
    limit: str
    """usd, gpu_hours or flops."""
    budget: float | None
    spent: float | None


def limits_of(run_id: int) -> list[LimitRow]:
    """What a run's stopping rules look at: all that was spent, on lost attempts and running ones too."""
    return rows(
        LimitRow,
        """
        select run.id as run_id, each.name as limit, (run.stop_rule ->> each.name)::float8 as budget, each.spent
        from run
        left join cost on cost.run_id = run.id
        cross join lateral (values
            (1, 'usd', cost.usd),
            (2, 'gpu_hours', (cost.gpu_seconds + cost.gpu_seconds_lost + cost.gpu_seconds_running) / 3600),
            (3, 'flops', cost.flops)
        ) as each (place, name, spent)
        where run.id = %s order by each.place
        """,
        (run_id,),
    )
