-- FLOPs of the tokens at contexts start+1 .. start+tokens: 2 * (parameters + 2 * layers * token_dim * context) each
-- (Large Language Monkeys, section 2.3; the same as models/cost.py).
create or replace function span_flops(
    parameters bigint, layers integer, token_dim integer, start double precision, tokens double precision
) returns double precision language sql immutable parallel safe as $$
    select 2 * tokens * parameters + 2.0 * layers * token_dim * tokens * (2 * start + tokens + 1)
$$;
comment on function span_flops is 'FLOPs of tokens after a context of `start` tokens, by the formula of the paper';

create view current_price as
select distinct on (run.id) run.id as run_id, price.*
from run join llm on llm.id = run.llm_id join price on price.llm = llm.name and price.since <= now()
order by run.id, price.since desc, price.id desc;
comment on view current_price is 'The newest price of each run''s llm that holds today';

create view problem_cost as
with used as (
    select work.run_id, batch.problem_id,
        sum(batch.size) filter (where attempt.ok and work.kind = 'generate') as samples,
        sum(attempt.prompt_tokens) filter (where attempt.ok and work.kind = 'generate') as prompt_tokens_sent,
        max(attempt.prompt_tokens) filter (where attempt.ok and work.kind = 'generate') as prompt_tokens,
        sum(attempt.completion_tokens) filter (where attempt.ok and work.kind = 'generate') as completion_tokens,
        sum(attempt.truncated) filter (where attempt.ok and work.kind = 'generate') as truncated,
        sum(attempt.flops) filter (where attempt.ok and work.kind = 'generate') as completion_flops,
        sum(attempt.gpu_seconds) filter (where attempt.ok and work.kind = 'generate') as gpu_seconds,
        sum(attempt.gpu_seconds) filter (where attempt.ok is false and work.kind = 'generate') as gpu_seconds_lost,
        sum(attempt.gpu_seconds) filter (where attempt.ok is null and work.kind = 'generate') as gpu_seconds_running,
        sum(attempt.gpu_seconds) filter (where work.kind = 'score') as score_gpu_seconds,
        sum(attempt.cpu_seconds) filter (where work.kind = 'verify') as verify_cpu_seconds,
        sum(attempt.judged) filter (where work.kind = 'verify' and attempt.ok) as judged,
        sum(attempt.reused) filter (where work.kind = 'verify' and attempt.ok) as reused,
        sum(attempt.usd) as usd
    from attempt join work on work.id = attempt.work_id join batch on batch.id = work.batch_id
    group by work.run_id, batch.problem_id
)
select used.run_id, used.problem_id, used.samples,
    coalesce(used.prompt_tokens, 0) as prompt_tokens,
    coalesce(used.completion_tokens, 0)::bigint as completion_tokens,
    coalesce(used.truncated, 0)::bigint as truncated,
    span_flops(llm.active_parameters, llm.layers, llm.token_dim, 0, used.prompt_tokens) as prompt_flops,
    case when llm.active_parameters is not null then used.completion_flops end as completion_flops,
    coalesce(used.gpu_seconds, 0) as gpu_seconds,
    coalesce(used.gpu_seconds_lost, 0) as gpu_seconds_lost,
    coalesce(used.gpu_seconds_running, 0) as gpu_seconds_running,
    coalesce(used.score_gpu_seconds, 0) as score_gpu_seconds,
    coalesce(used.verify_cpu_seconds, 0) as verify_cpu_seconds,
    coalesce(used.judged, 0)::bigint as judged,
    coalesce(used.reused, 0)::bigint as reused,
    coalesce(used.usd,
        used.samples * price.usd_per_attempt,
        used.prompt_tokens / 1e6 * price.usd_per_million_input
            + (used.prompt_tokens_sent - used.prompt_tokens) / 1e6
                * coalesce(price.usd_per_million_cached_input, price.usd_per_million_input)
            + used.completion_tokens / 1e6 * price.usd_per_million_output,
        (coalesce(used.gpu_seconds, 0) + coalesce(used.gpu_seconds_lost, 0) + coalesce(used.gpu_seconds_running, 0))
            / 3600 * price.usd_per_gpu_hour
    )::double precision as usd
from used
join run on run.id = used.run_id
join llm on llm.id = run.llm_id
left join current_price as price on price.run_id = used.run_id;
comment on view problem_cost is 'What each problem of a run took';
comment on column problem_cost.prompt_tokens is 'Tokens of the prompt, counted once: its samples share it';
comment on column problem_cost.truncated is 'Samples that ended at max_tokens';
comment on column problem_cost.judged is 'Candidates judged';
comment on column problem_cost.reused is 'Samples whose candidate already had a verdict: judgings saved';
comment on column problem_cost.usd is 
    'What the provider charged, else by the newest price of the llm: per attempt, per token (a repeated prompt as cached input), per GPU-hour';

create view cost as
select problem_cost.run_id,
    sum(prompt_tokens)::bigint as prompt_tokens,
    sum(completion_tokens)::bigint as completion_tokens,
    sum(prompt_flops + completion_flops) as flops,
    sum(gpu_seconds) as gpu_seconds,
    sum(gpu_seconds_lost) as gpu_seconds_lost,
    sum(gpu_seconds_running) as gpu_seconds_running,
    sum(score_gpu_seconds) as score_gpu_seconds,
    sum(verify_cpu_seconds) as verify_cpu_seconds,
    sum(usd) as usd,
    sum(usd) / nullif(max(solved.problems), 0) as usd_per_solved_problem,
    sum(prompt_flops + completion_flops) / nullif(max(solved.problems), 0) as flops_per_solved_problem,
    sum(gpu_seconds) / nullif(max(solved.problems), 0) as gpu_seconds_per_solved_problem,
    sum(judged)::bigint as judged,
    sum(reused)::bigint as reused
from problem_cost
left join (
    select run_id, count(*) filter (where correct > 0) as problems from problem_tally group by run_id
) as solved on solved.run_id = problem_cost.run_id
group by problem_cost.run_id;
comment on view cost is 'What each run took';
comment on column cost.prompt_tokens is 'Each problem''s prompt counted once';
comment on column cost.flops is 'By the formula of the paper, prompts counted once; null where the llm''s sizes are not known';
comment on column cost.gpu_seconds is 'GPU-seconds of the attempts that gave samples';
comment on column cost.gpu_seconds_lost is 'GPU-seconds of attempts that failed, were given back or lost';
comment on column cost.gpu_seconds_running is 'GPU-seconds of attempts still running, as of their last heartbeat';
comment on column cost.score_gpu_seconds is 'GPU-seconds of reward models, lost attempts included';
comment on column cost.verify_cpu_seconds is 'CPU time of judging';
comment on column cost.usd is 'Dollars; null where neither the provider nor a price says (`monkeys price`)';
comment on column cost.usd_per_solved_problem is 'Dollars over problems with a right sample';

create view engine_time as
with each as (
    select attempt.*, work.kind,
        extract(epoch from coalesce(attempt.finished_at, attempt.seen_at, attempt.started_at)) as ended,
        coalesce(cardinality(string_to_array(nullif(attempt.gpus, ''), ',')), 0) as gpu_count
    from attempt join work on work.id = attempt.work_id where work.kind in ('generate', 'score') and attempt.engine is not null
)
select worker, host, gpus, engine, engine_version, engine_seed,
    min(started_at) as first_at, max(coalesce(finished_at, seen_at, started_at)) as last_at,
    count(*) as attempts, sum(completion_tokens)::bigint as completion_tokens,
    coalesce(sum(gpu_seconds) filter (where ok), 0) as gpu_seconds,
    coalesce(sum(gpu_seconds) filter (where ok is false), 0) as gpu_seconds_lost,
    coalesce(sum(gpu_seconds) filter (where ok is null), 0) as gpu_seconds_running,
    greatest(0, max(gpu_count) * (max(ended) - extract(epoch from min(started_at)))::double precision - sum(gpu_seconds))
        as gpu_seconds_idle
from each group by worker, host, gpus, engine, engine_version, engine_seed;
comment on view engine_time is 'One row an engine process: whose its GPUs'' time was, from its first batch to its last';
comment on column engine_time.gpus is 'The GPUs it had; empty on a CPU and for an endpoint';
comment on column engine_time.first_at is 'When its first batch was claimed: loading is not counted';
comment on column engine_time.last_at is 'When it last ended a batch, or last said that it lives';
comment on column engine_time.gpu_seconds is 'GPU-seconds of attempts that ended well, shared fairly among the batches in flight';
comment on column engine_time.gpu_seconds_lost is 'GPU-seconds of attempts that failed, were given back or lost';
comment on column engine_time.gpu_seconds_running is 'GPU-seconds of attempts still running, as of their last heartbeat';
comment on column engine_time.gpu_seconds_idle is
    'GPU-seconds with nothing in flight: with the three others, the time from first_at to last_at x GPUs';
