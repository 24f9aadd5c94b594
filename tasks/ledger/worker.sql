-- The rows of processes that do works or sweep. Blocks are statements: a name, the states of a worker that they move
-- between, and what they lock. A process locks its own row alone, so that one that is frozen holds up nobody.

-- register: -> starting
insert into worker (kind, name, queues, host, machine, pid, started_ticks, code_version, lease_until)
values (%(kind)s, %(name)s, %(queues)s, %(host)s, %(machine)s, %(pid)s, %(started_ticks)s, %(code_version)s,
    now() + make_interval(secs => %(lease_seconds)s))
returning id

-- look_alive: any -> starting | serving | idle | leaving
-- By its id and its process, since another database has other rows of the same ids. A sweeper's state is `lead`'s to
-- choose: here it only ceases to serve where its lease had run out.
update worker set
    state = case when kind <> 'sweep' then %(state)s when state = 'serving' and lease_until > now() then 'serving'
        when state = 'starting' then 'starting' else 'idle' end,
    lease_until = now() + make_interval(secs => %(lease_seconds)s),
    last_did_at = coalesce(now() - make_interval(secs => %(did_seconds)s::float8), last_did_at),
    judges = %(judges)s, last_error = %(error)s
where id = %(id)s and pid = %(pid)s and started_ticks = %(started_ticks)s and machine = %(machine)s
returning extract(epoch from clock_timestamp())::float8

-- lead: starting | idle | serving -> serving | idle
-- Of the sweepers one serves: who does so by a lease that lives, else whoever asks first, and of two that asked at the
-- same moment the older one.
update worker set
    state = case when exists (
        select from worker as other
        where other.kind = 'sweep' and other.state = 'serving' and other.lease_until > now() and other.id <> worker.id
            and (other.id < worker.id or worker.state <> 'serving' or worker.lease_until <= now())
    ) then 'idle' else 'serving' end,
    lease_until = now() + make_interval(secs => %(lease_seconds)s)
where id = %(id)s and pid = %(pid)s and started_ticks = %(started_ticks)s and machine = %(machine)s
returning state = 'serving' as leads, extract(epoch from clock_timestamp())::float8 as clock, (
    select string_agg('process ' || pid || ' on ' || host, ', ') from worker as other
    where other.kind = 'sweep' and other.state = 'serving' and other.lease_until <= now() and other.id <> worker.id
) as replaced

-- leave: any -> left | failed
update worker set state = %(state)s, last_error = %(error)s, lease_until = now()
where id = %(id)s and pid = %(pid)s and started_ticks = %(started_ticks)s and machine = %(machine)s

-- unended_here: a look, without a lock
select id, kind, name, pid, started_ticks from worker
where host = %(host)s and machine = %(machine)s and state not in ('left', 'failed')

-- bury: any -> failed
-- Of processes that are gone. Skips a row that somebody holds.
with gone as (
    select id from worker where id = any(%(ids)s) and state not in ('left', 'failed') order by id for update skip locked
)
update worker set state = 'failed', last_error = 'its process is gone', lease_until = least(lease_until, now())
from gone where worker.id = gone.id

-- free_buried: no worker changes; works leased -> ready | failed
-- Works that those processes held: nobody else can end them. Locks works by id, and skips those that somebody holds.
with lost as (
    select work.id, attempt.id as attempt_id
    from work join attempt on attempt.work_id = work.id and attempt.finished_at is null and attempt.ok is null
    where work.state = 'leased' and attempt.worker_id = any(%(ids)s) order by work.id for update of work skip locked
), ended as (
    update attempt set error = 'its worker was lost', ok = false from lost where attempt.id = lost.attempt_id
)
update work set
    state = case when attempts >= %(max_attempts)s then 'failed' else 'ready' end::state,
    ended_at = case when attempts >= %(max_attempts)s then now() end,
    last_error = case when attempts >= %(max_attempts)s
        then 'its worker was lost ' || attempts || ' times' || coalesce('; the error before: ' || last_error, '')
        else coalesce(last_error, 'its worker was lost') end,
    lease_token = null, lease_until = null
from lost where work.id = lost.id
returning work.id

-- give_up: any -> failed
-- Of workers that said nothing for minutes; one that says something again is taken at its word. Skips a held row.
with silent as (
    select id from worker
    where state not in ('left', 'failed') and lease_until < now() - make_interval(secs => %(silent_seconds)s)
    order by id for update skip locked
)
update worker set state = 'failed', last_error = 'it stood still or was lost'
from silent where worker.id = silent.id
returning worker.kind, worker.name, worker.host, worker.pid

-- forget: left | failed -> gone
delete from worker where id in (
    select id from worker
    where state in ('left', 'failed') and lease_until < now() - make_interval(days => %(days)s)
    for update skip locked
)
