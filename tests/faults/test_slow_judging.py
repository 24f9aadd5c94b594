"""Judgings that take longer than a lease, whose workers are killed or told to go in the middle of one."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack.processes import kill
from tests.faults.crew import LEASE_SECONDS, Crew
from tests.place import Place, wait_until
from tests.slow import SLOW, asked, slow_run
from tests.small_runs import check
from verifiers.benchmarks.own import own_queue

pytestmark = pytest.mark.faults

CANDIDATES = 4


@pytest.fixture
def slow_crew(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, Crew]]:
    """A run of six works that want eight candidates, and a worker of four processes with a sweeper, not yet started."""
    monkeypatch.setenv("SLOW_FOLDER", str(tmp_path))
    (tmp_path / "seconds").write_text(str(LEASE_SECONDS * 1.5))
    benchmark = tmp_path / "slow_bench.py"
    benchmark.write_text("from tests.slow import SLOW as benchmark\n")
    made = slow_run(place, tmp_path, samples=300, candidates=CANDIDATES, benchmark=str(benchmark))
    queue = own_queue(SLOW.name)
    verify = ["worker", "verify", "-Q", queue, "--own-benchmarks", "-c", "4"]
    yield made, Crew(place, {"verify": verify, "sweep": ["sweep"]})
    place.kill_all()


def through(place: Place, made: int, crew: Crew, folder: Path, begun: int) -> None:
    """Let the run end: everything has its verdict once, of so many judgings."""
    wait_until(
        lambda: crew.keep() or place.one("select finished_at is not null from run where id = %s", (made,)), seconds=120
    )
    assert place.one("select count(*) from verdict") == 2 * CANDIDATES
    assert len(set(asked(folder))) == 2 * CANDIDATES
    assert len(asked(folder)) == begun
    assert place.query("select distinct state from work where kind = 'verify'") == [{"state": "done"}]
    assert place.one("select count(*) from claim") == 0
    check(place, made)


@pytest.mark.timeout(300)
def test_what_a_killed_process_was_judging_is_judged_by_another_and_nothing_else_twice(
    place: Place, slow_crew: tuple[int, Crew], tmp_path: Path
) -> None:
    made, crew = slow_crew
    crew.keep()
    wait_until(lambda: len(asked(tmp_path)) >= 4)
    kill(crew.tree("verify")[1:2])  # the first is their parent
    through(place, made, crew, tmp_path, begun=2 * CANDIDATES + 1)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_a_killed_worker_was_judging_is_judged_by_the_next(
    place: Place, slow_crew: tuple[int, Crew], tmp_path: Path
) -> None:
    made, crew = slow_crew
    crew.keep()
    wait_until(lambda: len(asked(tmp_path)) >= 4)
    kill(crew.tree("verify"))
    through(place, made, crew, tmp_path, begun=2 * CANDIDATES + 4)


@pytest.mark.timeout(300)
def test_a_worker_that_is_told_to_go_gives_its_judgings_back_after_its_grace(
    place: Place, slow_crew: tuple[int, Crew], tmp_path: Path
) -> None:
    """So it does where one of its processes was killed before."""
    made, crew = slow_crew
    (tmp_path / "seconds").write_text("60")
    crew.keep()
    wait_until(lambda: len(asked(tmp_path)) == 4)
    kill(crew.tree("verify")[1:2])
    wait_until(lambda: len(asked(tmp_path)) == 5)
    began = time.monotonic()
    os.kill(crew.running["verify"].pid, signal.SIGTERM)
    assert crew.running["verify"].wait(30) == 0
    assert time.monotonic() - began < 16
    assert place.one("select count(*) from work where kind = 'verify' and attempts > 0") == 1, "that of the killed one"
    (tmp_path / "seconds").write_text("0.1")
    through(place, made, crew, tmp_path, begun=2 * CANDIDATES + 5)
