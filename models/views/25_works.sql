-- Exact at every moment: whoever folds changes into counts does both in one transaction.
create view work_total as
select run_id, queue, kind, verifier_id,
    sum(open_works)::bigint as open_works, sum(failed_works)::bigint as failed_works,
    sum(samples)::bigint as samples, sum(correct)::bigint as correct
from (
    select run_id, queue, kind, verifier_id, open_works, failed_works, samples, correct from work_count
    union all
    select run_id, queue, kind, verifier_id, open_works, failed_works, samples, correct from work_change
) as each
group by run_id, queue, kind, verifier_id;
comment on view work_total is 'How many works a run has by queue, kind and verifier, without reading them';
comment on column work_total.open_works is 'Works that are ready, published or leased';
comment on column work_total.failed_works is 'Works set aside after their attempts';
comment on column work_total.samples is 'Samples of works that are done';
comment on column work_total.correct is 'Samples judged correct';
