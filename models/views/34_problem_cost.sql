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
    left join held on held.run_id = work.run_id and work.kind = 'generate'
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
        when gpu_seconds > 0 and usd_per_gpu_hour is not null then 'gpu_hours' end as usd_from,
        coalesce(greatest(requests - coalesce(lost_requests, 0), 1), 1) as prompts,
        coalesce(billed_prompt_tokens, 0) * usd_input as uncached,
        coalesce(billed_prompt_tokens, 0) * usd_input
            - least(coalesce(cached_prompt_tokens, 0), coalesce(billed_prompt_tokens, 0)) * (usd_input - usd_cached)
            as billed,
        coalesce(completion_tokens, 0) * usd_output as written
    from tried
), paid as (
    select *, case usd_from
        when 'charged' then usd
        when 'samples' then size * usd_per_attempt
        when 'usage' then billed + written
        when 'estimated' then prompt_tokens * usd_cached + written
        when 'gpu_hours' then gpu_seconds / 3600 * usd_per_gpu_hour end as dollars,
        case when usd_from = 'estimated' then prompt_tokens * (usd_input - usd_cached) end as dollars_once,
        case usd_from
        when 'usage' then billed
        when 'estimated' then prompt_tokens * usd_cached
        when 'charged' then case when billed_prompt_tokens + completion_tokens is not null
            then usd * billed / nullif(billed + written, 0) end end as prompt_dollars,
        case usd_from
        when 'usage' then uncached
        when 'estimated' then prompt_tokens * usd_input
        when 'charged' then case when billed_prompt_tokens + completion_tokens is not null
            then usd * uncached / nullif(billed + written, 0) end end as uncached_dollars,
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
        sum(dollars) filter (where ok is not true) as dollars_lost,
        sum(dollars) filter (where ok and usd_from = 'gpu_hours') as dollars_of_gpus,
        sum(prompts) filter (where ok and kind = 'generate') as prompts,
        coalesce(sum(prompt_dollars) filter (where ok), 0) as prompt_dollars,
        coalesce(sum(uncached_dollars) filter (where ok), 0) as uncached_dollars,
        bool_or(dollars is null) filter (where ok and kind = 'generate') as dollars_unknown,
        min(usd_from) as usd_from, max(usd_from) as other_usd_from,
        bool_or(usd_from = 'estimated') as estimated,
        count(*) filter (where unmeasured) as unmeasured
    from paid
    group by run_id, problem_id
), sized as (
    select used.*,
        span_flops(active_parameters, layers, token_dim, 0, prompt_tokens) as prompt_flops,
        case when active_parameters is not null and not flops_unknown then flops end as completion_flops,
        prompt_dollars + coalesce(dollars_once, 0) as prompt_paid,
        least(prompt_dollars + coalesce(dollars_once, 0), uncached_dollars / prompts) as first_paid
    from used join run on run.id = used.run_id join llm on llm.id = run.llm_id
), shared as (
    select *, coalesce(prompt_flops / nullif(prompt_flops + completion_flops, 0),
        case when not completion_unknown then prompt_tokens / nullif(prompt_tokens + completion_tokens, 0) end, 0)
        as prompt_share
    from sized
)
select run_id, problem_id, samples,
    case when samples is null then 0 else prompt_tokens end as prompt_tokens,
    case when completion_unknown is not true then coalesce(completion_tokens, 0) end::bigint as completion_tokens,
    coalesce(truncated, 0)::bigint as truncated, prompt_flops, completion_flops,
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
    unmeasured as attempts_unmeasured, prompts, prompt_share,
    case when dollars_unknown is not true then first_paid + coalesce(dollars_of_gpus, 0) * prompt_share end
        as prompt_usd,
    case when dollars_unknown is not true
        then case when prompts > 1 then (prompt_paid - first_paid) / (prompts - 1) else prompt_dollars end end
        as repeated_prompt_usd,
    case when dollars_unknown is not true and dollars is not null then coalesce(dollars_lost, 0) end as usd_lost
from shared;
comment on view problem_cost is 'What each problem of a run took; null is unknown';
comment on column problem_cost.samples is 'Samples that were drawn; null where none was';
comment on column problem_cost.prompt_tokens is 'Tokens of the prompt, counted once: its samples share it';
comment on column problem_cost.completion_tokens is 'New tokens of its samples';
comment on column problem_cost.truncated is 'Samples that ended at max_tokens';
comment on column problem_cost.prompt_flops is 'FLOPs of the prompt, paid once; null where the llm''s sizes are not known';
comment on column problem_cost.completion_flops is 'FLOPs of the new tokens of its samples; null where not known';
comment on column problem_cost.gpu_seconds is 'GPU-seconds of the attempts that gave samples';
comment on column problem_cost.gpu_seconds_lost is 'GPU-seconds of attempts that failed, were given back or lost';
comment on column problem_cost.gpu_seconds_running is 'GPU-seconds of attempts still running';
comment on column problem_cost.score_gpu_seconds is 'GPU-seconds of reward models, lost attempts included';
comment on column problem_cost.verify_cpu_seconds is 'CPU time of judging';
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
comment on column problem_cost.prompts is
    'Prompts that attempts that gave samples were billed: one a request, one an attempt where requests are not known';
comment on column problem_cost.prompt_share is
    'Share of the GPU-seconds that is the prompt''s: by FLOPs, else by tokens; 0 where neither is known';
comment on column problem_cost.prompt_usd is
    'Of usd, what the first prompt took, at the full price: by the tokens billed, of GPU-hours by prompt_share; 0 of a '
    'price per sample, and of what was charged where no price says how to split it';
comment on column problem_cost.repeated_prompt_usd is
    'Of usd, what each further prompt took, a mean over the requests: cheaper than the first where a cache had it';
comment on column problem_cost.usd_lost is
    'Of usd, what attempts took that failed, were lost or still run, as far as it is known';
