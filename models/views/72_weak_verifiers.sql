-- Two verifiers of the same samples: what one is worth if the other is right.
create or replace function picked_at_k(n bigint, tp bigint, fp bigint, k bigint) returns double precision
language sql immutable parallel safe as $$
    select case when tp + fp = 0 then pass_at_k(n, 0, k)
                else tp::double precision / (tp + fp) * pass_at_k(n, tp + fp, k) end
$$;
comment on function picked_at_k is
    'The chance that resampling, up to k of n samples, until one of tp right and fp wrong ones is accepted ends right';

create or replace function corrected_coverage(
    coverage double precision, k bigint, false_positives double precision
) returns double precision language sql immutable parallel safe strict as $$
    select case when coverage >= 1 then 1
                when false_positives >= 1 or k * ln(1 - false_positives) < -700 then 0
                else greatest(0, 1 - (1 - coverage) / exp(k * ln(1 - false_positives))) end
$$;
comment on function corrected_coverage is
    'Coverage at k if that share of the wrong samples of every problem is accepted, and every right one: 1 - (1 - '
    'coverage) / (1 - share)^k';

-- Samples accepted by the weak verifier and right (tp) or wrong (fp), refused and right (fn) or wrong (tn), an entry a
-- problem; every k of the view.
create or replace function picked_curve(tp bigint[], fp bigint[], fn bigint[], tn bigint[])
returns table (
    k bigint, success_rate double precision, stderr double precision, coverage double precision, gap double precision,
    gap_stderr double precision, ceiling double precision, problems bigint, problems_missing bigint,
    problems_accepted bigint, low double precision, high double precision, gap_low double precision,
    gap_high double precision
) language sql immutable as $$
    with pool as materialized (
        select each.*, each.tp + each.fp + each.fn + each.tn as n
        from unnest(picked_curve.tp, picked_curve.fp, picked_curve.fn, picked_curve.tn) as each (tp, fp, fn, tn)
    ), valued as materialized (
        select ks.k, picked_at_k(n, pool.tp, pool.fp, ks.k) as value, pass_at_k(n, pool.tp + pool.fn, ks.k) as solved
        from nice_ks((select max(n) from pool)) as ks (k) cross join pool
    ), summed as (
        select lost.k, count(*) as problems, count(*) filter (where value is null) as missing,
            case when count(value) = count(*) then avg(value) end as value,
            case when count(value) = count(*) then stddev_samp(value) / sqrt(count(*)) end as stderr,
            case when count(value) = count(*) then avg(solved) end as solved,
            case when count(value) = count(*) then stddev_samp(gap) / sqrt(count(*)) end as gap_stderr,
            gaffke_low(array_agg(value)) as low, 1 - gaffke_low(array_agg(1 - value)) as high,
            gaffke_low(array_agg(gap)) as gap_low, 1 - gaffke_low(array_agg(1 - gap)) as gap_high
        from (select *, gap_of(solved, value) as gap from valued) as lost group by lost.k
    )
    select summed.k, value, summed.stderr, solved, gap_of(solved, value), summed.gap_stderr, best.ceiling,
        summed.problems, missing, accepted, summed.low, summed.high, summed.gap_low, summed.gap_high
    from summed cross join (
        select avg(pool.tp::double precision / nullif(pool.tp + pool.fp, 0)) as ceiling,
            count(*) filter (where pool.tp + pool.fp > 0) as accepted
        from pool
    ) as best
    order by summed.k
$$;
comment on function picked_curve is 'The columns of weak_verifier_at_k of a run''s problems';

create view problem_confusion as
select found.run_id, found.problem_id, problem.key as problem_key, pair.verifier_id, pair.other_verifier_id,
    found.both_accept as tp, pair.fp, pair.fn, found.neither as tn, found.undecided, pair.decided, pair.other_decided
from analysis_confusion as found
join problem on problem.id = found.problem_id
cross join lateral (
    values (found.verifier_id, found.other_verifier_id, only_other, only_first, found.decided, found.other_decided),
        (found.other_verifier_id, found.verifier_id, only_first, only_other, found.other_decided, found.decided)
) as pair (verifier_id, other_verifier_id, fp, fn, decided, other_decided);
comment on view problem_confusion is
    'How two verifiers judged the same samples of each problem, as analyze counted them, if the first is right';
comment on column problem_confusion.tp is 'Samples that both accept';
comment on column problem_confusion.fp is 'Samples that only the other verifier accepts';
comment on column problem_confusion.fn is 'Samples that only the verifier accepts';
comment on column problem_confusion.tn is 'Samples that neither accepts';
comment on column problem_confusion.undecided is 'Samples that one of them judged neither way, by our fault';
comment on column problem_confusion.decided is 'Samples that the verifier had decided when they were counted';
comment on column problem_confusion.other_decided is 'Samples that the other verifier had decided then';

create view verifier_confusion as
select one.run_id, verifier.name as verifier, other.name as other_verifier, found.tp, found.fp, found.fn, found.tn,
    found.undecided, found.false_positives, found.false_positives_stderr, found.false_negatives,
    found.false_negatives_stderr, found.problems,
    (found.decided, found.other_decided) is distinct from (one.decided, two.decided) as stale,
    biased_by(run.stop_rule) as biased_by, one.verifier_id, verifier.version, two.verifier_id as other_verifier_id,
    other.version as other_version, one.verifier_id = run.verifier_id as counting
from (select run_id, verifier_id, sum(samples - undecided)::bigint as decided from fixed_tally group by 1, 2) as one
join (select run_id, verifier_id, sum(samples - undecided)::bigint as decided from fixed_tally group by 1, 2) as two
    on two.run_id = one.run_id and two.verifier_id <> one.verifier_id
join run on run.id = one.run_id
join verifier on verifier.id = one.verifier_id
join verifier as other on other.id = two.verifier_id
left join (
    select summed.*, fp / nullif(wrong, 0)::double precision as false_positives,
        sqrt(problems / nullif(problems - 1.0, 0) * greatest(0, ff - 2 * fp / wrong * fw + (fp / wrong) ^ 2 * ww))
            / wrong as false_positives_stderr,
        fn / nullif(right_, 0)::double precision as false_negatives,
        sqrt(problems / nullif(problems - 1.0, 0) * greatest(0, mm - 2 * fn / right_ * mr + (fn / right_) ^ 2 * rr))
            / right_ as false_negatives_stderr
    from (
        select run_id, verifier_id, other_verifier_id, sum(tp)::bigint as tp, sum(fp)::bigint as fp,
            sum(fn)::bigint as fn, sum(tn)::bigint as tn, sum(undecided)::bigint as undecided,
            sum(decided)::bigint as decided, sum(other_decided)::bigint as other_decided, count(*) as problems,
            nullif(sum(fp + tn), 0)::double precision as wrong, nullif(sum(tp + fn), 0)::double precision as right_,
            sum(fp * fp)::double precision as ff, sum(fp * (fp + tn))::double precision as fw,
            sum((fp + tn) * (fp + tn))::double precision as ww, sum(fn * fn)::double precision as mm,
            sum(fn * (fn + tp))::double precision as mr, sum((fn + tp) * (fn + tp))::double precision as rr
        from problem_confusion group by run_id, verifier_id, other_verifier_id
    ) as summed
) as found on found.run_id = one.run_id and found.verifier_id = one.verifier_id
    and found.other_verifier_id = two.verifier_id;
comment on view verifier_confusion is
    'How every two verifiers of a run judged the same samples, as analyze counted them, if the first is right';
comment on column verifier_confusion.verifier is 'The one that is taken to be right';
comment on column verifier_confusion.other_verifier is 'The one that is measured by it';
comment on column verifier_confusion.tp is 'Samples that both accept; null where they were not counted yet';
comment on column verifier_confusion.fp is 'Samples that only the other verifier accepts';
comment on column verifier_confusion.fn is 'Samples that only the verifier accepts';
comment on column verifier_confusion.tn is 'Samples that neither accepts';
comment on column verifier_confusion.undecided is 'Samples that one of them judged neither way, by our fault';
comment on column verifier_confusion.problems is 'Problems of the run';
comment on column verifier_confusion.false_positives is 'Share of the wrong samples that the other verifier accepts';
comment on column verifier_confusion.false_positives_stderr is 'Standard error of that share, clustered over problems';
comment on column verifier_confusion.false_negatives is 'Share of the right samples that the other verifier refuses';
comment on column verifier_confusion.false_negatives_stderr is 'Standard error of that share, clustered over problems';
comment on column verifier_confusion.stale is
    'Whether samples were judged since, or nothing was counted: `monkeys analyze` counts anew';
comment on column verifier_confusion.biased_by is
    'The stopping rule that looks at outcomes, if the run has one: hard problems then have more samples than easy ones';
comment on column verifier_confusion.version is 'Of the verifier';
comment on column verifier_confusion.other_version is 'Of the other verifier';
comment on column verifier_confusion.counting is 'Whether the verifier is the one that counts';

create view weak_verifier_at_k as
select state.run_id, state.verifier, state.other_verifier as weak_verifier, curve.k,
    case when state.biased_by is null then curve.success_rate end as success_rate,
    case when state.biased_by is null then curve.coverage end as coverage,
    case when state.biased_by is null then curve.gap end as gap,
    case when state.biased_by is null then curve.ceiling end as ceiling,
    case when state.biased_by is null then curve.stderr end as stderr,
    case when state.biased_by is null then curve.gap_stderr end as gap_stderr,
    curve.problems, curve.problems_missing, curve.problems_accepted, state.stale, state.biased_by, state.verifier_id,
    state.version, state.other_verifier_id as weak_verifier_id, state.other_version as weak_version, state.counting,
    case when state.biased_by is null then curve.low end as low,
    case when state.biased_by is null then curve.high end as high,
    case when state.biased_by is null then curve.gap_low end as gap_low,
    case when state.biased_by is null then curve.gap_high end as gap_high
from verifier_confusion as state
join (
    select run_id, verifier_id, other_verifier_id, array_agg(tp order by problem_id) as tp,
        array_agg(fp order by problem_id) as fp, array_agg(fn order by problem_id) as fn,
        array_agg(tn order by problem_id) as tn
    from problem_confusion group by run_id, verifier_id, other_verifier_id
) as counts on counts.run_id = state.run_id and counts.verifier_id = state.verifier_id
    and counts.other_verifier_id = state.other_verifier_id
cross join lateral picked_curve(counts.tp, counts.fp, counts.fn, counts.tn) as curve;
comment on view weak_verifier_at_k is
    'A second verifier as a selector: resample, k times at most, until it accepts; how often is that right by the '
    'first?';
comment on column weak_verifier_at_k.verifier is 'The one that says what is right';
comment on column weak_verifier_at_k.weak_verifier is 'The one that selects';
comment on column weak_verifier_at_k.success_rate is
    'Mean over problems of tp / (tp + fp) (1 - C(n-tp-fp, k) / C(n, k)); null where some problem has fewer than k '
    'samples that both decided';
comment on column weak_verifier_at_k.coverage is
    'Coverage at the same k of the same samples: what the verifier itself would reach';
comment on column weak_verifier_at_k.gap is 'Coverage less success rate: what the weak verifier leaves on the table';
comment on column weak_verifier_at_k.ceiling is
    'What no k exceeds: the mean of tp / (tp + fp) over the problems of which the weak verifier accepts any sample';
comment on column weak_verifier_at_k.stderr is 'Standard error of success_rate, clustered over problems';
comment on column weak_verifier_at_k.gap_stderr is 'Standard error of gap, clustered over problems';
comment on column weak_verifier_at_k.problems is 'Problems of the run';
comment on column weak_verifier_at_k.problems_missing is 'Problems with fewer than k samples that both decided';
comment on column weak_verifier_at_k.problems_accepted is 'Problems of which the weak verifier accepts any sample';
comment on column weak_verifier_at_k.stale is 'Whether samples were judged since';
comment on column weak_verifier_at_k.biased_by is
    'The stopping rule that looks at outcomes, if the run has one: then nothing can be said of k samples';
comment on column weak_verifier_at_k.version is 'Of the verifier';
comment on column weak_verifier_at_k.weak_version is 'Of the weak verifier';
comment on column weak_verifier_at_k.counting is 'Whether the verifier is the one that counts';
comment on column weak_verifier_at_k.low is
    'Lower end of the 95 % interval of success_rate for new problems of the same kind';
comment on column weak_verifier_at_k.high is 'Upper end of the 95 % interval of success_rate';
comment on column weak_verifier_at_k.gap_low is
    'Lower end of the 95 % interval of gap for new problems of the same kind, paired by problem';
comment on column weak_verifier_at_k.gap_high is 'Upper end of the 95 % interval of gap';

-- The samples are read at every call: a threshold is anybody's.
create or replace function reward_threshold_at_k(run_id bigint, reward_model text, threshold double precision)
returns table (
    k bigint, success_rate double precision, stderr double precision, coverage double precision, gap double precision,
    gap_stderr double precision, ceiling double precision, problems bigint, problems_missing bigint,
    problems_accepted bigint, low double precision, high double precision, gap_low double precision,
    gap_high double precision
) language sql stable as $$
    with given as materialized (
        select extraction.problem_id, extraction.verifier_id, extraction.candidate_id, count(*) as samples,
            count(*) filter (where score > threshold) as accepted
        from run
        join extraction on extraction.run_id = run.id and extraction.verifier_id = run.verifier_id
        join score on score.run_id = run.id and score.problem_id = extraction.problem_id
            and score.sample_index = extraction.sample_index and score.reward_model = reward_threshold_at_k.reward_model
        where run.id = reward_threshold_at_k.run_id and biased_by(run.stop_rule) is null
            and (not run.stop_rule ? 'planned' or extraction.sample_index < run.n)
        group by 1, 2, 3
    ), counted as (
        select problem_id, sum(accepted) filter (where said = 'correct')::bigint as tp,
            sum(accepted) filter (where said in ('incorrect', 'no_answer'))::bigint as fp,
            sum(samples - accepted) filter (where said = 'correct')::bigint as fn,
            sum(samples - accepted) filter (where said in ('incorrect', 'no_answer'))::bigint as tn
        from (
            select given.*, counts_as(outcome_of(given.candidate_id, verdict.outcome)) as said
            from given left join verdict
                on verdict.candidate_id = given.candidate_id and verdict.verifier_id = given.verifier_id
        ) as judged_once
        group by problem_id
    ), every as (
        select coalesce(tp, 0) as tp, coalesce(fp, 0) as fp, coalesce(fn, 0) as fn, coalesce(tn, 0) as tn
        from prompt left join counted using (problem_id) where prompt.run_id = reward_threshold_at_k.run_id
        order by problem_id
    )
    select curve.*
    from (
        select array_agg(tp) as tp, array_agg(fp) as fp, array_agg(fn) as fn, array_agg(tn) as tn from every
    ) as counts
    cross join lateral picked_curve(counts.tp, counts.fp, counts.fn, counts.tn) as curve
$$;
comment on function reward_threshold_at_k is
    'weak_verifier_at_k of a reward model that accepts what it scores above a threshold; no row of runs that stop '
    'by outcomes';
