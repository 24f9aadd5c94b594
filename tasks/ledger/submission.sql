-- A submission: lines of many works that lie with a provider's batch API. A work whose lines lie there is parked: ready,
-- not before it is due to be asked for, with its submission. Whoever talks to the provider holds the submission's lock.

-- choosing: locks the choosing for a queue until the transaction ends
-- So that what one leaves the next one takes.
select pg_advisory_xact_lock(hashtextextended('submission of ' || %(queue)s, 0))

-- unparked: a look, without a lock
-- The llm of a work that is to be submitted, and whether its run's prompts go through the chat template.
select llm.id as llm_id, run.chat,
    (select submission.lines from submission  -- what the provider last found too many at a time
     where submission.llm_id = llm.id and submission.status = 'too many'
         and submission.ended_at > now() - interval '1 day'
     order by submission.id desc limit 1) as too_many,
    exists (select from submission where submission.llm_id = llm.id and submission.ended_at is null) as under_way
from work join run on run.id = work.run_id join llm on llm.id = run.llm_id
where work.id = %(work_id)s and work.state in ('ready', 'published') and work.submission_id is null
    and (work.not_before is null or work.not_before <= now())

-- postpone: ready | published -> ready
-- A work for whose lines the provider has no room yet. Locks one work.
update work set state = 'ready', not_before = now() + make_interval(secs => %(pause)s),
    last_error = 'the provider had no room for more at a time; it waits until what lies there is done'
where id = %(work_id)s and state in ('ready', 'published') and submission_id is null

-- postpone_run: ready | published -> ready
-- The works of a run whose budget may not bear them beside what lies with the provider. Locks works by id.
with waiting as (
    select id from work
    where run_id = (select run_id from work where id = %(work_id)s) and kind = 'generate'
        and state in ('ready', 'published') and submission_id is null
        and not exists (select from submission_line where work_id = work.id)
    order by id for update
)
update work set state = 'ready', not_before = now() + make_interval(secs => %(pause)s),
    last_error = 'its run has a budget; it waits until what lies with the provider has its price'
from waiting where work.id = waiting.id

-- make: no work changes
insert into submission (llm_id, name) values (%(llm_id)s, %(name)s) returning id

-- choose: ready | published -> ready, parked
-- As many works of a queue as give so many lines and bytes, in the order they would be published; of the last one
-- perhaps not all lines. Answers that are there already are not asked for again. JSON of a prompt is as long here as
-- in the file; what else stands in a line is in the run's settings and the llm's. Locks works by id and skips those
-- that somebody holds.
-- A run with a budget of dollars sends what that may still buy, by what its samples cost so far; until that is known,
-- and once there is little left, one work at a time.
with open as (
        (select work.id, work.batch_id, work.run_id from work join run on run.id = work.run_id
         where work.queue = %(queue)s and work.state = 'ready' and work.kind = 'generate' and run.chat = %(chat)s
            and work.submission_id is null and work.not_before is null
         order by work.id limit %(most_lines)s)
        union all
        (select work.id, work.batch_id, work.run_id from work join run on run.id = work.run_id
         where work.queue = %(queue)s and work.state = 'ready' and work.kind = 'generate' and run.chat = %(chat)s
            and work.submission_id is null and work.not_before <= now()
         order by work.id limit %(most_lines)s)
        union all
        (select work.id, work.batch_id, work.run_id from work join run on run.id = work.run_id
         where work.queue = %(queue)s and work.state = 'published' and work.kind = 'generate' and run.chat = %(chat)s
            and work.submission_id is null
         order by work.id limit %(most_lines)s)
), budgeted as (
    select run.id as run_id, lying.lines = 0 and spent.usd < allowed.usd is not false as one_more,
        floor((allowed.usd - spent.usd) * spent.samples / nullif(spent.usd, 0)) - lying.lines as lines
    from (select distinct run_id from open) as theirs
    join run on run.id = theirs.run_id and run.stop_rule ? 'usd'
    cross join lateral (select (run.stop_rule ->> 'usd')::float8 as usd) as allowed
    left join lateral (select usd, samples from cost where cost.run_id = run.id offset 0) as spent on true
    cross join lateral (
        select count(*) as lines from submission_line line join work on work.id = line.work_id
        where work.run_id = run.id and work.submission_id is not null and line.answer is null
    ) as lying
), afforded as (
    select open.id, batch.size, budgeted.run_id is null
            or exists (select from submission_line where work_id = open.id)
            or sum(batch.size) over (partition by open.run_id order by open.id) <= budgeted.lines
            or budgeted.one_more and row_number() over (partition by open.run_id order by open.id) = 1 as now
    from open
    join batch on batch.id = open.batch_id
    left join budgeted on budgeted.run_id = open.run_id
), first as (
    select id, sum(size) over (order by id) - size as before from afforded where now
), held as (
    select work.id, work.run_id, work.batch_id from work
    where work.id in (select id from first where before < %(most_lines)s)
        and work.state in ('ready', 'published') and work.submission_id is null
    order by work.id for update skip locked
), sized as (
    select held.id, batch.first_index, batch.size,
        octet_length(to_json(prompt.text)::text) + 2 * octet_length(run.sampling::text)
            + 2 * octet_length(llm.name || llm.engine_args::text) + 500 as bytes
    from held
    join batch on batch.id = held.batch_id
    join prompt on prompt.run_id = batch.run_id and prompt.problem_id = batch.problem_id
    join run on run.id = held.run_id
    join llm on llm.id = run.llm_id
), wanted as (
    select sized.id as work_id, sample_index, row_number() over lines as place, sum(bytes) over lines as bytes
    from sized cross join generate_series(first_index, first_index + size - 1) as sample_index
    where not exists (
        select from submission_line line
        where line.work_id = sized.id and line.sample_index = sample_index.sample_index and line.answer is not null)
    window lines as (order by sized.id, sample_index rows unbounded preceding)
), line as (
    insert into submission_line (work_id, sample_index, submission_id)
    select work_id, sample_index, %(submission_id)s from wanted
    where place = 1 or (place <= %(most_lines)s and bytes <= %(most_bytes)s)
    order by work_id, sample_index
    on conflict (work_id, sample_index) do update set submission_id = excluded.submission_id,
        tries = submission_line.tries + 1
    returning work_id
), parked as (
    update work set state = 'ready', submission_id = %(submission_id)s,
        not_before = now() + make_interval(secs => %(pause)s)
    from (select distinct work_id from line) as chosen where work.id = chosen.work_id
)
update submission set lines = (select count(*) from line) where id = %(submission_id)s
returning (select count(*) from line) as lines

-- parked: a look, without a lock
-- Of a work that is due: its submission, and whether that has ended.
select work.submission_id, submission.ended_at is not null as ended
from work left join submission on submission.id = work.submission_id
where work.id = %(work_id)s and work.state in ('ready', 'published')
    and (work.not_before is null or work.not_before <= now())

-- submission: a look, without a lock
select * from submission where id = %(submission_id)s

-- ages: a look, without a lock
-- Seconds by the database's clock.
select extract(epoch from now() - sent_at)::float8 as sent,
    extract(epoch from now() - coalesce(submitted_at, made_at))::float8 as begun
from submission where id = %(submission_id)s

-- lines: a look, without a lock
-- What is to be asked for, by work, of the works that are still wanted.
select work.id as work_id, work.run_id, batch.problem_id, array_agg(line.sample_index order by line.sample_index) as indices
from submission_line line
join work on work.id = line.work_id and work.submission_id = line.submission_id
join batch on batch.id = work.batch_id
where line.submission_id = %(submission_id)s and line.answer is null and work.state in ('ready', 'published')
group by work.id, batch.problem_id order by work.id

-- note: no work changes
update submission set file = coalesce(%(file)s, file), batch = coalesce(%(batch)s, batch),
    status = coalesce(%(status)s, status),
    submitted_at = case when %(batch)s::text is null then submitted_at else coalesce(submitted_at, now()) end
where id = %(submission_id)s

-- note_sending: no work changes
update submission set sent_at = now() where id = %(submission_id)s

-- note_asked: no work changes
update submission set asked_at = now(), status = %(status)s,
    over_at = case when %(over)s then coalesce(over_at, now()) end
where id = %(submission_id)s
returning coalesce(extract(epoch from now() - over_at), 0)::float8 as over_seconds

-- move_on: ready | published -> ready
-- The works of a submission are due again after a pause; the first one rings for all, and the others later, should it
-- be gone by then. Locks works by id.
with bell as (
    select min(id) as id from work where submission_id = %(submission_id)s and state in ('ready', 'published')
), early as (
    select work.id from work, bell
    where work.submission_id = %(submission_id)s and work.state in ('ready', 'published')
        and (work.id = bell.id or work.state = 'published' or work.not_before is null
            or work.not_before < now() + make_interval(secs => %(pause)s + %(others)s / 2)
            or work.last_error is distinct from %(error)s)
    order by work.id for update of work
)
update work set state = 'ready', last_error = %(error)s,
    not_before = now() + make_interval(secs => %(pause)s + case when work.id = bell.id then 0 else %(others)s end)
from early, bell where work.id = early.id

-- wait: ready | published -> ready
-- A work whose submission is in another worker's hands. Locks one work.
update work set state = 'ready', not_before = now() + make_interval(secs => %(pause)s)
where id = %(work_id)s and state in ('ready', 'published') and submission_id is not null

-- store_answers: no work changes
-- Of lines of this very submission, by their sample; an answer that is there stays. What the provider refused is not
-- worth another try.
update submission_line line set answer = given.answer, error = given.error,
    tries = case when given.refused then greatest(line.tries, %(max_tries)s) else line.tries end
from unnest(%(runs)s::bigint[], %(problems)s::bigint[], %(indices)s::int[], %(answers)s::text[]::jsonb[],
    %(errors)s::text[], %(refused)s::bool[]) as given (run_id, problem_id, sample_index, answer, error, refused)
join batch on batch.run_id = given.run_id and batch.problem_id = given.problem_id
    and batch.first_index <= given.sample_index and given.sample_index < batch.first_index + batch.size
join work on work.batch_id = batch.id and work.kind = 'generate'
where line.work_id = work.id and line.sample_index = given.sample_index and line.submission_id = %(submission_id)s
    and line.answer is null

-- asked_for: a look, without a lock
select line.work_id from submission_line line join work on work.id = line.work_id join batch on batch.id = work.batch_id
where line.submission_id = %(submission_id)s and line.sample_index = %(sample_index)s
    and batch.run_id = %(run_id)s and batch.problem_id = %(problem_id)s

-- forget_errors: no work changes
-- Of tries before this one, so that a line without a word is known.
update submission_line set error = null where submission_id = %(submission_id)s and answer is null

-- note_learned: no work changes
update submission set learned = learned || %(learned)s where id = %(submission_id)s

-- learned: a look, without a lock
-- By all submissions of the llm, since several may be under way.
select coalesce(jsonb_object_agg(field.key, field.value order by submission.id), '{}') as learned
from submission cross join lateral jsonb_each(submission.learned) as field
where submission.llm_id = (select llm_id from submission where id = %(submission_id)s)

-- silent: a look, without a lock
select count(*) from submission_line
where submission_id = %(submission_id)s and answer is null and error is null

-- end: no work changes
update submission set ended_at = now(), status = %(status)s, error = %(error)s
where id = %(submission_id)s and ended_at is null

-- explain_lines: no work changes
-- Why what is not answered is not, where the provider did not say; refused as a whole, or none of its tries.
update submission_line set error = coalesce(error, %(error)s),
    tries = case when %(refused)s then greatest(tries, %(max_tries)s)
                 when %(uncounted)s then greatest(tries - 1, 0) else tries end
where submission_id = %(submission_id)s and answer is null

-- give_up: ready | published -> failed
-- Works with a line that was tried often enough. Its next tries, after a resume, count anew. Locks works by id.
with lost as (
    select line.work_id, count(*) as lines, min(line.error) as error
    from submission_line line join work on work.id = line.work_id and work.submission_id = line.submission_id
    where line.submission_id = %(submission_id)s and line.answer is null and line.tries >= %(max_tries)s
    group by line.work_id
), held as (
    select work.id from work join lost on lost.work_id = work.id
    where work.state in ('ready', 'published') order by work.id for update of work
), anew as (
    update submission_line line set tries = 0 from held where line.work_id = held.id and line.answer is null
)
update work set state = 'failed', ended_at = now(), submission_id = null, not_before = null,
    last_error = lost.lines || ' of its ' || batch.size || ' lines came to nothing: ' || coalesce(lost.error, '')
from held, lost, batch
where work.id = held.id and lost.work_id = work.id and batch.id = work.batch_id

-- release: ready | published -> ready; cancelled ones stay so
-- Works with all their answers are due and keep the submission; the others leave it, to be submitted again after a
-- pause, those lines only that have no answer. Locks works by id.
with held as (
    select work.id, work.batch_id from work
    where work.submission_id = %(submission_id)s and work.state in ('ready', 'published', 'cancelled')
    order by work.id for update
), seen as (
    select held.id, batch.size = count(line.answer) as whole, min(line.error) as error
    from held join batch on batch.id = held.batch_id left join submission_line line on line.work_id = held.id
    group by held.id, batch.size
)
update work set state = case work.state when 'published' then 'ready' else work.state end,
    submission_id = case when seen.whole then work.submission_id end,
    not_before = case when not seen.whole then now() + make_interval(secs => %(pause)s) end,
    last_error = case when not seen.whole then seen.error end
from seen where work.id = seen.id

-- answers: a look, without a lock
select sample_index, answer from submission_line where work_id = %(work_id)s and answer is not null order by sample_index

-- forget_lines: no work changes
-- Their samples are stored.
delete from submission_line where work_id = %(work_id)s

-- unwanted: a look, without a lock
-- Submissions of a queue that lie with the provider and that no open work waits for: their runs were cancelled.
select submission.id
from submission join llm on llm.id = submission.llm_id
where llm.queue = %(queue)s and submission.ended_at is null
    and (submission.asked_at is null or submission.asked_at < now() - make_interval(secs => %(pause)s))
    and submission.made_at < now() - make_interval(secs => %(pause)s)
    and not exists (
        select from work where work.submission_id = submission.id and work.state in ('ready', 'published', 'leased'))
order by submission.id
