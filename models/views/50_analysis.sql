-- What SQL cannot compute, as `monkeys analyze` left it (models/analysis); stale where samples were judged since.
create view analysis_state as
select analysis.run_id, verifier.name as verifier, analysis.computed_at, analysis.samples,
    coalesce(now_judged.samples, 0) as samples_now,
    analysis.samples <> coalesce(now_judged.samples, 0) as stale, analysis.verifier_id,
    verifier.version, analysis.verifier_id = run.verifier_id as counting
from analysis
join run on run.id = analysis.run_id
join verifier on verifier.id = analysis.verifier_id
left join (
    select run_id, verifier_id, sum(samples - undecided)::bigint as samples from fixed_tally group by run_id, verifier_id
) as now_judged on now_judged.run_id = analysis.run_id and now_judged.verifier_id = analysis.verifier_id;
comment on view analysis_state is 'When the computed views of a run were made, and whether samples came since';
comment on column analysis_state.samples is 'Decided samples that it was computed from';
comment on column analysis_state.samples_now is 'Decided samples that there are now';
comment on column analysis_state.stale is 'Whether the two differ: `monkeys analyze` computes anew';
comment on column analysis_state.version is 'Of the verifier';
comment on column analysis_state.counting is 'Whether the verifier is the one that counts';

create view precision_at_k as
select found.run_id, state.verifier, found.selector, found.reward_model, found.k, found.success_rate,
    found.coverage, gap_of(found.coverage, found.success_rate) as gap, found.stderr, found.exact,
    found.simulation_stderr, state.computed_at, state.stale, found.verifier_id, state.version, state.counting,
    found.low, found.high, found.flag, found.gap_low, found.gap_high
from analysis_precision as found
join analysis_state as state on state.run_id = found.run_id and state.verifier_id = found.verifier_id;
comment on view precision_at_k is 'How often a selector that does not know the truth picks a right sample out of k';
comment on column precision_at_k.selector is
    'majority, best_of_k by a reward model, weighted majority by a reward model, logprob (best mean token logprob), logprob_vote (votes weighed by it)';
comment on column precision_at_k.reward_model is 'Whose scores select; empty where none do';
comment on column precision_at_k.success_rate is 'Mean over problems of the chance that the picked sample is right';
comment on column precision_at_k.coverage is 'Coverage at the same k of the same samples: what a perfect selector would reach';
comment on column precision_at_k.gap is 'Coverage less success rate: what the selector leaves on the table';
comment on column precision_at_k.gap_low is
    'Lower end of the 95 % interval of gap for new problems of the same kind, paired by problem; null where it was analysed by an older version';
comment on column precision_at_k.gap_high is 'Upper end of the 95 % interval of gap for new problems of the same kind';
comment on column precision_at_k.stderr is 'Standard error of success_rate, clustered over problems';
comment on column precision_at_k.low is
    'Lower end of the 95 % interval of success_rate for new problems of the same kind; null where it was analysed by an older version';
comment on column precision_at_k.high is 'Upper end of the 95 % interval of success_rate for new problems of the same kind';
comment on column precision_at_k.exact is 'Whether it is an exact mean over all subsets of k samples, or a simulation';
comment on column precision_at_k.simulation_stderr is 'The part of the error that the simulation adds; 0 where exact';
comment on column precision_at_k.flag is 'How votes were weighed, or what was done to scores below 0, where one must know';
comment on column precision_at_k.stale is 'Whether samples were judged since';
comment on column precision_at_k.version is 'Of the verifier';
comment on column precision_at_k.counting is 'Whether the verifier is the one that counts';

create view coverage_fit as
select found.run_id, found.family, found.parameters, found.error, found.flag, state.verifier, state.computed_at,
    state.stale, found.verifier_id, state.version, state.counting, found.parameters_low, found.parameters_high
from analysis_fit as found
join analysis_state as state on state.run_id = found.run_id and state.verifier_id = found.verifier_id;
comment on view coverage_fit is 'Laws fitted to coverage against k';
comment on column coverage_fit.family is
    'average: mean of the next two, the default; exponentiated_power_law: exp(a k^b); log_log: exp(-a k^-b); '
    'beta_binomial: 1 - B(alpha, beta+k) / B(alpha, beta); '
    'zero_inflated_beta_binomial: solvable times that';
comment on column coverage_fit.parameters is 'Fitted parameters by name; empty where the fit was refused';
comment on column coverage_fit.parameters_low is
    'Lower ends of the parameters'' 95 % intervals, for new problems of the same kind; null of a single problem';
comment on column coverage_fit.parameters_high is 'Upper ends of them';
comment on column coverage_fit.error is 'Mean of |fit - coverage| over the fitted points';
comment on column coverage_fit.flag is 'Why the fit means little or nothing; null where it does mean something';
comment on column coverage_fit.stale is 'Whether samples were judged since';
comment on column coverage_fit.version is 'Of the verifier';
comment on column coverage_fit.counting is 'Whether the verifier is the one that counts';

create view forecast as
select found.run_id, found.family, found.k, found.coverage, found.low, found.high, state.verifier,
    state.computed_at, state.stale, found.verifier_id, state.version, state.counting, found.flag
from analysis_forecast as found
join analysis_state as state on state.run_id = found.run_id and state.verifier_id = found.verifier_id;
comment on view forecast is
    'Coverage at as many samples as were drawn and at more, by each law that could be fitted without a flag';
comment on column forecast.family is 'As in coverage_fit; average is the default';
comment on column forecast.k is 'Samples a problem, from those that every problem has to a hundred times as many';
comment on column forecast.coverage is 'What the law says';
comment on column forecast.low is
    'Lower end of the 95 % interval for new problems of the same kind. It holds which problems were drawn, '
    'the noise of their samples and that the law may be wrong; it is calibrated for the average (make bench-forecasts). '
    'A hundred times ahead it can miss without a flag where problems not solved yet never will be, or come in few '
    'kinds: no sample drawn tells of that';
comment on column forecast.high is 'Upper end of it';
comment on column forecast.flag is
    'That coverage at the samples drawn refutes the law; or what laws that the data cannot tell apart say, where their '
    'odds differ tenfold or more; else null';
comment on column forecast.stale is 'Whether samples were judged since';
comment on column forecast.version is 'Of the verifier';
comment on column forecast.counting is 'Whether the verifier is the one that counts';

create view coverage_band as
select found.run_id, found.method, found.k, found.coverage, found.low, found.high, state.verifier,
    state.computed_at, state.stale, found.verifier_id, state.version, state.counting
from analysis_band as found
join analysis_state as state on state.run_id = found.run_id and state.verifier_id = found.verifier_id;
comment on view coverage_band is '95 % bands of coverage of these very problems, were their samples drawn anew; the view coverage has the interval for new problems';
comment on column coverage_band.method is
    'these_problems: from the spread of samples alone; posterior: by a fitted beta prior (empirical Bayes); both up to the '
    'samples drawn';
comment on column coverage_band.k is 'Samples a problem, up to those that every problem has';
comment on column coverage_band.coverage is 'Mean pass@k; of posterior the posterior mean';
comment on column coverage_band.low is 'Lower end of the 95 % band';
comment on column coverage_band.high is 'Upper end of the 95 % band';
comment on column coverage_band.stale is 'Whether samples were judged since';
comment on column coverage_band.version is 'Of the verifier';
comment on column coverage_band.counting is 'Whether the verifier is the one that counts';

create view diversity as
select found.run_id, found.problem_id, problem.key as problem_key, found.k, found.expected_distinct_candidates,
    found.duplicate_share, found.truncated_share, state.verifier, state.computed_at, state.stale, found.verifier_id,
    state.version, state.counting, found.unended_share, biased_by(run.stop_rule) as biased_by
from analysis_diversity as found
join run on run.id = found.run_id
join problem on problem.id = found.problem_id
join analysis_state as state on state.run_id = found.run_id and state.verifier_id = found.verifier_id;
comment on view diversity is 'Whether the samples of a problem still differ';
comment on column diversity.expected_distinct_candidates is
    'How many distinct candidates k of the problem''s samples are expected to hold (exact rarefaction)';
comment on column diversity.duplicate_share is 'Share of all the problem''s candidates that repeat an earlier one';
comment on column diversity.truncated_share is 'Share of the problem''s samples that ended at max_tokens';
comment on column diversity.unended_share is 'Share of the problem''s samples whose thinking did not end';
comment on column diversity.biased_by is
    'The stopping rule that looks at outcomes, if the run has one: how many samples there are hangs on what they were';
comment on column diversity.stale is 'Whether samples were judged since';
comment on column diversity.version is 'Of the verifier';
comment on column diversity.counting is 'Whether the verifier is the one that counts';
