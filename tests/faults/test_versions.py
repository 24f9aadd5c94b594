"""Workers as processes through what happens to their database: another one with the same ids, and a newer schema."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from models.schema import migrate, schema_version
from tests.faults.faults import Crew
from tests.place import Place, copied, restore, wait_until
from tests.small_runs import Small, check, small
from tests.test_replaced import outcomes, sums

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]

ROOT = Path(__file__).parent.parent.parent


def crew_of(place: Place, files: Small) -> Crew:
    """A worker of each kind and a sweeper."""
    generate = ["worker", "generate", "-m", f"replay:{files.recording}", "-c", "2"]
    return Crew(place, {"generate": generate, "verify": ["worker", "verify", "-c", "2"], "sweep": ["sweep"]})


def ended(place: Place, run: int) -> bool:
    return bool(place.one("select finished_at is not null from run where id = %s", (run,)))


@pytest.mark.parametrize("runs_before", [0, 1], ids=["made anew", "restored"])
def test_living_workers_judge_what_another_database_with_the_same_ids_says(
    place: Place, tmp_path: Path, runs_before: int
) -> None:
    crew = crew_of(place, sums(tmp_path, 1))
    crew.keep()
    for _ in range(runs_before):
        sums(tmp_path, 3).enqueue(place, 5)
        wait_until(lambda: crew.keep() or ended(place, runs_before), 120)
    with copied(place) as backup:
        run = sums(tmp_path, 1).enqueue(place, 10)
        wait_until(lambda: crew.keep() or ended(place, run), 120)
        assert outcomes(place, run) == {"incorrect": 20}
        restore(place, backup)
    assert sums(tmp_path, 2).enqueue(place, 10) == run, "the same ids"
    wait_until(lambda: crew.keep() or ended(place, run), 120)
    place.kill_all()
    assert outcomes(place, run) == {"correct": 20}
    check(place, run)


@dataclass
class Older:
    """The command line of the commit before the newest migration."""

    place: Place
    folder: Path

    def start(self, *arguments: str, stdout: int | None = None) -> subprocess.Popen[bytes]:
        """Start it as a process, which ends with the test."""
        lease = {"MONKEYS_LEASE_SECONDS": "4", "MONKEYS_SWEEP_SECONDS": "0.3"}
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            cwd=self.folder,
            env={**os.environ, **lease, "PYTHONPATH": str(self.folder)},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stdout and subprocess.STDOUT,
            start_new_session=True,
        )
        self.place.processes.append(process)
        return process

    def said(self, *arguments: str) -> str:
        """All that it says until it ends."""
        said, _ = self.start(*arguments, stdout=subprocess.PIPE).communicate(timeout=120)
        return said.decode()


@pytest.fixture
def older(place: Place, tmp_path: Path) -> Older:
    """The code of before, whose schema is the place's from now on."""
    git = ("git", "-C", str(ROOT))
    newest = str(next((ROOT / "migrations" / "versions").glob(f"{schema_version()}_*.py")))
    found = subprocess.run(
        [*git, "log", "--format=%H", "--diff-filter=A", "--", newest], capture_output=True, text=True
    )
    commit = f"{found.stdout.split()[-1]}^" if found.stdout.split() else "none"
    archive = subprocess.run([*git, "archive", commit], capture_output=True)
    if archive.returncode:
        pytest.skip("the code of before is not at hand: no git history here")
    made = Older(place, tmp_path / "older")
    made.folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(made.folder)], input=archive.stdout, check=True)
    restore(place, "template0")
    assert f"The schema is at {int(schema_version()) - 1:04}" in made.said("migrate")
    return made


@pytest.mark.slow
def test_a_run_goes_through_an_upgrade_under_its_living_workers(place: Place, tmp_path: Path, older: Older) -> None:
    """What only adds lets older workers end what they began; they cannot begin again, and newer ones go on."""
    files = small(tmp_path, problems=4, samples=700, padding=100)
    options = (
        "-m",
        f"replay:{files.recording}",
        "-n",
        "700",
        "--data",
        str(files.data),
        "--batch-size",
        "5",
        "--quiet",
    )
    run = int(older.said("enqueue", "gsm8k", *options, "--prompt-file", str(files.prefix)).splitlines()[-1])
    started = [
        older.start("worker", "generate", "-m", f"replay:{files.recording}", "-c", "2"),
        older.start("worker", "verify", "-c", "2"),
        older.start("sweep"),
    ]
    done = "select count(*) from work where run_id = %s and state = 'done'"
    wait_until(lambda: place.one(done, (run,)) > 20, 120)
    assert migrate() == schema_version()
    at_upgrade = place.one(done, (run,))
    assert not ended(place, run)
    wait_until(lambda: place.one(done, (run,)) > at_upgrade + 20 or ended(place, run), 120)
    for process in started:
        os.kill(process.pid, signal.SIGTERM)
    for process in started:
        process.wait(60)
    left = place.one("select count(*) from work where run_id = %s and state <> 'done'", (run,))
    assert "upgrade monkeys here" in older.said("worker", "verify", "-c", "1")
    crew = crew_of(place, files)
    wait_until(lambda: crew.keep() or ended(place, run), 180)
    place.kill_all()
    print(f"\n{at_upgrade} works were done before the migration, {left} after the older workers had left")
    assert place.one("select max(attempts) from work where run_id = %s", (run,)) <= 2
    assert place.one("select count(*) from work where run_id = %s and state <> 'done'", (run,)) == 0
    check(place, run)
