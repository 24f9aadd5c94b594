-- What a verifier said of a sample: the one place that knows what a missing candidate means, and what counts as what.
create or replace function outcome_of(candidate_id bigint, verdict outcome) returns outcome
language sql immutable parallel safe as $$
    select case when candidate_id is null then 'no_answer' else verdict end
$$;
comment on function outcome_of is 'The outcome of a sample by its candidate and the candidate''s verdict; null while that is to come';

create or replace function counts_as(outcome outcome) returns text language sql immutable parallel safe as $$
    select case when outcome in ('correct', 'no_answer') then outcome::text
                when outcome = 'infrastructure_error' then 'undecided'
                when outcome is not null then 'incorrect' end
$$;
comment on function counts_as is 'The column of a tally that an outcome adds to; null where there is no outcome yet';

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

-- first_correct is that of all samples: whatever was chosen, it is the first right one in the order of indices.
create view fixed_tally as
select work.run_id, work.verifier_id, batch.problem_id,
    coalesce(sum(batch.size) filter (where fixed), 0)::bigint as samples,
    coalesce(sum(work.correct) filter (where fixed), 0)::bigint as correct,
    coalesce(sum(work.undecided) filter (where fixed), 0)::bigint as undecided,
    min(work.first_correct) as first_correct,
    case when sum(batch.size) = max(batch.first_index + batch.size) and coalesce(sum(work.undecided), 0) = 0
        then sum(batch.size) end::bigint as drawn
from work
join batch on batch.id = work.batch_id
join run on run.id = work.run_id
cross join lateral (select not run.stop_rule ? 'planned' or batch.first_index < run.n as fixed) as each
where work.kind = 'verify' and work.state = 'done'
group by work.run_id, work.verifier_id, batch.problem_id;
comment on view fixed_tally is
    'Verified samples by run, verifier and problem, without those that a plan chose by outcomes: what estimates go by';
comment on column fixed_tally.samples is 'Samples whose verify work is done, of a planned run the first run.n of each problem';
comment on column fixed_tally.correct is 'Of those, samples judged correct';
comment on column fixed_tally.undecided is 'Of those, samples whose judging failed by our fault';
comment on column fixed_tally.first_correct is 'Lowest sample index judged correct, those that a plan chose too';
comment on column fixed_tally.drawn is
    'All its samples, those that a plan chose too, where they have no gap and all are decided; else null';

create view problem_tally as
select run.id as run_id, prompt.problem_id, problem.key as problem_key,
    coalesce(tally.samples, 0) as samples, coalesce(tally.correct, 0) as correct,
    coalesce(tally.incorrect, 0) as incorrect, coalesce(tally.no_answer, 0) as no_answer,
    coalesce(tally.undecided, 0) as undecided, tally.first_correct,
    tally.correct::double precision / nullif(tally.samples - tally.undecided, 0) as correct_share,
    all_biased_by(run.stop_rule) as biased_by
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
    'when_solved or planned, where outcomes decided how many samples there are: correct_share is biased, coverage is not';

create view judged as
select extraction.run_id, extraction.problem_id, extraction.sample_index, extraction.verifier_id,
    extraction.candidate_id, outcome_of(extraction.candidate_id, verdict.outcome) as outcome,
    counts_as(outcome_of(extraction.candidate_id, verdict.outcome)) as counts_as,
    extraction.how, verdict.detail, verdict.facts, extraction.answer_from
from extraction
left join verdict on verdict.candidate_id = extraction.candidate_id and verdict.verifier_id = extraction.verifier_id;
comment on view judged is 'One row a sample and verifier that looked at it: its candidate, and what was said of that';
comment on column judged.candidate_id is 'Null where there was nothing to judge';
comment on column judged.outcome is 'Null while the candidate waits for its verdict';
comment on column judged.counts_as is 'correct, incorrect, no_answer or undecided: the column of a tally that it adds to';
comment on column judged.how is
    'Which rule found the candidate, where the verifier has several; or that thinking did not end';
comment on column judged.detail is 'One line for a person';
comment on column judged.facts is 'How it was judged: isolation, limits, versions';
comment on column judged.answer_from is
    'Characters of the sample''s text before its answer: what was thought; null where thinking did not end';

-- Candidates are counted before their verdicts are looked up: there are far fewer of them than samples.
create view outcome_counts as
with candidates as (
    select run_id, verifier_id, candidate_id, count(*) as samples
    from extraction group by run_id, verifier_id, candidate_id
)
select candidates.run_id, verifier.name as verifier, outcome_of(candidates.candidate_id, verdict.outcome) as outcome,
    sum(candidates.samples)::bigint as samples, count(candidates.candidate_id) as candidates,
    all_biased_by(run.stop_rule) as biased_by, candidates.verifier_id, verifier.version,
    candidates.verifier_id = run.verifier_id as counting
from candidates
join run on run.id = candidates.run_id
join verifier on verifier.id = candidates.verifier_id
left join verdict on verdict.candidate_id = candidates.candidate_id and verdict.verifier_id = candidates.verifier_id
group by candidates.run_id, candidates.verifier_id, run.id, verifier.id, 3;
comment on view outcome_counts is 'How samples came out, by verifier and outcome';
comment on column outcome_counts.outcome is 'Null where the verdict is still to come';
comment on column outcome_counts.samples is 'Samples with this outcome';
comment on column outcome_counts.candidates is 'Distinct candidates among them: what had to be judged';
comment on column outcome_counts.biased_by is
    'when_solved or planned, where outcomes decided how many samples there are: hard problems have more than easy ones';
comment on column outcome_counts.version is 'Of the verifier; two versions of one are never added up';
comment on column outcome_counts.counting is 'Whether the verifier is the one that counts';

create view sample_detail as
select sample.run_id, problem.key as problem_key, sample.sample_index, sample.text,
    candidate.text as candidate, judged.how as candidate_how, verifier.name as verifier, judged.outcome,
    judged.detail, sample.prompt_tokens, sample.completion_tokens, sample.finish_reason, sample.logprob, sample.seed,
    sample.attempt_id, sample.problem_id, run.verifier_id, verifier.version, sample.thinking, sample.thinking_tokens,
    judged.answer_from
from sample
join run on run.id = sample.run_id
join problem on problem.id = sample.problem_id
join verifier on verifier.id = run.verifier_id
left join judged on judged.run_id = sample.run_id and judged.problem_id = sample.problem_id
    and judged.sample_index = sample.sample_index and judged.verifier_id = run.verifier_id
left join candidate on candidate.id = judged.candidate_id;
comment on view sample_detail is 'One row a sample, with its candidate and verdict by the counting verifier';
comment on column sample_detail.outcome is 'Null until it is verified';
comment on column sample_detail.candidate_how is
    'Which rule found the candidate, where the verifier has several; or that thinking did not end';
comment on column sample_detail.logprob is 'Sum of its tokens'' logprobs';
comment on column sample_detail.attempt_id is 'The attempt that made it: worker, host, GPU, engine seed';
comment on column sample_detail.version is 'Of the verifier';
comment on column sample_detail.text is 'As it came: substr(text, answer_from + 1) is what was answered';
comment on column sample_detail.thinking is 'What was thought, where the server gave it in a field of its own';
comment on column sample_detail.thinking_tokens is 'Of what was thought, within completion_tokens; null where unknown';
comment on column sample_detail.answer_from is
    'Characters of the text before its answer: what was thought; null where thinking did not end, and until it is verified';
