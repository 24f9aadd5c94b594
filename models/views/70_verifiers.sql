-- Are the verifiers well? What they said, how often they said something else, and whether they pass what is right.
create view verifier_health as
select benchmark.name as benchmark, verifier.name as verifier, verifier.version, verdict.outcome,
    count(*) as verdicts,
    count(*)::double precision / sum(count(*)) over (partition by verifier.id) as share,
    sum(verdict.cpu_seconds) as cpu_seconds,
    count(*) filter (where verdict.facts ? 'retries') as retried,
    count(*) filter (where verdict.facts ->> 'isolation' = 'unsafe') as unsafe,
    coalesce(sum(again.reruns), 0)::bigint as reruns,
    coalesce(sum(again.disagreements), 0)::bigint as disagreements, verifier.id as verifier_id,
    count(*) filter (where verdict.facts ? 'disagreement') as disbelieved
from verdict
join verifier on verifier.id = verdict.verifier_id
left join (
    select rejudgement.candidate_id, rejudgement.verifier_id, count(*) as reruns,
        count(*) filter (
            where rejudgement.outcome is distinct from verdict.outcome and verdict.outcome <> 'infrastructure_error'
        ) as disagreements
    from rejudgement join verdict using (candidate_id, verifier_id)
    where rejudgement.outcome is distinct from 'infrastructure_error'
    group by rejudgement.candidate_id, rejudgement.verifier_id
) as again on again.candidate_id = verdict.candidate_id and again.verifier_id = verdict.verifier_id
join benchmark on benchmark.id = verifier.benchmark_id
group by benchmark.id, benchmark.name, verifier.id, verifier.name, verifier.version, verdict.outcome;
comment on view verifier_health is 'Verdicts by verifier and outcome, over all runs: each distinct candidate counts once';
comment on column verifier_health.verdicts is 'Distinct candidates with this outcome';
comment on column verifier_health.share is 'Of the verifier''s verdicts';
comment on column verifier_health.cpu_seconds is 'CPU time of judging them';
comment on column verifier_health.retried is 'Judged only after the sandbox had failed at first';
comment on column verifier_health.unsafe is 'Judged without a sandbox';
comment on column verifier_health.reruns is 'Judgements by `monkeys flaky`, without those that failed by our fault';
comment on column verifier_health.disagreements is 'Of the reruns, those with another outcome than the verdict: more than none is a flaky verifier';
comment on column verifier_health.disbelieved is 'Of patches: the official grading resolves them, and the evidence that its tests really ran does not agree';

-- What `monkeys flaky` found of each candidate. Our own failures say nothing about it, and are counted apart.
create view flakiness as
select benchmark.name as benchmark, problem.key as problem_key, problem.id as problem_id,
    verifier.name as verifier, verifier.version, said.candidate_id, said.judgements, said.correct,
    coalesce(said.different > 1 or said.least <> verdict.outcome::text, false) as varies, said.outcomes,
    verdict.outcome as verdict, said.infrastructure_errors, said.detail, said.is_reference, said.verifier_id
from (
    select candidate_id, verifier_id, bool_or(is_reference) as is_reference,
        coalesce(sum(times) filter (where ours is not true), 0)::bigint as judgements,
        coalesce(sum(times) filter (where outcome = 'correct'), 0)::bigint as correct,
        coalesce(sum(times) filter (where ours), 0)::bigint as infrastructure_errors,
        count(*) filter (where ours is not true) as different,
        min(outcome) filter (where ours is not true) as least,
        coalesce(jsonb_object_agg(outcome, times) filter (where ours is not true), '{}') as outcomes,
        max(detail) filter (where outcome <> 'correct') as detail
    from (
        select candidate_id, verifier_id, coalesce(outcome::text, 'another') as outcome, count(*) as times,
            outcome = 'infrastructure_error' as ours, bool_or(facts ? 'reference') as is_reference,
            max(detail) as detail
        from rejudgement group by candidate_id, verifier_id, rejudgement.outcome
    ) as counted
    group by candidate_id, verifier_id
) as said
join verifier on verifier.id = said.verifier_id
join benchmark on benchmark.id = verifier.benchmark_id
join candidate on candidate.id = said.candidate_id
join problem on problem.id = candidate.problem_id
left join verdict on verdict.candidate_id = said.candidate_id and verdict.verifier_id = said.verifier_id
    and verdict.outcome <> 'infrastructure_error';
comment on view flakiness is
    'Candidates that `monkeys flaky` had judged again and again, by verifier: does the outcome vary?';
comment on column flakiness.judgements is 'How often it was judged, without what failed by our fault';
comment on column flakiness.correct is 'Judgements that called it correct';
comment on column flakiness.varies is 'Whether judgements came out differently, or otherwise than the verdict';
comment on column flakiness.outcomes is 'Judgements by outcome; `another`: than the verdict, from before it was kept';
comment on column flakiness.verdict is 'The verdict, which is the first judgement and stays; null where our failure stands for it';
comment on column flakiness.infrastructure_errors is 'Judgements that failed by our fault';
comment on column flakiness.detail is 'What a judgement that did not call it correct said';
comment on column flakiness.is_reference is 'Whether it is its problem''s own right solution: if none of its judgements is correct, the verifier or the problem is wrong';

create view reference_failures as
select judged.run_id, benchmark.name as benchmark, problem.key as problem_key, judged.sample_index,
    verifier.name as verifier, verifier.version, judged.outcome, judged.detail,
    (judged.facts ->> 'several_answers')::boolean as several_answers, judged.verifier_id
from run
join llm on llm.id = run.llm_id and llm.name = 'reference'
join judged on judged.run_id = run.id
join verifier on verifier.id = judged.verifier_id
join benchmark on benchmark.id = verifier.benchmark_id
join problem on problem.id = judged.problem_id
where judged.outcome is distinct from 'correct';
comment on view reference_failures is
    'Problems that a verifier gets wrong: reference solutions, imported as `--llm reference`, that it does not pass';
comment on column reference_failures.outcome is 'What the verifier said of the reference solution; null until it has';
comment on column reference_failures.several_answers is 'The statement says that several answers are right, and only one is known';
