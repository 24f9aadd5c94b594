-- FLOPs of the tokens at contexts start+1 .. start+tokens: 2 * (parameters + 2 * layers * token_dim * context) each
-- (Large Language Monkeys, section 2.3; the same as models/cost.py).
create or replace function span_flops(
    parameters bigint, layers integer, token_dim integer, start double precision, tokens double precision
) returns double precision language sql immutable parallel safe as $$
    select 2 * tokens * parameters + 2.0 * layers * token_dim * tokens * (2 * start + tokens + 1)
$$;
comment on function span_flops is 'FLOPs of tokens after a context of `start` tokens, by the formula of the paper';

-- Attempts that failed, were lost or still run were billed too: what is known of them is in the dollars and in the
-- billed columns. Of an attempt that ended well all must be known, or nothing is.
create view problem_cost as
with held as (
    select run.id as run_id, span.*,
        price.usd_per_attempt, price.usd_per_gpu_hour, price.usd_per_million_input / 1e6 as usd_input,
        coalesce(price.usd_per_million_cached_input, price.usd_per_million_input) / 1e6 as usd_cached,
        price.usd_per_million_output / 1e6 as usd_output
    from run
    join llm on llm.id = run.llm_id
    cross join lateral price_spans(llm.name, price_tier(llm.engine_args)) as span
    join price on price.id = span.price_id
), tried as (
    select work.run_id, batch.problem_id, work.kind, batch.size, attempt.*, usd_per_attempt, usd_per_gpu_hour,
        usd_input, usd_cached, usd_output
    from attempt
    join work on work.id = attempt.work_id
    join batch on batch.id = work.batch_id
    left join held on held.run_id = work.run_id and work.kind = 'generate' and attempt.usd is null
        and attempt.started_at >= held.since and attempt.started_at < held.until
        and (attempt.started_at at time zone 'UTC')::time >= held.from_hour
        and (attempt.started_at at time zone 'UTC')::time < held.to_hour
), based as (
    select *, case
        when kind <> 'generate' then null
        when usd is not null then 'charged'
        when ok and usd_per_attempt is not null then 'samples'
        when ok and usd_input + billed_prompt_tokens + completion_tokens is not null then 'usage'
        when ok is not true and usd_input + coalesce(billed_prompt_tokens, completion_tokens) is not null then 'usage'
        when ok and requests is null and usd_input + prompt_tokens + completion_tokens is not null then 'estimated'
        when gpu_seconds > 0 and usd_per_gpu_hour is not null then 'gpu_hours' end as usd_from
    from tried
), paid as (
    select *, case usd_from
        when 'charged' then usd
        when 'samples' then size * usd_per_attempt
        when 'usage' then coalesce(billed_prompt_tokens, 0) * usd_input
            - least(coalesce(cached_prompt_tokens, 0), coalesce(billed_prompt_tokens, 0)) * (usd_input - usd_cached)
            + coalesce(completion_tokens, 0) * usd_output
        when 'estimated' then prompt_tokens * usd_cached + completion_tokens * usd_output
        when 'gpu_hours' then gpu_seconds / 3600 * usd_per_gpu_hour end as dollars,
        case when usd_from = 'estimated' then prompt_tokens * (usd_input - usd_cached) end as dollars_once,
        engine = 'openai' and (lost_requests > 0 or ok is false and (finished_at is null
            or usd is null and requests is distinct from 0 and billed_prompt_tokens + completion_tokens is null))
            is true as unmeasured
    from based
), used as (
    select run_id, problem_id,
        sum(size) filter (where ok and kind = 'generate') as samples,
        max(prompt_tokens) filter (where ok and kind = 'generate') as prompt_tokens,
        sum(completion_tokens) filter (where ok and kind = 'generate') as completion_tokens,
        bool_or(completion_tokens is null) filter (where ok and kind = 'generate') as completion_unknown,
        sum(thinking_tokens) filter (where ok and kind = 'generate') as thinking_tokens,
        bool_or(thinking_tokens is null) filter (where ok and kind = 'generate') as thinking_unknown,
        sum(billed_prompt_tokens) as billed_prompt_tokens,
        bool_or(billed_prompt_tokens is null) filter (where ok and kind = 'generate') as billed_unknown,
        sum(cached_prompt_tokens) as cached_prompt_tokens,
        bool_or(cached_prompt_tokens is null) filter (where ok and kind = 'generate') as cached_unknown,
        sum(completion_tokens) as billed_completion_tokens,
        sum(truncated) filter (where ok and kind = 'generate') as truncated,
        sum(flops) filter (where ok and kind = 'generate') as flops,
        bool_or(flops is null) filter (where ok and kind = 'generate') as flops_unknown,
        sum(gpu_seconds) filter (where ok and kind = 'generate') as gpu_seconds,
        sum(gpu_seconds) filter (where ok is false and kind = 'generate') as gpu_seconds_lost,
        sum(gpu_seconds) filter (where ok is null and kind = 'generate') as gpu_seconds_running,
        sum(gpu_seconds) filter (where kind = 'score') as score_gpu_seconds,
        sum(cpu_seconds) filter (where kind = 'verify') as verify_cpu_seconds,
        sum(judged) filter (where kind = 'verify' and ok) as judged,
        sum(reused) filter (where kind = 'verify' and ok) as reused,
        sum(dollars) as dollars, max(dollars_once) as dollars_once,
        bool_or(dollars is null) filter (where ok and kind = 'generate') as dollars_unknown,
        min(usd_from) as usd_from, max(usd_from) as other_usd_from,
        bool_or(usd_from = 'estimated') as estimated,
        count(*) filter (where unmeasured) as unmeasured
    from paid
    group by run_id, problem_id
)
select used.run_id, problem_id, samples,
    case when samples is null then 0 else prompt_tokens end as prompt_tokens,
    case when completion_unknown is not true then coalesce(completion_tokens, 0) end::bigint as completion_tokens,
    coalesce(truncated, 0)::bigint as truncated,
    span_flops(active_parameters, layers, token_dim, 0, prompt_tokens) as prompt_flops,
    case when active_parameters is not null and not flops_unknown then flops end as completion_flops,
    coalesce(gpu_seconds, 0) as gpu_seconds,
    coalesce(gpu_seconds_lost, 0) as gpu_seconds_lost,
    coalesce(gpu_seconds_running, 0) as gpu_seconds_running,
    coalesce(score_gpu_seconds, 0) as score_gpu_seconds,
    coalesce(verify_cpu_seconds, 0) as verify_cpu_seconds,
    coalesce(judged, 0)::bigint as judged,
    coalesce(reused, 0)::bigint as reused,
    case when dollars_unknown is not true then dollars + coalesce(dollars_once, 0) end as usd,
    case when dollars_unknown or dollars is null then null
         when estimated then 'estimated'
         when usd_from = other_usd_from then usd_from
         else 'mixed' end as usd_from,
    case when billed_unknown is not true then coalesce(billed_prompt_tokens, 0) end::bigint as billed_prompt_tokens,
    case when cached_unknown is not true then coalesce(cached_prompt_tokens, 0) end::bigint as cached_prompt_tokens,
    case when completion_unknown is not true then coalesce(billed_completion_tokens, 0) end::bigint
        as billed_completion_tokens,
    case when thinking_unknown is not true then coalesce(thinking_tokens, 0) end::bigint as thinking_tokens,
    unmeasured as attempts_unmeasured
from used join run on run.id = used.run_id join llm on llm.id = run.llm_id;
comment on view problem_cost is 'What each problem of a run took; null is unknown';
comment on column problem_cost.prompt_tokens is 'Tokens of the prompt, counted once: its samples share it';
comment on column problem_cost.completion_tokens is 'New tokens of its samples';
comment on column problem_cost.truncated is 'Samples that ended at max_tokens';
comment on column problem_cost.judged is 'Candidates judged';
comment on column problem_cost.reused is 'Samples whose candidate already had a verdict: judgings saved';
comment on column problem_cost.usd is
    'What the provider charged, else by the price that held when an attempt began: per sample, per token, per GPU-hour; '
    'null where no price held, or where what it counts is not known, of an attempt that ended well';
comment on column problem_cost.usd_from is
    'What usd rests on: charged; usage (tokens as billed; where a cache is not known of, all at the full price); '
    'samples; gpu_hours; estimated (the prompt once an attempt, a repeated one as cached: no server said); mixed';
comment on column problem_cost.billed_prompt_tokens is
    'Prompt tokens as billed: once a request, those of failed and running attempts too';
comment on column problem_cost.cached_prompt_tokens is 'Of those, the tokens that the provider had in its cache';
comment on column problem_cost.billed_completion_tokens is
    'New tokens as billed, those of failed and running attempts too';
comment on column problem_cost.thinking_tokens is 'Of completion_tokens, those of what was thought';
comment on column problem_cost.attempts_unmeasured is
    'Attempts at an endpoint that failed, or of which an answer was lost, so that nobody knows all that was billed: usd is '
    'then at least so much';

create view cost as
with summed as (
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
        sum(attempts_unmeasured)::bigint as attempts_unmeasured
    from problem_cost
    group by run_id
)
select summed.run_id, prompt_tokens, completion_tokens, flops, gpu_seconds, gpu_seconds_lost, gpu_seconds_running,
    score_gpu_seconds, verify_cpu_seconds, usd,
    usd / solved.problems as usd_per_solved_problem,
    flops / solved.problems as flops_per_solved_problem,
    gpu_seconds / solved.problems as gpu_seconds_per_solved_problem,
    judged, reused, samples, case when usd is not null then usd_from end as usd_from, billed_prompt_tokens,
    cached_prompt_tokens, billed_completion_tokens, thinking_tokens,
    attempts_unmeasured + (
        select count(*) from work
        where work.run_id = summed.run_id and work.kind = 'generate' and work.state in ('failed', 'cancelled')
            and exists (select from submission_line line where line.work_id = work.id and line.answer is not null)
    ) as attempts_unmeasured
from summed
left join (
    select run_id, nullif(count(*) filter (where correct > 0), 0) as problems from problem_tally group by run_id
) as solved on solved.run_id = summed.run_id;
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
