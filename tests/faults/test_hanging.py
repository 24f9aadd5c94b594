"""Judges that never return or take their process along, in real workers: others go on, and the worker hears."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack.processes import members, read_process
from models.database import transaction
from tests.place import Place, wait_until
from tests.small_runs import check
from verifiers.benchmarks.own import own_queue

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

QUEUE = own_queue("hanging")

OURS = """
judge.__module__ = extract.__module__ = "verifiers.one_of_ours"  # so it runs in the very process of the pool
"""


@pytest.fixture
def folder(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the hanging benchmark writes; its workers end with the test."""
    monkeypatch.setenv("HANGING_FOLDER", str(tmp_path))
    yield tmp_path
    place.kill_all()


def benchmark(folder: Path, seconds: float, more: str = "") -> Path:
    """The hanging benchmark, whose judge may take so long."""
    file = folder / "hanging_bench.py"
    file.write_text(
        f"from verifiers.benchmarks import own\nown.JUDGE_SECONDS = {seconds}\n"
        f"from tests.hanging import HANGING as benchmark, extract, judge\n{more}"
    )
    return file


def run(place: Place, folder: Path, file: Path, a: str, b: str) -> int:
    """An imported run of one sample for each of the two problems."""
    rows = folder / "samples.jsonl"
    rows.write_text("".join(f'{{"problem": "{key}", "sample_index": 0, "text": "{text}"}}\n' for key, text in
                            (("a", a), ("b", b))))  # fmt: skip
    words = ("import", str(rows), "--benchmark", str(file), "--llm", "agent", "--quiet")
    return int(place.ok(*words).splitlines()[0])


def begun(folder: Path) -> list[list[str]]:
    """(way, its process, the parent of that) of every judging that was begun and does not end."""
    file = folder / "begun"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


def finished(place: Place, made: int) -> bool:
    return bool(place.one("select finished_at is not null from run where id = %s", (made,)))


def start(place: Place, processes: int = 2) -> int:
    """A worker of the benchmark, and a sweeper; the worker's process id."""
    place.start("sweep")
    words = ("worker", "verify", "-Q", QUEUE, "--own-benchmarks", "-c", str(processes))
    return place.start(*words, HANGING_KILLS="yes", MONKEYS_LEASE_SECONDS="60").pid


def ends(place: Place, pid: int, seconds: float) -> float:
    """Tell a worker to go; how long it took to leave, with nothing left of it."""
    (worker,) = [each for each in place.processes if each.pid == pid]
    began = time.monotonic()
    os.kill(pid, signal.SIGTERM)
    assert worker.wait(seconds) == 0
    took = time.monotonic() - began
    assert members([pid]) == []
    return took


def test_other_runs_go_on_while_two_candidates_hang_and_those_end_undecided(place: Place, folder: Path) -> None:
    file = benchmark(folder, 3)
    hanging = run(place, folder, file, "c", "deaf")
    start(place)
    wait_until(lambda: len(begun(folder)) == 2)
    other = run(place, folder, file, "1", "1")
    wait_until(lambda: finished(place, other), 60)
    wait_until(lambda: finished(place, hanging), 120)
    assert (
        place.query("select outcome::text, detail from verdict where outcome = 'infrastructure_error'")
        == [
            {
                "outcome": "infrastructure_error",
                "detail": "judge of the verifier hanging of hanging took longer than 3 s",
            }
        ]
        * 2
    )
    assert place.one("select sum(undecided) from problem_tally where run_id = %s", (hanging,)) == 2
    for each in (hanging, other):
        check(place, each)


@pytest.mark.parametrize(("cancelled", "more"), [
    pytest.param(("c", "child"), "", id="a person's", marks=pytest.mark.slow),
    pytest.param(("deaf", "loop"), OURS, id="one of ours", marks=pytest.mark.slow),
])  # fmt: skip
def test_what_hangs_lets_go_when_its_run_is_cancelled_and_when_its_worker_is_told_to_go(
    place: Place, folder: Path, cancelled: tuple[str, str], more: str
) -> None:
    """With signals blocked and the interpreter held too, in the very processes of the pool."""
    file = benchmark(folder, 1_000, more)
    hanging = run(place, folder, file, *cancelled)
    worker = start(place)
    wait_until(lambda: len(begun(folder)) == 2)
    other = run(place, folder, file, "1", "1")
    began = time.monotonic()
    place.ok("cancel", str(hanging))
    wait_until(lambda: finished(place, other))
    print(f"cancel -> other run done: {time.monotonic() - began:.1f} s")
    told = run(place, folder, file, "c", "child")
    wait_until(lambda: len(begun(folder)) == 4)
    wait_until((folder / "child").exists)
    print(f"SIGTERM -> gone: {ends(place, worker, 25):.1f} s")
    started = read_process(int((folder / "child").read_text()))
    assert started is None or started.zombie
    wait_until(
        lambda: (
            place.one("select count(*) from work where run_id = %s and state in ('ready', 'published')", (told,)) == 2
        )
    )
    works = place.query("select attempts, last_error from work where run_id = %s and kind = 'verify'", (told,))
    assert all(each["attempts"] == 0 and each["last_error"].startswith("given back") for each in works), works


@pytest.mark.parametrize(("way", "more", "said"), [
    ("parent", "", "its process was ended by SIGKILL"),
    ("segv", OURS, "its process was ended by SIGSEGV"),
])  # fmt: skip
def test_the_work_of_a_lost_process_is_tried_again_at_once_and_says_why(
    place: Place, folder: Path, way: str, more: str, said: str
) -> None:
    hanging = run(place, folder, benchmark(folder, 1_000, more), way, "1")
    start(place)
    wait_until(lambda: begun(folder))
    began = time.monotonic()
    wait_until(lambda: place.one("select count(*) from attempt where error = %s", (said,)))
    print(f"lost -> free: {time.monotonic() - began:.1f} s")
    with transaction() as connection:  # two attempts and their pauses are enough
        connection.execute("update work set attempts = 4 where last_error is not null")
    wait_until(lambda: len(begun(folder)) == 2)
    print(f"lost -> tried again: {time.monotonic() - began:.1f} s")
    wait_until(lambda: finished(place, hanging))
    failed = place.query("select state::text, attempts, last_error from work where state = 'failed'")
    assert failed == [{"state": "failed", "attempts": 5, "last_error": said}]
    check(place, hanging)
