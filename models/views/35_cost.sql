-- A table up to 20 degrees of freedom, then z + g1/df + ... + g4/df^4 (Abramowitz and Stegun 26.7.5), to 2e-7.
create or replace function t_975(df bigint) returns double precision language sql immutable parallel safe strict as $$
    select case when df < 1 then null when df <= 20 then (array[
        12.706204736174698, 4.302652729749464, 3.182446305283710, 2.776445105197793, 2.570581835636314,
        2.446911851144969, 2.364624251592785, 2.306004135204166, 2.262157162798205, 2.228138851986274,
        2.200985160091639, 2.178812829667229, 2.160368656462792, 2.144786687917804, 2.131449545559775,
        2.119905299221255, 2.109815577833317, 2.100922040241038, 2.093024054408263, 2.085963447265837
    ]::double precision[])[df]
    else z + (z^3 + z) / 4 / df + (5 * z^5 + 16 * z^3 + 3 * z) / 96 / df^2
        + (3 * z^7 + 19 * z^5 + 17 * z^3 - 15 * z) / 384 / df^3
        + (79 * z^9 + 776 * z^7 + 1482 * z^5 - 1920 * z^3 - 945 * z) / 92160 / df^4 end
    from (select 1.959963984540054::double precision as z) as normal
$$;
comment on function t_975 is 'The 97.5 % quantile of Student''s t: half the width of a 95 % interval in standard errors';

-- As models/statistics/costs.py, ratio_of_means: t with the degrees that the kurtosis leaves it, the longer tail
-- lengthened by the skewness, less what the log takes of it.
create or replace function log_mean_errors(
    n bigint, two double precision, three double precision, four double precision
) returns double precision[] language sql immutable parallel safe strict as $$
    select case when n > 1 then array[
        spread / sqrt(n) * (t + greatest(-longer, 0)), spread / sqrt(n) * (t + greatest(longer, 0))] end
    from (select sqrt(two * n / (n - 1.0)) as spread) as spread
    cross join lateral (
        select t_975(greatest(1, least(n - 1, floor(
            2 * n / greatest(coalesce(four / nullif(spread, 0) ^ 4, 0) - 1 + 2 / (n - 1.0), 1e-9))))::bigint) as t
    ) as by_kurtosis
    cross join lateral (
        select (coalesce(three / nullif(spread, 0) ^ 3, 0) * (2 * t ^ 2 + 1) / 6 - spread * t ^ 2 / 2) / sqrt(n)
            as longer
    ) as by_skewness
$$;
comment on function log_mean_errors is
    'Half the width, below and above, of the 95 % interval of a mean''s log: of n amounts over their mean, less 1, the '
    'means of the squares, cubes and fourth powers';

-- Dollars over solved problems is a mean over a share. Their logarithms' intervals, the above and Gaffke's, make its
-- own as the distances of a difference do that hang together by a correlation (MOVER: Zou and Donner 2008).
create view cost as
with priced as (
    select *, usd / nullif(avg(usd) over (partition by run_id), 0) - 1 as off from problem_cost
), summed as (
    select run_id,
        coalesce(sum(samples), 0)::bigint as samples,
        case when bool_or(prompt_tokens is null) is not true then sum(prompt_tokens) end::bigint as prompt_tokens,
        case when bool_or(completion_tokens is null) is not true then sum(completion_tokens) end::bigint
            as completion_tokens,
        case when bool_or(prompt_flops + completion_flops is null) filter (where samples > 0) is not true
            then sum(prompt_flops + completion_flops) end as flops,
        sum(gpu_seconds) as gpu_seconds,
        sum(gpu_seconds_lost) as gpu_seconds_lost,
        sum(gpu_seconds_running) as gpu_seconds_running,
        sum(score_gpu_seconds) as score_gpu_seconds,
        sum(verify_cpu_seconds) as verify_cpu_seconds,
        case when bool_or(usd is null) filter (where samples > 0) is not true then sum(usd) end as usd,
        sum(judged)::bigint as judged,
        sum(reused)::bigint as reused,
        case when bool_or(usd_from = 'estimated') then 'estimated'
             when min(usd_from) = max(usd_from) then min(usd_from)
             when count(usd_from) > 0 then 'mixed' end as usd_from,
        case when bool_or(billed_prompt_tokens is null) is not true then sum(billed_prompt_tokens) end::bigint
            as billed_prompt_tokens,
        case when bool_or(cached_prompt_tokens is null) is not true then sum(cached_prompt_tokens) end::bigint
            as cached_prompt_tokens,
        case when bool_or(billed_completion_tokens is null) is not true then sum(billed_completion_tokens) end::bigint
            as billed_completion_tokens,
        case when bool_or(thinking_tokens is null) is not true then sum(thinking_tokens) end::bigint
            as thinking_tokens,
        sum(attempts_unmeasured)::bigint as attempts_unmeasured,
        case when bool_or(usd is null) filter (where samples > 0) is not true then sum(usd_lost) end as usd_lost,
        nullif(sum(solved), 0)::double precision as solved, sum(solved) / count(*)::double precision as share,
        gaffke_low(array_agg(solved)) as share_low, 1 - gaffke_low(array_agg(1 - solved)) as share_high,
        least(greatest(coalesce(corr(usd, solved), 0), -1), 1) as together,
        case when count(usd) = count(*)
            then log_mean_errors(count(*), avg(off ^ 2), avg(off ^ 3), avg(off ^ 4)) end as usd_spread
    from priced
    join (
        select run_id, problem_id, (correct > 0)::int::double precision as solved from problem_tally
    ) as tallied using (run_id, problem_id)
    group by run_id
), bounded as (
    select summed.*, ln(share_high / nullif(share, 0)) as above, ln(nullif(share, 0) / nullif(share_low, 0)) as below,
        case when biased_by(run.stop_rule) is null then usd_spread end as usd_apart
    from summed join run on run.id = summed.run_id
)
select bounded.run_id, prompt_tokens, completion_tokens, flops, gpu_seconds, gpu_seconds_lost, gpu_seconds_running,
    score_gpu_seconds, verify_cpu_seconds, usd,
    usd / solved as usd_per_solved_problem,
    flops / solved as flops_per_solved_problem,
    gpu_seconds / solved as gpu_seconds_per_solved_problem,
    judged, reused, samples, case when usd is not null then usd_from end as usd_from, billed_prompt_tokens,
    cached_prompt_tokens, billed_completion_tokens, thinking_tokens,
    attempts_unmeasured + (
        select count(*) from work
        where work.run_id = bounded.run_id and work.kind = 'generate' and work.state in ('failed', 'cancelled')
            and exists (select from submission_line line where line.work_id = work.id and line.answer is not null)
    ) as attempts_unmeasured, usd_lost,
    usd / solved * exp(-sqrt((usd_apart[1] - together * above) ^ 2 + (1 - together ^ 2) * above ^ 2))
        as usd_per_solved_problem_low,
    usd / solved * exp(sqrt((usd_apart[2] - together * below) ^ 2 + (1 - together ^ 2) * below ^ 2))
        as usd_per_solved_problem_high
from bounded;
comment on view cost is 'What each run took; null is unknown, and so is a sum of which one part is';
comment on column cost.prompt_tokens is 'Each problem''s prompt counted once';
comment on column cost.completion_tokens is 'New tokens of the samples';
comment on column cost.flops is 'By the formula of the paper, prompts counted once; null where the llm''s sizes are not known';
comment on column cost.gpu_seconds is 'GPU-seconds of the attempts that gave samples';
comment on column cost.gpu_seconds_lost is 'GPU-seconds of attempts that failed, were given back or lost';
comment on column cost.gpu_seconds_running is 'GPU-seconds of attempts still running, as of their last heartbeat';
comment on column cost.score_gpu_seconds is 'GPU-seconds of reward models, lost attempts included';
comment on column cost.verify_cpu_seconds is 'CPU time of judging';
comment on column cost.usd is
    'Dollars, those of failed and running attempts too as far as they are known: what the provider charged, else by the '
    'price (`monkeys price`) that held when each attempt began; null where neither is known of all samples';
comment on column cost.usd_per_solved_problem is 'Dollars over problems with a right sample';
comment on column cost.usd_per_solved_problem_low is
    'Lower end of its 95 % interval, for new problems of the same kind; null where none is solved, and for a run that '
    'stops when solved: its few hardest problems make up its cost';
comment on column cost.usd_per_solved_problem_high is 'Upper end of its 95 % interval';
comment on column cost.flops_per_solved_problem is 'FLOPs over problems with a right sample';
comment on column cost.gpu_seconds_per_solved_problem is
    'GPU-seconds of the attempts that gave samples over problems with a right sample';
comment on column cost.samples is 'Samples that were drawn';
comment on column cost.usd_from is
    'What usd rests on: charged; usage (tokens as billed; where a cache is not known of, all at the full price); '
    'samples; gpu_hours; estimated (the prompt once an attempt, a repeated one as cached: no server said); mixed';
comment on column cost.billed_prompt_tokens is
    'Prompt tokens as billed: once a request, those of failed and running attempts too';
comment on column cost.cached_prompt_tokens is 'Of those, the tokens that the provider had in its cache';
comment on column cost.billed_completion_tokens is 'New tokens as billed, those of failed and running attempts too';
comment on column cost.thinking_tokens is 'Of completion_tokens, those of what was thought';
comment on column cost.attempts_unmeasured is
    'Attempts at an endpoint that failed, or of which an answer was lost, so that nobody knows all that was billed, and '
    'works that failed or were cancelled with answers of a batch API in hand: usd is then at least so much';
comment on column cost.usd_lost is
    'Of usd, dollars of attempts that failed, were lost or still run, as far as they are known';

create view engine_time as
with each as (
    select attempt.*, work.kind,
        extract(epoch from coalesce(attempt.finished_at, attempt.seen_at, attempt.started_at)) as ended,
        coalesce(cardinality(string_to_array(nullif(attempt.gpus, ''), ',')), 0) as gpu_count
    from attempt join work on work.id = attempt.work_id where work.kind in ('generate', 'score') and attempt.engine is not null
)
select worker, host, gpus, engine, engine_version, engine_seed,
    min(started_at) as first_at, max(coalesce(finished_at, seen_at, started_at)) as last_at,
    count(*) as attempts,
    case when bool_or(completion_tokens is null) filter (where ok and kind = 'generate') is not true
        then sum(completion_tokens) end::bigint as completion_tokens,
    coalesce(sum(gpu_seconds) filter (where ok), 0) as gpu_seconds,
    coalesce(sum(gpu_seconds) filter (where ok is false), 0) as gpu_seconds_lost,
    coalesce(sum(gpu_seconds) filter (where ok is null), 0) as gpu_seconds_running,
    case when engine <> 'openai' then greatest(0,
        max(gpu_count) * (max(ended) - extract(epoch from min(started_at)))::double precision - sum(gpu_seconds)) end
        as gpu_seconds_idle
from each group by worker, host, gpus, engine, engine_version, engine_seed;
comment on view engine_time is 'One row an engine process: whose its GPUs'' time was, from its first batch to its last';
comment on column engine_time.gpus is 'The GPUs it had; empty on a CPU and for an endpoint';
comment on column engine_time.first_at is 'When its first batch was claimed: loading is not counted';
comment on column engine_time.last_at is 'When it last ended a batch, or last said that it lives';
comment on column engine_time.completion_tokens is 'New tokens; null where unknown, and of a reward model';
comment on column engine_time.gpu_seconds is 'GPU-seconds of attempts that ended well, shared fairly among the batches in flight';
comment on column engine_time.gpu_seconds_lost is 'GPU-seconds of attempts that failed, were given back or lost';
comment on column engine_time.gpu_seconds_running is 'GPU-seconds of attempts still running, as of their last heartbeat';
comment on column engine_time.gpu_seconds_idle is
    'GPU-seconds with nothing in flight: with the three others, the time from first_at to last_at x GPUs; null for an '
    'endpoint, whose GPUs others may use';
