create or replace function nice_ks(most bigint) returns setof bigint language sql immutable parallel safe as $$
    select k from (
        select (10 ^ decade * step)::bigint as k
        from generate_series(0, 12) as decade, unnest(array[1, 2, 5]) as step
        union select most
    ) as ks where k between 1 and most order by k
$$;
comment on function nice_ks is 'k = 1, 2, 5, 10, 20, ... up to and with the most samples of any problem';

-- Beyond n coverage of a planned run is not known: without n its curve would end before what it has.
create or replace function curve_ks(most bigint, n bigint, stop_rule jsonb) returns setof bigint
language sql immutable parallel safe as $$
    select nice_ks(most) union select n where stop_rule ? 'planned' and n < most
$$;
comment on function curve_ks is 'The ks of nice_ks, and n where a plan chose which problems of a run have more samples';

-- One pass over a run's problems, however many ks; each pass@k is materialized, since it would be computed anew wherever
-- it is named. Where floor and ceiling of a problem meet, it is known: undecided
-- samples change nothing once any k of all hold a right one.
create or replace function coverage_curve(run_id bigint, verifier_id bigint, ks bigint[])
returns table (
    k bigint, coverage double precision, stderr double precision, low double precision, high double precision,
    problems bigint, problems_missing bigint, floor double precision, ceiling double precision, estimator text,
    all_right double precision, all_right_low double precision, all_right_high double precision, "interval" text
) language sql stable as $$
    with pool as materialized (
        select counts.*, biased_by(run.stop_rule) is not null as stops, run.n as planned,
            all_biased_by(run.stop_rule) is not null as chosen,
            case when biased_by(run.stop_rule) is null then 'unbiased'
                 when run.imported then 'first_success' else 'batchwise' end as estimator
        from run cross join counts_of(coverage_curve.run_id, coverage_curve.verifier_id) as counts
        where run.id = coverage_curve.run_id
    ), valued as materialized (
        select pool.*, each.k,
            case when not stops then pass_at_k(n, c, each.k)
                 when each.k <= planned
                     then coalesce(batchwise(solved_by, each.k), case when each.k <= judged_prefix then 0 end)
            end as decided_value
        from pool cross join unnest(coverage_curve.ks) as each (k)
    ), bounded as materialized (
        select *,
            case when stops then coalesce(batchwise(solved_at_latest, valued.k), 0)
                 when valued.k > n + u then greatest((c > 0)::int, coalesce((first_correct < valued.k)::int, 0))
                 else pass_at_k(n + u, c, valued.k) end as least_value,
            case when stops then coalesce(batchwise(solved_at_earliest, valued.k), decided_value, 1)
                 when valued.k > n + u
                     then case when chosen and drawn >= valued.k and coalesce(first_correct, drawn) >= valued.k then 0 else 1 end
                 else pass_at_k(n + u, c + u, valued.k) end as most_value,
            case when not stops then pass_all_k(n, c, valued.k) end as all_value
        from valued
    ), known as (
        select *, case when decided_value is not null then decided_value
                       when least_value = most_value and bounded.k <= case when stops then planned else n + u end
                           then least_value
            end as value
        from bounded
    ), summed as (
        select known.k, count(*) as problems, count(*) filter (where value is null) as missing,
            case when count(value) = count(*) then avg(value) end as coverage,
            case when count(value) = count(*) then stddev_samp(value) / sqrt(count(*)) end as stderr,
            avg(least_value) as least_value, avg(most_value) as most_value,
            min(estimator) as estimator,
            case when count(all_value) = count(*) then avg(all_value) end as all_right,
            array_agg(value) as shares, array_agg(1 - value) as misses,
            array_agg(all_value) as all_shares, array_agg(1 - all_value) as all_misses
        from known group by known.k
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
-- missing anyway; where a run stops when solved, each batch's.
create or replace function coverage_bounds(run_id bigint, k bigint)
returns table (floor double precision, coverage double precision, ceiling double precision, truncated bigint)
language sql stable as $$
    with batches as materialized (
        select judged_batches.* from run cross join judged_batches(run.id, run.verifier_id)
        where run.id = coverage_bounds.run_id
    ), placed as materialized (
        select problem_id, array_agg(first_index order by first_index) as firsts from batches group by problem_id
    ), cut as materialized (
        select judged.problem_id, firsts[width_bucket(judged.sample_index, firsts)] as first_index, count(*) as samples
        from run
        join judged on judged.run_id = run.id and judged.verifier_id = run.verifier_id and counts_as = 'no_answer'
        join sample on sample.run_id = judged.run_id and sample.problem_id = judged.problem_id
            and sample.sample_index = judged.sample_index
        left join placed on placed.problem_id = judged.problem_id
        where run.id = coverage_bounds.run_id and (sample.finish_reason = 'length' or judged.answer_from is null)
            and (not run.stop_rule ? 'planned' or sample.sample_index < run.n)
        group by 1, 2
    ), earliest as (
        select distinct on (problem_id) problem_id,
            array[first_index, size, coalesce(least(c + u + coalesce(samples, 0), size), size)] as solved_at_earliest
        from batches left join cut using (problem_id, first_index)
        where c is null or c + u > 0 or samples > 0
        order by problem_id, first_index
    ), known as (
        select curve.* from run
        cross join lateral coverage_curve(run.id, run.verifier_id, array[coverage_bounds.k]) as curve
        where run.id = coverage_bounds.run_id
    ), highest as (
        select coalesce(
            case when biased_by(run.stop_rule) is null
                then pass_at_k(counts.n + u, c + u + coalesce(cut.samples, 0), coverage_bounds.k)
                else coalesce(batchwise(earliest.solved_at_earliest, coverage_bounds.k),
                    case when coverage_bounds.k <= least(judged_prefix, run.n) then 0 end) end, 1) as value
        from run
        cross join lateral counts_of(run.id, run.verifier_id) as counts
        left join earliest on earliest.problem_id = counts.problem_id
        left join cut on cut.problem_id = counts.problem_id and cut.first_index is null
        where run.id = coverage_bounds.run_id
    )
    select known.floor, known.coverage, avg(highest.value), (select coalesce(sum(samples), 0)::bigint from cut)
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
    verified.run_id, verified.verifier_id, array(select curve_ks(verified.most, run.n, run.stop_rule))) as curve;
comment on view coverage is 'pass@k over the problems of a run, with a 95 % interval for new problems of the same kind';
comment on column coverage.verifier is 'By this verifier, at this version; a run judged by several has a row for each at every k';
comment on column coverage.k is 'Samples a problem: 1, 2, 5, 10, ... up to the most of any problem, and n of a planned run';
comment on column coverage.coverage is
    'Mean pass@k; null where some problem has fewer than k decided samples, which leave its pass@k open; of a planned run '
    'from the first run.n samples of each problem, and null beyond: outcomes chose what has more';
comment on column coverage.stderr is 'Standard error, clustered over problems: sd / sqrt(problems)';
comment on column coverage.low is
    'Lower end of the 95 % interval for new problems of the same kind; for these very problems with new samples see coverage_band';
comment on column coverage.high is 'Upper end of the 95 % interval for new problems of the same kind';
comment on column coverage.problems is 'Problems of the run';
comment on column coverage.problems_missing is 'Problems with fewer than k decided samples, which leave their pass@k open';
comment on column coverage.floor is 'Coverage if undecided samples are wrong and missing problems unsolved, unless a sample is right';
comment on column coverage.ceiling is 'Coverage if missing problems are solved and undecided samples right';
comment on column coverage.estimator is
    'unbiased; batchwise where the run stops at right samples; first_success where such a run was imported';
comment on column coverage.all_right is 'pass^k: the chance that all of k samples are right, a mean over problems';
comment on column coverage.all_right_low is
    'Lower end of the 95 % interval of all_right for new problems of the same kind';
comment on column coverage.all_right_high is 'Upper end of the 95 % interval of all_right';
comment on column coverage."interval" is
    'gaffke: Gaffke''s bound by the saddlepoint, which bears coverage near 0 and 1; null where there is no interval';
comment on column coverage.version is 'Of the verifier';
comment on column coverage.counting is 'Whether the verifier is the one that counts: where counting has one row at every k';
