create view reliability as
select found.run_id, state.verifier, found.measure, found.reward_model, found.k, nullif(found.share, 0) as share,
    found.value, found.stderr, found.low, found.high,
    case when found.low is null then null
         when found.measure = 'bayes_at_n' then 'these problems' else 'new problems' end as interval_of,
    state.computed_at, state.stale, found.verifier_id, state.version, state.counting
from analysis_reliability as found
join analysis_state as state on state.run_id = found.run_id and state.verifier_id = found.verifier_id;
comment on view reliability is
    'Other measures of a run''s samples: how reliably problems are solved, and what votes and scores tend to';
comment on column reliability.measure is
    'g_pass_at_k: at least a share of k is right; mg_pass_at_k: that over shares from a half to 1; bayes_at_n: '
    'mean chance of a right sample; majority_ceiling: the most frequent answer of all samples is right; '
    'max_at_k: best score of k';
comment on column reliability.reward_model is 'Whose scores, of max_at_k; else empty';
comment on column reliability.k is
    'Samples a problem; of bayes_at_n and majority_ceiling the fewest of any problem, all of which are used';
comment on column reliability.share is 'Share of the k samples that must be right, of g_pass_at_k';
comment on column reliability.value is 'Mean over problems';
comment on column reliability.stderr is
    'Standard error, clustered over problems; of bayes_at_n the posterior standard deviation';
comment on column reliability.low is 'Lower end of the 95 % interval, see interval_of; null of scores';
comment on column reliability.high is 'Upper end of the 95 % interval, see interval_of; null of scores';
comment on column reliability.interval_of is
    'What the interval is for: new problems of the same kind, or these problems with new samples (credible, '
    'uniform prior); null where there is none';
comment on column reliability.stale is 'Whether samples were judged since';
comment on column reliability.version is 'Of the verifier';
comment on column reliability.counting is 'Whether the verifier is the one that counts';

create view adaptive_consistency as
select found.run_id, state.verifier, found.k, found.sure, found.samples, found.samples_stderr, found.success_rate,
    found.stderr, found.simulation_stderr, majority.success_rate as majority, state.computed_at, state.stale,
    found.verifier_id, state.version, state.counting
from analysis_stopping as found
join analysis_state as state on state.run_id = found.run_id and state.verifier_id = found.verifier_id
left join analysis_precision as majority on majority.run_id = found.run_id
    and majority.verifier_id = found.verifier_id and majority.selector = 'majority' and majority.k = found.k;
comment on view adaptive_consistency is
    'Majority votes that stop once the leading answer is sure to stay ahead: accuracy against samples paid (arXiv '
    '2305.11860)';
comment on column adaptive_consistency.k is 'Samples that a problem is given at most';
comment on column adaptive_consistency.sure is
    'It stops when Beta(v1+1, v2+1) exceeds one half with a greater chance, v1 and v2 being the votes of the two '
    'leaders';
comment on column adaptive_consistency.samples is 'Samples paid a problem, in the mean';
comment on column adaptive_consistency.samples_stderr is 'Standard error of samples, clustered over problems';
comment on column adaptive_consistency.success_rate is
    'Mean over problems of the chance that the leading answer is right';
comment on column adaptive_consistency.stderr is 'Standard error of success_rate, clustered over problems';
comment on column adaptive_consistency.simulation_stderr is
    'The part of stderr that drawing orders of the samples adds';
comment on column adaptive_consistency.majority is
    'Success rate of a majority among all k samples: what stopping gives up';
comment on column adaptive_consistency.stale is 'Whether samples were judged since';
comment on column adaptive_consistency.version is 'Of the verifier';
comment on column adaptive_consistency.counting is 'Whether the verifier is the one that counts';
