"""vLLM behind the queue, on the tiny llm that comes along; one worker serves every test of this file."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.stack.processes import Process, command_line, members, read_process
from cli.stack.servers import Urls
from tasks.runs import make as runs
from tests.place import Place, new_place, wait_until

START_SECONDS = 900
"""An engine's start on a very busy machine."""

pytestmark = pytest.mark.timeout(1_000)


@pytest.fixture(scope="module")
def served(bundled: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A place with a vLLM worker, a verify worker and a sweeper."""
    with new_place(bundled.database_url, bundled.broker_url, tmp_path_factory.mktemp("vllm")) as place:
        place.start("worker", "generate", "-m", "pocket-monkey", MONKEYS_ENGINE_SECONDS="20")
        place.start("worker", "verify", "-c", "1")
        place.start("sweep")
        yield place


def enqueue(place: Place, *options: str) -> int:
    return int(place.ok("enqueue", "pocket-sums", "-m", "pocket-monkey", "--quiet", *options))


def ended(place: Place, run: int) -> None:
    wait_until(lambda: place.one("select finished_at from run where id = %s", (run,)), START_SECONDS)


def test_a_sample_travels_from_the_command_line_to_sql(served: Place) -> None:
    run = enqueue(served, "-n", "50", "--limit", "3", "--batch-size", "20", "--temperature", "2")
    ended(served, run)
    samples = served.query(
        "select * from sample join attempt on attempt.id = attempt_id where run_id = %s "
        "order by sample_index, problem_id",
        (run,),
    )
    assert [each["sample_index"] for each in samples] == [index for index in range(50) for _ in range(3)]
    for each in samples:
        assert each["engine"] == "vllm"
        assert each["engine_seed"] is not None
        assert each["ok"]
        assert each["truncated"] >= 0
        assert each["logprob"] < 0
        assert each["seed"] is None
    tallies = served.query("select * from problem_tally where run_id = %s", (run,))
    assert [each["samples"] for each in tallies] == [50, 50, 50]
    assert all(each["correct"] + each["incorrect"] + each["no_answer"] == 50 for each in tallies)
    curve = served.query("select k, coverage from coverage where run_id = %s order by k", (run,))
    assert [each["k"] for each in curve] == [1, 2, 5, 10, 20, 50]
    assert curve[0]["coverage"] == pytest.approx(sum(each["correct"] for each in tallies) / 150)
    (cost,) = served.query("select * from cost where run_id = %s", (run,))
    assert cost["flops"] > 2 * 900_000 * cost["completion_tokens"]
    assert served.one("select count(distinct text) from sample where run_id = %s", (run,)) > 20
    assert str(samples[0]["text"])[:10].strip() in served.ok("show", str(run), "sums-000", "0")


def test_a_prompt_longer_than_the_context_fails_its_work_at_once_with_the_reason(served: Place, tmp_path: Path) -> None:
    long = tmp_path / "prefix"
    long.write_text("Ada has 2 apples. " * 5_000)
    run = enqueue(served, "-n", "10", "--limit", "1", "--prompt-file", str(long))
    ended(served, run)
    (work,) = served.query("select * from work where run_id = %s", (run,))
    assert work["state"] == "failed"
    assert work["attempts"] == 1
    assert "context length" in work["last_error"]


def test_chat_without_a_template_fails_its_work_with_the_reason(served: Place) -> None:
    run = enqueue(served, "-n", "1", "--limit", "1", "--chat", "--no-probe")
    ended(served, run)
    (work,) = served.query("select * from work where run_id = %s", (run,))
    assert work["state"] == "failed"
    assert "no chat template" in work["last_error"]


def test_four_seeded_batches_in_flight_survive_and_share_no_seed(served: Place) -> None:
    run = enqueue(served, "-n", "200", "--limit", "2", "--batch-size", "100", "--seeded")
    ended(served, run)
    rows = served.query("select problem_id, sample_index, seed, text from sample where run_id = %s", (run,))
    assert len(rows) == 400
    assert len({each["seed"] for each in rows}) == 400
    failed = "select count(*) from attempt join work on work.id = work_id where run_id = %s and not ok"
    assert served.one(failed, (run,)) == 0


def test_the_stored_seed_is_the_one_that_was_used(served: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Child i of a vLLM request gets seed + i: so two ways to cut the same samples into requests give the same."""
    monkeypatch.setattr(runs, "new_seed", lambda: 7)
    texts = []
    for size in ("3", "2"):
        run = enqueue(served, "-n", "6", "--limit", "1", "--batch-size", size, "--seeded", "--max-tokens", "8")
        ended(served, run)
        texts.append(served.query("select sample_index, seed, text from sample where run_id = %s order by 1", (run,)))
    assert texts[0] == texts[1]


def test_a_stop_string_ends_a_sample_and_is_left_out(served: Place) -> None:
    run = enqueue(served, "-n", "30", "--limit", "1", "--stop", "=")
    ended(served, run)
    rows = served.query("select text, finish_reason from sample where run_id = %s", (run,))
    assert all("=" not in each["text"] for each in rows)
    assert any(each["finish_reason"] == "stop" for each in rows)


def test_token_logprobs_are_kept_on_request_and_sum_to_the_logprob(served: Place) -> None:
    run = enqueue(served, "-n", "5", "--limit", "1", "--token-logprobs")
    ended(served, run)
    for each in served.query("select * from sample where run_id = %s", (run,)):
        assert len(each["token_logprobs"]) == each["completion_tokens"]
        assert sum(each["token_logprobs"]) == pytest.approx(each["logprob"], rel=1e-4)


def test_max_tokens_ends_a_sample_as_length(served: Place) -> None:
    run = enqueue(served, "-n", "5", "--limit", "1", "--max-tokens", "2")
    ended(served, run)
    rows = served.query("select completion_tokens, finish_reason from sample where run_id = %s", (run,))
    assert {(each["completion_tokens"], each["finish_reason"]) for each in rows} == {(2, "length")}
    assert served.one("select sum(truncated) from problem_cost where run_id = %s", (run,)) == 5


@pytest.mark.slow
def test_a_killed_engine_costs_attempts_and_no_sample(served: Place) -> None:
    run = enqueue(served, "-n", "1000", "--limit", "4")
    wait_until(lambda: served.one("select count(*) from sample where run_id = %s", (run,)), START_SECONDS)
    (core,) = engines(served)
    os.kill(core.pid, signal.SIGKILL)
    ended(served, run)
    assert served.one("select count(*) from sample where run_id = %s", (run,)) == 4000
    assert served.one("select count(*) from work where run_id = %s and state <> 'done'", (run,)) == 0
    assert served.one("select count(distinct engine_seed) from attempt where engine = 'vllm'") == 2


@pytest.mark.slow
def test_an_engine_that_hangs_is_noticed_and_replaced_and_leaves_no_process(served: Place) -> None:
    run = enqueue(served, "-n", "1000", "--limit", "4")
    wait_until(lambda: served.one("select count(*) from sample where run_id = %s", (run,)), START_SECONDS)
    (core,) = engines(served)
    old = members([served.processes[0].pid])
    os.kill(core.pid, signal.SIGSTOP)
    hung = "select count(*) from attempt where error like '%%hangs: it gave no token for 20 s'"
    wait_until(lambda: served.one(hung), 60)
    wait_until(lambda: not lives(core), 60)
    ended(served, run)
    assert served.one("select count(*) from sample where run_id = %s", (run,)) == 4000
    (keeper,) = (each for each in old if each.pid == served.processes[0].pid)
    assert [each for each in old if lives(each)] == [keeper]


@pytest.mark.slow
def test_a_budget_of_flops_stops_a_run(served: Place) -> None:
    run = enqueue(served, "-n", "10000", "--limit", "4", "--budget-flops", "1e11")
    ended(served, run)
    (row,) = served.query("select stop_rule, stopped_by from run where id = %s", (run,))
    assert row == {"stop_rule": {"flops": 1e11}, "stopped_by": "flops"}
    assert served.one("select flops from cost where run_id = %s", (run,)) >= 1e11
    assert served.one("select count(*) from sample where run_id = %s", (run,)) < 40_000


def test_a_worker_told_to_go_gives_back_what_it_holds_and_leaves_no_process(served: Place) -> None:
    run = enqueue(served, "-n", "1000", "--limit", "100", "--batch-size", "10")
    wait_until(lambda: served.one("select count(*) from sample where run_id = %s", (run,)), START_SECONDS)
    keeper = served.processes[0]
    left = members([keeper.pid])
    assert engines(served)
    keeper.terminate()
    assert keeper.wait(60) == 0
    wait_until(lambda: not [each for each in left if lives(each)], 20)
    assert served.one("select count(*) from work where kind = 'generate' and state = 'leased'") == 0


def lives(process: Process) -> bool:
    """Whether it is still that process, and not merely waiting to be reaped."""
    now = read_process(process.pid)
    return now is not None and now.start == process.start and not now.zombie


def engines(place: Place) -> list[Process]:
    """vLLM's own processes below the worker's keeper, which this test started first."""
    return [each for each in members([place.processes[0].pid]) if "EngineCor" in command_line(each.pid)]
