"""Cut cables and lost hosts: after healing everything goes on by itself, and what a lost host held others do."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.hosts import Host, far_broker, far_database, missing
from tests.place import Place, new_place, wait_until
from tests.small_runs import Small, check, small

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

CUT_SECONDS = float(os.environ.get("MONKEYS_TEST_CUT_SECONDS", "15"))
SAMPLES = 40
PASSES = {"MONKEYS_LEASE_SECONDS": "10", "MONKEYS_SWEEP_SECONDS": "0.5"}


class Far(NamedTuple):
    """Hosts, a place whose servers they reach, and what is sampled there."""

    hosts: list[Host]
    place: Place
    files: Small

    def work(self, host: Host) -> list[subprocess.Popen[bytes]]:
        """A worker of each kind on a host."""
        generate = ["worker", "generate", "-m", f"replay:{self.files.recording}", "-c", "2"]
        return [host.start(self.place, *words, **PASSES) for words in (generate, ["worker", "verify", "-c", "2"])]

    def done(self) -> int:
        return int(self.place.one("select count(*) from work where state = 'done'"))

    def all_done(self) -> bool:
        return bool(self.place.one("select count(*) = 0 from work where state <> 'done'"))


@pytest.fixture(params=[pytest.param("redis", marks=pytest.mark.slow), "rabbitmq"])
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Far]:
    """Two hosts, whose servers are on this machine."""
    if why := missing():
        pytest.skip(why)
    with ExitStack() as ends:
        hosts = []
        for number in (1, 2):
            hosts.append(Host(number))
            ends.callback(hosts[-1].end)
        address = hosts[0].here
        database = ends.enter_context(far_database(tmp_path / "database", address))
        broker = ends.enter_context(far_broker(request.param, tmp_path / "broker", address))
        place = ends.enter_context(new_place(database, broker, tmp_path / "home"))
        yield Far(hosts, place, small(tmp_path, problems=4, samples=SAMPLES))


def test_a_cut_cable_that_heals_ends_nobody(far: Far) -> None:
    run = far.files.enqueue(far.place, SAMPLES // 4)
    workers = far.work(far.hosts[0])
    far.place.start("sweep", **PASSES)
    wait_until(far.all_done)
    before = far.done()
    far.hosts[0].cut()
    far.place.ok("extend", str(run), "-n", str(SAMPLES))
    time.sleep(CUT_SECONDS)
    assert far.done() == before
    far.hosts[0].heal()
    healed = time.monotonic()
    wait_until(lambda: far.done() > before, 90)
    print(f"\ncut for {CUT_SECONDS:.0f} s; the next work was done {time.monotonic() - healed:.1f} s after healing")
    wait_until(far.all_done, 120)
    assert [each.poll() for each in workers] == [None, None]
    for each in workers:
        each.terminate()
    assert [each.wait(60) for each in workers] == [0, 0]
    check(far.place, run)


def test_what_a_lost_host_held_is_done_by_another(far: Far) -> None:
    run = far.files.enqueue(far.place, SAMPLES)
    far.work(far.hosts[0])
    far.place.start("sweep", **PASSES)
    wait_until(lambda: far.done() > 0)
    far.hosts[0].cut()
    lost = time.monotonic()
    far.work(far.hosts[1])
    wait_until(far.all_done, 200)
    print(f"\nall was done {time.monotonic() - lost:.1f} s after a host was lost, a worker's start included")
    far.hosts[0].heal()  # so that it leaves when it is told to
    check(far.place, run)
