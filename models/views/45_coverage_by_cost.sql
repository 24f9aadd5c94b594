create view cost_rate as
select run_id, count(*) as problems,
    case when bool_or(prompt_flops is null) is not true then sum(prompt_flops) end as prompt_flops,
    case when bool_or(completion_flops is null) is not true then sum(completion_flops / samples) end as flops,
    sum(gpu_seconds / samples) as gpu_seconds,
    case when bool_or(usd is null) is not true then sum(usd / samples) end as usd,
    case when bool_or(completion_tokens is null) is not true
        then sum(completion_tokens::double precision / samples) end as completion_tokens
from problem_cost
where samples > 0
group by run_id;
comment on view cost_rate is
    'What one more sample of every problem of a run costs, at the run''s own mean lengths; null is unknown';
comment on column cost_rate.problems is 'Problems with samples';
comment on column cost_rate.prompt_flops is 'FLOPs of every prompt, to be paid once';
comment on column cost_rate.flops is 'FLOPs of one sample of every problem';
comment on column cost_rate.gpu_seconds is 'GPU-seconds of one sample of every problem';
comment on column cost_rate.usd is 'Dollars of one sample of every problem';
comment on column cost_rate.completion_tokens is 'New tokens of one sample of every problem';

create view coverage_by_cost as
select coverage.run_id, coverage.k, coverage.coverage,
    rate.prompt_flops + coverage.k * rate.flops as flops,
    coverage.k * rate.gpu_seconds as gpu_seconds,
    coverage.k * rate.usd as usd,
    coverage.low, coverage.high,
    biased_by(run.stop_rule) as biased_by
from coverage
join run on run.id = coverage.run_id and run.verifier_id = coverage.verifier_id
left join cost_rate as rate on rate.run_id = coverage.run_id;
comment on view coverage_by_cost is 'What coverage at each k costs: k samples of every problem, at the run''s own mean lengths';
comment on column coverage_by_cost.flops is 'FLOPs, prompts counted once';
comment on column coverage_by_cost.gpu_seconds is 'GPU-seconds of k samples of every problem';
comment on column coverage_by_cost.usd is 'Dollars of k samples of every problem';
comment on column coverage_by_cost.biased_by is
    'The stopping rule that looks at outcomes, if the run has one: it paid less than this for its solved problems';
