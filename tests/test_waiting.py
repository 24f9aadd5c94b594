"""Why a run does not move is one line, everywhere where a person looks at it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from models.database import transaction
from models.machine import this_process
from models.questions.waiting import reasons, why_not_moving
from tasks import ledger
from tasks.ledger import worker
from tasks.ledger.work import Worker
from tasks.ledger.worker import Registered
from tests.place import Place
from tests.small_runs import Small, small, use_recording, work_off


@pytest.fixture
def files(tmp_path: Path) -> Small:
    return small(tmp_path)


def registered(kind: str, queue: str) -> Registered:
    return worker.register(this_process(), kind, f"{queue}@here", [queue], "1", 60)


def queue_of_run(place: Place) -> str:
    return str(place.one("select queue from llm"))


def why(run: int) -> Any:
    """The reason, without the seconds and process ids that a busy machine makes others of."""
    found = why_not_moving(run)
    return found and re.sub(r"\b\d+ s\b", "some time", re.sub(r" \(\S+:\d+\)", "", found))


def test_each_reason_why_nothing_is_sampled_is_told(place: Place, files: Small) -> None:
    run = files.enqueue(place, 20)
    queue = queue_of_run(place)
    assert why(run) == f"no worker serves {queue}, where 12 works wait"
    for error in ("no such llm\nas said", "no such llm\nas said"):
        worker.leave(registered("generate", queue), "failed", error)
    assert why(run) == f"{queue}@here failed 2 times in the last hour, last some time ago: no such llm as said"
    row = registered("generate", queue)
    assert "no such llm" in why(run), "the next one is loading, and will fail as well"
    with transaction() as connection:
        connection.execute("delete from worker where state = 'failed'")
    assert why(run) == f"{queue}@here is loading since some time"
    worker.look_alive(row, "idle", None, {}, "the broker is away", 60)
    assert why(run) == f"{queue}@here waits: the broker is away"
    worker.look_alive(row, "serving", None, {}, None, 60)
    assert why(run) == f"12 works wait until {queue}@here is through with others"
    worker.look_alive(row, "idle", None, {}, None, 60)
    assert why(run) is None, "they will be taken at once"


def test_works_that_were_given_back_are_told_with_their_reason(place: Place, files: Small) -> None:
    run = files.enqueue(place, 20)
    first = place.one("select min(id) from work")
    for _ in range(2):  # the first time it is tried again at once
        lease = ledger.claim(first, Worker("w", "host", "1"), 60)
        assert lease is not None
        ledger.give_back(lease, "its engine does nothing just now: The endpoint x refuses the key")
        with transaction() as connection:
            connection.execute("update work set state = 'published' where id = %s and not_before is null", (first,))
    assert why(run) == "12 works wait: The endpoint x refuses the key"


def test_first_batches_in_flight_are_told_until_the_first_sample(place: Place, files: Small) -> None:
    run = files.enqueue(place, 20)
    ids = [row["id"] for row in place.query("select id from work order by id limit 2")]
    for each in ids:
        assert ledger.claim(each, Worker("w", "host", "1"), 60) is not None
    assert why(run) == "2 batches of up to 5 in flight since some time: the first is done when its longest sample is"
    use_recording(files.recording)
    worker.look_alive(registered("verify", "verify"), "idle", None, {}, None, 60)
    work_off(place, ("generate",), at_most=1)
    assert why(run) is None


def test_batches_of_which_nothing_comes_are_told_and_why_others_were_given_back(place: Place, files: Small) -> None:
    run = files.enqueue(place, 20)
    use_recording(files.recording)
    work_off(place, ("generate",), at_most=1)
    worker.look_alive(registered("verify", "verify"), "idle", None, {}, None, 60)
    (first, second) = (
        row["id"] for row in place.query("select id from work where state <> 'done' and kind = 'generate' limit 2")
    )
    leases = [ledger.claim(each, Worker("w", "host", "1"), 60) for each in (first, second)]
    row = registered("generate", queue_of_run(place))
    worker.look_alive(row, "serving", 10.0, {}, None, 60)
    assert why(run) is None
    with transaction() as connection:
        connection.execute("update worker set state = 'serving' where kind = 'verify'")
    assert why(run) is None, "it moves: its verify work is next"
    with transaction() as connection:
        connection.execute("update worker set last_did_at = now() - interval '40 seconds' where kind = 'generate'")
    assert why(run) == "2 batches of up to 5 in flight since some time: the first is done when its longest sample is"
    assert leases[0] is not None
    ledger.give_back(leases[0], "its engine does nothing just now: The endpoint x is down")
    with transaction() as connection:
        connection.execute("update work set state = 'published' where id = %s", (first,))
    assert why(run) == "11 works wait: The endpoint x is down"


def test_samples_that_nobody_verifies_are_told(place: Place, files: Small) -> None:
    run = files.enqueue(place, 5)
    use_recording(files.recording)
    work_off(place, ("generate",))
    assert why(run) == "no worker serves verify, where 3 works wait"
    work_off(place)
    assert why(run) is None


def test_every_look_at_a_run_says_why_it_does_not_move(place: Place, files: Small) -> None:
    run, other = str(files.enqueue(place, 5)), files.enqueue(place, 5)
    worker.leave(registered("generate", queue_of_run(place)), "failed", "no such llm \x1b[31m")
    said = "no such llm \\x1b[31m"
    assert reasons([int(run), other]).keys() == {int(run), other}
    assert said in place.monkeys("runs").output
    assert said in place.monkeys("status").output
    assert "no such llm" in place.monkeys("show", run, "0").output
    assert "no such llm" in json.loads(place.ok("watch", run, "--json"))[0]["waits_for"]
    place.ok("cancel", run)
    assert json.loads(place.ok("watch", run, "--json"))[0]["waits_for"] is None
