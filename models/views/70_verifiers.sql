-- Are the verifiers well? What they said, how often they said something else, and whether they pass what is right.
create view verifier_health as
select benchmark.name as benchmark, verifier.name as verifier, verifier.version, verdict.outcome,
    count(*) as verdicts,
    count(*)::double precision / sum(count(*)) over (partition by verifier.id) as share,
    sum(verdict.cpu_seconds) as cpu_seconds,
    count(*) filter (where verdict.facts ? 'retries') as retried,
    count(*) filter (where verdict.facts ->> 'isolation' = 'unsafe') as unsafe,
    coalesce(sum(again.reruns), 0)::bigint as reruns,
    coalesce(sum(again.disagreements), 0)::bigint as disagreements, verifier.id as verifier_id
from verdict
join verifier on verifier.id = verdict.verifier_id
left join (
    select rejudgement.candidate_id, rejudgement.verifier_id, count(*) as reruns,
        count(*) filter (where rejudgement.outcome is distinct from verdict.outcome) as disagreements
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
comment on column verifier_health.reruns is 'Judgements made once more by `monkeys flaky`';
comment on column verifier_health.disagreements is 'Of the reruns, those with another outcome: more than none is a flaky verifier';

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
