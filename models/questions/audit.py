"""Where two verifiers of one run disagree, and what that says of the one that counts."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from models.database import rows
from models.statistics.weak_verifiers import share_of
from models.tables import Run, VerifierRow
from verifiers.errors import UserError
from verifiers.outcome import Outcome


class JudgedTwice(NamedTuple):
    """Samples of a problem that got the same two candidates; an outcome is None where there was none to judge."""

    problem: str
    sample_index: int
    """The first of them."""
    samples: int
    candidate: str | None
    outcome: Outcome | None
    other_candidate: str | None
    other_outcome: Outcome | None

    @property
    def right(self) -> bool:
        """By the verifier that counts."""
        return self.outcome == Outcome.correct

    @property
    def other_right(self) -> bool:
        """By the other one."""
        return self.other_outcome == Outcome.correct


class WrongShare(NamedTuple):
    """How often the counting verifier is wrong, if the other is right, in samples; candidates are counted beside."""

    samples: int
    of: int
    candidates: int
    of_candidates: int
    share: float | None
    """Of the samples; None of none."""
    at_least: float | None
    """Lower end of the 95 % interval of that share, for new problems of the same kind."""
    at_most: float | None
    """Upper end."""


class CorrectedCoverage(NamedTuple):
    """Coverage at k by the counting verifier, and what is left if it accepts so many wrong samples of every problem."""

    k: int
    coverage: float | None
    corrected: float | None
    low: float | None
    high: float | None


def other_verifier(run: Run, name: str | None) -> VerifierRow:
    """The verifier to compare with; UserError where the run has none, or several and no name was given."""
    verifiers = rows(
        VerifierRow,
        """
        select * from verifier where id = any(%s) and id <> %s and (%s::text is null or name = %s) order by id desc
        """,
        (run.other_verifiers, run.verifier_id, name, name),
    )
    if not verifiers:
        wanted = f"by {name!r}" if name else "by a second verifier"
        raise UserError(f"Run {run.id} is not judged {wanted}; `monkeys reverify {run.id} --verifier NAME` adds one.")
    if name is None and len(verifiers) > 1:
        raise UserError(f"Run {run.id} has several other verifiers; choose with --verifier.")
    return verifiers[0]


def judged_twice(run: Run, other_id: int) -> list[JudgedTwice]:
    """What the counting verifier and another one said of the samples that both have decided, most samples first."""
    return rows(
        JudgedTwice,
        """
        select problem.key as problem, min(mine.sample_index) as sample_index, count(*) as samples,
            ours.text as candidate, a.outcome as outcome, theirs.text as other_candidate, b.outcome as other_outcome
        from extraction as mine
        join extraction as yours using (run_id, problem_id, sample_index)
        join problem on problem.id = mine.problem_id
        left join candidate as ours on ours.id = mine.candidate_id
        left join candidate as theirs on theirs.id = yours.candidate_id
        left join verdict as a on a.candidate_id = mine.candidate_id and a.verifier_id = mine.verifier_id
        left join verdict as b on b.candidate_id = yours.candidate_id and b.verifier_id = yours.verifier_id
        where run_id = %(run)s and mine.verifier_id = %(ours)s and yours.verifier_id = %(theirs)s
            and a.outcome is distinct from 'infrastructure_error'
            and b.outcome is distinct from 'infrastructure_error'
        group by problem.key, ours.text, theirs.text, a.outcome, b.outcome
        order by samples desc, problem.key, ours.text
        """,
        {"run": run.id, "ours": run.verifier_id, "theirs": other_id},
    )


def wrong_share(judged: Sequence[JudgedTwice], *, other_right: bool) -> WrongShare:
    """How often the counting verifier says otherwise where the other one says `other_right`.

    Problems are what was drawn: candidates of one problem are judged alike, and their samples more so.
    """
    among = [row for row in judged if row.other_right is other_right]
    against = [row for row in among if row.right is not other_right]
    sizes, hits = Counter[str](), Counter[str]()
    for row in among:
        sizes[row.problem] += row.samples
        hits[row.problem] += row.samples * (row.right is not other_right)
    share = share_of([hits[problem] for problem in sizes], list(sizes.values()))
    return WrongShare(
        samples=sum(row.samples for row in against),
        of=sum(row.samples for row in among),
        candidates=len(against),
        of_candidates=len(among),
        share=share.share if among else None,
        at_least=share.low if among else None,
        at_most=share.high if among else None,
    )


def corrected_coverage(run: Run, wrongly: WrongShare) -> list[CorrectedCoverage]:
    """Coverage by the counting verifier less what it accepts wrongly, at the ks of the view coverage.

    If a share f of the wrong samples of every problem is accepted, and every right one, a problem's miss rate at k is
    its true one times (1 - f)^k. The interval holds the worst of both: the low end of coverage at the high end of f,
    and the other way. That the share is the same for every problem is the assumption: where false positives gather in
    a few problems, the other verifier's own coverage (the view weak_verifier_at_k) tells, and this does not.
    """
    return rows(
        CorrectedCoverage,
        """
        select k, coverage, corrected_coverage(coverage, k, %s) as corrected, corrected_coverage(low, k, %s) as low,
            corrected_coverage(high, k, %s) as high
        from coverage where run_id = %s and counting order by k
        """,
        (wrongly.share, wrongly.at_most, wrongly.at_least, run.id),
    )
