-- What makes works: batches to be sampled, batches to be judged or scored by one more, and what was done elsewhere.

-- stage_batches: no work changes
create temporary table new_batch (place int, problem_id bigint, first_index int, size int) on commit drop

-- add_batches: -> ready
-- To be published in the order they were given.
with made as (
    insert into batch (run_id, problem_id, first_index, size)
    select %(run_id)s, problem_id, first_index, size from new_batch order by place
    returning id
)
insert into work (run_id, batch_id, kind, queue)
select %(run_id)s, id, 'generate', %(queue)s from made order by id

-- unstage_batches: no work changes
drop table new_batch

-- add_verify_works: -> ready
-- Of the batches that are sampled; the run knows the verifier, so batches that are sampled later make theirs. In the
-- order of their indices: while it goes on, nobody has more than others because a plan once chose them.
insert into work (run_id, batch_id, kind, verifier_id, queue)
select sampled.run_id, sampled.batch_id, 'verify', verifier.id, verifier.queue
from work sampled join batch on batch.id = sampled.batch_id, verifier
where sampled.run_id = %(run_id)s and sampled.kind = 'generate' and sampled.state = 'done'
    and verifier.id = %(verifier_id)s
order by first_index, batch.id
on conflict do nothing

-- add_score_works: -> ready
-- Likewise, by a reward model.
insert into work (run_id, batch_id, kind, reward_model, queue)
select run_id, batch_id, 'score', %(reward_model)s, %(queue)s
from work where run_id = %(run_id)s and kind = 'generate' and state = 'done'
order by batch_id
on conflict do nothing

-- add_imported_works: -> done
-- Each with an attempt that holds its samples' sums; what is not known of one is not known of their sum.
with made as (
    insert into work (run_id, batch_id, kind, queue, state, attempts, ended_at)
    select batch.run_id, batch.id, 'generate', llm.queue, 'done', 1, now()
    from batch join run on run.id = batch.run_id join llm on llm.id = run.llm_id
    where run.id = %(run_id)s order by batch.id
    returning id, batch_id
), used as (
    select made.id, summed.*
    from made
    join batch on batch.id = made.batch_id
    join run on run.id = batch.run_id
    join llm on llm.id = run.llm_id
    cross join lateral (  -- batch by batch: a join could pair each batch with all samples of its problem
        select max(sample.prompt_tokens) as prompt_tokens,
            case when bool_and(sample.completion_tokens is not null) then sum(sample.completion_tokens) end
                as completion_tokens,
            case when bool_and(sample.thinking_tokens is not null) then sum(sample.thinking_tokens) end
                as thinking_tokens,
            count(*) filter (where sample.finish_reason = 'length') as truncated,
            case when bool_and(sample.prompt_tokens + sample.completion_tokens is not null)
                then sum(span_flops(llm.active_parameters, llm.layers, llm.token_dim,
                    sample.prompt_tokens, sample.completion_tokens)) end as flops,
            case when bool_and(sample.usd is not null) then sum(sample.usd) end as usd,
            coalesce(sum(sample.gpu_seconds), 0) as gpu_seconds
        from sample
        where sample.run_id = batch.run_id and sample.problem_id = batch.problem_id
            and sample.sample_index >= batch.first_index
            and sample.sample_index < batch.first_index + batch.size
    ) as summed
)
insert into attempt (work_id, worker, host, code_version, seen_at, finished_at, ok,
                     prompt_tokens, completion_tokens, thinking_tokens, truncated, flops, usd, gpu_seconds)
select id, %(name)s, %(host)s, %(code_version)s, now(), now(), true,
       prompt_tokens, completion_tokens, thinking_tokens, truncated, flops, usd, gpu_seconds
from used order by id

-- add_imported_tallies: -> done
insert into work (run_id, batch_id, kind, verifier_id, queue, state, ended_at)
select batch.run_id, batch.id, 'verify', verifier.id, verifier.queue, 'done', now()
from batch, verifier where batch.run_id = %(run_id)s and verifier.id = %(verifier_id)s order by batch.id
returning id
