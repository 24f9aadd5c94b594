"""How far runs are, and what they took."""

from typing import NamedTuple

from models.database import column, rows
from models.questions.health import OUTDATED
from models.views import CostRow, CoverageRow, RunProgressRow


class Failure(NamedTuple):
    """Why works of a run failed, and how many did for it."""

    error: str | None
    works: int
    outdated: str | None
    """The verifier that the run has in another version than its workers."""


def failures_of(run_id: int) -> list[Failure]:
    """Why a run's works failed: the reasons of most of them, three at most."""
    return rows(
        Failure,
        """
        select last_error as error, count(*) as works, min(verifier.name) filter (where last_error like %s) as outdated
        from work left join verifier on verifier.id = work.verifier_id
        where run_id = %s and kind = any(enum_range(null::kind)) and state = 'failed'
        group by last_error order by works desc, error limit 3
        """,
        (f"%{OUTDATED}%", run_id),
    )


def left_out_of(run_id: int) -> list[str]:
    """Settings that a run's samples went without, since its endpoint refuses them."""
    (left_out,) = column("select left_out from run where id = %s", (run_id,))
    return list(left_out)


def open_runs() -> list[int]:
    """Runs that have not ended."""
    return column("select id from run where finished_at is null and cancelled_at is null order by id")


def progress_of(run_id: int) -> RunProgressRow:
    """How far a run is."""
    (progress,) = rows(RunProgressRow, "select * from run_progress where run_id = %s", (run_id,))
    return progress


def title(progress: RunProgressRow) -> str:
    """A run in one line."""
    name = f" {progress.name}" if progress.name else ""
    return f"run {progress.run_id}{name} · {progress.benchmark} · {progress.llm}"


def coverage_of(run_id: int) -> list[CoverageRow]:
    """Coverage so far by the verifier that counts, by k; none where nothing is judged yet."""
    return rows(
        CoverageRow,
        """
        select * from coverage where run_id = %(run)s
            and verifier_id = (select verifier_id from run where id = %(run)s) order by k
        """,
        {"run": run_id},
    )


def cost_of(run_id: int) -> CostRow | None:
    """What a run took; None where no attempt was made: it was imported."""
    return next(iter(rows(CostRow, "select * from cost where run_id = %s", (run_id,))), None)
