"""What coverage is computed from, as arrays: a run's counts by one verifier."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from models.database import rows
from models.statistics.coverage import Counts, batchwise, pass_at_k
from models.statistics.intervals import Floats


@dataclass(frozen=True)
class Pool:
    """What coverage is computed from, an entry per problem."""

    problem_ids: list[int]
    n: Counts
    """Decided samples."""
    c: Counts
    """Right ones."""
    u: Counts
    """Undecided ones."""
    solved_by: Counts
    """Problems x 3, as `batchwise` takes it: the first batch with a right sample; 0 where there is none."""
    settled: Counts
    """Decided samples of the lowest batches, up to the first that is not judged through."""
    sure: Counts
    """The k from which pass@k is 1, however the undecided samples come out; 0 where none is right."""
    stops: bool
    """Whether the run stops a problem at its first batch with a right sample; else `solved_by` and `settled` are 0."""
    planned: int

    @property
    def least(self) -> int:
        """The largest k that every problem has samples for; planned ones where the run stops early."""
        if not self.problem_ids:
            return 0
        return self.planned if self.stops else int(self.n.min())

    def values(self, k: Counts) -> Floats:
        """Every problem's pass@k, problems x ks; NaN where it is not known."""
        values = batchwise(self.solved_by, self.settled, k) if self.stops else pass_at_k(self.n, self.c, k)
        if not self.stops and not self.u.any():
            return values
        drawn = np.full(len(self.n), self.planned) if self.stops else self.n + self.u
        sure = (self.sure[:, None] > 0) & (k >= self.sure[:, None])
        values = np.where(np.isnan(values) & sure, 1.0, values)
        return np.where(k <= drawn[:, None], values, np.nan)

    def only(self, problem_ids: Sequence[int]) -> "Pool":
        """The same of some of the problems, in the order given."""
        place = {problem_id: place for place, problem_id in enumerate(self.problem_ids)}
        chosen = [place[problem_id] for problem_id in problem_ids]
        names = ("n", "c", "u", "solved_by", "settled", "sure")
        return replace(self, problem_ids=list(problem_ids), **{name: getattr(self, name)[chosen] for name in names})


class _Counted(NamedTuple):
    problem_id: int
    n: int
    c: int
    u: int
    before: int
    size: int
    right: int
    settled: int
    sure: int
    stops: bool
    planned: int


def read_pool(run_id: int, verifier_id: int) -> Pool:
    """A run's counts by a verifier, problems in the order of the run."""
    counted = rows(
        _Counted,
        """
        select counts.problem_id, counts.n, counts.c, counts.u, coalesce(solved_by[1], 0) as before,
            coalesce(solved_by[2], 0) as size, coalesce(solved_by[3], 0) as right,
            coalesce(judged_prefix, 0) as settled,
            case when biased_by(run.stop_rule) is not null
                 then coalesce(solved_at_latest[1] + solved_at_latest[2] - solved_at_latest[3] + 1, 0)
                 when counts.c > 0 then counts.n + counts.u - counts.c + 1 else 0 end as sure,
            biased_by(run.stop_rule) is not null as stops, run.n as planned
        from counts_of(%(run)s, %(verifier)s) as counts join run on run.id = %(run)s
        join prompt on prompt.run_id = run.id and prompt.problem_id = counts.problem_id order by position
        """,
        {"run": run_id, "verifier": verifier_id},
    )
    n, c, u, before, size, right, settled, sure = np.array([row[1:9] for row in counted], np.int64).reshape(-1, 8).T
    return Pool(
        problem_ids=[row.problem_id for row in counted],
        n=n,
        c=c,
        u=u,
        solved_by=np.stack([before, size, right], axis=1),
        settled=settled,
        sure=sure,
        stops=bool(counted and counted[0].stops),
        planned=counted[0].planned if counted else 0,
    )
