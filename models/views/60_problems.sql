create view problem_difficulty as
select run_id, problem_id, problem_key, samples, samples - undecided as decided, correct, share.correct_share,
    first_correct + 1 as first_correct_rank,
    case when biased_by is null then (samples - undecided + 1)::double precision / (correct + 1) end as expected_rank,
    case when samples > undecided and correct = 0 then 'never solved' when share.correct_share <= 0.01 then 'up to 1 %'
         when share.correct_share <= 0.1 then 'up to 10 %' when share.correct_share <= 0.5 then 'up to 50 %'
         when share.correct_share > 0.5 then 'above 50 %' end as difficulty,
    biased_by
from problem_tally
cross join lateral (
    select case when biased_by is null then problem_tally.correct_share end as correct_share
) as share;
comment on view problem_difficulty is 'How hard each problem of a run is: by the share of right samples and by the rank of the first one';
comment on column problem_difficulty.decided is 'Samples judged one way or the other';
comment on column problem_difficulty.correct_share is
    'pass@1 of the problem; null where biased_by says why';
comment on column problem_difficulty.first_correct_rank is 'Rank of the first right sample in the order of their indices, from 1';
comment on column problem_difficulty.expected_rank is
    'Mean rank of the first right sample over all orders of these samples: (n + 1) / (c + 1); n + 1 where none is; '
    'null where biased_by says why: the samples that stopping left out have no rank, and first_correct_rank is how many '
    'were needed';
comment on column problem_difficulty.difficulty is
    'Class by pass@1: never solved, up to 1 %, 10 %, 50 %, above 50 %; null where that is not known';
comment on column problem_difficulty.biased_by is
    'when_solved or planned, where outcomes decided how many samples there are: shares of them are no estimates then';
