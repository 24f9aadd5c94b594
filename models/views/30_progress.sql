create view run_progress as
with works as (
    select total.run_id,
        sum(samples) filter (where kind = 'generate')::bigint as samples,
        sum(samples) filter (where kind = 'verify' and total.verifier_id = run.verifier_id)::bigint as verified,
        sum(correct) filter (where total.verifier_id = run.verifier_id)::bigint as correct,
        sum(failed_works)::bigint as failed_works,
        sum(open_works)::bigint as open_works
    from work_total total join run on run.id = total.run_id
    group by total.run_id
), ended as materialized (  -- by time, of all runs: by run it would read all that the run ever sampled
    select id, run_id, batch_id from work
    where ended_at > now() - interval '1 minute' and kind = 'generate' and state = 'done'
), lately as (
    select ended.run_id, sum(batch.size) as samples,
        case when bool_or(attempt.completion_tokens is null) is not true
            then sum(attempt.completion_tokens) end as tokens,
        extract(epoch from now() - greatest(min(attempt.started_at), now() - interval '1 minute')) as seconds
    from ended
    cross join lateral (select size from batch where id = ended.batch_id offset 0) as batch
    cross join lateral (
        select completion_tokens, started_at from attempt where work_id = ended.id and ok offset 0) as attempt
    group by ended.run_id
), submitted as (
    select work.run_id, count(*) as samples
    from submission
    join submission_line line on line.submission_id = submission.id and line.answer is null
    join work on work.id = line.work_id and work.submission_id = line.submission_id
        and work.state in ('ready', 'published')
    where submission.ended_at is null
    group by work.run_id
), asked as (
    select run_id, count(*) as problems from prompt group by run_id
)
select run.id as run_id, run.name, benchmark.name as benchmark, llm.name as llm,
    coalesce(asked.problems, 0) as problems,
    coalesce(asked.problems, 0) * run.n + planned.samples as samples_wanted,
    coalesce(works.samples, 0) as samples,
    coalesce(submitted.samples, 0) as samples_submitted,
    coalesce(works.verified, 0) as verified,
    coalesce(works.correct, 0) as correct,
    coalesce(works.failed_works, 0) as failed_works,
    coalesce(works.open_works, 0) as open_works,
    case when run.finished_at is null then lately.tokens / nullif(lately.seconds, 0) end::double precision
        as tokens_per_second,
    case when run.finished_at is null and run.cancelled_at is null and lately.samples > 0 then
        make_interval(secs => ((asked.problems * run.n + planned.samples - works.samples) * lately.seconds / lately.samples)
            ::double precision)
    end as eta,
    case when run.cancelled_at is not null then 'cancelled'
         when run.finished_at is null then 'running'
         when run.stopped_by = 'usd unmeasured' then 'stopped: what it costs is not known (its endpoint does not say '
             'what it bills, or no price held then), so --budget-usd cannot be kept'
         when run.stopped_by = 'gpu_hours unmeasured'
             then 'stopped: its GPU time is not known, so --budget-gpu-hours cannot be kept'
         when run.stopped_by = 'flops unmeasured'
             then 'stopped: its FLOPs are not known, so --budget-flops cannot be kept'
         when works.failed_works > 0 then 'ended with failures'
         when run.stopped_by is not null then 'stopped by ' || run.stopped_by
         else 'done' end as state,
    run.created_at, run.finished_at
from run
join benchmark on benchmark.id = run.benchmark_id
join llm on llm.id = run.llm_id
left join works on works.run_id = run.id
left join lately on lately.run_id = run.id
left join submitted on submitted.run_id = run.id
left join asked on asked.run_id = run.id
cross join lateral (
    select coalesce(sum(size), 0)::bigint as samples from batch
    where run.stop_rule ? 'planned' and batch.run_id = run.id and batch.first_index >= run.n
) as planned;
comment on view run_progress is 'One row a run: how far it is';
comment on column run_progress.samples_wanted is 'Problems x n, and what a plan gave some problems beyond';
comment on column run_progress.samples is 'Samples in the table';
comment on column run_progress.samples_submitted is 'Samples that lie with a provider''s batch API';
comment on column run_progress.verified is 'Samples judged by the counting verifier';
comment on column run_progress.correct is
    'Of those, correct; where the run stops when solved, no share of anything (see problem_tally.biased_by)';
comment on column run_progress.failed_works is 'Works set aside after their attempts; work.last_error says why';
comment on column run_progress.open_works is 'Works that are ready, published or leased';
comment on column run_progress.tokens_per_second is
    'New tokens a second over the last minute; null when it has ended, and where an engine did not say';
comment on column run_progress.eta is 'Time to the last sample at the last minute''s pace';
comment on column run_progress.state is 'running, done, ended with failures, cancelled, stopped by a rule, or stopped: and why';
