"""Processes that stand still, are lost or wait: noticed within seconds, replaced, and told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cli.stack.processes import kill, members
from models.database import transaction
from tests.faults.servers import own_servers
from tests.place import Place, new_place, wait_until
from tests.small_runs import small

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

AWAY = {"MONKEYS_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}


def sweeper(place: Place) -> int | None:
    """The process that sweeps."""
    rows = place.query(
        "select pid from worker where kind = 'sweep' and state = 'serving' and lease_until > now() order by id"
    )
    return rows[0]["pid"] if rows else None


def test_a_frozen_sweeper_is_replaced_and_stands_by_when_it_wakes(place: Place, tmp_path: Path) -> None:
    swept = "2"  # as by default: a lease of 8 s
    first = place.start("sweep", MONKEYS_SWEEP_SECONDS=swept)
    wait_until(lambda: sweeper(place) == first.pid)
    second = place.start("sweep", MONKEYS_SWEEP_SECONDS=swept)
    wait_until(lambda: place.one("select count(*) from worker where state = 'idle'") == 1)
    run = small(tmp_path).enqueue(place, 20)
    first.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    with transaction() as connection:  # their messages were lost
        connection.execute("update work set state = 'ready'")
    wait_until(lambda: sweeper(place) == second.pid)
    replaced = time.monotonic() - began
    wait_until(lambda: place.one("select bool_and(state = 'published') from work"))
    print(
        f"\na frozen sweeper: replaced after {replaced:.1f} s, works published after {time.monotonic() - began:.1f} s"
    )
    first.send_signal(signal.SIGCONT)
    wait_until(lambda: place.one("select state from worker where pid = %s", (first.pid,)) == "idle")
    for _ in range(20):
        assert sweeper(place) == second.pid
        time.sleep(0.3)
    place.ok("cancel", str(run))
    for each in (first, second):
        each.terminate()
        assert each.wait(60) == 0
    assert place.query("select distinct state from worker") == [{"state": "left"}]


def test_a_lost_worker_of_the_same_machine_is_found_long_before_its_lease_ends(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, samples=4_000, padding=2_000)
    files.enqueue(place, 4_000)
    place.start("sweep", MONKEYS_LEASE_SECONDS="600")
    first = place.start("worker", "generate", "-m", f"replay:{files.recording}", "-c", "4", MONKEYS_LEASE_SECONDS="600")
    held = wait_until(
        lambda: place.query("select id from work where state = 'leased' and lease_until > now() + interval '300 s'")
    )
    kill(members([first.pid]))
    began = time.monotonic()
    wait_until(lambda: place.query("select from worker where last_error = 'its process is gone'"))
    print(f"\na lost worker: found after {time.monotonic() - began:.1f} s, {len(held)} works held or more")
    assert place.one("select count(*) from work where state = 'leased'") == 0
    assert place.one("select count(*) from attempt where finished_at is null and ok is null") == 0


def test_a_sweeper_waits_for_a_database_that_is_away_and_leaves_when_told(place: Place, tmp_path: Path) -> None:
    said = tmp_path / "said"
    with said.open("wb") as file:
        waits = subprocess.Popen(
            [sys.executable, "-m", "cli", "sweep"], env={**os.environ, **AWAY}, stdout=file, stderr=file
        )
    place.processes.append(waits)
    wait_until(lambda: "waiting for the database" in said.read_text())
    assert waits.poll() is None
    waits.terminate()
    assert waits.wait(60) == 0
    assert "Traceback" not in said.read_text()


def test_a_sweeper_survives_whatever_its_database_becomes(tmp_path: Path) -> None:
    with (
        own_servers(tmp_path / "servers") as servers,
        new_place(servers.database_url, servers.broker_url, tmp_path / "home") as place,
    ):
        process = place.start("sweep")
        wait_until(lambda: sweeper(place) == process.pid)
        with transaction() as connection:
            connection.execute("alter table worker rename to elsewhere")
        time.sleep(2)
        with transaction() as connection:
            connection.execute("alter table elsewhere rename to worker")
        wait_until(lambda: sweeper(place) == process.pid)
        with transaction() as connection:  # as restored from before it began
            connection.execute("truncate worker restart identity")
        wait_until(lambda: sweeper(place) == process.pid)
        servers.kill_postgres()
        time.sleep(3)
        servers.start_postgres()
        wait_until(lambda: place.query("select from worker where last_did_at > now() - interval '2 s'"))
        assert process.poll() is None


@pytest.mark.slow
def test_leases_are_not_freed_after_everything_stood_still(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, samples=20)
    files.enqueue(place, 20)
    process = place.start("sweep", MONKEYS_LEASE_SECONDS="20")
    wait_until(lambda: sweeper(place) == process.pid)
    wait_until(lambda: place.one("select now() - started_at > interval '12 s' from worker"))  # no longer new
    process.send_signal(signal.SIGSTOP)
    time.sleep(14)  # longer than half a lease, as if the machine had slept
    with transaction() as connection:
        connection.execute(
            """
            update work set state = 'leased', lease_token = gen_random_uuid(), attempts = 1,
                lease_until = now() - interval '1 s'
            """
        )
    process.send_signal(signal.SIGCONT)
    began = time.monotonic()
    wait_until(lambda: place.one("select bool_and(state <> 'leased') from work"))
    assert time.monotonic() - began > 5
