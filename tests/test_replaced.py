"""A database that was replaced or restored under living workers: the same ids, other contents.

What a worker remembers, and what it stores without a lease's token, goes by contents.
"""

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from models.database import transaction
from tasks import ledger
from tasks.ledger import Claimed, Lease, Usage, Worker
from tasks.stored import ReplacedError, StoredProblem, problem_by
from tasks.workers.generate import request_of
from tests.place import Place, copied, restore
from tests.small_runs import Small, check, use_recording, work_off
from verifiers.outcome import Outcome
from verifiers.verifier import Judgement

WORKER = Worker("test:1", "here", "0")


def sums(folder: Path, more: int) -> Small:
    """Two problems whose right answer is their number and so much more, and samples of which each is right for 2."""
    folder.mkdir(exist_ok=True)
    data, recording, prefix = folder / f"{more}.jsonl", folder / "recording.jsonl", folder / "prefix.txt"
    problems = [{"question": f"How much is {each} + {more}?", "answer": f"#### {each + more}"} for each in range(2)]
    data.write_text("".join(json.dumps(row) + "\n" for row in problems))
    samples = [
        {"problem": str(each), "sample_index": index, "text": f"The answer is {each + 2}."}
        for each in range(2)
        for index in range(10)
    ]
    recording.write_text("".join(json.dumps(row) + "\n" for row in samples))
    prefix.write_text("Add.")
    return Small(data, recording, prefix)


def outcomes(place: Place, run: int) -> dict[str, int]:
    sql = "select outcome, samples from outcome_counts where run_id = %s"
    return {row["outcome"]: row["samples"] for row in place.query(sql, (run,))}


@pytest.mark.parametrize("runs_before", [0, 1], ids=["made anew", "restored"])
def test_a_worker_samples_and_judges_what_the_other_database_says(
    place: Place, tmp_path: Path, runs_before: int
) -> None:
    for _ in range(runs_before):
        sums(tmp_path, 3).enqueue(place, 5)
    with copied(place) as backup:
        run = sums(tmp_path, 1).enqueue(place, 10, "--max-tokens", "7")
        problem = place.one("select min(problem_id) from prompt where run_id = %s", (run,))
        use_recording(tmp_path / "recording.jsonl")
        work_off(place)
        assert outcomes(place, run) == {"incorrect": 20}
        assert request_of(run, problem, 0, 1).sampling.max_tokens == 7
        restore(place, backup)
    assert sums(tmp_path, 2).enqueue(place, 10, "--max-tokens", "9") == run, "the same ids"
    assert request_of(run, problem, 0, 1).sampling.max_tokens == 9
    work_off(place)
    assert outcomes(place, run) == {"correct": 20}
    check(place, run)


def claimed_verify_work(place: Place) -> Lease:
    work_off(place, ("generate",))
    lease = ledger.claim(place.one("select min(id) from work where kind = 'verify'"), WORKER, 60)
    assert lease is not None
    return lease


ENDS: list[Callable[[Lease], object]] = [
    lambda lease: ledger.renew([lease], 60, [Usage(gpu_seconds=99)]),
    lambda lease: ledger.fail(lease, "of before", Usage(gpu_seconds=99)),
    lambda lease: ledger.give_back(lease, "of before", Usage(gpu_seconds=99)),
    lambda lease: ledger.refuse_run(lease, "of before", Usage(gpu_seconds=99)),
    lambda lease: ledger.finish_verify(lease, [], {}, Usage(gpu_seconds=99)),
    lambda lease: ledger.record_verdicts(lease, {"2": Judgement(Outcome.incorrect)}),
    lambda lease: ledger.claim_candidate(lease, "2"),
]


def test_what_is_in_hand_leaves_nothing_in_another_database(place: Place, tmp_path: Path) -> None:
    """Its ids are those of the work that is claimed there, of another problem, and its attempt."""
    with copied(place) as empty:
        sums(tmp_path, 1).enqueue(place, 5)
        use_recording(tmp_path / "recording.jsonl")
        before = claimed_verify_work(place)
        restore(place, empty)
    sums(tmp_path, 2).enqueue(place, 5)
    after = claimed_verify_work(place)
    assert (before.work_id, before.attempt_id, before.problem_id) == (after.work_id, after.attempt_id, after.problem_id)
    tables = ("work", "attempt", "candidate", "verdict", "claim")
    rows = {table: place.query(f"select * from {table} order by 1") for table in tables}
    for place_in_list, end in enumerate(ENDS):
        end(before)
        assert {table: place.query(f"select * from {table} order by 1") for table in tables} == rows, place_in_list
    assert ledger.claim_candidate(after, "2") == Claimed.ours


def test_a_problem_whose_id_is_anothers_by_now_is_not_read(place: Place, tmp_path: Path) -> None:
    sums(tmp_path, 1).enqueue(place, 5)
    with pytest.raises(ReplacedError, match="problem 1 is no longer 0"):
        problem_by(StoredProblem(1, "0", "of another content"))


def test_a_claim_whose_commits_answer_was_lost_is_the_same_claim(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums(tmp_path, 1).enqueue(place, 5)
    commit, lost = psycopg.Connection.commit, []

    def commits_and_cuts(connection: psycopg.Connection[object]) -> None:
        commit(connection)
        if not lost:
            lost.append(connection)
            connection.close()
            raise psycopg.OperationalError("the connection was lost")

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Connection, "commit", commits_and_cuts)
        lease = ledger.claim(1, WORKER, 60)
    assert lost
    assert lease is not None
    assert (lease.attempts, lease.attempt_id) == (1, 1)
    assert place.query("select attempts, state, lease_token from work where id = 1") == [
        {"attempts": 1, "state": "leased", "lease_token": lease.token}
    ]
    assert place.one("select count(*) from attempt") == 1
    assert ledger.claim(1, WORKER, 60) is None, "another claim is another's"
    with transaction() as connection:
        connection.execute("update work set lease_until = now() - interval '1 second' where id = 1")
    taken = ledger.claim(1, WORKER, 60)
    assert taken is not None
    assert (taken.attempts, taken.attempt_id) == (2, 2)
