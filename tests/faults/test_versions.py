"""Workers as processes through what happens to their database: another one with the same ids, and a newer schema."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from models import database
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


@pytest.fixture
def older(place: Place, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts the command line of the commit before the newest migration, whose schema is the place's from now on."""
    git = ("git", "-C", str(ROOT))
    newest = str(next((ROOT / "migrations" / "versions").glob(f"{schema_version()}_*.py")))
    found = subprocess.run(
        [*git, "log", "--format=%H", "--diff-filter=A", "--", newest], capture_output=True, text=True
    )
    commit = f"{found.stdout.split()[-1]}^" if found.stdout.split() else ""
    old = tmp_path / "older"
    old.mkdir()
    archive = subprocess.run([*git, "archive", commit or "none"], capture_output=True)
    if archive.returncode:
        pytest.skip("the code of before is not at hand: no git history here")
    subprocess.run(["tar", "-x", "-C", str(old)], input=archive.stdout, check=True)

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", *arguments],
            cwd=old,
            env={**os.environ, "PYTHONPATH": str(old), "MONKEYS_LEASE_SECONDS": "4", "MONKEYS_SWEEP_SECONDS": "0.3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        place.processes.append(process)  # type: ignore[arg-type]
        return process

    database.engine().dispose()
    restore(place, "template0")
    said, _ = start("migrate").communicate(timeout=120)
    assert f"The schema is at {int(schema_version()) - 1:04}" in said
    return start


def test_a_run_goes_through_an_upgrade_under_its_living_workers(
    place: Place, tmp_path: Path, older: Callable[..., subprocess.Popen[str]]
) -> None:
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
    said, _ = older("enqueue", "gsm8k", *options, "--prompt-file", str(files.prefix)).communicate(timeout=120)
    run = int(said.splitlines()[-1])
    started = [
        older("worker", "generate", "-m", f"replay:{files.recording}", "-c", "2"),
        older("worker", "verify", "-c", "2"),
        older("sweep"),
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
        process.communicate(timeout=60)
    left = place.one("select count(*) from work where run_id = %s and state <> 'done'", (run,))
    told, _ = older("worker", "verify", "-c", "1").communicate(timeout=60)
    assert "upgrade monkeys here" in told
    crew = crew_of(place, files)
    wait_until(lambda: crew.keep() or ended(place, run), 180)
    place.kill_all()
    print(f"\n{at_upgrade} works were done before the migration, {left} after the older workers had left")
    assert place.one("select max(attempts) from work where run_id = %s", (run,)) <= 2
    assert place.one("select count(*) from work where run_id = %s and state <> 'done'", (run,)) == 0
    check(place, run)
