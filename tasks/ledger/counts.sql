-- How many works a run has, kept without counting them. A trigger on work notes what each statement changed.

-- fold: no work changes
-- Adds the oldest changes to the counts. Skips changes that another one adds; locks counts by their key.
with changed as (
    delete from work_change
    where id = any(array(select id from work_change order by id limit %(at_most)s for update skip locked))
    returning run_id, queue, kind, verifier_id, open_works, failed_works, samples, correct
)
insert into work_count as counted (run_id, queue, kind, verifier_id, open_works, failed_works, samples, correct)
select run_id, queue, kind, verifier_id, sum(open_works), sum(failed_works), sum(samples), sum(correct)
from changed
where exists (select from run where run.id = changed.run_id)
group by run_id, queue, kind, verifier_id
order by run_id, queue, kind, verifier_id
on conflict (run_id, queue, kind, verifier_id) do update set
    open_works = counted.open_works + excluded.open_works, failed_works = counted.failed_works + excluded.failed_works,
    samples = counted.samples + excluded.samples, correct = counted.correct + excluded.correct
