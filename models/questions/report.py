"""All that a report shows of a run, read from the views."""

from dataclasses import dataclass
from typing import Any

from models.database import query
from verifiers.errors import UserError

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Findings:
    """One run by its counting verifier: the rows of the views, by view."""

    run_id: int
    title: str
    verifier: str
    progress: dict[str, Any]
    coverage: Rows
    fits: Rows
    forecasts: Rows
    bands: Rows
    precision: Rows
    problems: Rows
    """problem_difficulty, in the order of the run."""
    coverage_by_cost: Rows
    cost: dict[str, Any] | None
    outcomes: Rows
    diversity: Rows
    """Means over the problems that have k samples."""


def findings(run_id: int) -> Findings:
    """Read a run's views; UserError where nothing is verified yet."""
    (run,) = query(
        "select run.verifier_id, verifier.name from run join verifier on verifier.id = verifier_id where run.id = %s",
        (run_id,),
    )
    mine = {"run": run_id, "verifier": run["verifier_id"]}
    coverage = query("select * from coverage where run_id = %(run)s and verifier_id = %(verifier)s order by k", mine)
    if not coverage:
        raise UserError(f"Run {run_id} has no verified samples yet; `monkeys watch {run_id}` follows it.")
    (progress,) = query("select * from run_progress where run_id = %(run)s", mine)
    name = f" {progress['name']}" if progress["name"] else ""
    costs = query("select * from cost where run_id = %(run)s", mine)
    return Findings(
        run_id=run_id,
        title=f"run {run_id}{name} · {progress['benchmark']} · {progress['llm']}",
        verifier=run["name"],
        progress=progress,
        coverage=coverage,
        fits=query(
            "select * from coverage_fit where run_id = %(run)s and verifier_id = %(verifier)s order by family", mine
        ),
        forecasts=query(
            "select * from forecast where run_id = %(run)s and verifier_id = %(verifier)s order by family, k", mine
        ),
        bands=query(
            "select * from coverage_band where run_id = %(run)s and verifier_id = %(verifier)s order by method, k", mine
        ),
        precision=query(
            """
            select * from precision_at_k where run_id = %(run)s and verifier_id = %(verifier)s
            order by selector, reward_model, k
            """,
            mine,
        ),
        problems=query(
            """
            select problem_difficulty.* from problem_difficulty join prompt using (run_id, problem_id)
            where run_id = %(run)s order by position
            """,
            mine,
        ),
        coverage_by_cost=query("select * from coverage_by_cost where run_id = %(run)s order by k", mine),
        cost=costs[0] if costs else None,
        outcomes=query(
            "select outcome, samples, candidates from outcome_counts where run_id = %s and verifier = %s order by 1",
            (run_id, run["name"]),
        ),
        diversity=query(
            """
            select k, count(*) as problems, avg(expected_distinct_candidates) as expected_distinct_candidates
            from diversity where run_id = %(run)s and verifier_id = %(verifier)s group by k order by k
            """,
            mine,
        ),
    )
