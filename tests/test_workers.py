"""Workers and sweepers by their rows: who lives, stands still or is gone, who sweeps, and what doctor tells of it."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import make_url

from cli import doctor
from cli.worker.found import queues, sweeper, workers
from cli.worker.wanted import waits_for
from models.database import engine, transaction
from models.machine import ProcessName, lives, started_ticks, this_process
from models.questions.workers import present_workers, standing_still
from models.settings import settings
from tasks import identity, ledger
from tasks.ledger import worker
from tasks.ledger.work import Lease, Worker
from tasks.ledger.worker import Registered
from tasks.workers import presence
from tasks.workers.sweep import sweep, sweep_for_ever
from tests.place import Place, send_to, wait_until
from tests.small_runs import small
from verifiers.errors import UserError


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Beats of this process come four times a second, and none after the test."""
    monkeypatch.setattr(presence, "LIVES_SECONDS", 1.0)
    yield
    presence.left()


def registered(kind: str = "verify", queue: str = "verify", process: ProcessName | None = None) -> Registered:
    queues = [] if kind == "sweep" else [queue]
    return worker.register(
        process or this_process(), kind, f"{kind if kind == 'sweep' else queue}@here", queues, "1", 15
    )


def set_row(row: Registered, **columns: str) -> None:
    """Set columns of a worker, each to an SQL expression."""
    with transaction() as connection:
        for name, value in columns.items():
            connection.execute(f"update worker set {name} = {value} where id = %s", (row.id,))  # type: ignore[arg-type]


def state_of(place: Place, row: Registered) -> Any:
    return place.one("select state from worker where id = %s", (row.id,))


def serve(row: Registered) -> None:
    assert worker.look_alive(row, "idle", None, {}, None, 15) is not None


def leads(row: Registered) -> bool:
    led = worker.lead(row, 10)
    assert led is not None
    return led.leads


def told(place: Place, monkeypatch: pytest.MonkeyPatch, *checks: Any) -> list[tuple[str, Any, str, Any]]:
    """What doctor finds by some of its checks."""
    monkeypatch.setattr(doctor, "CHECKS", checks)
    findings = json.loads(place.monkeys("doctor", "--json").stdout)
    return [(each["check"], each["ok"], timeless(each["detail"]), each["command"]) for each in findings]


def timeless(text: str) -> str:
    """Without the seconds that a busy machine makes more of."""
    return re.sub(r"\b\d+ (s|minutes)\b", "some time", text)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def name_of(process: subprocess.Popen[bytes]) -> ProcessName:
    return this_process()._replace(pid=process.pid, started_ticks=started_ticks(process.pid) or 0)


def claim_by(row: Registered, place: Place) -> Lease:
    work = place.one("select min(id) from work where state in ('ready', 'published')")
    lease = ledger.claim(work, Worker("w:1", "here", "0", worker_id=row.id), 600)
    assert lease is not None
    return lease


# what a process tells of itself


def test_a_worker_tells_what_it_does_from_its_start_to_its_end(place: Place, at_once: None) -> None:
    def tells(state: str) -> bool:
        return bool(place.one("select state = %s and lease_until > now() from worker", (state,)))

    presence.begin("generate", "generate.x@here", ["generate.x"])
    assert tells("starting")
    assert place.one("select queues from worker") == ["generate.x"]
    presence.serving()
    wait_until(lambda: tells("idle"))
    assert place.one("select last_did_at from worker") is None
    presence.did()
    wait_until(lambda: place.one("select last_did_at > now() - interval '9 s' from worker"))
    presence.holds()
    wait_until(lambda: tells("serving"))
    presence.waits("its broker is away")
    presence.judges({"sandbox": "no bwrap"})
    wait_until(lambda: place.one("select last_error = 'its broker is away' and judges ? 'sandbox' from worker"))
    presence.left()
    assert place.one("select state from worker") == "left"
    presence.failed("too late to be told")
    time.sleep(0.5)
    assert place.one("select state from worker") == "left"


def test_what_a_forked_child_does_its_parent_tells(place: Place, at_once: None) -> None:
    presence.begin("verify", "verify@here", ["verify"])
    row = presence.worker_id()
    child = os.fork()
    if child == 0:
        presence.did()
        os._exit(0 if presence.worker_id() == row else 1)
    assert os.waitpid(child, 0)[1] == 0
    wait_until(lambda: place.one("select last_did_at from worker"))


def test_a_worker_whose_database_is_another_one_is_told_so(place: Place, at_once: None) -> None:
    gone: list[bool] = []
    presence.begin("verify", "verify@here", ["verify"], on_another_database=lambda: gone.append(True))
    with transaction() as connection:  # another worker has that id there
        connection.execute("update worker set started_ticks = started_ticks + 1")
    wait_until(lambda: gone)


def test_a_worker_whose_schema_is_migrated_past_its_code_is_told_so(place: Place, at_once: None) -> None:
    told: list[str] = []
    presence.begin("verify", "verify@here", ["verify"], on_another_schema=told.append)
    with transaction() as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    wait_until(lambda: told)
    assert "upgrade monkeys here" in told[0]


def test_a_failed_worker_stands_there_with_its_reason(place: Place, at_once: None) -> None:
    presence.begin("verify", "verify@here", ["verify"])
    presence.failed("There is no Docker here.")
    assert place.query("select state, last_error from worker") == [
        {"state": "failed", "last_error": "There is no Docker here."}
    ]


def test_an_attempt_says_which_worker_made_it(place: Place, tmp_path: Path) -> None:
    small(tmp_path).enqueue(place, 5)
    row = registered()
    lease = claim_by(row, place)
    assert place.one("select worker_id from attempt where id = %s", (lease.attempt_id,)) == row.id


def test_a_project_that_is_not_installed_has_a_version_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(identity, "version", missing)
    identity.build.cache_clear()
    assert identity.build().startswith("uninstalled")
    identity.build.cache_clear()


# who sweeps


def test_of_several_sweepers_one_sweeps_and_another_when_its_lease_ran_out(place: Place) -> None:
    first, second, third = (registered("sweep") for _ in range(3))
    assert [leads(each) for each in (first, second, third, first, second)] == [True, False, False, True, False]
    set_row(first, lease_until="now() - interval '1 s'")
    led = worker.lead(second, 10)
    assert led is not None
    assert led.leads
    assert led.replaced == f"process {os.getpid()} on {socket.gethostname()}"
    assert [leads(each) for each in (third, first, second, first)] == [False, False, True, False]


def test_a_sweeper_that_wakes_up_stands_by_though_it_is_older(place: Place) -> None:
    first, second = registered("sweep"), registered("sweep")
    assert leads(first)
    set_row(first, lease_until="now() - interval '1 s'")
    assert leads(second)
    assert worker.look_alive(first, "idle", None, {}, None, 10) is not None  # its beat comes first
    assert state_of(place, first) == "idle"
    assert not leads(first)
    assert leads(second)


def test_of_two_sweepers_that_began_at_the_same_moment_one_goes_on(place: Place) -> None:
    first, second = registered("sweep"), registered("sweep")
    for each in (first, second):
        set_row(each, state="'serving'")
    assert [leads(each) for each in (second, first, second)] == [False, True, False]


def test_a_sweeper_that_left_is_followed_at_once(place: Place) -> None:
    first, second = registered("sweep"), registered("sweep")
    assert leads(first)
    worker.leave(first, "left", None)
    assert leads(second)


def test_a_sweeper_is_patient_after_a_clock_jumped(place: Place) -> None:
    presence.begin("sweep", "sweep@here")
    try:
        assert presence._present is not None
        presence._present.jumped -= 1_000
        now = time.time()
        presence._present.saw_clock(now)
        assert presence.steady_seconds() > 900
        presence._present.saw_clock(now + 1)
        assert presence.steady_seconds() > 900
        presence._present.saw_clock(now + 1 + settings().lease_seconds)
        assert presence.steady_seconds() < 900
    finally:
        presence.left()


# what a sweep does about workers


def test_what_a_process_that_is_gone_held_is_free_at_once(
    place: Place, tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    small(tmp_path).enqueue(place, 20)
    row, elsewhere = registered(process=name_of(sleeper)), registered()
    set_row(elsewhere, pid="1000000000", machine="'another boot'")
    serve(row)
    lease, other = claim_by(row, place), claim_by(elsewhere, place)
    sweep(free_expired=False)
    assert ledger.still_held([lease, other]) == {lease.work_id, other.work_id}
    sleeper.kill()
    wait_until(lambda: not lives(sleeper.pid, row.process.started_ticks))  # though nobody waited for it yet
    sweep(free_expired=False)
    assert ledger.still_held([lease, other]) == {other.work_id}
    assert place.query("select state, last_error from worker where id = %s", (row.id,)) == [
        {"state": "failed", "last_error": "its process is gone"}
    ]
    assert place.query("select ok, error from attempt where id = %s", (lease.attempt_id,)) == [
        {"ok": False, "error": "its worker was lost"}
    ]
    assert place.one("select state::text from work where id = %s", (lease.work_id,)) in ("ready", "published")


def test_a_pid_that_is_used_again_is_another_process(sleeper: subprocess.Popen[bytes]) -> None:
    start = started_ticks(sleeper.pid)
    assert start is not None
    assert lives(sleeper.pid, start)
    assert not lives(sleeper.pid, start - 1)


def test_a_worker_that_says_nothing_for_minutes_has_failed_until_it_speaks_again(place: Place) -> None:
    row, old = registered(), registered()
    set_row(row, lease_until="now() - interval '6 minutes'")
    set_row(old, state="'left'", lease_until="now() - interval '15 days'")
    sweep()
    assert place.query("select id, state, last_error from worker") == [
        {"id": row.id, "state": "failed", "last_error": "it stood still or was lost"}
    ]
    serve(row)
    assert state_of(place, row) == "idle"


def test_one_step_of_a_sweep_that_fails_keeps_no_other_from_being_made(place: Place, tmp_path: Path) -> None:
    small(tmp_path).enqueue(place, 5)
    with transaction() as connection:
        connection.execute("update work set state = 'ready'")
        connection.execute("alter table worker rename to elsewhere")
    sweep()
    assert place.one("select count(*) from work where state = 'published'") == 3


def test_a_sweep_whose_broker_is_away_does_what_needs_none(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(tmp_path).enqueue(place, 5)
    claim_by(registered(), place)
    with transaction() as connection:
        connection.execute("update work set lease_until = now() - interval '1 s' where state = 'leased'")
    monkeypatch.setenv("MONKEYS_BROKER_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    send_to(settings().broker_url)
    sweep()
    assert place.query("select state::text, attempts from work where attempts > 0") == [
        {"state": "ready", "attempts": 1}
    ]


def test_a_sweeper_tells_of_a_schema_that_is_not_its_own(place: Place) -> None:
    with transaction() as connection:
        connection.execute("drop table alembic_version")
    with pytest.raises(UserError, match="run `monkeys migrate`"):
        sweep_for_ever(Event())


# who is asked


def test_a_keeper_learns_who_stands_still(place: Place, sleeper: subprocess.Popen[bytes]) -> None:
    row, fresh, before = registered(process=name_of(sleeper)), registered(), registered()
    pids = [sleeper.pid, os.getpid()]
    set_row(before, started_ticks="started_ticks - 1", lease_until="now() - interval '1 hour'")  # had that pid before
    set_row(row, lease_until="now() - interval '10 s'")
    assert standing_still(socket.gethostname(), pids) == []
    set_row(row, lease_until="now() - interval '40 s'")
    assert standing_still(socket.gethostname(), pids) == [sleeper.pid]
    assert standing_still("elsewhere", pids) == []
    worker.leave(row, "left", None)
    assert standing_still(socket.gethostname(), pids) == []
    assert [each.id for each in present_workers() if each.lives] == [fresh.id]


def test_doctor_tells_who_sweeps(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    ((_, ok, detail, command),) = told(place, monkeypatch, sweeper)
    assert (ok, command) == (False, "monkeys sweep")
    assert "swept never" in detail
    first, second = registered("sweep"), registered("sweep")
    where = f"{socket.gethostname()}:{os.getpid()}"
    assert told(place, monkeypatch, sweeper)[0][:3] == ("sweeper", None, f"{where} has just begun (swept never)")
    assert leads(first)
    assert not leads(second)
    set_row(first, last_did_at="now() - interval '2 s'")
    assert told(place, monkeypatch, sweeper) == [("sweeper", True, f"swept some time ago by {where}, 1 stand by", None)]
    for each in (first, second):
        set_row(each, started_at="now() - interval '1 hour'", last_did_at="now() - interval '5 minutes'")
    ((_, ok, detail, command),) = told(place, monkeypatch, sweeper)
    assert (ok, command) == (False, "monkeys sweep")
    assert detail.startswith(f"{where} lives and does not sweep (swept some time ago by {where})")
    for each in (first, second):
        set_row(each, lease_until="now()")
    ((_, ok, detail, command),) = told(place, monkeypatch, sweeper)
    assert (ok, command) == (False, "monkeys sweep")
    assert detail.startswith("nobody sweeps")


def test_doctor_tells_how_workers_do(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(place, monkeypatch, workers) == [("workers", None, "0 live", None)]
    row, silent, broken = registered(), registered("generate", "generate.x"), registered("verify", "verify.docker")
    assert told(place, monkeypatch, workers)[0][2] == ("3 live: 1 generate, still loading; 2 verify, still loading")
    assert worker.look_alive(row, "serving", 0, {"sandbox": "no bwrap", "packages": None}, None, 15) is not None
    set_row(silent, lease_until="now() - interval '90 s'")
    worker.leave(broken, "failed", "verify.docker cannot be served here:\nno Docker.")
    where = f"{socket.gethostname()}:{os.getpid()}"
    assert told(place, monkeypatch, workers) == [
        ("workers", True, "1 live: 1 verify", None),
        ("workers", False, f"generate.x@here ({where}) said nothing for some time: it stands still or is lost; its "
                           "keeper starts another", None),
        ("workers", None, f"verify@here ({where}) cannot judge by sandbox: no bwrap", None),
        ("workers", None, "verify.docker@here failed some time ago: verify.docker cannot be served here: no Docker",
         None),
    ]  # fmt: skip


def test_a_worker_that_takes_nothing_though_messages_wait_is_told(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = small(tmp_path).enqueue(place, 5)
    queue = place.one("select queue from llm")
    row = registered("generate", queue)
    assert told(place, monkeypatch, queues)[0][:2] == ("queue", None), "it is still loading"
    serve(row)
    set_row(row, started_at="now() - interval '1 hour'", last_did_at="now() - interval '50 minutes'")
    here = f"{socket.gethostname()}:{os.getpid()}"
    assert told(place, monkeypatch, workers, queues)[1:] == [
        ("queue", True, f"{queue}: 3 works waiting, served by {queue}@here ({here})", None)
    ]
    with transaction() as connection:
        connection.execute("update work set published_at = now() - interval '3 minutes'")
    (_, ok, detail, command) = told(place, monkeypatch, workers)[1]
    assert (ok, command) == (False, f"kill {os.getpid()}")
    assert f"lives and takes none of 3 works of {queue}, sent up to some time ago" in detail
    assert any("takes none of 3 works" in line for line in waits_for(run))
    assert worker.look_alive(row, "serving", None, {}, None, 15) is not None  # it has one in hand, and is just slow
    assert waits_for(run) == [f"3 works wait until {queue}@here is through with others."]


def test_why_the_last_worker_of_a_queue_failed_is_told_where_its_works_wait(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = small(tmp_path)
    run = files.enqueue(place, 5)
    queue = place.one("select queue from llm")
    worker.leave(registered("generate", queue), "failed", "There is no such llm.")
    said = f"{queue}@here failed some time ago: There is no such llm"
    assert timeless(waits_for(run)[0]) == f"{said}."
    assert waits_for(run)[1] == f"A worker of {queue} is started by:"
    assert told(place, monkeypatch, workers)[1][1:3] == (None, said)
    enqueued = place.monkeys("enqueue", "gsm8k", "-m", f"replay:{files.recording}", "-n", "5", "--data",
                             str(files.data), "--prompt-file", str(files.prefix))  # fmt: skip
    assert f"{said}." in timeless(enqueued.output)
    assert "No worker serves" in enqueued.output


def test_doctor_says_that_a_database_is_read_only(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    name = make_url(place.database_url).database
    with transaction() as connection:
        connection.execute(f"alter database {name} set default_transaction_read_only = on")  # type: ignore[arg-type]
    engine().dispose()
    ((_, ok, detail, _),) = told(place, monkeypatch, doctor._database)
    assert not ok
    assert "it is read-only" in detail
