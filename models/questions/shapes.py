"""Whether the curves of runs have one shape: each shifted to begin at the same coverage (the paper's figure 6)."""

from collections.abc import Sequence
from typing import NamedTuple

from models.questions.report import Findings
from models.statistics.coverage import every_k
from models.statistics.similarity import crossing


class ShapePoint(NamedTuple):
    """Coverage at k, which is so many times the samples at which a run's curve crosses the coverage `begins_at`."""

    run_id: int
    k: int
    begins_at: float
    times: float
    coverage: float


def shapes(runs: Sequence[Findings]) -> list[ShapePoint]:
    """Curves of two or more runs from the largest coverage that any has at one sample on; none where one of them never
    reaches it.
    """
    curves = {run.run_id: [(row.k, row.coverage) for row in run.coverage if row.coverage is not None] for run in runs}
    if len(runs) < 2 or not all(curves.values()):
        return []
    begins_at = max(curve[0][1] for curve in curves.values())
    points = []
    for run in runs:
        least = crossing(run.pool.values(every_k(run.pool.least)).mean(axis=0), begins_at)
        if least is None or begins_at <= 0:
            return []
        points += [
            ShapePoint(run.run_id, k, begins_at, k / least, value) for k, value in curves[run.run_id] if k >= least
        ]
    return points
