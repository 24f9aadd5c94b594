-- The run as a whole: what a person does to it, and its end.

-- hold: locks the run's row until the transaction ends
select * from run where id = %(run_id)s for update

-- cancel: ready | published | leased -> cancelled
-- Locks works by id. Those in the middle of one notice within seconds.
with open as (
    select id from work where run_id = %(run_id)s and state in ('ready', 'published', 'leased') order by id for update
)
update work set state = 'cancelled', cancelled_by = 'person', ended_at = now(), lease_token = null, lease_until = null
from open where work.id = open.id

-- refuse_run: leased by its caller -> failed, and ready | published -> failed
-- Every work of a run that is to be sampled, since its endpoint refuses what they all ask for; only the holder of one
-- of them can say so. Those in flight end by themselves. Locks works by id.
with refused as (
    select id from work
    where run_id = %(run_id)s and kind = 'generate'
        and (state in ('ready', 'published') or (id = %(work_id)s and lease_token = %(token)s and state = 'leased'))
        and exists (select from work where id = %(work_id)s and lease_token = %(token)s and state = 'leased')
    order by id for update
)
update work set state = 'failed', ended_at = now(), last_error = %(error)s, lease_token = null, lease_until = null,
    not_before = null
from refused where work.id = refused.id

-- note_cancelled: no work changes
update run set cancelled_at = now() where id = %(run_id)s

-- note_resumed: no work changes
update run set cancelled_at = null where id = %(run_id)s

-- resume: failed | cancelled by a person or a stopping rule -> ready
-- With their attempts anew. What a rule still leaves out is cut again before anybody sees it. Works of a verifier that a
-- newer version of itself replaced stay cancelled. Locks works by id.
with again as (
    select work.id
    from work join run on run.id = work.run_id
    where run.id = %(run_id)s and (work.state = 'failed' or (work.state = 'cancelled' and work.cancelled_by <> 'verifier'))
        and (work.kind <> 'verify' or work.verifier_id in (run.verifier_id, run.next_verifier_id)
            or work.verifier_id = any(run.other_verifiers))
    order by work.id for update of work
)
update work set state = 'ready', attempts = 0, ended_at = null, not_before = null, cancelled_by = null
from again where work.id = again.id

-- reopen_cut: cancelled by a stopping rule -> ready, or cancelled by a person where the run is
-- Locks works by id.
with cut as (
    select id from work
    where run_id = %(run_id)s and kind = 'generate' and state = 'cancelled' and cancelled_by not in ('person', 'verifier')
    order by id for update
)
update work set state = case when run.cancelled_at is null then 'ready' else 'cancelled' end::state,
    cancelled_by = case when run.cancelled_at is not null then 'person' end,
    ended_at = case when run.cancelled_at is not null then work.ended_at end, attempts = 0, not_before = null
from cut, run where work.id = cut.id and run.id = %(run_id)s

-- note_unstopped: no work changes
update run set stopped_by = null where id = %(run_id)s

-- note_open: no work changes
update run set finished_at = null
where id = %(run_id)s and finished_at is not null
    and exists (select from work where run_id = run.id and state in ('ready', 'published', 'leased'))

-- open: a look, without a lock
select count(*) as works, coalesce(sum(batch.size) filter (where work.kind = 'generate'), 0)::bigint as samples
from work join batch on batch.id = work.batch_id
where work.run_id = %(run_id)s and work.state in ('ready', 'published', 'leased')

-- ends: a look, without a lock
-- How many samples were asked for of each problem, in the order of the run; a plan asks for more of some.
select prompt.problem_id, problem.key, coalesce(max(batch.first_index + batch.size), 0)::int as samples
from prompt
join problem on problem.id = prompt.problem_id
left join batch on batch.run_id = prompt.run_id and batch.problem_id = prompt.problem_id
where prompt.run_id = %(run_id)s
group by prompt.problem_id, problem.key, prompt.position order by prompt.position

-- cut_by: a look, without a lock
-- The batch that n samples a problem would cut in two, if there is one.
select first_index, first_index + size as last from batch
where run_id = %(run_id)s and first_index < %(n)s and first_index + size > %(n)s
order by first_index limit 1

-- note_extended: no work changes
-- Where a plan chose by outcomes who has more than n, those have what the others are still to get: n stays until all have
-- it. A run that stops at right samples is estimated batch by batch, which bears that.
update run set extended_at = now(),
    n = case when waits then n else %(n)s end,
    stop_rule = case when waits then stop_rule || jsonb_build_object('extending_to', %(n)s::int) else stop_rule end
from (select stop_rule ? 'planned' and not stop_rule ? 'when_solved' as waits from run where id = %(run_id)s) as each
where id = %(run_id)s

-- note_reached: the run's row is held
-- Where every problem has been brought to the same n and no verifier is still at it, and where no problem has more than
-- n any more: then no outcome chose what there is.
with reached as (
    select id, case when all_judged then wanted else n end as n, stop_rule - case when all_judged then 'extending_to' else '' end
        as stop_rule
    from run
    cross join lateral (select (stop_rule ->> 'extending_to')::int as wanted) as asked
    cross join lateral (
        select wanted is not null and not exists (
            select from batch where batch.run_id = run.id and first_index < wanted and not exists (
                select from work where work.batch_id = batch.id and work.kind = 'verify'
                    and work.verifier_id = run.verifier_id and work.state = 'done'))
            and not exists (
                select from work join batch on batch.id = work.batch_id
                where work.run_id = run.id and work.kind = 'verify' and work.state in ('ready', 'published', 'leased')
                    and first_index < wanted) as all_judged
    ) as judged
    where id = any(%(run_ids)s) and stop_rule ? 'planned'
)
update run set n = reached.n, stop_rule = reached.stop_rule - case when exists (
        select from batch where run_id = run.id and first_index >= reached.n) then '' else 'planned' end
from reached where run.id = reached.id

-- note_planned: no work changes
update run set extended_at = now(), stop_rule = stop_rule || '{"planned": true}' where id = %(run_id)s

-- note_limits: no work changes
update run set stop_rule = %(stop_rule)s where id = %(run_id)s

-- note_verifier: no work changes
-- Other versions of the same verifier are no longer due beside it; the one that counts is until it is replaced.
update run set other_verifiers = array(
        select due.id from unnest(run.other_verifiers) with ordinality as due (id, place)
        join verifier on verifier.id = due.id
        where (verifier.benchmark_id, verifier.name) <> (new.benchmark_id, new.name)
        order by place
    ) || new.id, finished_at = null,
    next_verifier_id = case when %(use)s or next_verifier_id in (
            select id from verifier where (benchmark_id, name) = (new.benchmark_id, new.name))
        then new.id else next_verifier_id end
from verifier new
where run.id = %(run_id)s and new.id = %(verifier_id)s

-- note_reward_model: no work changes
update run set reward_models = reward_models || jsonb_build_object(%(reward_model)s::text, %(queue)s::text),
    finished_at = null
where id = %(run_id)s

-- forget_failures: no work changes
-- The verdicts that failed by our fault, of what a run has such of. Labels that were imported without an outcome are
-- not our fault. Locks verdicts by candidate, and so waits for whoever has counted one in a tally that is not committed
-- yet: that work is found only after. Returns the verifiers and problems.
with again as (
    select distinct work.verifier_id, batch.problem_id
    from work join batch on batch.id = work.batch_id join verifier on verifier.id = work.verifier_id
    where work.run_id = %(run_id)s and work.kind = 'verify' and work.state = 'done' and work.undecided > 0
        and verifier.name <> %(labels)s
), held as (
    select verdict.candidate_id, verdict.verifier_id, candidate.problem_id
    from verdict join candidate on candidate.id = verdict.candidate_id
    join again on again.problem_id = candidate.problem_id and again.verifier_id = verdict.verifier_id
    where verdict.outcome = 'infrastructure_error'
    order by verdict.candidate_id, verdict.verifier_id for update of verdict
), forgotten as (
    delete from verdict using held
    where verdict.candidate_id = held.candidate_id and verdict.verifier_id = held.verifier_id
)
select verifier_id, problem_id from again

-- judge_again: done -> ready
-- Those that counted a verdict that is forgotten. A verdict is shared by all runs of its problem, so the works of other
-- runs are among them; that those have not ended the sweeper notes, since two who hold a run and want another's could
-- deadlock. Locks works by id.
with redone as (
    select work.id
    from work join batch on batch.id = work.batch_id
    join unnest(%(verifiers)s::bigint[], %(problems)s::bigint[]) as again (verifier_id, problem_id)
        on again.verifier_id = work.verifier_id and again.problem_id = batch.problem_id
    where work.kind = 'verify' and work.state = 'done' and work.undecided > 0
    order by work.id for update of work
)
update work set state = 'ready', attempts = 0, ended_at = null, not_before = null, lease_token = null,
    correct = null, incorrect = null, no_answer = null, undecided = null, first_correct = null
from redone where work.id = redone.id

-- split_again: ready | published | leased | done -> ready; those of another version of their verifier -> cancelled
-- What rests on where answers begin: verify works, and score works, since reward models see the answer. A worker that
-- holds one still finds 0 rows; one that claims it later waits for these locks and reads the new rule. Labels that were
-- imported are of whole samples and stay. Locks works by id.
with again as (
    select work.id, work.kind = 'score' or work.verifier_id = any(%(verifiers)s) as able
    from work left join verifier on verifier.id = work.verifier_id
    where work.run_id = %(run_id)s and work.kind in ('verify', 'score')
        and work.state in ('ready', 'published', 'leased', 'done') and verifier.name is distinct from %(labels)s
    order by work.id for update of work
)
update work set state = case when again.able then 'ready' else 'cancelled' end::state,
    cancelled_by = case when not again.able then 'verifier' end,
    ended_at = case when not again.able then now() end, attempts = 0, not_before = null, lease_token = null,
    lease_until = null, correct = null, incorrect = null, no_answer = null, undecided = null, first_correct = null
from again where work.id = again.id
returning work.kind, again.able

-- note_thinking: no work changes
update run set thinking = %(rule)s where id = %(run_id)s

-- forget_split: the run's row is held, so that nobody ends a work of it
-- What came of the rule before.
with labels as (
    select id from verifier where name = %(labels)s
), extracted as (
    delete from extraction where run_id = %(run_id)s and verifier_id not in (select id from labels)
), scored as (
    delete from score where run_id = %(run_id)s and reward_model in (
        select reward_model from work where run_id = %(run_id)s and kind = 'score')
)
delete from analysis where run_id = %(run_id)s and verifier_id not in (select id from labels)

-- move_counting: no work changes
-- To the next verifier, once it has judged every sample. The verifier that counted goes on beside it, unless the next
-- one is a newer version of the same.
update run set verifier_id = run.next_verifier_id, next_verifier_id = null,
    other_verifiers = array_remove(run.other_verifiers, run.next_verifier_id)
        || case when old.name = next.name then '{}'::bigint[] else array[run.verifier_id] end
from verifier old, verifier next
where run.id = %(run_id)s and old.id = run.verifier_id and next.id = run.next_verifier_id and (
    select coalesce(sum(samples) filter (where kind = 'generate'), 0)
        = coalesce(sum(samples) filter (where kind = 'verify' and verifier_id = run.next_verifier_id), 0)
    from work_total where run_id = run.id
)

-- cancel_replaced: ready | published | leased | failed -> cancelled
-- The works of a verifier that a newer version of itself replaced. Locks works by id.
with replaced as (
    select work.id from work join run on run.id = work.run_id
    where run.id = %(run_id)s and work.kind = 'verify' and work.state in ('ready', 'published', 'leased', 'failed')
        and work.verifier_id <> run.verifier_id and work.verifier_id <> all(run.other_verifiers)
    order by work.id for update of work
)
update work set state = 'cancelled', cancelled_by = 'verifier', ended_at = now(), lease_token = null,
    lease_until = null
from replaced where work.id = replaced.id

-- waiting_to_count: locks runs by id, and skips those that somebody holds
select * from run where next_verifier_id is not null order by id for update skip locked

-- reopen: no work changes
-- From run to run along the index of open works: a step an open run, however many works it has.
with recursive open (run_id) as (
    (select run_id from work where state in ('ready', 'published', 'leased') order by run_id limit 1)
    union all
    select (select run_id from work where state in ('ready', 'published', 'leased') and run_id > open.run_id
            order by run_id limit 1)
    from open where run_id is not null
)
update run set finished_at = null where finished_at is not null and id in (select run_id from open)

-- end_runs: no work changes
update run set finished_at = now()
where finished_at is null and not exists (
    select from work where run_id = run.id and state in ('ready', 'published', 'leased')
    order by run_id limit 1)  -- a limit, so that no plan reads all open works
returning id

-- any_open: a look, without a lock
select from work where run_id = %(run_id)s and state in ('ready', 'published', 'leased') limit 1

-- delete_works: the run's row is held
-- Locks works by id, as whoever judges again does, before they go in whatever order they lie.
select from work where run_id = %(run_id)s order by id for update

-- delete_scores: the run's row is held
delete from score where run_id = %(run_id)s

-- delete_extractions: the run's row is held
delete from extraction where run_id = %(run_id)s

-- delete_samples: the run's row is held
delete from sample where run_id = %(run_id)s

-- delete_run: the run's row is held
-- Everything else that belongs to it goes with it.
delete from run where id = %(run_id)s
