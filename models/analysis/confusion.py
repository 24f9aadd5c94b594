"""How every two verifiers of a run judged the same samples, counted once: the tables of samples are large."""

from collections.abc import Sequence
from typing import NamedTuple

from models.database import Connection, column, rows


class PairPoint(NamedTuple):
    """What two verifiers said of a problem's samples, in order of their ids."""

    verifier_id: int
    other_verifier_id: int
    problem_id: int
    both_accept: int
    only_first: int
    only_other: int
    neither: int
    undecided: int
    decided: int
    """By the first one, whether or not the other looked at them."""
    other_decided: int


def counted_pairs(run_id: int) -> list[PairPoint]:
    """What every two verifiers of a run said of its samples, problem by problem."""
    judges = column("select distinct verifier_id from tally where run_id = %s order by 1", (run_id,))
    return [
        point
        for place, one in enumerate(judges)
        for other in judges[place + 1 :]
        for point in _pair(run_id, one, other)
    ]


def write_pairs(connection: Connection, run_id: int, pairs: Sequence[PairPoint]) -> None:
    """Put them in the place of those of the last analysis."""
    connection.execute("delete from analysis_confusion where run_id = %s", (run_id,))
    columns = ", ".join(PairPoint._fields)
    statement = f"copy analysis_confusion (run_id, {columns}) from stdin"
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for pair in pairs:
            copy.write_row((run_id, *pair))


def pairs_are_stale(run_id: int) -> bool:
    """Whether samples were judged by two verifiers since their judgements were last counted."""
    return bool(column("select 1 from verifier_confusion where run_id = %s and stale limit 1", (run_id,)))


def _pair(run_id: int, one: int, other: int) -> list[PairPoint]:
    """Pairs of candidates are counted before their verdicts are looked up: there are far fewer of them than samples."""
    return rows(
        PairPoint,
        """
        with given as materialized (
            select problem_id, one.candidate_id, other.candidate_id as other_candidate_id, count(*) as samples
            from extraction as one join extraction as other using (run_id, problem_id, sample_index)
            join run on run.id = run_id and (not stop_rule ? 'planned' or sample_index < run.n)
            where run_id = %(run)s and one.verifier_id = %(one)s and other.verifier_id = %(other)s
            group by 1, 2, 3
        ), said as (
            select given.*, counts_as(outcome_of(given.candidate_id, mine.outcome)) as one,
                counts_as(outcome_of(given.other_candidate_id, theirs.outcome)) as other
            from given
            left join verdict as mine on mine.candidate_id = given.candidate_id and mine.verifier_id = %(one)s
            left join verdict as theirs
                on theirs.candidate_id = given.other_candidate_id and theirs.verifier_id = %(other)s
        ), counted as (
            select problem_id, sum(samples) as samples,
                coalesce(sum(samples) filter (where one = 'correct' and other = 'correct'), 0) as both_accept,
                coalesce(sum(samples) filter (where one = 'correct' and other in ('incorrect', 'no_answer')), 0)
                    as only_first,
                coalesce(sum(samples) filter (where one in ('incorrect', 'no_answer') and other = 'correct'), 0)
                    as only_other,
                coalesce(sum(samples) filter (
                    where one in ('incorrect', 'no_answer') and other in ('incorrect', 'no_answer')
                ), 0) as neither
            from said group by 1
        )
        select %(one)s::bigint as verifier_id, %(other)s::bigint as other_verifier_id, prompt.problem_id,
            coalesce(both_accept, 0)::bigint as both_accept, coalesce(only_first, 0)::bigint as only_first,
            coalesce(only_other, 0)::bigint as only_other, coalesce(neither, 0)::bigint as neither,
            coalesce(counted.samples - both_accept - only_first - only_other - neither, 0)::bigint as undecided,
            coalesce(mine.samples - mine.undecided, 0) as decided,
            coalesce(theirs.samples - theirs.undecided, 0) as other_decided
        from prompt
        left join counted using (problem_id)
        left join fixed_tally as mine
            on mine.run_id = prompt.run_id and mine.verifier_id = %(one)s and mine.problem_id = prompt.problem_id
        left join fixed_tally as theirs on theirs.run_id = prompt.run_id and theirs.verifier_id = %(other)s
            and theirs.problem_id = prompt.problem_id
        where prompt.run_id = %(run)s order by prompt.position
        """,
        {"run": run_id, "one": one, "other": other},
    )
