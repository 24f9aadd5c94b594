-- A work's life. Blocks are statements: a name, the states that it moves between, and what it locks in which order.
-- Whoever locks several works does it by id, so that no two can deadlock.

-- take_for_publishing: ready -> published
-- Skips works that another publisher holds, so that it waits for nobody. Those that waited come first. The window counts
-- what is under way already. `any (array ...)`: so that no plan reads more than the few works that are taken, whatever
-- the planner believes of their number; `between`, since it would else walk the primary key past all that is done.
with room as (
    select greatest(0, least(%(at_most)s, %(window)s - count(*))) as works
    from (
        select from work where queue = %(queue)s and state = 'published' order by published_at limit %(window)s
    ) as published
), waited as (
    select id from work
    where queue = %(queue)s and state = 'ready' and not_before <= now()
    order by not_before limit (select works from room) for update skip locked
), fresh as (
    select id from work
    where queue between %(queue)s and %(queue)s and state = 'ready' and not_before is null
    order by queue, id limit (select works - (select count(*) from waited) from room) for update skip locked
), taken as (
    update work set state = 'published', published_at = now()
    where id = any(array(select id from waited union all select id from fresh))
    returning id, kind, run_id, batch_id
)
select taken.id as work_id, taken.kind, taken.run_id, batch.problem_id, batch.first_index, batch.size
from taken cross join lateral (select * from batch where id = taken.batch_id offset 0) as batch

-- unpublish: published -> ready
-- Of messages that could not be sent, or that came to a worker that leaves. Locks works by id.
with unsent as (select id from work where id = any(%(ids)s) and state = 'published' order by id for update)
update work set state = 'ready' from unsent where work.id = unsent.id

-- refuse: published -> ready
-- Of a message whose worker failed before it could claim: not at once again, and with its reason. Locks one work.
update work set state = 'ready', last_error = %(error)s, not_before = now() + make_interval(secs => %(pause)s)
where id = %(id)s and state = 'published'

-- claim: ready | published | leased by a lease that ran out -> leased
-- Locks one work. The attempt of a lease that ran out ends here as it does in free_expired. By code of this schema only.
with claimed as (
    update work
    set state = 'leased', attempts = attempts + 1, lease_token = %(token)s,
        lease_until = now() + make_interval(secs => %(lease_seconds)s)
    where id = %(id)s and attempts < %(max_attempts)s and (not_before is null or not_before <= now())
        and (state in ('ready', 'published') or (state = 'leased' and lease_until < now()
            and lease_token <> %(token)s))
        and exists (select from alembic_version where version_num = %(schema)s)
    returning id
), lost as (
    update attempt set error = 'its worker was lost', ok = false
    from claimed where attempt.work_id = %(id)s and attempt.finished_at is null and attempt.ok is null
)
insert into attempt (work_id, worker, worker_id, host, gpus, engine, engine_version, engine_seed, code_version)
select id, %(name)s, %(worker_id)s, %(host)s, %(gpus)s, %(engine)s, %(engine_version)s, %(engine_seed)s, %(code_version)s
from claimed

-- lease: a look, without a lock
-- What was claimed under a token, now or before, where the answer of that commit was lost; with what tells its problem
-- and verifier from others that had their ids before, or will have them, in a database that is replaced or restored.
select work.id as work_id, work.lease_token as token, attempt.id as attempt_id, attempt.started_at, work.attempts,
    work.run_id, work.batch_id, batch.problem_id, batch.first_index, batch.size, work.verifier_id, work.reward_model,
    problem.key as problem_key, problem.content_hash as problem_hash, benchmark.name as benchmark,
    verifier.name as verifier, verifier.version as verifier_version
from work
join batch on batch.id = work.batch_id
join problem on problem.id = batch.problem_id
join benchmark on benchmark.id = problem.benchmark_id
join attempt on attempt.work_id = work.id and attempt.finished_at is null and attempt.ok is null
left join verifier on verifier.id = work.verifier_id
where work.id = %(id)s and work.lease_token = %(token)s and work.state = 'leased'

-- same_contents: a look, without a lock
-- Whether the problem and the verifier of a lease are those that they were when it was claimed.
select from problem
join benchmark on benchmark.id = problem.benchmark_id
join verifier on verifier.benchmark_id = benchmark.id
where problem.id = %(problem_id)s and problem.key = %(problem_key)s and problem.content_hash = %(problem_hash)s
    and verifier.id = %(verifier_id)s and verifier.name = %(verifier)s and verifier.version = %(verifier_version)s
    and benchmark.name = %(benchmark)s

-- renew: leased -> leased
-- Works that somebody holds are left to the next time, so that none keeps the others from being renewed. What each
-- attempt used so far is stored too.
with mine as (
    select work.id
    from work join unnest(%(works)s::bigint[], %(tokens)s::uuid[]) as held (id, token)
        on work.id = held.id and work.lease_token = held.token
    where work.state = 'leased' order by work.id for update of work skip locked
), seen as (
    update attempt set seen_at = now(), gpu_seconds = used.gpu_seconds, requests = used.requests,
        lost_requests = used.lost_requests,
        billed_prompt_tokens = used.billed_prompt_tokens, cached_prompt_tokens = used.cached_prompt_tokens,
        completion_tokens = used.completion_tokens, thinking_tokens = used.thinking_tokens, usd = used.usd
    from unnest(%(attempts)s::bigint[], %(started)s::timestamptz[], %(gpu_seconds)s::float8[], %(requests)s::int[],
        %(lost_requests)s::int[], %(billed_prompt_tokens)s::bigint[], %(cached_prompt_tokens)s::bigint[],
        %(completion_tokens)s::bigint[], %(thinking_tokens)s::bigint[], %(usd)s::float8[])
        as used (id, started_at, gpu_seconds, requests, lost_requests, billed_prompt_tokens, cached_prompt_tokens,
            completion_tokens, thinking_tokens, usd)
    where attempt.id = used.id and attempt.started_at = used.started_at and attempt.finished_at is null
        and attempt.work_id in (select id from mine)
)
update work set lease_until = now() + make_interval(secs => %(lease_seconds)s)
from mine where work.id = mine.id returning work.id

-- still_held: a look, without a lock
-- Works that their holder ended count as held.
select work.id
from work join unnest(%(works)s::bigint[], %(tokens)s::uuid[]) as held (id, token)
    on work.id = held.id and work.lease_token = held.token
where work.state in ('leased', 'done')

-- end_work: leased -> done
-- Locks one work, by the token of its holder.
update work set state = 'done', ended_at = now(), last_error = null, lease_until = null
where id = %(work_id)s and lease_token = %(token)s and state = 'leased'

-- was_ended: a look, without a lock
-- Whether this very lease had ended the work: a commit whose answer was lost on the way.
select from work where id = %(work_id)s and lease_token = %(token)s and state = 'done'

-- end_attempt: no work changes
-- What ended well stays so. An attempt is known by when it began, too: its id may be another's in a database that was
-- replaced or restored since.
update attempt set finished_at = now(), seen_at = now(), ok = %(error)s::text is null, error = %(error)s,
    gpu_seconds = %(gpu_seconds)s, cpu_seconds = %(cpu_seconds)s, requests = %(requests)s,
    lost_requests = %(lost_requests)s,
    prompt_tokens = %(prompt_tokens)s, billed_prompt_tokens = %(billed_prompt_tokens)s,
    cached_prompt_tokens = %(cached_prompt_tokens)s, completion_tokens = %(completion_tokens)s,
    thinking_tokens = %(thinking_tokens)s, truncated = %(truncated)s, flops = %(flops)s, usd = %(usd)s,
    judged = %(judged)s, reused = %(reused)s
where id = %(attempt_id)s and started_at = %(started_at)s and ok is not true

-- give_back: leased -> ready
-- Not counted as an attempt, so it is paced: where attempts in a row came to nothing within a minute each, a pause that
-- doubles up to ten minutes, unless whoever gives it back knows a better one. Locks one work, by the token of its holder.
with idle as (
    select count(*) as times from attempt
    where work_id = %(work_id)s and id > coalesce((
        select max(id) from attempt
        where work_id = %(work_id)s and (
            case when id < %(attempt_id)s then judged > 0 or error is distinct from %(error)s end
            or coalesce(finished_at, now()) - started_at > interval '1 minute')), 0)
)
update work set state = 'ready', attempts = attempts - 1, lease_token = null, lease_until = null,
    last_error = %(error)s,
    not_before = case when %(pause)s::float8 is not null then now() + make_interval(secs => %(pause)s::float8)
        when %(judged)s = 0 and idle.times > 1
        then now() + make_interval(secs => least(600, 2 ^ least(idle.times, 20))) end
from idle
where work.id = %(work_id)s and work.lease_token = %(token)s and work.state = 'leased'

-- fail: leased -> ready | failed
-- Locks one work, by the token of its holder.
update work set
    state = case when %(final)s or attempts >= %(max_attempts)s then 'failed' else 'ready' end::state,
    ended_at = case when %(final)s or attempts >= %(max_attempts)s then now() end,
    not_before = now() + make_interval(secs => least(300, 2 ^ attempts)),
    last_error = %(error)s, lease_token = null, lease_until = null
where id = %(work_id)s and lease_token = %(token)s and state = 'leased'

-- free_of_process: leased -> ready | failed
-- Of a process that is gone, whose parent knows how it ended. Locks one work and its attempt.
with held as (
    select work.id, attempt.id as attempt_id
    from work join attempt on attempt.work_id = work.id
    where work.id = %(work_id)s and work.state = 'leased' and attempt.worker = %(worker)s and attempt.host = %(host)s
        and attempt.finished_at is null and attempt.ok is null
    for update of work, attempt
), ended as (
    update attempt set error = %(error)s, ok = false from held where attempt.id = held.attempt_id
)
update work set
    state = case when %(counts)s and attempts >= %(max_attempts)s then 'failed' else 'ready' end::state,
    ended_at = case when %(counts)s and attempts >= %(max_attempts)s then now() end,
    not_before = case when %(counts)s then now() + make_interval(secs => least(300, 2 ^ attempts)) end,
    attempts = case when %(counts)s then attempts else attempts - 1 end,
    last_error = %(error)s, lease_token = null, lease_until = null
from held where work.id = held.id

-- free_expired: leased by a lease that ran out -> ready | failed
-- Skips works that somebody holds: their holder is at them this moment.
with expired as (
    select id from work where state = 'leased' and lease_until < now() order by id for update skip locked
), lost as (
    update attempt set error = 'its worker was lost', ok = false
    where finished_at is null and ok is null and work_id = any(array(select id from expired))
)
update work set
    state = case when attempts >= %(max_attempts)s then 'failed' else 'ready' end::state,
    ended_at = case when attempts >= %(max_attempts)s then now() end,
    last_error = case when attempts >= %(max_attempts)s
        then 'its worker was lost ' || attempts || ' times' || coalesce('; the error before: ' || last_error, '')
        else coalesce(last_error, 'its worker was lost') end,
    lease_token = null, lease_until = null
where id = any(array(select id from expired))
returning id

-- free_lost_messages: published -> ready
-- Works whose message must be gone. Skips works that somebody holds.
with lost as (
    select id from work
    where queue = %(queue)s and state = 'published' and published_at < now() - make_interval(secs => %(age)s)
    order by id for update skip locked
)
update work set state = 'ready' where id = any(array(select id from lost))

-- open_queues: a look, without a lock
-- From queue to queue along each index of what is open: a step a queue, however many works it has.
with recursive fresh (queue) as (
    (select queue from work where state = 'ready' and not_before is null order by queue limit 1)
    union all
    select (select queue from work where state = 'ready' and not_before is null and queue > fresh.queue
            order by queue limit 1)
    from fresh where queue is not null
), waiting (queue) as (
    (select queue from work where state = 'ready' and not_before is not null order by queue limit 1)
    union all
    select (select queue from work where state = 'ready' and not_before is not null and queue > waiting.queue
            order by queue limit 1)
    from waiting where queue is not null
), published (queue) as (
    (select queue from work where state = 'published' order by queue limit 1)
    union all
    select (select queue from work where state = 'published' and queue > published.queue order by queue limit 1)
    from published where queue is not null
)
select queue, bool_or(published) as published
from (
    select queue, false as published from fresh
    union all select queue, false from waiting
    union all select queue, true from published
) as open
where queue is not null group by queue order by queue
