create or replace function nice_ks(most bigint) returns setof bigint language sql immutable parallel safe as $$
    select k from (
        select (10 ^ decade * step)::bigint as k
        from generate_series(0, 12) as decade, unnest(array[1, 2, 5]) as step
        union select most
    ) as ks where k between 1 and most order by k
$$;
comment on function nice_ks is 'k = 1, 2, 5, 10, 20, ... up to and with the most samples of any problem';

-- Each problem of a run and verifier: decided samples, correct ones, undecided ones; and, for runs that stop at the
-- first right sample, how many of the lowest indices are all judged. The tally is materialized: a planner without
-- statistics would count it again for every problem.
create or replace function counts_of(run_id bigint, verifier_id bigint)
returns table (problem_id bigint, n bigint, c bigint, u bigint, first_correct integer, judged_prefix bigint)
language sql stable as $$
    with counted as materialized (
        select * from tally where tally.run_id = counts_of.run_id and tally.verifier_id = counts_of.verifier_id
    )
    select prompt.problem_id,
        coalesce(counted.samples - counted.undecided, 0),
        coalesce(counted.correct, 0),
        coalesce(counted.undecided, 0),
        counted.first_correct,
        case when counted.undecided > 0 then coalesce(counted.first_correct = 0, false)::int::bigint
             else coalesce(gap.first_index, counted.samples, 0) end
    from run
    join prompt on prompt.run_id = run.id
    left join counted on counted.problem_id = prompt.problem_id
    left join lateral (
        select min(batch.first_index) as first_index
        from batch left join work on work.batch_id = batch.id and work.kind = 'verify'
            and work.verifier_id = counts_of.verifier_id and work.state = 'done'
        where biased_by(run.stop_rule) is not null and batch.run_id = run.id and batch.problem_id = prompt.problem_id
            and work.id is null
    ) as gap on true
    where run.id = counts_of.run_id
$$;
comment on function counts_of is 'The rows of the view problem_count of one run and verifier';

create view problem_count as
select judge.run_id, judge.verifier_id, counts.*
from (select distinct run_id, verifier_id from work where kind = 'verify') as judge
cross join lateral counts_of(judge.run_id, judge.verifier_id) as counts;
comment on view problem_count is 'What pass@k is computed from: n decided and c correct samples of each problem';
comment on column problem_count.n is 'Decided samples';
comment on column problem_count.c is 'Correct samples';
comment on column problem_count.u is 'Undecided samples: judged neither way, by our fault';
comment on column problem_count.first_correct is 'Lowest sample index judged correct';
comment on column problem_count.judged_prefix is
    'Samples 0 .. this-1 are surely all decided (kept only for runs that stop when solved)';

-- One pass over a run's problems, however many ks. For a run that stops at its first right sample, 1[first right
-- index < k] is unbiased at every planned k, once all lower indices are decided (models/statistics/coverage.py).
create or replace function coverage_curve(run_id bigint, verifier_id bigint, ks bigint[])
returns table (
    k bigint, coverage double precision, stderr double precision, low double precision, high double precision,
    problems bigint, problems_missing bigint, floor double precision, ceiling double precision, estimator text,
    all_right double precision, all_right_low double precision, all_right_high double precision, "interval" text
) language sql stable as $$
    with pool as materialized (
        select counts.*, biased_by(run.stop_rule) is not null as stops, run.n as planned,
            coalesce(first_correct < judged_prefix, false) as solved
        from run cross join counts_of(coverage_curve.run_id, coverage_curve.verifier_id) as counts
        where run.id = coverage_curve.run_id
    ), valued as materialized (
        select pool.*, each.k,
            case when not stops then pass_at_k(n, c, each.k)
                 when each.k > planned then null
                 when solved then (first_correct < each.k)::int
                 when each.k <= judged_prefix then 0 end as value
        from pool cross join unnest(coverage_curve.ks) as each (k)
    ), bounded as materialized (
        select *,
            case when stops then (solved and first_correct < valued.k)::int
                 when u = 0 then coalesce(value, 0)
                 else coalesce(pass_at_k(n + u, c, valued.k), 0) end as least_value,
            case when stops then (case when solved then first_correct < valued.k
                                       else valued.k > judged_prefix end)::int
                 when u = 0 then coalesce(value, 1)
                 else coalesce(pass_at_k(n + u, c + u, valued.k), 1) end as most_value,
            case when not stops then pass_all_k(n, c, valued.k) end as all_value
        from valued
    ), summed as (
        select bounded.k, count(*) as problems, count(*) filter (where value is null) as missing,
            case when count(value) = count(*) then avg(value) end as coverage,
            case when count(value) = count(*) then stddev_samp(value) / sqrt(count(*)) end as stderr,
            avg(least_value) as least_value, avg(most_value) as most_value,
            case when bool_or(stops) then 'first_success' else 'unbiased' end as estimator,
            case when count(all_value) = count(*) then avg(all_value) end as all_right,
            array_agg(value) as shares, array_agg(1 - value) as misses,
            array_agg(all_value) as all_shares, array_agg(1 - all_value) as all_misses
        from bounded group by bounded.k
    ), interval95 as (
        select *, gaffke_low(shares) as low, 1 - gaffke_low(misses) as high,
            gaffke_low(all_shares) as all_right_low, 1 - gaffke_low(all_misses) as all_right_high
        from summed
    )
    select interval95.k, coverage, stderr, low, high, problems, missing, least_value, most_value,
        interval95.estimator, interval95.all_right, interval95.all_right_low, interval95.all_right_high,
        case when low is not null then 'gaffke' end
    from interval95 order by interval95.k
$$;
comment on function coverage_curve is 'The rows of the view coverage of one run and verifier, at any ks';

create or replace function coverage_at(run_id bigint, k bigint) returns double precision language sql stable as $$
    select found.coverage
    from run, lateral coverage_curve(run.id, run.verifier_id, array[coverage_at.k]) as found
    where run.id = coverage_at.run_id
$$;
comment on function coverage_at is 'Coverage (pass@k over problems) of a run at any k, by its counting verifier';

-- A sample that was cut off and gave no answer might have given the right one: each problem's are added to what is
-- missing anyway. Where a run stops when solved, the first of them might have been its first right sample.
create or replace function coverage_bounds(run_id bigint, k bigint)
returns table (floor double precision, coverage double precision, ceiling double precision, truncated bigint)
language sql stable as $$
    with cut as materialized (
        select judged.problem_id, count(*) as samples, min(judged.sample_index) as first_index
        from run
        join judged on judged.run_id = run.id and judged.verifier_id = run.verifier_id and counts_as = 'no_answer'
        join sample on sample.run_id = judged.run_id and sample.problem_id = judged.problem_id
            and sample.sample_index = judged.sample_index
        where run.id = coverage_bounds.run_id and (sample.finish_reason = 'length' or judged.answer_from is null)
        group by judged.problem_id
    ), known as (
        select curve.* from run
        cross join lateral coverage_curve(run.id, run.verifier_id, array[coverage_bounds.k]) as curve
        where run.id = coverage_bounds.run_id
    ), highest as (
        select coalesce(cut.samples, 0) as samples,
            case when biased_by(run.stop_rule) is null
                then coalesce(pass_at_k(counts.n + u, c + u + coalesce(cut.samples, 0), coverage_bounds.k), 1)
                else (coalesce(least(case when solved then first_correct end, cut.first_index) < coverage_bounds.k, false)
                    or (not solved and judged_prefix < coverage_bounds.k))::int end as value
        from run
        cross join lateral (
            select *, coalesce(first_correct < judged_prefix, false) as solved
            from counts_of(run.id, run.verifier_id)
        ) as counts
        left join cut on cut.problem_id = counts.problem_id
        where run.id = coverage_bounds.run_id
    )
    select known.floor, known.coverage, avg(highest.value), sum(highest.samples)::bigint
    from known cross join highest group by known.floor, known.coverage
$$;
comment on function coverage_bounds is
    'Coverage of a run at k if its samples that were cut off without an answer are unsolved, as coverage has it, and solved';

create view coverage as
select verified.run_id, verifier.name as verifier, curve.*, verified.verifier_id, verifier.version,
    verified.verifier_id = run.verifier_id as counting
from (select run_id, verifier_id, max(samples) as most from tally group by run_id, verifier_id) as verified
join run on run.id = verified.run_id
join verifier on verifier.id = verified.verifier_id
cross join lateral coverage_curve(
    verified.run_id, verified.verifier_id, array(select nice_ks(verified.most))) as curve;
comment on view coverage is 'pass@k over the problems of a run, with a 95 % interval for new problems of the same kind';
comment on column coverage.verifier is 'By this verifier, at this version; a run judged by several has a row for each at every k';
comment on column coverage.k is 'Samples a problem: 1, 2, 5, 10, ... up to the most of any problem';
comment on column coverage.coverage is 'Mean pass@k; null where some problem has fewer than k decided samples';
comment on column coverage.stderr is 'Standard error, clustered over problems: sd / sqrt(problems)';
comment on column coverage.low is
    'Lower end of the 95 % interval for new problems of the same kind; for these very problems with new samples see coverage_band';
comment on column coverage.high is 'Upper end of the 95 % interval for new problems of the same kind';
comment on column coverage.problems is 'Problems of the run';
comment on column coverage.problems_missing is 'Problems with fewer than k decided samples';
comment on column coverage.floor is 'Coverage if missing problems are unsolved and undecided samples wrong';
comment on column coverage.ceiling is 'Coverage if missing problems are solved and undecided samples right';
comment on column coverage.estimator is 'unbiased, or first_success where the run stopped at its first right sample';
comment on column coverage.all_right is 'pass^k: the chance that all of k samples are right, a mean over problems';
comment on column coverage.all_right_low is
    'Lower end of the 95 % interval of all_right for new problems of the same kind';
comment on column coverage.all_right_high is 'Upper end of the 95 % interval of all_right';
comment on column coverage."interval" is
    'gaffke: Gaffke''s bound by the saddlepoint, which bears coverage near 0 and 1; null where there is no interval';
comment on column coverage.version is 'Of the verifier';
comment on column coverage.counting is 'Whether the verifier is the one that counts: where counting has one row at every k';
