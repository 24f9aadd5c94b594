-- A problem's tally is a sum over its batches' verify works: no hot row, equal to a recount at all times.
create view tally as
select work.run_id, work.verifier_id, batch.problem_id,
    sum(batch.size)::bigint as samples,
    coalesce(sum(work.correct), 0)::bigint as correct,
    coalesce(sum(work.incorrect), 0)::bigint as incorrect,
    coalesce(sum(work.no_answer), 0)::bigint as no_answer,
    coalesce(sum(work.undecided), 0)::bigint as undecided,
    min(work.first_correct) as first_correct
from work join batch on batch.id = work.batch_id
where work.kind = 'verify' and work.state = 'done'
group by work.run_id, work.verifier_id, batch.problem_id;
comment on view tally is 'Verified samples by run, verifier and problem';
comment on column tally.samples is 'Samples whose verify work is done';
comment on column tally.correct is 'Samples judged correct';
comment on column tally.incorrect is 'Samples judged otherwise: wrong, or ended by an error or limit of their own';
comment on column tally.no_answer is 'Samples with nothing to judge';
comment on column tally.undecided is 'Samples whose judging failed by our fault';
comment on column tally.first_correct is 'Lowest sample index judged correct';

create view problem_tally as
select run.id as run_id, prompt.problem_id, problem.key as problem_key,
    coalesce(tally.samples, 0) as samples, coalesce(tally.correct, 0) as correct,
    coalesce(tally.incorrect, 0) as incorrect, coalesce(tally.no_answer, 0) as no_answer,
    coalesce(tally.undecided, 0) as undecided, tally.first_correct,
    tally.correct::double precision / nullif(tally.samples - tally.undecided, 0) as correct_share,
    case when run.stop_rule ? 'when_solved' then 'when_solved' end as biased_by
from run
join prompt on prompt.run_id = run.id
join problem on problem.id = prompt.problem_id
left join tally on tally.run_id = run.id and tally.problem_id = prompt.problem_id
    and tally.verifier_id = run.verifier_id;
comment on view problem_tally is 'One row a problem of a run: how its verified samples came out, by the counting verifier';
comment on column problem_tally.problem_key is 'The data set''s own name of the problem';
comment on column problem_tally.samples is 'Samples verified so far';
comment on column problem_tally.correct_share is 'Share of its decided samples that are correct: pass@1 of the problem';
comment on column problem_tally.biased_by is
    'The stopping rule that looks at outcomes, if the run has one: correct_share is then too high, coverage is not';

create view outcome_counts as
with each as (
    select run_id, verifier_id, candidate_id, count(*) as samples
    from extraction group by run_id, verifier_id, candidate_id
)
select each.run_id, verifier.name as verifier,
    coalesce(verdict.outcome, case when each.candidate_id is null then 'no_answer'::outcome end) as outcome,
    sum(each.samples)::bigint as samples, count(each.candidate_id) as candidates,
    case when run.stop_rule ? 'when_solved' then 'when_solved' end as biased_by
from each
join run on run.id = each.run_id
join verifier on verifier.id = each.verifier_id
left join verdict on verdict.candidate_id = each.candidate_id and verdict.verifier_id = each.verifier_id
group by 1, 2, 3, 6;
comment on view outcome_counts is 'How samples came out, by verifier and outcome';
comment on column outcome_counts.samples is 'Samples with this outcome';
comment on column outcome_counts.candidates is 'Distinct candidates among them: what had to be judged';
comment on column outcome_counts.biased_by is
    'The stopping rule that looks at outcomes, if the run has one: hard problems then have more samples than easy ones';

create view sample_detail as
select sample.run_id, problem.key as problem_key, sample.sample_index, sample.text,
    candidate.text as candidate, extraction.how as candidate_how, verifier.name as verifier,
    case when extraction.run_id is null then null
         else coalesce(verdict.outcome, case when extraction.candidate_id is null then 'no_answer'::outcome end)
    end as outcome,
    verdict.detail, sample.prompt_tokens, sample.completion_tokens, sample.finish_reason, sample.logprob, sample.seed,
    sample.attempt_id, sample.problem_id
from sample
join run on run.id = sample.run_id
join problem on problem.id = sample.problem_id
join verifier on verifier.id = run.verifier_id
left join extraction on extraction.run_id = sample.run_id and extraction.problem_id = sample.problem_id
    and extraction.sample_index = sample.sample_index and extraction.verifier_id = run.verifier_id
left join candidate on candidate.id = extraction.candidate_id
left join verdict on verdict.candidate_id = extraction.candidate_id and verdict.verifier_id = run.verifier_id;
comment on view sample_detail is 'One row a sample, with its candidate and verdict by the counting verifier';
comment on column sample_detail.outcome is 'Null until it is verified';
comment on column sample_detail.candidate_how is 'Which rule found the candidate, where the verifier has several';
comment on column sample_detail.logprob is 'Sum of its tokens'' logprobs';
comment on column sample_detail.attempt_id is 'The attempt that made it: worker, host, GPU, engine seed';
