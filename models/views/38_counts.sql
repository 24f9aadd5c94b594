-- Of a run that stops at right samples, every batch: c right and u undecided samples, null where it is not judged
-- through. Of other runs nothing is read. The batches of an import are none that were drawn: there the first right
-- sample stands alone, and samples that its file lacks are a batch that is not judged.
create or replace function judged_batches(run_id bigint, verifier_id bigint)
returns table (problem_id bigint, first_index integer, size bigint, c bigint, u bigint)
language sql stable as $$
    select batch.problem_id, part.*
    from run
    join lateral (
        select *, coalesce(lag(first_index + size) over (partition by batch.problem_id order by first_index), 0) as after
        from batch where batch.run_id = run.id
    ) as batch on true
    left join work on work.run_id = run.id and work.batch_id = batch.id and work.kind = 'verify'
        and work.verifier_id = judged_batches.verifier_id and work.state = 'done'
    cross join lateral (
        select batch.first_index, batch.size::bigint,
            case when work.id is not null then coalesce(work.correct, 0) end::bigint,
            case when work.id is not null then coalesce(work.undecided, 0) end::bigint
        where not run.imported or work.first_correct is null
        union all
        select batch.first_index, work.first_correct - batch.first_index,
            case when coalesce(work.undecided, 0) = 0 then 0 end, coalesce(work.undecided, 0)
        where run.imported and work.first_correct > batch.first_index
        union all
        select work.first_correct, 1, 1, 0 where run.imported and work.first_correct is not null
        union all
        select after, batch.first_index - after, null, null where run.imported and batch.first_index > after
    ) as part
    where run.id = judged_batches.run_id and biased_by(run.stop_rule) is not null
$$;
comment on function judged_batches is
    'The batches of a run that stops at right samples, with their right and undecided samples; no row of other runs';

-- Samples of a batch are exchangeable: its first r hold a right one with the chance pass@r. A run that stops at right
-- samples draws a batch where none of the lower ones holds one, whatever it will hold itself, so k samples, drawn batch
-- by batch, are estimated without bias (models/statistics/coverage.py).
create or replace function batchwise(solved_by bigint[], k bigint) returns double precision
language sql immutable parallel safe strict as $$
    select case when k <= solved_by[1] then 0 when k > solved_by[1] + solved_by[2] then 1
                else pass_at_k(solved_by[2], solved_by[3], k - solved_by[1]) end
$$;
comment on function batchwise is
    'pass@k of a problem drawn batch by batch; solved_by is its first batch with a right sample: '
    '{samples before it, its samples, its right ones}';

-- Each problem of a run and verifier: decided samples, correct ones, undecided ones; and, for runs that stop at right
-- samples, what batchwise takes. Undecided samples are left out there as everywhere; for the bounds they are wrong, and
-- right, and so are batches that are not judged through. What is counted is materialized: a planner without statistics
-- would count it again for every problem.
create or replace function counts_of(run_id bigint, verifier_id bigint)
returns table (problem_id bigint, n bigint, c bigint, u bigint, first_correct integer, drawn bigint,
    judged_prefix bigint, solved_by bigint[], solved_at_latest bigint[], solved_at_earliest bigint[])
language sql stable as $$
    with counted as materialized (
        select * from fixed_tally as tally
        where tally.run_id = counts_of.run_id and tally.verifier_id = counts_of.verifier_id
    ), batches as (
        select *, coalesce(sum(size - u) over (
                partition by problem_id order by first_index rows between unbounded preceding and 1 preceding), 0)
                as before,
            min(first_index) filter (where c > 0) over whole as solving,
            min(first_index) filter (where c is null) over whole as open,
            min(first_index) filter (where c is null or c + u > 0) over whole as doubtful
        from judged_batches(counts_of.run_id, counts_of.verifier_id)
        window whole as (partition by problem_id)
    ), stopped as materialized (
        select problem_id,
            coalesce(sum(size - u) filter (where open is null or first_index < open), 0)::bigint as judged_prefix,
            max(array[before::bigint, size - u, c])
                filter (where first_index = solving and (open is null or solving < open)) as solved_by,
            max(array[first_index, size, c]) filter (where first_index = solving) as solved_at_latest,
            max(array[first_index, size, coalesce(c + u, size)]) filter (where first_index = doubtful)
                as solved_at_earliest
        from batches group by problem_id
    )
    select prompt.problem_id,
        coalesce(counted.samples - counted.undecided, 0),
        coalesce(counted.correct, 0),
        coalesce(counted.undecided, 0),
        counted.first_correct, counted.drawn,
        stopped.judged_prefix, stopped.solved_by, stopped.solved_at_latest, stopped.solved_at_earliest
    from prompt
    left join counted on counted.problem_id = prompt.problem_id
    left join stopped on stopped.problem_id = prompt.problem_id
    where prompt.run_id = counts_of.run_id
$$;
comment on function counts_of is 'The rows of the view problem_count of one run and verifier';

create view problem_count as
select judge.run_id, judge.verifier_id, counts.*
from (select distinct run_id, verifier_id from work where kind = 'verify') as judge
cross join lateral counts_of(judge.run_id, judge.verifier_id) as counts;
comment on view problem_count is 'What pass@k is computed from: n decided and c correct samples of each problem';
comment on column problem_count.n is 'Decided samples, without those that a plan chose by outcomes';
comment on column problem_count.c is 'Of those, correct ones';
comment on column problem_count.u is 'Undecided samples: judged neither way, by our fault';
comment on column problem_count.first_correct is 'Lowest sample index judged correct, those that a plan chose too';
comment on column problem_count.drawn is
    'All its samples, those that a plan chose too, where they have no gap and all are decided; else null';
comment on column problem_count.judged_prefix is
    'Decided samples of the batches below the first that is not judged through; null where a run does not stop so';
comment on column problem_count.solved_by is
    'Its first batch with a right sample, where all lower ones are judged: {decided samples before it, its decided, '
    'its right ones}; null where a run does not stop so';
comment on column problem_count.solved_at_latest is
    'The same with undecided samples taken as wrong, and batches that are not judged through as without a right sample';
comment on column problem_count.solved_at_earliest is
    'The same with undecided samples taken as right, and all those of batches that are not judged through';
