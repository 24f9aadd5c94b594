"""How every two verifiers of a run judged the same samples, counted once: the tables of samples are large."""

from models.database import Connection, column

COUNT = """
    with judge as (
        select distinct verifier_id from tally where run_id = %(run)s
    ), pair as (
        select one.verifier_id, other.verifier_id as other_verifier_id
        from judge as one join judge as other on other.verifier_id > one.verifier_id
    ), given as materialized (
        select one.problem_id, one.verifier_id, other.verifier_id as other_verifier_id,
            one.candidate_id, other.candidate_id as other_candidate_id, count(*) as samples
        from extraction as one join extraction as other using (run_id, problem_id, sample_index)
        where run_id = %(run)s and other.verifier_id > one.verifier_id
        group by 1, 2, 3, 4, 5
    ), said as (
        select given.*, counts_as(outcome_of(given.candidate_id, mine.outcome)) as one,
            counts_as(outcome_of(given.other_candidate_id, theirs.outcome)) as other
        from given
        left join verdict as mine on mine.candidate_id = given.candidate_id and mine.verifier_id = given.verifier_id
        left join verdict as theirs
            on theirs.candidate_id = given.other_candidate_id and theirs.verifier_id = given.other_verifier_id
    ), counted as (
        select problem_id, verifier_id, other_verifier_id,
            sum(samples) filter (where one = 'correct' and other = 'correct') as both_accept,
            sum(samples) filter (where one = 'correct' and other in ('incorrect', 'no_answer')) as only_first,
            sum(samples) filter (where one in ('incorrect', 'no_answer') and other = 'correct') as only_other,
            sum(samples) filter (where one in ('incorrect', 'no_answer') and other in ('incorrect', 'no_answer'))
                as neither,
            sum(samples) as samples
        from said group by 1, 2, 3
    )
    insert into analysis_confusion (run_id, verifier_id, other_verifier_id, problem_id, both_accept, only_first,
        only_other, neither, undecided, decided, other_decided)
    select %(run)s, pair.verifier_id, pair.other_verifier_id, prompt.problem_id, sums.*,
        coalesce(counted.samples, 0) - sums.both_accept - sums.only_first - sums.only_other - sums.neither,
        coalesce(mine.samples - mine.undecided, 0), coalesce(theirs.samples - theirs.undecided, 0)
    from pair
    join prompt on prompt.run_id = %(run)s
    left join counted using (verifier_id, other_verifier_id, problem_id)
    cross join lateral (
        select coalesce(counted.both_accept, 0) as both_accept, coalesce(counted.only_first, 0) as only_first,
            coalesce(counted.only_other, 0) as only_other, coalesce(counted.neither, 0) as neither
    ) as sums
    left join tally as mine
        on mine.run_id = %(run)s and mine.verifier_id = pair.verifier_id and mine.problem_id = prompt.problem_id
    left join tally as theirs on theirs.run_id = %(run)s and theirs.verifier_id = pair.other_verifier_id
        and theirs.problem_id = prompt.problem_id
"""


def count_pairs(connection: Connection, run_id: int) -> None:
    """Count anew what every two verifiers of a run said of its samples, problem by problem."""
    connection.execute("delete from analysis_confusion where run_id = %s", (run_id,))
    connection.execute(COUNT, {"run": run_id})


def pairs_are_stale(run_id: int) -> bool:
    """Whether samples were judged by two verifiers since their judgements were last counted."""
    return bool(column("select 1 from verifier_confusion where run_id = %s and stale limit 1", (run_id,)))
