-- What a finished work leaves: samples, extractions, candidates, verdicts, tallies, scores, and the works that follow.

-- share_run: locks the run's row against whoever changes it
-- Whoever cancels a run, or changes which verifiers and reward models are due or where answers begin, takes its row
-- first: neither misses the other. Before the work's own row, as they do: to write that twice in one transaction asks
-- for the run's row anyway (its foreign key is checked again), and who holds that may wait for the work.
select from run where id = %(run_id)s for key share

-- note_left_out: no work changes
-- Settings that the run's samples went without. Locks the run's row only where one of them is new.
update run set left_out = array(
    select distinct name from unnest(left_out::text[] || %(left_out)s::text[]) as name order by name)
where id = %(run_id)s and not left_out::text[] @> %(left_out)s::text[]

-- add_due_works: -> ready
-- The works that a batch's samples are due for: one a verifier and one a reward model. Those that exist stay.
insert into work (run_id, batch_id, kind, verifier_id, reward_model, queue)
select run.id, %(batch_id)s, due.kind::kind, due.verifier_id, due.reward_model, due.queue
from run
cross join lateral (
    select 'verify' as kind, verifier.id as verifier_id, null as reward_model, verifier.queue
    from verifier where verifier.id = run.verifier_id or verifier.id = any(run.other_verifiers)
    union all
    select 'score', null, asked.key, asked.value from jsonb_each_text(run.reward_models) as asked
) as due
where run.id = %(run_id)s
order by due.kind desc, due.verifier_id
on conflict do nothing

-- due_queues: a look, without a lock
select distinct queue from work where batch_id = %(batch_id)s and kind <> 'generate' and state = 'ready' order by queue

-- known_candidates: a look, without a lock
-- Those of the candidates that already have a verdict by a verifier.
select candidate.text
from candidate join verdict on verdict.candidate_id = candidate.id and verdict.verifier_id = %(verifier_id)s
where candidate.problem_id = %(problem_id)s and candidate.hash = any(%(hashes)s)

-- insert_candidates: no work changes
-- The hashes come in order, so that two workers with the same candidates cannot deadlock.
insert into candidate (problem_id, hash, text)
select %(problem_id)s, hash, text from unnest(%(hashes)s::bytea[], %(texts)s::text[]) as new (hash, text)
on conflict do nothing

-- insert_verdicts: no work changes
-- In the order of their candidates' hashes, as above. Those that exist stay.
insert into verdict (candidate_id, verifier_id, outcome, detail, cpu_seconds, facts, log)
select candidate.id, %(verifier_id)s, judged.outcome, judged.detail, judged.cpu_seconds, judged.facts, judged.log
from unnest(%(hashes)s::bytea[], %(outcomes)s::outcome[], %(details)s::text[], %(cpu_seconds)s::float8[],
    %(facts)s::jsonb[], %(logs)s::bytea[]) as judged (hash, outcome, detail, cpu_seconds, facts, log)
join candidate on candidate.problem_id = %(problem_id)s and candidate.hash = judged.hash
order by judged.hash
on conflict do nothing

-- drop_claims: no work changes
-- Whoever claimed what has a verdict now, in the transaction that stores it. Locks claims by candidate.
with judged as (
    select claim.candidate_id, claim.verifier_id
    from claim join candidate on candidate.id = claim.candidate_id
    where claim.verifier_id = %(verifier_id)s
        and candidate.problem_id = %(problem_id)s and candidate.hash = any(%(hashes)s::bytea[])
    order by claim.candidate_id for update of claim
)
delete from claim using judged
where claim.candidate_id = judged.candidate_id and claim.verifier_id = judged.verifier_id

-- insert_extractions: no work changes
insert into extraction (run_id, verifier_id, problem_id, sample_index, candidate_id, how, answer_from)
select %(run_id)s, %(verifier_id)s, %(problem_id)s, extracted.sample_index, candidate.id, extracted.how,
    extracted.answer_from
from unnest(%(indices)s::int[], %(hashes)s::bytea[], %(hows)s::text[], %(starts)s::int[])
    as extracted (sample_index, hash, how, answer_from)
left join candidate on candidate.problem_id = %(problem_id)s and candidate.hash = extracted.hash
on conflict do nothing

-- tally: no work changes its state
-- Counts the tallies of verify works from extractions and verdicts; returns how many samples lack a verdict, and how
-- many have one that somebody may yet forget.
with counted as (
    select work.id, summed.*
    from work
    join batch on batch.id = work.batch_id
    cross join lateral (  -- batch by batch: a join could pair each batch with all samples of its problem
        select coalesce(sum(samples) filter (where counts_as = 'correct'), 0) as correct,
            coalesce(sum(samples) filter (where counts_as = 'incorrect'), 0) as incorrect,
            coalesce(sum(samples) filter (where counts_as = 'no_answer'), 0) as no_answer,
            coalesce(sum(samples) filter (where counts_as = 'undecided'), 0) as undecided,
            coalesce(sum(samples) filter (where counts_as is null), 0)::bigint as missing,
            min(first_index) filter (where counts_as = 'correct') as first_correct
        from (
            select counts_as, count(*) as samples, min(sample_index) as first_index
            from judged
            where judged.run_id = work.run_id and judged.verifier_id = work.verifier_id
                and judged.problem_id = batch.problem_id
                and judged.sample_index >= batch.first_index and judged.sample_index < batch.first_index + batch.size
            group by counts_as
        ) as kinds
    ) as summed
    where work.id = any(%(works)s)
)
update work set correct = counted.correct, incorrect = counted.incorrect, no_answer = counted.no_answer,
    undecided = counted.undecided, first_correct = counted.first_correct
from counted where work.id = counted.id
returning counted.missing, counted.undecided

-- hold_failures: locks verdicts by candidate, against whoever would forget them
-- Those of a batch that failed by our fault: who counts them and who forgets them meet here.
select from verdict
where verifier_id = %(verifier_id)s and outcome = 'infrastructure_error' and candidate_id in (
    select candidate_id from extraction
    where run_id = %(run_id)s and problem_id = %(problem_id)s and verifier_id = %(verifier_id)s
        and sample_index >= %(first_index)s and sample_index < %(first_index)s + %(size)s)
order by candidate_id for key share

-- insert_score: no work changes
insert into score (run_id, problem_id, sample_index, reward_model, score, step_scores)
values (%(run_id)s, %(problem_id)s, %(sample_index)s, %(reward_model)s, %(score)s, %(step_scores)s)
on conflict do nothing
