"""Workers of a batch llm killed amid requests, over a provider that does what a provider may do."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from cli.stack.processes import kill
from tasks.runs.changes import extend, resume
from tests.batch_runs import make, states
from tests.batch_server import batch_server, honest, scheduled
from tests.faults.crew import Crew
from tests.place import Place, wait_until
from tests.small_runs import check

KILLS = 25


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(2))
def test_lines_paid_are_lines_stored_whatever_the_provider_does_and_whoever_is_killed(
    place: Place, tmp_path: Path, seed: int
) -> None:
    """Two workers are killed again and again, most of them amid a request; the provider does what a provider may do."""
    random = Random(seed)
    end, mishap = scheduled(Random(seed + 100))
    began, wanted = time.monotonic(), 10
    with batch_server(end=end, pause=lambda: random.uniform(0, 0.1)) as server:
        run = make(server, tmp_path, n=wanted, problems=5, batch_size=7)
        words = ["worker", "generate", "-m", "openai:m", "--endpoint", server.url, "--batch", "-c", "4"]
        crew = Crew(place, {"one": words, "two": words, "sweep": ["sweep"]})
        server.mishap = lambda asked: None if asked == "GET /batches" else mishap(asked)
        moments: Counter[str] = Counter()
        for _ in range(KILLS):
            crew.keep()
            wanted += 7
            extend(run, wanted)
            moment = random.choice(["POST /files", "POST /batches", "GET /batches/", "GET /files/", "GET /files"])
            before = server.seen(moment)
            wait_for(lambda moment=moment, before=before: server.seen(moment) > before, 15)
            time.sleep(random.uniform(0, 0.15))
            for name in random.choice([["one"], ["two"], ["one", "two"], ["one", "two"]]):
                kill(crew.tree(name))
            moments[moment] += server.seen(moment) > before
        server.end, server.mishap = honest, lambda _: None
        wait_until(lambda: crew.keep() or settled(place, run), 300)
        if states(place, run)["failed"]:
            resume(run)
            wait_until(lambda: crew.keep() or settled(place, run), 300)
        place.kill_all()
        check(place, run)
        stored = place.one("select count(*) from sample where run_id = %s", (run,))
        twice = sum(times > 1 for times in server.paid.values())
        print(
            f"\nkilled after {dict(moments)}: {len(server.batches)} batches, {len(server.asked)} requests, "
            f"{sum(server.submitted.values())} lines asked for, {sum(server.paid.values())} paid, {twice} twice, "
            f"{stored} stored, {place.one('select count(*) from attempt')} attempts, {time.monotonic() - began:.0f} s"
        )
        assert states(place, run).keys() == {"done"}
        assert set(server.paid.values()) == {1}
        assert len(server.paid) == stored == 5 * wanted


def settled(place: Place, run: int) -> bool:
    """Whether no generate work of a run is open."""
    return not set(states(place, run)) & {"ready", "published", "leased"}


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Wait until it holds, or no longer."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.001)
