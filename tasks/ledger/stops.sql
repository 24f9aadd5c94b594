-- The rules that stop a run before all its samples are drawn.

-- ruled: locks runs by id, and skips those that somebody holds
select id from run where finished_at is null and stop_rule <> '{}' and not imported
order by id for no key update skip locked

-- stopping: a look, without a lock
-- (run, problem, last index it still needs, rule); a null problem: all, up to what was drawn when the rule is met.
-- A budget that turns out not to be measured stops the run too: it would never be spent. So it is where attempts are
-- billed, nobody knows how much, and no sample comes of them. A vLLM without a GPU takes none.
select work.run_id, batch.problem_id, min(work.first_correct) as last_index, 'when_solved' as rule
from run
join work on work.run_id = run.id and work.kind = 'verify' and work.verifier_id = run.verifier_id
join batch on batch.id = work.batch_id
where run.id = any(%(runs)s) and run.stop_rule ? 'when_solved' and work.first_correct is not null
group by work.run_id, batch.problem_id
union all
select * from (
    select run.id, null::bigint, null::int,
        case when spent.usd >= allowed.usd then 'usd'
             when spent.gpu_seconds_all >= allowed.gpu_hours * 3600 then 'gpu_hours'
             when spent.flops >= allowed.flops then 'flops'
             when allowed.usd is not null and spent.samples = 0 and spent.attempts_unmeasured >= %(most_unmeasured)s
                 then 'usd unmeasured'
             when spent.samples = 0 then null
             when allowed.usd is not null and spent.usd is null then 'usd unmeasured'
             when allowed.gpu_hours is not null and llm.engine <> 'vllm' and spent.gpu_seconds_all = 0
                 then 'gpu_hours unmeasured'
             when allowed.flops is not null and spent.flops is null then 'flops unmeasured' end as rule
    from run
    join llm on llm.id = run.llm_id
    cross join lateral jsonb_to_record(run.stop_rule) as allowed (usd float8, gpu_hours float8, flops float8)
    cross join lateral (
        select *, gpu_seconds + gpu_seconds_lost + gpu_seconds_running as gpu_seconds_all
        from cost where cost.run_id = run.id offset 0  -- run by run: merged with the rest it would sum all runs
    ) as spent
    where run.id = any(%(runs)s) and run.stop_rule ?| array['usd', 'gpu_hours', 'flops']
) as met
where rule is not null

-- beyond_stops: locks works by id
-- None of these is claimed while they are held. What lies or lay with a provider is not among them: it is paid for.
select work.id, stop.rule
from work join batch on batch.id = work.batch_id
join unnest(%(runs)s::bigint[], %(problems)s::bigint[], %(last_indices)s::int[], %(rules)s::text[])
    as stop (run_id, problem_id, last_index, rule)
    on stop.run_id = batch.run_id and batch.problem_id = coalesce(stop.problem_id, batch.problem_id)
    and batch.first_index > coalesce(stop.last_index, -1)
where work.run_id = any(%(runs)s) and work.kind = 'generate' and work.state in ('ready', 'published')
    and work.submission_id is null and not exists (select from submission_line where work_id = work.id)
order by work.id for update of work

-- cut: ready | published -> cancelled
-- Of the works that are held, those above all else that is or was to be drawn of their problem: every lower index is
-- finished. What is neither held nor cancelled was claimed before it could be held, or given back since.
with held as (
    select * from unnest(%(works)s::bigint[], %(rules)s::text[]) as held (id, rule)
), drawn as (
    select work.run_id, batch.problem_id, max(batch.first_index) as last_index
    from work join batch on batch.id = work.batch_id
    where work.run_id = any(%(runs)s) and work.kind = 'generate' and work.state <> 'cancelled'
        and not exists (select from held where held.id = work.id)
    group by work.run_id, batch.problem_id
), cut as (
    update work set state = 'cancelled', cancelled_by = held.rule, ended_at = now()
    from held, batch left join drawn using (run_id, problem_id)
    where work.id = held.id and batch.id = work.batch_id
        and batch.first_index > coalesce(drawn.last_index, -1)
    returning work.run_id, held.rule
)
update run set stopped_by = coalesce(run.stopped_by, first.rule)
from (select run_id, min(rule) as rule from cut group by run_id) as first
where run.id = first.run_id
returning run.id as run_id, first.rule
