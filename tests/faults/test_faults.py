"""Nothing lost, nothing counted twice: a run of recorded samples while everything that can die dies.

After each schedule of faults: every sample index exists once, with one extraction and one verdict of its candidate;
tallies equal recounts; no work is open; and samples, outcomes and coverage are those of the recording itself.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import psycopg
import pytest

from tests.faults.crew import Crew
from tests.faults.faults import Chaos
from tests.faults.messages import Refusals
from tests.faults.rabbit import BIN
from tests.faults.servers import Servers, own_servers
from tests.faults.watch import Seen, table
from tests.oracle import coverage as curve
from tests.place import Place, new_place, wait_until
from tests.small_runs import Small, check, coverage, judged, small
from verifiers.answers import GSM8K_ANSWER
from verifiers.benchmarks.gsm8k import load
from verifiers.files import read_rows
from verifiers.outcome import Outcome


@pytest.fixture(scope="session")
def mortal_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A PostgreSQL and a Redis that may be killed."""
    with own_servers(tmp_path_factory.mktemp("mortal")) as servers:
        yield servers


def expected(files: Small, run_samples: int) -> list[tuple[str, int, str]]:
    """What the recording itself says, judged here without any queue."""
    problems = {problem.key: problem for problem in load(files.data)}
    return sorted(
        (
            row["problem"],
            row["sample_index"],
            GSM8K_ANSWER.check(problems[row["problem"]], row["text"])[1].outcome.value,
        )
        for row in read_rows(files.recording)
        if row["sample_index"] < run_samples
    )


def through(place: Place, files: Small, n: int, batch: int, servers: Servers | None, schedule: list[str], seed: int,
            seconds: float) -> Chaos:  # fmt: skip
    """Take a run through a schedule of faults, extended before each so that it is at work, and check what must hold."""
    part = n // (len(schedule) + 1)
    run = int(
        place.ok(
            "enqueue", "gsm8k", "-m", f"replay:{files.recording}", "-n", str(part), "--data", str(files.data),
            "--prompt-file", str(files.prefix), "--batch-size", str(batch), "--quiet",
        )
    )  # fmt: skip
    crew = Crew(
        place,
        {
            "generate": ["worker", "generate", "-m", f"replay:{files.recording}", "-c", "4"],
            "verify": ["worker", "verify", "-c", "2"],
            "sweep 1": ["sweep"],
            "sweep 2": ["sweep"],
        },
        servers.through_proxies(place.database) if servers else {},
    )
    chaos = Chaos(crew, servers, Random(seed))
    refusals = Refusals()
    refusals.start()
    seen: dict[str, Seen] = {}
    began = time.monotonic()
    try:
        crew.keep()
        wait_until(lambda: done(place, run) > 0, seconds)
        for number, fault in enumerate(schedule, 2):
            place.ok("extend", str(run), "-n", str(n if number > len(schedule) else number * part))
            wait_until(lambda fault=fault: crew.keep() or chaos.inject(fault), seconds)
            crew.keep()
            one = seen.setdefault(fault, Seen())
            one.injections += 1
            one.seconds.append(until_progress(place, run, crew, seconds))
        wait_until(lambda: crew.keep() or ended(place, run), seconds)
        if place.one("select count(*) from work where run_id = %s and state = 'failed'", (run,)):
            place.ok("resume", str(run))
            wait_until(lambda: crew.keep() or ended(place, run), seconds)
    finally:
        chaos.calm()
        place.kill_all()
        refusals.ended.set()
        refusals.join()
    report(place, run, chaos, refusals.count, seen, time.monotonic() - began)
    check(place, run)
    assert place.one("select count(*) from work where run_id = %s and state <> 'done'", (run,)) == 0
    wanted = expected(files, n)
    assert judged(place, run) == wanted
    keys = sorted({key for key, _, _ in wanted})
    right = [sum(each[0] == key and each[2] == Outcome.correct for each in wanted) for key in keys]
    measured = coverage(place, run)
    exact = curve(np.full(len(keys), n), np.array(right), np.array([row["k"] for row in measured]))
    assert [row["coverage"] for row in measured] == pytest.approx(list(exact.coverage))
    return chaos


def done(place: Place, run: int) -> int:
    """Works of a run that are done; asked again while the database is away."""
    while True:
        try:
            return int(place.one("select count(*) from work where run_id = %s and state = 'done'", (run,)))
        except psycopg.OperationalError:
            time.sleep(0.1)


def ended(place: Place, run: int) -> bool:
    """Whether the sweeper saw the run's end."""
    try:
        return place.one("select finished_at from run where id = %s", (run,)) is not None
    except psycopg.OperationalError:
        return False


def until_progress(place: Place, run: int, crew: Crew, seconds: float) -> float:
    """Seconds until another work is done, or the run has ended."""
    before, began = done(place, run), time.monotonic()
    wait_until(lambda: crew.keep() or done(place, run) > before or ended(place, run), seconds)
    return time.monotonic() - began


def report(place: Place, run: int, chaos: Chaos, refused: int, seen: dict[str, Seen], seconds: float) -> None:
    """Print what was done to the run and what that cost."""
    tried = place.query(
        """
        select count(distinct work_id) as works, count(*) as attempts, count(*) filter (where ok) as useful,
            count(*) filter (where error = 'lost its lease') as fenced,
            count(*) filter (where error = 'its worker was lost') as lost,
            count(*) filter (where error like 'given back%%') as given_back
        from attempt join work on work.id = attempt.work_id where work.run_id = %s
        """,
        (run,),
    )[0]
    print(f"\n{sum(chaos.injected.values())} faults in {seconds:.0f} s: {dict(chaos.injected)}")
    twice = tried["useful"] - tried["works"]
    print(f"messages sent again by the test {chaos.messages.sent_again}, refused (as far as seen) {refused}, "
          f"attempts {tried}, works done twice {twice}")  # fmt: skip
    print(f"processes started again {chaos.crew.restarts}\n\n{table(seen)}")


def test_a_run_survives_a_killed_worker_a_killed_broker_and_doubled_messages(
    mortal_servers: Servers, tmp_path: Path
) -> None:
    files = small(tmp_path, problems=4, samples=500, padding=100)
    schedule = [
        "messages twice and out of order",
        "kill -9 a generate worker",
        "kill -9 one process of a verify worker",
        "kill -9 the broker",
    ]
    with new_place(mortal_servers.database_url, mortal_servers.broker_url, tmp_path / "home") as place:
        through(place, files, 500, 10, mortal_servers, schedule, seed=1, seconds=120)


@pytest.mark.faults
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize(("broker", "fourth"), [("redis", 0), ("rabbitmq", 1)])
def test_a_run_survives_faults_of_every_sort_in_any_order(broker: str, fourth: int, tmp_path: Path) -> None:
    """A fourth of them on each broker; tests.faults.long makes all on both."""
    if broker == "rabbitmq" and not BIN.exists():
        pytest.skip("RabbitMQ is not installed here")
    files = small(tmp_path, problems=20, samples=1_500, padding=1_000)
    with (
        own_servers(tmp_path / "servers", broker) as servers,
        new_place(servers.database_url, servers.broker_url, tmp_path / "home") as place,
    ):
        every = list(Chaos(Crew(place, {}), servers, Random(0)).faults())
        Random(1).shuffle(every)
        through(place, files, 1_500, 20, servers, every[fourth::4], seed=fourth, seconds=600)


@pytest.mark.faults
@pytest.mark.timeout(1_800)
def test_a_long_run_survives_on_rabbitmq_and_an_outside_postgres(
    outside_postgres: str, outside_amqp: str, tmp_path: Path
) -> None:
    files = small(tmp_path, problems=20, samples=1_500, padding=1_000)
    with new_place(outside_postgres, outside_amqp, tmp_path / "home") as place:
        every = list(Chaos(Crew(place, {}), None, Random(0)).faults())
        schedule = Random(4).sample(every, len(every) // 2)
        through(place, files, 1_500, 20, None, schedule, seed=4, seconds=600)
