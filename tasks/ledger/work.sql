-- A work's life. Blocks are statements: a name, the states that it moves between, and what it locks in which order.
-- Whoever locks several works does it by id, so that no two can deadlock.

-- take_for_publishing: ready -> published
-- Locks works by id and skips those that another publisher holds. The window counts what is under way already.
with chosen as (
    select id from work
    where queue = %(queue)s and state = 'ready' and (not_before is null or not_before <= now())
    order by id
    limit (
        select greatest(0, least(%(at_most)s, %(window)s - count(*))) from work
        where queue = %(queue)s and state = 'published'
    )
    for update skip locked
)
update work set state = 'published', published_at = now()
from chosen, batch
where work.id = chosen.id and batch.id = work.batch_id
returning work.id as work_id, work.kind, work.run_id, batch.problem_id, batch.first_index, batch.size

-- unpublish: published -> ready
-- Of messages that could not be sent, or that came to a worker that leaves. Locks works by id.
with unsent as (select id from work where id = any(%(ids)s) and state = 'published' order by id for update)
update work set state = 'ready' from unsent where work.id = unsent.id

-- refuse: published -> ready
-- Of a message whose worker failed before it could claim: not at once again, and with its reason. Locks one work.
update work set state = 'ready', last_error = %(error)s, not_before = now() + make_interval(secs => %(pause)s)
where id = %(id)s and state = 'published'

-- claim: ready | published | leased by a lease that ran out -> leased
-- Locks one work. The attempt of a lease that ran out ends here as it does in free_expired.
with claimed as (
    update work
    set state = 'leased', attempts = attempts + 1, lease_token = %(token)s,
        lease_until = now() + make_interval(secs => %(lease_seconds)s)
    where id = %(id)s and attempts < %(max_attempts)s and (not_before is null or not_before <= now())
        and (state in ('ready', 'published') or (state = 'leased' and lease_until < now()))
    returning *
), lost as (
    update attempt set error = 'its worker was lost', ok = false
    from claimed where attempt.work_id = %(id)s and attempt.finished_at is null and attempt.ok is null
), begun as (
    insert into attempt (work_id, worker, worker_id, host, gpus, engine, engine_version, engine_seed, code_version)
    select id, %(name)s, %(worker_id)s, %(host)s, %(gpus)s, %(engine)s, %(engine_version)s, %(engine_seed)s,
        %(code_version)s
    from claimed
    returning id
)
select claimed.id as work_id, %(token)s::uuid as token, begun.id as attempt_id, claimed.attempts, claimed.run_id,
    claimed.batch_id, batch.problem_id, batch.first_index, batch.size, claimed.verifier_id, claimed.reward_model
from claimed, begun, batch
where batch.id = claimed.batch_id

-- renew: leased -> leased
-- Locks works by id. What each attempt used so far is stored too.
with mine as (
    select work.id
    from work join unnest(%(works)s::bigint[], %(tokens)s::uuid[]) as held (id, token)
        on work.id = held.id and work.lease_token = held.token
    where work.state = 'leased' order by work.id for update of work
), seen as (
    update attempt set seen_at = now(), gpu_seconds = used.gpu_seconds, requests = used.requests,
        lost_requests = used.lost_requests,
        billed_prompt_tokens = used.billed_prompt_tokens, cached_prompt_tokens = used.cached_prompt_tokens,
        completion_tokens = used.completion_tokens, thinking_tokens = used.thinking_tokens, usd = used.usd
    from unnest(%(attempts)s::bigint[], %(gpu_seconds)s::float8[], %(requests)s::int[], %(lost_requests)s::int[],
        %(billed_prompt_tokens)s::bigint[], %(cached_prompt_tokens)s::bigint[], %(completion_tokens)s::bigint[],
        %(thinking_tokens)s::bigint[], %(usd)s::float8[])
        as used (id, gpu_seconds, requests, lost_requests, billed_prompt_tokens, cached_prompt_tokens, completion_tokens,
            thinking_tokens, usd)
    where attempt.id = used.id and attempt.finished_at is null
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
-- What ended well stays so.
update attempt set finished_at = now(), seen_at = now(), ok = %(error)s::text is null, error = %(error)s,
    gpu_seconds = %(gpu_seconds)s, cpu_seconds = %(cpu_seconds)s, requests = %(requests)s,
    lost_requests = %(lost_requests)s,
    prompt_tokens = %(prompt_tokens)s, billed_prompt_tokens = %(billed_prompt_tokens)s,
    cached_prompt_tokens = %(cached_prompt_tokens)s, completion_tokens = %(completion_tokens)s,
    thinking_tokens = %(thinking_tokens)s, truncated = %(truncated)s, flops = %(flops)s, usd = %(usd)s,
    judged = %(judged)s, reused = %(reused)s
where id = %(attempt_id)s and ok is not true

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

-- free_expired: leased by a lease that ran out -> ready | failed
-- Skips works that somebody holds: their holder is at them this moment.
with expired as (
    select id from work where state = 'leased' and lease_until < now() order by id for update skip locked
), lost as (
    update attempt set error = 'its worker was lost', ok = false
    where finished_at is null and ok is null and work_id in (select id from expired)
)
update work set
    state = case when attempts >= %(max_attempts)s then 'failed' else 'ready' end::state,
    ended_at = case when attempts >= %(max_attempts)s then now() end,
    last_error = case when attempts >= %(max_attempts)s
        then 'its worker was lost ' || attempts || ' times' || coalesce('; the error before: ' || last_error, '')
        else coalesce(last_error, 'its worker was lost') end,
    lease_token = null, lease_until = null
from expired where work.id = expired.id
returning work.id

-- free_lost_messages: published -> ready
-- Works whose message must be gone. Skips works that somebody holds.
with lost as (
    select id from work
    where queue = %(queue)s and state = 'published' and published_at < now() - make_interval(secs => %(age)s)
    order by id for update skip locked
)
update work set state = 'ready' from lost where work.id = lost.id

-- open_queues: a look, without a lock
select queue, count(*) filter (where state = 'ready') as ready, count(*) filter (where state = 'published') as published
from work where state in ('ready', 'published') group by queue order by queue
