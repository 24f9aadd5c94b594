"""What a person may do to a run that exists."""

import threading
from pathlib import Path

import pytest

from tasks import ledger
from tasks.engines.engine import Completion
from tasks.runs import changes
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest
from tasks.stored import verifier_by
from tests import brittle
from tests.place import Place
from tests.small_runs import check, coverage, judged, small, use_recording, work_off
from verifiers.benchmarks import BENCHMARKS
from verifiers.errors import UserError


def test_a_cancelled_run_keeps_what_it_has_and_resumes_to_the_same_end(any_postgres: Place, tmp_path: Path) -> None:
    place, files = any_postgres, small(tmp_path)
    undisturbed, run = files.enqueue(place, 20), files.enqueue(place, 20)
    use_recording(files.recording)
    place.monkeys("cancel", str(undisturbed))
    work_off(place, at_most=7)
    place.ok("cancel", str(run))
    assert work_off(place) == 0
    check(place, run)
    assert "cancelled already" in place.monkeys("cancel", str(run)).output
    place.ok("resume", str(run))
    place.ok("resume", str(undisturbed))
    work_off(place)
    assert sorted(ledger.end_runs()) == sorted([undisturbed, run])
    check(place, run)
    assert judged(place, run) == judged(place, undisturbed)
    assert coverage(place, run) == coverage(place, undisturbed)


def test_cancelling_an_ended_run_leaves_it_done(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 5)
    use_recording(files.recording)
    work_off(place)
    ledger.end_runs()
    assert "nothing to cancel" in place.monkeys("cancel", str(run)).output
    assert place.one("select state from run_progress where run_id = %s", (run,)) == "done"
    assert "no cancelled or failed works" in place.monkeys("resume", str(run)).output


def test_a_cancelled_batch_in_flight_gives_no_samples(place: Place, tmp_path: Path) -> None:
    run = small(tmp_path).enqueue(place, 5)
    worker = ledger.Worker("test:1", "here", "0")
    lease = ledger.claim(place.one("select min(id) from work"), worker, 60)
    assert lease is not None
    assert ledger.still_held([lease]) == {lease.work_id}
    place.ok("cancel", str(run))
    assert ledger.still_held([lease]) == set()
    assert ledger.renew([lease], 60, [ledger.Usage()]) == set()
    assert not ledger.finish_generate(lease, [Completion("1")] * lease.size, ledger.Usage())
    check(place, run)


def test_an_extended_run_equals_one_that_was_asked_for_at_once(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    at_once, run = files.enqueue(place, 20), files.enqueue(place, 7)
    use_recording(files.recording)
    work_off(place)
    ledger.end_runs()
    place.ok("extend", str(run), "-n", "20")
    assert place.one("select finished_at from run where id = %s", (run,)) is None
    work_off(place)
    check(place, run)
    assert judged(place, run) == judged(place, at_once)
    assert coverage(place, run) == coverage(place, at_once)
    assert place.one("select extended_at is not null from run where id = %s", (run,))


def test_a_run_is_extended_while_it_goes_on(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 10)
    use_recording(files.recording)
    work_off(place, at_most=3)
    place.ok("extend", str(run), "-n", "20")
    work_off(place)
    check(place, run)
    assert place.one("select count(*) from sample where run_id = %s", (run,)) == 60


def test_what_cannot_be_extended_is_refused(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 10)
    assert "has 10 samples a problem already" in place.refused("extend", str(run), "-n", "10")
    assert "it must be a whole number" in place.refused("extend", str(run), "-n", "3000000000")
    assert "has 20 samples of problem '0', not 21" in place.refused("extend", str(run), "-n", "21")
    place.ok("cancel", str(run))
    assert f"monkeys resume {run}" in place.refused("extend", str(run), "-n", "20")
    assert place.one("select n from run where id = %s", (run,)) == 10


def test_two_people_extending_at_once_add_each_index_once(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 10)
    said: list[object] = []

    def extend(n: int) -> None:
        try:
            said.append(changes.extend(run, n))
        except UserError as error:
            said.append(error)

    threads = [threading.Thread(target=extend, args=(n,)) for n in (15, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 2
    use_recording(files.recording)
    work_off(place)
    check(place, run)
    assert place.one("select count(*) from sample where run_id = %s", (run,)) == 60


def test_the_same_named_run_enqueued_at_once_is_one_run(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    said: list[int] = []
    from tasks.runs.make import enqueue
    from tasks.runs.request import RunRequest

    request = RunRequest("gsm8k", f"replay:{files.recording}", 20, name="twice", data=files.data, prefix="Add.")
    threads = [threading.Thread(target=lambda: said.append(enqueue(request).run_id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(said) == 4
    assert len(set(said)) == 1
    assert place.one("select count(*) from batch") == 3


def test_another_verifier_judges_beside_the_counting_one_and_then_counts(any_postgres: Place, tmp_path: Path) -> None:
    place, files = any_postgres, small(tmp_path)
    run = files.enqueue(place, 20)
    use_recording(files.recording)
    work_off(place, at_most=9)
    samples = place.one("select count(*) from sample")
    place.ok("reverify", str(run), "--verifier", "paper")
    assert place.one("select count(*) from sample") == samples
    work_off(place)
    check(place, run)
    by_paper = place.query("select k, coverage from coverage where run_id = %s and verifier = 'paper'", (run,))
    assert len(by_paper) == len(coverage(place, run))
    place.ok("reverify", str(run), "--verifier", "paper", "--use")
    counting = "select verifier.name from verifier join run on run.verifier_id = verifier.id where run.id = %s"
    assert place.one(counting, (run,)) == "paper"
    assert len(place.query("select distinct verifier from coverage where run_id = %s", (run,))) == 2


def test_a_verifier_counts_only_when_it_has_judged_every_sample(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 20)
    use_recording(files.recording)
    work_off(place, at_most=15)
    place.ok("reverify", str(run), "--verifier", "paper", "--use")
    counting = "select verifier.name from verifier join run on run.verifier_id = verifier.id where run.id = %s"
    work_off(place, kinds=("generate",))
    assert ledger.move_counting() == []
    assert place.one(counting, (run,)) == "answer"
    work_off(place)
    assert ledger.move_counting() == [run]
    assert place.one(counting, (run,)) == "paper"
    check(place, run)


@pytest.mark.usefixtures("brittle_is_ours")
def test_a_newer_version_of_a_verifier_beside_the_counting_one_replaces_it(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "brittle.jsonl"
    file.write_text("".join(f'{{"problem": "{key}", "sample_index": 0, "text": "1"}}\n' for key in "ab"))
    run = enqueue(RunRequest("brittle", f"replay:{file}", 1)).run_id
    use_recording(file)
    place.ok("reverify", str(run), "--verifier", "second", "--use")
    work_off(place, ("generate",))
    work_off(place, ("verify",), at_most=3)  # one work of the second verifier is left
    with monkeypatch.context() as patched:
        patched.setitem(BENCHMARKS, "brittle", brittle.NEWER)
        verifier_by.cache_clear()
        place.ok("reverify", str(run), "--verifier", "second")
        place.ok("reverify", str(run), "--verifier", "first")
        work_off(place, ("verify",))
        assert ledger.move_counting() == [run]
    verifier_by.cache_clear()
    ledger.end_runs()
    assert place.one("select state from run_progress where run_id = %s", (run,)) == "done"
    check(place, run)


def test_reverify_with_nothing_new_says_what_there_is(place: Place, tmp_path: Path) -> None:
    run = small(tmp_path).enqueue(place, 5)
    assert "--infrastructure" in place.refused("reverify", str(run))
    assert "has no verifier 'papre'" in place.refused("reverify", str(run), "--verifier", "papre")


def test_a_deleted_run_is_gone_and_the_others_stay(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run, other = files.enqueue(place, 20), files.enqueue(place, 20)
    use_recording(files.recording)
    assert "monkeys cancel" in place.refused("delete", str(run), "--yes")
    work_off(place)
    before = judged(place, other)
    place.ok("delete", str(run), "--yes")
    assert place.one("select count(*) from run where id = %s", (run,)) == 0
    assert judged(place, other) == before
    check(place, other)


@pytest.mark.parametrize("command", ["cancel", "resume", "delete", "export", "reverify"])
def test_a_run_that_is_not_there_is_named(place: Place, command: str) -> None:
    assert "There is no run '77'" in place.refused(command, "77")


def test_a_reference_solution_that_fails_is_seen(place: Place, tmp_path: Path) -> None:
    files, references = small(tmp_path), tmp_path / "references.jsonl"
    references.write_text(
        "".join(
            f'{{"problem": "{n}", "sample_index": 0, "text": "The answer is {max(n + 1, 2)}."}}\n' for n in range(3)
        )
    )
    said = ("--benchmark", "gsm8k", "--llm", "reference", "--data", str(files.data), "--quiet")
    run = place.ok("import", str(references), *said)
    work_off(place)
    rows = place.query("select run_id, problem_key, outcome from reference_failures")
    assert rows == [{"run_id": int(run), "problem_key": "0", "outcome": "incorrect"}]
