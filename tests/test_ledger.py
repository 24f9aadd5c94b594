"""The ledger: what a claim, a lease and an attempt promise, on real PostgreSQL."""

import json
import threading
from pathlib import Path

import pytest

from models.database import transaction
from tasks import ledger, stored
from tasks.engines.engine import Completion
from tasks.ledger import Lease, Usage, Worker
from tasks.publish import publish
from tests import brittle
from tests.place import Place
from tests.small_runs import check, small, use_recording, work_off
from verifiers.benchmarks import BENCHMARKS

WORKER = Worker("test:1", "here", "0")


def claim(place: Place, work_id: int, seconds: float = 60) -> Lease:
    lease = ledger.claim(work_id, WORKER, seconds)
    assert lease is not None
    return lease


def first_work(place: Place, run_id: int) -> int:
    return int(place.one("select min(id) from work where run_id = %s", (run_id,)))


def completions(lease: Lease, text: str = "The answer is 1.") -> list[Completion]:
    return [Completion(text, completion_tokens=3) for _ in range(lease.size)]


def test_a_work_delivered_twice_is_claimed_once(any_postgres: Place, tmp_path: Path) -> None:
    work = first_work(any_postgres, small(tmp_path).enqueue(any_postgres, 10))
    claim(any_postgres, work)
    assert ledger.claim(work, WORKER, 60) is None


def test_an_owner_whose_lease_ran_out_and_was_taken_over_leaves_no_trace(any_postgres: Place, tmp_path: Path) -> None:
    place = any_postgres
    run = small(tmp_path).enqueue(place, 10)
    late = claim(place, first_work(place, run), seconds=-1)
    taker = claim(place, late.work_id)
    assert not ledger.finish_generate(late, completions(late, "late"), Usage())
    assert ledger.finish_generate(taker, completions(taker), Usage())
    assert place.query("select distinct text, attempt_id from sample where run_id = %s", (run,)) == [
        {"text": "The answer is 1.", "attempt_id": taker.attempt_id}
    ]
    assert not ledger.finish_generate(late, completions(late, "late"), Usage())
    check(place, run)


def test_an_owner_whose_lease_ran_out_but_was_not_taken_may_finish(place: Place, tmp_path: Path) -> None:
    run = small(tmp_path).enqueue(place, 10)
    lease = claim(place, first_work(place, run), seconds=-1)
    assert ledger.renew([lease], 60, [Usage()]) == {lease.work_id}
    assert ledger.finish_generate(lease, completions(lease), Usage())
    check(place, run)


def test_a_finish_whose_answer_was_lost_is_finished_once(any_postgres: Place, tmp_path: Path) -> None:
    run = small(tmp_path).enqueue(any_postgres, 10)
    lease = claim(any_postgres, first_work(any_postgres, run))
    assert ledger.finish_generate(lease, completions(lease), Usage())
    assert ledger.finish_generate(lease, completions(lease), Usage())
    check(any_postgres, run)


def test_a_work_that_keeps_killing_its_worker_is_set_aside_and_the_run_ends(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 10)
    poison = first_work(place, run)
    for _ in range(ledger.MAX_ATTEMPTS):
        claim(place, poison, seconds=-1)
        assert ledger.free_expired() == [poison]
    assert ledger.claim(poison, WORKER, 60) is None
    use_recording(files.recording)
    work_off(place)
    assert ledger.end_runs() == [run]
    progress = place.query("select * from run_progress where run_id = %s", (run,))[0]
    assert (progress["failed_works"], progress["samples"]) == (1, 25)
    assert "worker was lost 5 times" in place.one("select last_error from work where id = %s", (poison,))
    check(place, run)


def test_the_last_error_of_an_attempt_is_kept_and_the_next_one_waits(place: Place, tmp_path: Path) -> None:
    run = small(tmp_path).enqueue(place, 10)
    lease = claim(place, first_work(place, run))
    ledger.fail(lease, "the engine\0 coughed")
    work = place.query(
        "select state, last_error, not_before > now() as waits from work where id = %s", (lease.work_id,)
    )
    assert work == [{"state": "ready", "last_error": "the engine\ufffd coughed", "waits": True}]
    assert ledger.claim(lease.work_id, WORKER, 60) is None


def test_giving_back_is_not_an_attempt(place: Place, tmp_path: Path) -> None:
    run = small(tmp_path).enqueue(place, 10)
    for _ in range(2 * ledger.MAX_ATTEMPTS):
        ledger.give_back(claim(place, first_work(place, run)), "the worker leaves")
        make_due(run)
    assert claim(place, first_work(place, run)).attempts == 1


def test_what_is_given_back_again_and_again_for_nothing_waits_longer_each_time_and_says_why(
    place: Place, tmp_path: Path
) -> None:
    run = small(tmp_path).enqueue(place, 10)
    work, pauses = first_work(place, run), []
    for turn in range(12):
        ledger.give_back(claim(place, work), "the worker leaves", Usage(judged=int(turn == 9)))
        pauses.append(
            place.one("select round(extract(epoch from not_before - now())) from work where id = %s", (work,))
        )
        make_due(run)
    assert pauses == [None, 4, 8, 16, 32, 64, 128, 256, 512, None, None, 4]
    assert place.one("select last_error from work where id = %s", (work,)) == "given back: the worker leaves"


def make_due(run: int) -> None:
    with transaction() as connection:
        connection.execute("update work set not_before = null where run_id = %s", (run,))


def test_a_queue_holds_no_more_messages_than_its_window(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.ledger.work.WINDOW", 7)
    run = small(tmp_path).enqueue(place, 20)
    queue = place.one("select distinct queue from work where run_id = %s", (run,))
    assert publish(queue) == 0
    assert place.one("select count(*) from work where state = 'published'") == 7
    assert ledger.free_lost_messages(queue, queue_is_empty=False, older_than_seconds=-1) == 0
    assert ledger.free_lost_messages(queue, queue_is_empty=True, older_than_seconds=-1) == 7


def test_two_workers_with_the_same_new_candidates_do_not_deadlock(any_postgres: Place, tmp_path: Path) -> None:
    place = any_postgres
    run = small(tmp_path, problems=1).enqueue(place, 20)
    answers = [f"The answer is {each}." for each in range(5)]
    for work in place.query("select id from work where run_id = %s", (run,)):
        lease = claim(place, work["id"])
        ledger.finish_generate(lease, [Completion(text) for text in answers], Usage())
    works = [row["id"] for row in place.query("select id from work where kind = 'verify' and run_id = %s", (run,))]
    from tasks.workers.verify import verify

    threads = [threading.Thread(target=verify.apply, kwargs={"args": [work]}) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert place.one("select count(*) from work where kind = 'verify' and state = 'done' and run_id = %s", (run,)) == 4
    assert place.one("select count(*) from verdict") == 5
    check(place, run)


def test_cancelling_and_finishing_at_once_leave_no_open_work(any_postgres: Place, tmp_path: Path) -> None:
    place = any_postgres
    run = small(tmp_path, problems=4).enqueue(place, 20)
    leases = [claim(place, row["id"]) for row in place.query("select id from work where run_id = %s", (run,))]
    begin = threading.Barrier(2)

    def finish() -> None:
        begin.wait()
        for lease in leases:
            ledger.finish_generate(lease, completions(lease), Usage())

    thread = threading.Thread(target=finish)
    thread.start()
    begin.wait()
    with ledger.hold(run) as held:
        held.cancel()
    thread.join()
    assert place.one("select count(*) from work where run_id = %s and state in ('ready', 'leased')", (run,)) == 0
    check(place, run)


def recording(folder: Path, **texts: list[str]) -> Path:
    file = folder / "brittle.jsonl"
    rows = [
        {"problem": key, "sample_index": index, "text": text}
        for key, each in texts.items()
        for index, text in enumerate(each)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.usefixtures("brittle_is_ours")
def test_our_own_failures_are_retried_then_undecided_and_judged_again_when_asked(place: Place, tmp_path: Path) -> None:
    file = recording(tmp_path, a=["1", "2", "x"], b=["1", "2", "x"])
    first, second = (int(place.ok("enqueue", "brittle", "-m", f"replay:{file}", "-n", "3", "--quiet")) for _ in "12")
    use_recording(file)
    brittle.broken.add("x")
    try:
        work_off(place)
        while place.one("select count(*) from work where state in ('ready', 'published')"):
            with transaction() as connection:
                connection.execute("update work set not_before = null")
            work_off(place)
    finally:
        brittle.broken.clear()
    assert place.one("select max(attempts) from work where kind = 'verify'") == 3
    for run in (first, second):
        tallies = place.query("select correct, incorrect, undecided from problem_tally where run_id = %s", (run,))
        assert tallies == [{"correct": 1, "incorrect": 1, "undecided": 1}] * 2
        check(place, run)
    place.ok("reverify", str(first), "--infrastructure")
    work_off(place)
    for run in (first, second):
        tallies = place.query("select correct, incorrect, undecided from problem_tally where run_id = %s", (run,))
        assert tallies == [{"correct": 1, "incorrect": 2, "undecided": 0}] * 2
        check(place, run)
    assert place.one("select count(*) from verdict where outcome = 'infrastructure_error'") == 0


@pytest.mark.usefixtures("brittle_is_ours")
def test_a_verifier_of_another_version_than_the_runs_gives_the_work_back_and_says_why(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = recording(tmp_path, a=["1"], b=["1"])
    run = int(place.ok("enqueue", "brittle", "-m", f"replay:{file}", "-n", "1", "--quiet"))
    use_recording(file)
    work_off(place, kinds=("generate",))
    monkeypatch.setitem(BENCHMARKS, "brittle", brittle.NEWER)
    stored.verifier_by.cache_clear()
    work_off(place, kinds=("verify",), at_most=1)
    assert "version 2 here and 1 in the run" in place.one("select max(last_error) from work where run_id = %s", (run,))
    with transaction() as connection:  # as after their last attempts
        connection.execute(
            """
            update work set state = 'failed', last_error = (select max(last_error) from work)
            where run_id = %s and kind = 'verify'
            """,
            (run,),
        )
    assert ledger.end_runs() == [run]
    told = place.monkeys("watch", str(run))
    command = f"monkeys reverify {run} --verifier first"
    findings = json.loads(place.monkeys("doctor", "--json").stdout)
    assert [each["command"] for each in findings if each["check"] == "works"] == [command]
    assert command in told.output
    assert "monkeys resume" not in told.output
    assert "it counts once it is through" in place.monkeys(*command.split()[1:]).output
    work_off(place, kinds=("verify",), at_most=4)
    assert ledger.move_counting() == [run]
    assert (
        place.one("select version from run join verifier on verifier.id = verifier_id where run.id = %s", (run,)) == "2"
    )
    assert place.one("select count(*) from work where run_id = %s and state <> 'done'", (run,)) == 2
    assert place.ok("resume", str(run)) == ""
    assert place.one("select count(*) from work where run_id = %s and state = 'cancelled'", (run,)) == 2
    check(place, run)
