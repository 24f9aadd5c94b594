"""Candidates that take long to judge: each is judged once however many works want it, and whatever ends one."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.worker.wanted import waits_for
from models.database import transaction
from models.logs import MOST_COMPRESSED, pack_log, unpack_log
from models.questions.health import JUDGE_AWAY
from tasks import ledger
from tasks.app import app
from tasks.ledger import Claimed, Lease, Worker
from tasks.workers import verify
from tests import slow
from tests.place import Place, wait_until
from tests.slow import asked, slow_run
from tests.small_runs import check, work_off
from verifiers.benchmarks import BENCHMARKS
from verifiers.outcome import Outcome
from verifiers.verifier import Judgement

WORKER = Worker("test:1", "here", "0")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the slow judge looks and writes."""
    monkeypatch.setitem(BENCHMARKS, slow.SLOW.name, slow.SLOW)
    monkeypatch.setenv("SLOW_FOLDER", str(tmp_path))
    (tmp_path / "seconds").write_text("0")
    app.loader.import_default_modules()
    yield tmp_path
    for held in tmp_path.glob("hold-*"):
        held.unlink()


def works(place: Place) -> list[int]:
    """The works to be verified, those of the first problem first."""
    return [
        row["id"]
        for row in place.query(
            """
            select work.id from work join batch on batch.id = batch_id where kind = 'verify'
            order by batch.problem_id, work.id
            """
        )
    ]


def take(work_id: int) -> Lease:
    lease = ledger.claim(work_id, WORKER, 60)
    assert lease is not None
    return lease


def run_dry(lease: Lease) -> None:
    with transaction() as connection:
        connection.execute("update work set lease_until = now() - interval '1 s' where id = %s", (lease.work_id,))


class Doing(threading.Thread):
    """A work being done by a worker beside this one."""

    def __init__(self, work_id: int) -> None:
        super().__init__(daemon=True)
        self.work_id, self.result = work_id, ""
        self.start()

    def run(self) -> None:
        self.result = app.tasks["verify"].apply(args=[self.work_id]).result


def test_each_distinct_candidate_is_judged_once_and_every_worker_is_busy_while_there_is_one(
    place: Place, folder: Path
) -> None:
    made = slow_run(place, folder, samples=500, candidates=8)
    holds = [folder / f"hold-a-{candidate}" for candidate in range(8)]
    for hold in holds:
        hold.touch()
    each = works(place)
    assert len(each) == 10, "of two problems five works each, which all want the same candidates"
    workers = [Doing(work) for work in each[:5]]
    wait_until(lambda: len(asked(folder)) == 5)
    assert place.one("select count(distinct work_id) from claim") == 5
    for hold in holds:
        hold.unlink()
    for worker in workers:
        worker.join(30)
    work_off(place, ("verify",))
    assert asked(folder) == sorted(f"{key} {candidate}" for key in "ab" for candidate in range(8))
    assert place.one("select count(*) from work where kind = 'verify' and state = 'done'") == 10
    assert place.one("select count(*) from claim") == 0
    assert place.one("select sum(judged) from attempt") == 16
    check(place, made)


def test_a_work_whose_candidates_others_judge_lets_works_pass_and_comes_back_soon(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "WAIT_SECONDS", 0.1)
    made = slow_run(place, folder, samples=200, candidates=3)
    (folder / "hold-a-1").touch()
    first, second = works(place)[:2]
    doing = Doing(first)
    wait_until(lambda: "a 1" in asked(folder))
    for _ in range(4):
        assert "other works" in app.tasks["verify"].apply(args=[second]).result
        (waiting,) = place.query(
            "select state, attempts, extract(epoch from not_before - now())::float8 as pause from work where id = %s",
            (second,),
        )
        assert (waiting["state"], waiting["attempts"]) == ("ready", 0)
        assert waiting["pause"] == pytest.approx(verify.WAIT_PAUSE_SECONDS, abs=5)
        with transaction() as connection:
            connection.execute("update work set not_before = null")
    (folder / "hold-a-1").unlink()
    doing.join(10)
    work_off(place, ("verify",))
    assert asked(folder) == sorted(f"{key} {candidate}" for key in "ab" for candidate in range(3))
    check(place, made)


def test_a_verdict_stands_as_soon_as_it_is_there(place: Place, folder: Path) -> None:
    slow_run(place, folder, samples=50, candidates=2)
    held = works(place)[0]
    (folder / "hold-a-1").touch()
    doing = Doing(held)
    wait_until(lambda: "a 1" in asked(folder))
    assert place.query("select text from verdict join candidate on candidate.id = candidate_id") == [{"text": "0"}]
    assert place.query("select text from claim join candidate on candidate.id = candidate_id") == [{"text": "1"}]
    (folder / "hold-a-1").unlink()
    doing.join(10)
    assert doing.result.startswith("50 samples")


def test_a_judging_longer_than_a_works_time_counts_and_the_work_goes_on(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "WORK_SECONDS", 0.05)
    (folder / "seconds").write_text("0.1")
    made = slow_run(place, folder, samples=50, candidates=3)
    assert work_off(place, ("verify",)) == 6, "one candidate a turn; the last ends its work"
    assert len(asked(folder)) == 6
    assert place.one("select count(*) from work where kind = 'verify' and state = 'done' and attempts = 1") == 2
    check(place, made)


def lose(lease: Lease) -> None:
    ledger.fail(lease, "broke")


def give_back(lease: Lease) -> None:
    ledger.give_back(lease, "leaves")


def free(lease: Lease) -> None:
    run_dry(lease)
    assert ledger.free_expired() == [lease.work_id]


@pytest.mark.parametrize("end", [run_dry, free, lose, give_back])
def test_a_claim_lives_as_long_as_its_lease(place: Place, folder: Path, end: Callable[[Lease], None]) -> None:
    slow_run(place, folder, samples=200, candidates=1)
    first, second = (take(work) for work in works(place)[:2])
    assert ledger.claim_candidate(first, "0") is Claimed.ours
    assert ledger.claim_candidate(first, "0") is Claimed.ours, "an answer may be lost on the way"
    assert ledger.claim_candidate(second, "0") is Claimed.elsewhere
    assert ledger.count_claimed(second, ["0", "1"]) == 1
    assert ledger.count_claimed(first, ["0", "1"]) == 0
    end(first)
    assert ledger.count_claimed(second, ["0", "1"]) == 0
    assert ledger.claim_candidate(second, "0") is Claimed.ours
    if end is not run_dry:
        assert ledger.claim_candidate(first, "1") is Claimed.elsewhere, "who holds no lease claims nothing"


def test_a_claim_ends_with_the_verdict_whoever_gave_it(place: Place, folder: Path) -> None:
    slow_run(place, folder, samples=200, candidates=1)
    first, second = (take(work) for work in works(place)[:2])
    assert ledger.claim_candidate(first, "0") is Claimed.ours
    run_dry(first)
    assert ledger.claim_candidate(second, "0") is Claimed.ours
    ledger.record_verdicts(first, {"0": Judgement(Outcome.incorrect)})
    assert place.one("select count(*) from claim") == 0
    assert ledger.claim_candidate(second, "0") is Claimed.judged


def test_who_waits_for_a_claim_whose_verdict_is_just_being_stored_judges_nothing(place: Place, folder: Path) -> None:
    slow_run(place, folder, samples=200, candidates=1)
    first, second = (take(work) for work in works(place)[:2])
    assert ledger.claim_candidate(first, "0") is Claimed.ours
    found: list[Claimed] = []
    claiming = threading.Thread(target=lambda: found.append(ledger.claim_candidate(second, "0")))
    with transaction() as connection:
        connection.execute("delete from claim")
        claiming.start()
        wait_until(lambda: place.one("select count(*) from pg_stat_activity where wait_event_type = 'Lock'") >= 1)
        connection.execute(
            "insert into verdict (candidate_id, verifier_id, outcome) select id, %s, 'incorrect' from candidate",
            (first.verifier_id,),
        )
    claiming.join(10)
    assert found == [Claimed.judged]
    assert place.one("select count(*) from claim") == 0


def test_many_who_claim_the_same_candidates_share_them_out(place: Place, folder: Path) -> None:
    slow_run(place, folder, samples=500, candidates=1)
    leases = [take(work) for work in works(place)[:5]]
    got: list[tuple[int, str]] = []

    def claim_all(lease: Lease) -> None:
        for text in map(str, range(20)):
            if ledger.claim_candidate(lease, text) is Claimed.ours:
                got.append((lease.work_id, text))

    threads = [threading.Thread(target=claim_all, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(text for _, text in got) == sorted(map(str, range(20)))


def test_a_cancelled_run_ends_its_judgings_within_seconds(place: Place, folder: Path) -> None:
    made = slow_run(place, folder, samples=50, candidates=1)
    (folder / "hold-a-0").touch()
    doing = Doing(works(place)[0])
    wait_until(lambda: asked(folder))
    place.ok("cancel", str(made))
    began = time.monotonic()
    doing.join(10)
    assert time.monotonic() - began < 5
    assert doing.result == "given back: its worker leaves, or the work was cancelled"
    assert place.query("select distinct state from work where kind = 'verify'") == [{"state": "cancelled"}]
    assert place.one("select count(*) from verdict") == 0


def test_a_judge_that_is_away_gives_works_back_paced_and_keeps_what_was_judged(place: Place, folder: Path) -> None:
    made = slow_run(place, folder, samples=50, candidates=2)
    work = works(place)[0]
    (folder / "hold-a-0").touch()
    doing = Doing(work)
    wait_until(lambda: "a 0" in asked(folder))
    (folder / "away").touch()
    (folder / "hold-a-0").unlink()
    doing.join(10)
    assert place.query("select text from verdict join candidate on candidate.id = candidate_id") == [{"text": "0"}]
    pauses: list[Any] = [None]
    for _ in range(4):
        (waiting,) = place.query(
            """
            select state, attempts, last_error, extract(epoch from not_before - now())::float8 as pause
            from work where id = %s
            """,
            (work,),
        )
        assert (waiting["state"], waiting["attempts"]) == ("ready", 0)
        assert waiting["last_error"] == f"given back: {JUDGE_AWAY}: the judge sleeps"
        pauses.append(waiting["pause"])
        with transaction() as connection:
            connection.execute("update work set not_before = null")
        app.tasks["verify"].apply(args=[work])
    assert pauses[:3] == [None] * 3, "what judged something, or was idle once, comes back at once"
    assert 0 < pauses[3] < pauses[4]
    assert any("the judge sleeps" in line for line in waits_for(made))
    (folder / "away").unlink()
    with transaction() as connection:
        connection.execute("update work set not_before = null")
    work_off(place, ("verify",))
    check(place, made)


def test_what_judging_printed_is_kept_and_shown_harmless(place: Place, folder: Path) -> None:
    made = slow_run(place, folder, samples=5, candidates=3)
    assert "not verified yet" in place.monkeys("show", str(made), "a", "1", "--log").stderr
    work_off(place, ("verify",))
    shown = place.ok("show", str(made), "a", "1", "--log")
    assert shown == "1 passed\\x00 � \\x1b[31mred\n\n"
    assert "kept none" in place.monkeys("show", str(made), "a", "0", "--log").stderr
    assert "give a PROBLEM" in place.refused("show", str(made), "--log")
    assert "1 passed" not in place.ok("show", str(made), "a", "1")


def test_a_sample_in_which_nothing_was_to_be_judged_is_told_from_one_whose_log_is_not_kept(
    place: Place, tmp_path: Path
) -> None:
    (tmp_path / "samples.jsonl").write_text(json.dumps({"problem": "sums-000", "text": "I do not know."}))
    made = place.ok("import", str(tmp_path / "samples.jsonl"), "--benchmark", "pocket-sums", "--llm", "x").strip()
    work_off(place, ("verify",))
    said = place.monkeys("show", made, "sums-000", "0", "--log").stderr
    assert said == "There is no log of sample 0 of sums-000: it holds nothing that could be judged.\n"


def test_a_log_that_is_too_long_keeps_its_head_and_its_tail() -> None:
    noise = os.urandom(2_000_000)
    packed = pack_log(b"HEAD" + noise + b"TAIL")
    assert packed is not None
    assert len(packed) <= MOST_COMPRESSED
    text = unpack_log(packed)
    assert text.startswith("HEAD")
    assert text.endswith("TAIL")
    assert "bytes are left out here" in text
    whole = b"line\n" * 100_000
    packed = pack_log(whole)
    assert packed is not None
    assert unpack_log(packed).encode() == whole
    packed = pack_log(b"\0" * (80 << 20))
    assert packed is not None
    assert len(unpack_log(packed)) < 17 << 20
    assert pack_log(b"") is None
