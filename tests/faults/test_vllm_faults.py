"""Two real vLLM engines on one host, whose processes are killed, told to go and refused memory."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from cli.stack.processes import Process, command_line, kill, members, read_process
from cli.stack.servers import Urls
from tests.place import Place, new_place, wait_until
from tests.small_runs import check

START_SECONDS = 600
"""An engine's start on a very busy machine."""

NAMES = ("one", "two")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2_000)]


@pytest.fixture(scope="module")
def served(bundled: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place with two vLLM workers, each below its keeper, a verify worker and a sweeper; both engines serve."""
    with new_place(bundled.database_url, bundled.broker_url, tmp_path_factory.mktemp("vllm")) as place:
        for name in NAMES:
            place.start("worker", "generate", "-m", "pocket-monkey", "-c", "2", "--name", f"{name}@%h")
        place.start("worker", "verify", "-c", "1")
        place.start("sweep")
        wait_until(lambda: len(serving(place)) == 2, START_SECONDS)
        yield place


def serving(place: Place) -> set[str]:
    """The workers that have loaded their engine and live."""
    rows = place.query(
        "select name from worker where kind = 'generate' and state in ('serving', 'idle') and lease_until > now()"
    )
    return {str(row["name"]).split("@")[0] for row in rows}


def busy(place: Place) -> int:
    """A run that both engines have in hand."""
    run = int(
        place.ok(
            "enqueue", "pocket-sums", "-m", "pocket-monkey", "-n", "1000", "--limit", "4", "--batch-size", "100",
            "--quiet",
        )
    )  # fmt: skip
    wait_until(lambda: len(took_part(place, run)) == 2, START_SECONDS)
    return run


def took_part(place: Place, run: int) -> set[str]:
    """Who sampled for a run."""
    rows = place.query(
        "select distinct worker from attempt join work on work.id = work_id where kind = 'generate' and run_id = %s",
        (run,),
    )
    return {str(row["worker"]).split("@")[0] for row in rows}


def whole(place: Place, run: int) -> None:
    """The run ends by itself with each sample once."""
    wait_until(lambda: place.one("select finished_at from run where id = %s", (run,)), START_SECONDS)
    assert place.one("select count(*) from sample where run_id = %s", (run,)) == 4_000
    assert place.one("select count(*) from work where run_id = %s and state <> 'done'", (run,)) == 0
    check(place, run)


def below(place: Place, keeper: int, title: str) -> list[Process]:
    """The processes of a keeper's engine that bear a title."""
    return [each for each in members([place.processes[keeper].pid]) if title in command_line(each.pid)]


def lives(process: Process) -> bool:
    """Whether it is still that process, and not merely waiting to be reaped."""
    now = read_process(process.pid)
    return now is not None and now.start == process.start and not now.zombie


@pytest.mark.parametrize("title", ["VLLM::Worker", "VLLM::EngineCor", "--kept"])
def test_whatever_of_an_engine_is_killed_the_other_goes_on_and_it_comes_again(served: Place, title: str) -> None:
    run = busy(served)
    old = members([served.processes[0].pid])
    victims = below(served, 0, title)
    assert victims
    kill(victims[:1])
    began = time.monotonic()
    wait_until(lambda: not [each for each in old if each.pid != served.processes[0].pid and lives(each)], 120)
    print(f"{title}: everything of the old engine was gone after {time.monotonic() - began:.1f} s")
    whole(served, run)
    print(f"the run had ended after {time.monotonic() - began:.1f} s")
    wait_until(lambda: len(serving(served)) == 2, START_SECONDS)
    print(f"the engine served again after {time.monotonic() - began:.1f} s")
    after = busy(served)
    whole(served, after)
    seeds = "select count(distinct engine_seed) from attempt join work on work.id = work_id where run_id = %s"
    assert served.one(seeds, (after,)) == 2


def test_an_engine_without_room_says_so_in_a_sentence_and_in_its_row(served: Place) -> None:
    code, said = served.start_and_wait(
        "worker", "generate", "-m", "pocket-monkey", "--name", "large@%h", VLLM_CPU_KVCACHE_SPACE="100000"
    )
    assert code == 2
    assert "\nmonkeys: vLLM could not load pocket-monkey: " in said, said[-2_000:]
    (row,) = served.query("select state, last_error from worker where name like 'large@%%'")
    assert row["state"] == "failed"
    assert "vLLM could not load pocket-monkey" in row["last_error"]


def test_what_a_worker_has_in_hand_when_it_is_told_to_go_is_kept_or_given_back_whole(served: Place) -> None:
    run = busy(served)
    keeper = served.processes[0]
    left = members([keeper.pid])
    os.kill(keeper.pid, signal.SIGTERM)
    assert keeper.wait(60) == 0
    wait_until(lambda: not [each for each in left if lives(each)], 20)
    whole(served, run)
    halves = """
        select work.id from work join batch on batch.id = work.batch_id join attempt on attempt.work_id = work.id
        join sample on sample.attempt_id = attempt.id where work.run_id = %s
        group by work.id, attempt.id, batch.size having count(*) <> batch.size
    """
    assert served.query(halves, (run,)) == []
