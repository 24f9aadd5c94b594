"""What coverage is computed from, as arrays: a run's counts by one verifier."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.database import rows
from models.statistics.coverage import Counts, first_success, pass_at_k
from models.statistics.intervals import Floats


@dataclass(frozen=True)
class Pool:
    """What coverage is computed from, an entry per problem."""

    problem_ids: list[int]
    n: Counts
    """Decided samples."""
    c: Counts
    """Right ones."""
    first: Counts
    """From 1; 0 where none is right."""
    settled: Counts
    """How many of the lowest indices are decided without a gap."""
    stops: bool
    """Whether the run stops a problem at its first right sample."""
    planned: int

    @property
    def least(self) -> int:
        """The largest k that every problem has samples for; planned ones where the run stops early."""
        if not self.problem_ids:
            return 0
        return self.planned if self.stops else int(self.n.min())

    def values(self, k: Counts) -> Floats:
        """Every problem's pass@k, problems x ks."""
        return first_success(self.first, self.settled, k) if self.stops else pass_at_k(self.n, self.c, k)

    def only(self, problem_ids: Sequence[int]) -> "Pool":
        """The same of some of the problems, in the order given."""
        place = {problem_id: place for place, problem_id in enumerate(self.problem_ids)}
        chosen = [place[problem_id] for problem_id in problem_ids]
        columns = (self.n[chosen], self.c[chosen], self.first[chosen], self.settled[chosen])
        return Pool(list(problem_ids), *columns, self.stops, self.planned)


class _Counted(NamedTuple):
    problem_id: int
    n: int
    c: int
    first: int
    settled: int
    stops: bool
    planned: int


def read_pool(run_id: int, verifier_id: int) -> Pool:
    """A run's counts by a verifier, problems in the order of the run."""
    counted = rows(
        _Counted,
        """
        select counts.problem_id, counts.n, counts.c, coalesce(counts.first_correct + 1, 0) as first,
            counts.judged_prefix as settled, run.stop_rule ? 'when_solved' as stops, run.n as planned
        from counts_of(%(run)s, %(verifier)s) as counts join run on run.id = %(run)s
        join prompt on prompt.run_id = run.id and prompt.problem_id = counts.problem_id order by position
        """,
        {"run": run_id, "verifier": verifier_id},
    )
    n, c, first, settled = np.array([row[1:5] for row in counted], dtype=np.int64).reshape(-1, 4).T
    return Pool(
        problem_ids=[row.problem_id for row in counted],
        n=n,
        c=c,
        first=first,
        settled=settled,
        stops=bool(counted and counted[0].stops),
        planned=counted[0].planned if counted else 0,
    )
