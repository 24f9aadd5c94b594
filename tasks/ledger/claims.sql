-- Candidates that take long to judge: claimed by a lease first, so that no two works judge one at once.
-- A claim lives exactly as long as its work is leased under its token and that lease has not run out. Each transaction
-- here holds one candidate, so no two can deadlock, nor with those who insert many in the order of their hashes.

-- hold_candidate: locks one candidate, made where it is new
-- Whoever claims it comes one after the other, and sees what the one before did.
insert into candidate (problem_id, hash, text) values (%(problem_id)s, %(hash)s, %(text)s)
on conflict (problem_id, hash) do update set hash = excluded.hash
returning id

-- claim_candidate: no work changes; locks one claim
-- Made where there is none, taken over where its lease is dead; by the holder of a living lease only.
insert into claim (candidate_id, verifier_id, work_id, lease_token)
select %(candidate_id)s, %(verifier_id)s, id, lease_token
from work where id = %(work_id)s and lease_token = %(token)s and state = 'leased'
on conflict (candidate_id, verifier_id) do update set work_id = excluded.work_id, lease_token = excluded.lease_token
where claim.lease_token = excluded.lease_token or not exists (
    select from work
    where work.id = claim.work_id and work.lease_token = claim.lease_token and work.state = 'leased'
        and work.lease_until >= now()
)

-- drop_if_judged: no work changes; locks one claim
-- A statement of its own, after the claim: the verdict may have come while that waited for the claim before it.
delete from claim using verdict
where claim.candidate_id = %(candidate_id)s and claim.verifier_id = %(verifier_id)s
    and verdict.candidate_id = claim.candidate_id and verdict.verifier_id = claim.verifier_id

-- count_claimed: a look, without a lock
-- Of these candidates those that other works are judging.
select count(*)
from claim
join candidate on candidate.id = claim.candidate_id
join work on work.id = claim.work_id and work.lease_token = claim.lease_token
where candidate.problem_id = %(problem_id)s and candidate.hash = any(%(hashes)s)
    and claim.verifier_id = %(verifier_id)s and work.id <> %(work_id)s
    and work.state = 'leased' and work.lease_until >= now()
