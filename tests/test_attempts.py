"""Attempts whose process is lost, whose results are refused, or whose lease cannot be renewed."""

import threading
import time
from pathlib import Path

import psycopg
import pytest

from models.database import transaction
from tasks import ledger
from tasks.ledger import Lease, Usage, Worker
from tasks.workers import attempt, leases
from tests.place import Place
from tests.small_runs import check, small, use_recording, work_off

WORKER = Worker("test:1", "here", "0")


def claimed(work_id: int) -> Lease:
    lease = ledger.claim(work_id, WORKER, 60)
    assert lease is not None
    return lease


def make_due() -> None:
    with transaction() as connection:
        connection.execute("update work set not_before = null")


def test_a_lost_process_frees_its_own_work_only(place: Place, tmp_path: Path) -> None:
    small(tmp_path).enqueue(place, 5)
    lease = claimed(place.one("select min(id) from work"))
    told = "its process was ended by SIGSEGV"
    for worker, host in (("test:2", "here"), ("test:1", "there")):
        assert not ledger.free_of_process(lease.work_id, worker, host, told, counts=True)
    assert ledger.free_of_process(lease.work_id, "test:1", "here", told, counts=True)
    assert not ledger.free_of_process(lease.work_id, "test:1", "here", told, counts=True), "it is no longer its own"
    work = place.query("select state, attempts, last_error, not_before > now() as later from work where id = %s",
                       (lease.work_id,))  # fmt: skip
    assert work == [{"state": "ready", "attempts": 1, "last_error": told, "later": True}]
    assert place.query("select error, ok from attempt") == [{"error": told, "ok": False}]
    make_due()
    again = claimed(lease.work_id)
    assert ledger.free_of_process(again.work_id, "test:1", "here", "given back: its worker leaves", counts=False)
    assert place.one("select attempts from work where id = %s", (lease.work_id,)) == 1
    for _ in range(4):
        make_due()
        claimed(lease.work_id)
        assert ledger.free_of_process(lease.work_id, "test:1", "here", told, counts=True)
    assert place.one("select state from work where id = %s", (lease.work_id,)) == "failed"


def test_results_are_kept_that_the_database_refuses_for_a_while(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    made = files.enqueue(place, 5)
    use_recording(files.recording)
    with transaction() as connection:
        connection.execute("alter table sample rename to gone")

    def mend() -> None:
        with transaction() as connection:
            connection.execute("alter table gone rename to sample")

    mending = threading.Timer(1.5, mend)
    mending.start()
    work_off(place, kinds=("generate",))
    mending.join()
    assert place.one("select count(*) from attempt where ok is not true") == 0, "nothing is sampled twice"
    check(place, made)


def test_a_value_that_no_column_takes_is_not_tried_for_minutes() -> None:
    def store() -> None:
        raise psycopg.errors.NumericValueOutOfRange

    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        attempt.keep_storing(store)


def test_a_work_that_somebody_holds_keeps_no_other_lease_from_being_renewed(place: Place, tmp_path: Path) -> None:
    small(tmp_path).enqueue(place, 5)
    held, other = [claimed(row["id"]) for row in place.query("select id from work order by id limit 2")]
    with transaction() as connection:
        connection.execute("select from work where id = %s for update", (held.work_id,))
        connection.execute("update attempt set seen_at = now() where id = %s", (held.attempt_id,))
        assert ledger.renew([held, other], 60, [Usage(), Usage()]) == {other.work_id}
    assert ledger.renew([held, other], 60, [Usage(), Usage()]) == {held.work_id, other.work_id}


def test_a_lease_that_could_not_be_renewed_for_long_stops_its_work(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(tmp_path).enqueue(place, 5)
    lease = claimed(place.one("select min(id) from work"))
    stop = threading.Event()
    with leases.kept(lease, stop, Usage):
        leases._stop_lost(time.monotonic())
        assert not stop.is_set()
        monkeypatch.setattr(leases, "LOST_AFTER", -1)
        leases._stop_lost(time.monotonic())
        assert stop.is_set()
        assert [each.lease for each in leases.stopped()] == [lease]
