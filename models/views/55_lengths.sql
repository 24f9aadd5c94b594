-- How long samples are, in both their parts. Where answers begin is the counting verifier's extraction: an offset into
-- the text, as the run's rule had it.
create view lengths as
with measured as (
    select sample.run_id, sample.completion_tokens, sample.thinking_tokens,
        sample.completion_tokens - sample.thinking_tokens as answer_tokens,
        coalesce(length(sample.thinking), 0) + coalesce(extracted.answer_from, length(sample.text)) as thinking_characters,
        length(sample.text) - coalesce(extracted.answer_from, length(sample.text)) as answer_characters,
        (sample.finish_reason = 'length')::int as truncated, (extracted.answer_from is null)::int as unended,
        all_biased_by(run.stop_rule) as biased_by
    from run
    join extraction as extracted on extracted.run_id = run.id and extracted.verifier_id = run.verifier_id
    join sample on sample.run_id = extracted.run_id and sample.problem_id = extracted.problem_id
        and sample.sample_index = extracted.sample_index
)
select run_id, count(*) as samples,
    avg(completion_tokens)::double precision as completion_tokens,
    percentile_cont(0.5) within group (order by completion_tokens) as median_completion_tokens,
    avg(thinking_tokens)::double precision as thinking_tokens,
    percentile_cont(0.5) within group (order by thinking_tokens) as median_thinking_tokens,
    avg(answer_tokens)::double precision as answer_tokens,
    percentile_cont(0.5) within group (order by answer_tokens) as median_answer_tokens,
    count(thinking_tokens) as thinking_known,
    avg(thinking_characters)::double precision as thinking_characters,
    avg(answer_characters)::double precision as answer_characters,
    avg(truncated)::double precision as truncated_share,
    avg(unended)::double precision as unended_share, biased_by
from measured group by run_id, biased_by;
comment on view lengths is 'How long the verified samples of a run are: what was thought and what was answered';
comment on column lengths.samples is 'Samples that the counting verifier has looked at';
comment on column lengths.completion_tokens is 'Mean of those that are known';
comment on column lengths.thinking_tokens is 'Mean of what was thought, within completion_tokens, where it is known';
comment on column lengths.answer_tokens is 'Mean of the others, where both are known';
comment on column lengths.thinking_known is 'Samples of which the tokens of what was thought are known';
comment on column lengths.thinking_characters is 'Mean of what was thought, by the run''s rule: tags, and what a server gave apart';
comment on column lengths.answer_characters is 'Mean of what was answered';
comment on column lengths.truncated_share is 'Share of samples that ended at max_tokens, of those that say how they ended';
comment on column lengths.unended_share is 'Share of samples whose thinking did not end';
comment on column lengths.biased_by is
    'when_solved or planned, where outcomes decided how many samples there are: hard problems have more than easy ones';
