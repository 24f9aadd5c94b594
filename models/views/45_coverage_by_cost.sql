-- What a problem costs at k samples: its first prompt, each further prompt, and k times a sample. FLOPs and GPU-seconds
-- have one prompt a problem, since its samples share it; dollars have one a request, as billed.
create view problem_rate as
select run_id, problem_id, samples, prompts, prompt_flops, completion_flops / samples as flops,
    gpu_seconds * prompt_share as prompt_gpu_seconds, gpu_seconds * (1 - prompt_share) / samples as gpu_seconds,
    prompt_usd, repeated_prompt_usd,
    case when usd is not null then greatest(usd - usd_lost - prompt_usd - (prompts - 1) * repeated_prompt_usd, 0) end
        / samples as usd,
    completion_tokens::double precision / samples as completion_tokens
from problem_cost
where samples > 0;
comment on view problem_rate is
    'What the prompts and one sample of each problem of a run took, by the attempts that gave samples; null is '
    'unknown';
comment on column problem_rate.samples is 'Samples that were drawn';
comment on column problem_rate.prompts is 'Prompts that were billed for them';
comment on column problem_rate.prompt_flops is 'FLOPs of the prompt, paid once';
comment on column problem_rate.flops is 'FLOPs of a sample';
comment on column problem_rate.prompt_gpu_seconds is
    'GPU-seconds of the prompt, paid once: its share by FLOPs, else by tokens; 0 where neither is known';
comment on column problem_rate.gpu_seconds is 'GPU-seconds of a sample: the rest, shared among all';
comment on column problem_rate.prompt_usd is 'Dollars of the first prompt';
comment on column problem_rate.repeated_prompt_usd is 'Dollars of each further prompt';
comment on column problem_rate.usd is 'Dollars of a sample';
comment on column problem_rate.completion_tokens is 'New tokens of a sample';

create view cost_rate as
select run_id, count(*) as problems,
    case when bool_or(prompt_flops is null) is not true then sum(prompt_flops) end as prompt_flops,
    case when bool_or(flops is null) is not true then sum(flops) end as flops,
    sum(gpu_seconds) as gpu_seconds,
    case when bool_or(usd is null) is not true then sum(usd) end as usd,
    case when bool_or(completion_tokens is null) is not true then sum(completion_tokens) end as completion_tokens,
    sum(prompt_gpu_seconds) as prompt_gpu_seconds,
    case when bool_or(prompt_usd is null) is not true then sum(prompt_usd) end as prompt_usd,
    case when bool_or(repeated_prompt_usd is null) is not true then sum(repeated_prompt_usd) end as repeated_prompt_usd,
    (sum(samples) / sum(prompts))::double precision as samples_a_prompt
from problem_rate
group by run_id;
comment on view cost_rate is
    'What one more sample of every problem of a run costs, at the run''s own mean lengths, and its prompts; null is '
    'unknown';
comment on column cost_rate.problems is 'Problems with samples';
comment on column cost_rate.prompt_flops is 'FLOPs of every prompt, paid once';
comment on column cost_rate.flops is 'FLOPs of one sample of every problem';
comment on column cost_rate.gpu_seconds is 'GPU-seconds of one sample of every problem, without its prompt';
comment on column cost_rate.usd is 'Dollars of one sample of every problem, without its prompt';
comment on column cost_rate.completion_tokens is 'New tokens of one sample of every problem';
comment on column cost_rate.prompt_gpu_seconds is
    'GPU-seconds of every prompt, paid once: shared out by FLOPs, else by tokens; 0 where neither is known';
comment on column cost_rate.prompt_usd is 'Dollars of every problem''s first prompt';
comment on column cost_rate.repeated_prompt_usd is 'Dollars of one further prompt of every problem';
comment on column cost_rate.samples_a_prompt is 'Samples that were drawn for each prompt billed';

-- Samples drawn of a problem that is stopped at its first right one, and at k at the latest: the sum of 1 - pass@j over
-- j < k. C(n-c, j) / C(n, j) = C(n-j, c) / C(n, c), and C(n-j, c) over j < k adds up to C(n+1, c+1) - C(n+1-k, c+1).
create or replace function samples_until_right(n bigint, c bigint, k bigint) returns double precision
language sql immutable parallel safe strict as $$
    select case when k <= n then (n + 1) * pass_at_k(n + 1, c + 1, k) / (c + 1) end
$$;
comment on function samples_until_right is
    'Samples expected until the first right one, k at most, from n samples of which c are right; null where k > n';

create or replace function cost_curve(run_id bigint, ks bigint[])
returns table (
    k bigint, flops double precision, gpu_seconds double precision, usd double precision,
    stopping_samples double precision, stopping_flops double precision, stopping_gpu_seconds double precision,
    stopping_usd double precision
) language sql stable as $$
    with rate as materialized (
        select * from problem_rate where problem_rate.run_id = cost_curve.run_id
    ), pool as materialized (
        select counts.*, biased_by(run.stop_rule) is not null as stops, run.n as planned,
            solved_by[1] as before, solved_by[2] as size, solved_by[3] as rights
        from run cross join lateral counts_of(run.id, run.verifier_id) as counts where run.id = cost_curve.run_id
    ), drawn as (
        select each.k, rate.*, (each.k * rate.prompts + rate.samples - 1) / rate.samples as prompts_at_k,
            case when not stops then samples_until_right(n, c, each.k)
                 when each.k > planned then null
                 when each.k > before then before + samples_until_right(size, rights, least(each.k - before, size))
                 when each.k <= coalesce(before, judged_prefix) then each.k end as until
        from pool left join rate using (problem_id) cross join unnest(cost_curve.ks) as each (k)
    ), known as (
        select drawn.k, count(until) = count(*) as counted, avg(until) as until,
            bool_and(prompt_flops + drawn.flops is not null) filter (where samples > 0) as flops_known,
            bool_and(drawn.usd + prompt_usd is not null) filter (where samples > 0) as usd_known,
            sum(prompt_flops) as prompt_flops, sum(drawn.flops) as flops, sum(until * drawn.flops) as until_flops,
            sum(prompt_gpu_seconds) as prompt_gpu_seconds, sum(drawn.gpu_seconds) as gpu_seconds,
            sum(until * drawn.gpu_seconds) as until_gpu_seconds,
            sum(prompt_usd + (prompts_at_k - 1) * repeated_prompt_usd + drawn.k * drawn.usd) as usd,
            sum(prompt_usd + (until - 1) * repeated_prompt_usd + until * drawn.usd) as until_usd
        from drawn group by drawn.k
    )
    select known.k,
        case when flops_known then prompt_flops + known.k * known.flops end,
        prompt_gpu_seconds + known.k * known.gpu_seconds,
        case when usd_known then known.usd end,
        case when counted then until end,
        case when counted and flops_known then prompt_flops + until_flops end,
        case when counted then prompt_gpu_seconds + until_gpu_seconds end,
        case when counted and usd_known then until_usd end
    from known
$$;
comment on function cost_curve is 'The costs of the view coverage_by_cost of one run, at any ks';

create view coverage_by_cost as
select run.id as run_id, curve.k, curve.coverage, curve.flops, curve.gpu_seconds, curve.usd, curve.low, curve.high,
    biased_by(run.stop_rule) as biased_by, curve.stopping_samples, curve.stopping_flops, curve.stopping_gpu_seconds,
    curve.stopping_usd
from (select run_id, verifier_id, max(samples) as most from tally group by run_id, verifier_id) as verified
join run on run.id = verified.run_id and run.verifier_id = verified.verifier_id
cross join lateral (select array(select curve_ks(verified.most, run.n, run.stop_rule)) as ks) as each
cross join lateral (
    select coverage.coverage, coverage.low, coverage.high, cost.*
    from coverage_curve(run.id, run.verifier_id, each.ks) as coverage
    join cost_curve(run.id, each.ks) as cost on cost.k = coverage.k
) as curve;
comment on view coverage_by_cost is
    'What coverage at each k costs every problem together, at the run''s own mean lengths, in two accountings: all k '
    'samples are drawn; or each problem is stopped at the first sample that the counting verifier accepts '
    '(stopping_...)';
comment on column coverage_by_cost.k is 'Samples a problem: 1, 2, 5, 10, ... up to the most of any problem, and n of a planned run';
comment on column coverage_by_cost.coverage is 'Mean pass@k by the counting verifier, as in the view coverage';
comment on column coverage_by_cost.low is 'Lower end of its 95 % interval for new problems of the same kind';
comment on column coverage_by_cost.high is 'Upper end of that interval';
comment on column coverage_by_cost.flops is 'FLOPs of k samples of every problem, prompts counted once';
comment on column coverage_by_cost.gpu_seconds is
    'GPU-seconds of k samples of every problem, its prompt once: shared out between the two by FLOPs, else by tokens; '
    'where neither is known, by samples alone';
comment on column coverage_by_cost.usd is
    'Dollars of k samples of every problem: its first prompt at the full price, further ones as billed, one for as '
    'many samples as the run''s requests had. At k = all samples, what `cost` says: usd less usd_lost';
comment on column coverage_by_cost.biased_by is
    'The stopping rule that looks at outcomes, if the run has one: what it paid is in the view cost, and less than '
    'usd here';
comment on column coverage_by_cost.stopping_samples is
    'Samples expected of a problem that stops at its first right one, and at k at the latest: the sum of 1 - pass@j '
    'over j < k, a mean over problems; where the run stopped so itself, as it did';
comment on column coverage_by_cost.stopping_flops is 'FLOPs of those samples, prompts counted once';
comment on column coverage_by_cost.stopping_gpu_seconds is 'GPU-seconds of those samples, the prompt once';
comment on column coverage_by_cost.stopping_usd is
    'Dollars of those samples, each a request of its own, since nothing stops within one: where a request had '
    'several, their prompts may cost more than stopping saves';
