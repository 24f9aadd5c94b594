"""Runs that stop early: at a problem's first right sample, or when a budget is spent."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import pytest

from models import database
from models.questions.prices import put_prices
from models.tables import Price
from tasks import ledger
from tasks.engines.engine import Completion
from tasks.ledger import Usage
from tasks.ledger.stops import MOST_UNMEASURED
from tasks.workers.sweep import sweep
from tests.place import Place, wait_until
from tests.small_runs import use_recording, work_off
from tests.spent import claimed, cost, done, failed, run_of, running

EARLY = datetime(2025, 1, 1, tzinfo=UTC)


def recording(folder: Path, problems: int, samples: int, right_at: int, usd: float = 0.01) -> str:
    """`replay:FILE` of pocket-sums where each problem's sample `right_at` is right and the others are wrong."""
    from verifiers.benchmarks.pocket_sums import benchmark_sums

    file = folder / "recording.jsonl"
    with file.open("w") as lines:
        for place, written in enumerate(benchmark_sums()[:problems]):
            for index in range(samples):
                text = written.answer if index == right_at else "#### -1"
                row = {"problem": f"sums-{place:03d}", "sample_index": index, "text": text, "usd": usd}
                row |= {"prompt_tokens": 10, "completion_tokens": 20, "gpu_seconds": 36.0}
                lines.write(json.dumps(row) + "\n")
    return f"replay:{file}"


def enqueue(place: Place, llm: str, *options: str) -> str:
    return place.ok("enqueue", "pocket-sums", "-m", llm, "--quiet", *options).strip()


def work_until_stopped(place: Place, llm: str, at_a_time: int) -> None:
    """Sample and judge so many works at a time, in this process, and sweep between."""
    use_recording(Path(llm.removeprefix("replay:")))
    while work_off(place, at_most=at_a_time):
        sweep()
    sweep()


def test_a_solved_problem_gets_no_more_batches_and_the_lower_ones_all_finish(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 3, 40, right_at=23)
    run = enqueue(place, llm, "-n", "40", "--limit", "3", "--batch-size", "1", "--stop-when-solved")
    use_recording(Path(llm.removeprefix("replay:")))
    work_off(place, ("generate",), at_most=3 * 30)  # the judging is late: six samples more than needed are in flight
    work_off(place, ("verify",))
    sweep()
    work_off(place)
    sweep()
    rows = place.query("select * from problem_tally where run_id = %s", (int(run),))
    assert [(each["first_correct"], each["samples"]) for each in rows] == [(23, 30)] * 3
    (stopped,) = place.query("select stop_rule, stopped_by from run where id = %s", (int(run),))
    assert stopped == {"stop_rule": {"when_solved": True}, "stopped_by": "when_solved"}
    cancelled = place.query(
        "select first_index from work join batch on batch.id = batch_id where state = 'cancelled' order by 1"
    )
    assert sorted({each["first_index"] for each in cancelled}) == list(range(30, 40))
    assert place.one("select state from run_progress") == "stopped by when_solved"
    for view in ("problem_tally", "problem_difficulty", "outcome_counts", "coverage_by_cost", "lengths"):
        assert place.one(f"select distinct biased_by from {view}") == "when_solved"
    assert place.query("select * from precision_at_k") == []
    assert place.query("select * from diversity") == []
    curve = {
        each["k"]: each for each in place.query("select * from coverage where run_id = %s order by k", (int(run),))
    }
    assert {k: each["coverage"] for k, each in curve.items()} == {1: 0, 2: 0, 5: 0, 10: 0, 20: 0, 30: 1}
    assert {each["estimator"] for each in curve.values()} == {"batchwise"}


@pytest.mark.parametrize(
    ("option", "budget", "rule"),
    [("--budget-usd", "0.5", {"usd": 0.5}), ("--budget-gpu-hours", "0.5", {"gpu_hours": 0.5})],
)
def test_a_spent_budget_ends_new_batches(
    place: Place, tmp_path: Path, option: str, budget: str, rule: dict[str, float]
) -> None:
    """At a cent and 36 GPU-seconds each, 50 samples spend it; between two sweeps five are drawn."""
    llm = recording(tmp_path, 2, 60, right_at=-1)
    run = int(enqueue(place, llm, "-n", "60", "--limit", "2", "--batch-size", "1", option, budget))
    work_until_stopped(place, llm, at_a_time=10)
    assert 50 <= place.one("select count(*) from sample") < 70
    (stored,) = place.query("select stop_rule, stopped_by, finished_at from run where id = %s", (run,))
    assert stored["stop_rule"] == rule
    assert stored["stopped_by"] in rule
    assert stored["finished_at"]
    assert_prefixes(place)
    assert place.one("select count(*) from work where kind = 'verify' and state <> 'done'") == 0


def assert_prefixes(place: Place) -> None:
    """What was drawn is a prefix of every problem's samples."""
    gaps = place.query(
        """
        select problem_id from sample group by problem_id
        having count(*) <> max(sample_index) + 1 or min(sample_index) <> 0
        """
    )
    assert gaps == []


def test_gpu_time_counts_while_its_attempt_runs_and_after_it_was_lost(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 1, 10, right_at=-1)
    enqueue(place, llm, "-n", "10", "--limit", "1", "--batch-size", "1", "--budget-gpu-hours", "1")
    works = [each["id"] for each in place.query("select id from work order by id")]
    worker = ledger.Worker("w", "h", "v", gpus="0")
    one, two = (ledger.claim(each, worker, 60) for each in works[:2])
    assert one is not None
    assert two is not None
    ledger.renew([one, two], 60, [ledger.Usage(gpu_seconds=each) for each in (1_000.0, 2_000.0)])
    assert ledger.stop_runs() == []
    ledger.fail(one, "its engine died", ledger.Usage(gpu_seconds=1_500.0))
    (cost,) = place.query("select gpu_seconds, gpu_seconds_lost, gpu_seconds_running from cost")
    assert cost == {"gpu_seconds": 0, "gpu_seconds_lost": 1_500, "gpu_seconds_running": 2_000}
    ledger.renew([two], 60, [ledger.Usage(gpu_seconds=2_100.0)])
    ((_, rule),) = ledger.stop_runs()
    assert rule == "gpu_hours"


def test_idle_time_of_an_engine_is_apart_from_shares_and_from_what_was_lost(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 1, 3, right_at=-1)
    enqueue(place, llm, "-n", "3", "--limit", "1", "--batch-size", "1")
    worker = ledger.Worker("w:1", "h", "v", gpus="0,1", engine="vllm", engine_seed=5)
    for each, seconds in zip(place.query("select id from work order by id"), (30.0, 40.0, 50.0), strict=True):
        lease = ledger.claim(each["id"], worker, 60)
        assert lease is not None
        if seconds < 40:
            ledger.fail(lease, "its engine died", ledger.Usage(gpu_seconds=seconds))
        elif seconds < 50:
            ledger.finish_generate(lease, [Completion("#### 1")], ledger.Usage(gpu_seconds=seconds))
        else:
            ledger.renew([lease], 60, [ledger.Usage(gpu_seconds=seconds)])
    with database.transaction() as connection:
        connection.execute(
            "update attempt set started_at = '2026-01-01 00:00:00Z', seen_at = '2026-01-01 00:01:40Z', "
            "finished_at = case when finished_at is not null then timestamptz '2026-01-01 00:01:00Z' end"
        )
    (row,) = place.query("select * from engine_time")
    shares = [row[f"gpu_seconds{kind}"] for kind in ("", "_lost", "_running", "_idle")]
    assert shares == [40, 30, 50, 2 * 100 - 120]
    assert sum(shares) == 2 * (row["last_at"] - row["first_at"]).total_seconds()


def test_works_in_flight_are_left_alone_by_a_stop(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 1, 10, right_at=-1)
    enqueue(place, llm, "-n", "10", "--limit", "1", "--batch-size", "1", "--budget-usd", "1")
    works = [each["id"] for each in place.query("select id from work order by id")]
    worker = ledger.Worker("w", "h", "v")
    done, flying = (ledger.claim(each, worker, 60) for each in (works[1], works[4]))
    assert done is not None
    assert flying is not None
    completion = Completion("#### 1", usd=2.0)
    assert ledger.finish_generate(done, [completion], ledger.Usage(usd=2.0))
    ((_, rule),) = ledger.stop_runs()
    assert rule == "usd"
    states = {each["id"]: each["state"] for each in place.query("select id, state from work where kind = 'generate'")}
    assert [str(states[each]) for each in works] == (
        ["published", "done", "published", "published", "leased"] + ["cancelled"] * 5
    )
    assert ledger.finish_generate(flying, [completion], ledger.Usage())


def test_a_work_claimed_in_the_middle_of_a_stop_keeps_the_lower_ones(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 1, 10, right_at=-1)
    enqueue(place, llm, "-n", "10", "--limit", "1", "--batch-size", "1", "--budget-usd", "1")
    works = [each["id"] for each in place.query("select id from work order by id")]
    first = ledger.claim(works[0], ledger.Worker("w", "h", "v"), 60)
    assert first is not None
    assert ledger.finish_generate(first, [Completion("#### 1", usd=2.0)], ledger.Usage(usd=2.0))
    stopped: list[object] = []
    stopping = Thread(target=lambda: stopped.extend(ledger.stop_runs()))
    with database.transaction() as connection:
        connection.execute("update work set state = 'leased' where id = %s", (works[4],))  # a claim not yet committed
        stopping.start()
        wait_until(lambda: place.one("select count(*) from pg_locks where not granted"))
    stopping.join()
    assert stopped
    states = place.query("select state from work where kind = 'generate' order by id")
    assert [str(each["state"]) for each in states] == ["done"] + ["published"] * 3 + ["leased"] + ["cancelled"] * 5


@pytest.mark.parametrize(
    ("llm", "options", "said"),
    [
        ("pocket-monkey", ["--budget-usd", "5"], "needs a price of pocket-monkey"),
        ("pocket-monkey", ["--budget-flops", "0"], "above 0"),
        ("openai:x", ["--budget-usd", "5", "--engine-arg", "batch=true"], "a price of openai:x of the tier batch"),
        ("openai:x", ["--budget-gpu-hours", "1"], "--gpus says how many"),
        ("openai:x", ["--gpus", "0"], "a whole number of at least 1"),
        ("openai:x", ["--engine-arg", "gpus=two"], "a whole number from 1"),
        ("openai:x", ["--engine-arg", "gpus=true"], "a whole number from 1"),
        ("pocket-monkey", ["--gpus", "2"], "for -m openai:NAME"),
        ("openai:x", ["--budget-flops", "1e9"], "not known"),
        ("openai:x", ["--endpoint", "https://me:secret@host/v1"], "OPENAI_API_KEY"),
        ("openai:x", ["--endpoint", "host"], "takes a URL"),
        ("pocket-monkey", ["--endpoint", "http://host/v1"], "openai:NAME"),
        ("./no/such/folder", [], "There is no folder"),
        ("pocket-monkey", ["--dry-run"], "No sample of pocket-monkey"),
    ],
)
def test_a_wrong_wish_is_refused_in_a_sentence_and_nothing_is_enqueued(
    place: Place, llm: str, options: list[str], said: str
) -> None:
    assert said in place.refused("enqueue", "pocket-sums", "-m", llm, "-n", "1", *options)
    assert place.one("select count(*) from run") == 0


def test_a_folder_without_a_tokenizer_is_refused(place: Place, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert "has no tokenizer" in place.refused("enqueue", "pocket-sums", "-m", str(tmp_path), "-n", "1")


def test_a_dry_run_scales_what_earlier_runs_took_and_makes_nothing(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 2, 10, right_at=0)
    run = enqueue(place, llm, "-n", "10", "--limit", "2", "--batch-size", "5")
    work_until_stopped(place, llm, at_a_time=100)
    said = place.ok("enqueue", "pocket-sums", "-m", llm, "-n", "10", "--limit", "1", "--dry-run")
    shown = dict(line.split(maxsplit=1) for line in said.splitlines())
    assert shown["samples"] == "10"
    assert shown["measured_samples"] == "20"
    assert shown["measured_runs"] == f"[{run}]"
    assert shown["completion_tokens"] == "200"
    assert shown["usd"] == "0.1"
    assert shown["samples_in_budget"] == "–"
    within = place.ok(
        "enqueue", "pocket-sums", "-m", llm, "-n", "10", "--limit", "2", "--dry-run", "--budget-usd", "1", "--json"
    )
    (said,) = json.loads(within)
    assert (said["samples_in_budget"], said["hours"] > 0) == (50, True)
    assert place.one("select count(*) from run") == 1


def test_the_price_of_a_stopped_run_is_what_its_samples_cost(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 1, 100, right_at=-1, usd=0.25)
    enqueue(place, llm, "-n", "100", "--limit", "1", "--batch-size", "10", "--budget-usd", "10")
    work_until_stopped(place, llm, at_a_time=1)
    samples = place.one("select count(*) from sample")
    assert samples < 100
    assert place.one("select usd from cost") == pytest.approx(0.25 * samples)


def test_a_budget_ends_with_what_was_in_flight_when_it_was_spent(place: Place) -> None:
    """A cent each: what failed counts, and so does what runs, as far as its heartbeats said."""
    cents = Usage(requests=1, prompt_tokens=9, billed_prompt_tokens=0, completion_tokens=1_000)
    put_prices([Price(llm="openai:m", provider="P", since=EARLY, usd_per_million_input=1, usd_per_million_output=10)])
    run = run_of(n=40, budget_usd=0.095)
    failed(run, cents)
    for _ in range(7):
        done(run, cents)
        assert ledger.stop_runs() == []
    running(run, replace(cents, completion_tokens=900))
    assert ledger.stop_runs() == []
    flying = [claimed(run) for _ in range(3)]
    done(run, cents)
    assert [rule for _, rule in ledger.stop_runs()] == ["usd"]
    for lease in flying:
        assert ledger.finish_generate(lease, [Completion("#### 1")], cents) is not None
    assert 0.095 <= cost(run)["usd"] <= 0.095 + 4 * 0.01
    assert place.one("select stopped_by from run") == "usd"


KNOWN = {"requests": 1, "prompt_tokens": 9, "billed_prompt_tokens": 9, "completion_tokens": 9, "flops": 1.0}


@pytest.mark.parametrize(
    ("llm", "rule", "unknown", "engine"),
    [
        ("openai:m", "usd", "completion_tokens", "openai"),
        ("openai:m", "usd", "billed_prompt_tokens", "openai"),
        ("pocket-monkey", "flops", "flops", "vllm"),
    ],
)
def test_a_budget_that_turns_out_not_to_be_measured_ends_the_run_and_says_so(
    place: Place, llm: str, rule: str, unknown: str, engine: str
) -> None:
    put_prices([Price(llm=llm, provider="P", since=EARLY, usd_per_million_input=1, usd_per_million_output=10)])
    run = run_of(llm, n=9, **{f"budget_{rule}": 1e9})
    worker = ledger.Worker("w", "h", "v", engine=engine)
    with database.transaction() as connection:
        connection.execute("update llm set active_parameters = 9, layers = 1, token_dim = 1")
    ledger.give_back(claimed(run), "interrupted", Usage())
    assert ledger.stop_runs() == []
    done(run, Usage(**KNOWN), worker=worker)
    assert ledger.stop_runs() == []
    done(run, Usage(**KNOWN | {unknown: None}), worker=worker)
    assert [rule for _, rule in ledger.stop_runs()] == [f"{rule} unmeasured"]
    work_off(place, ("verify",))
    sweep()
    state = place.one("select state from run_progress")
    assert state.startswith("stopped: ")
    assert f"so --budget-{rule} cannot be kept" in state
    assert state[:60] in place.ok("runs")
    assert place.one("select count(*) from work where kind = 'generate' and state = 'done'") == 2


def test_a_budget_ends_a_run_whose_answers_are_all_lost(place: Place) -> None:
    put_prices([Price(llm="openai:m", provider="P", since=EARLY, usd_per_million_input=1, usd_per_million_output=10)])
    run = run_of("openai:m", n=50, budget_usd=1e9)
    worker = ledger.Worker("w", "h", "v", engine="openai")
    for _ in range(MOST_UNMEASURED):
        assert ledger.stop_runs() == []
        ledger.fail(claimed(run, worker), "no answer", Usage(requests=1, lost_requests=1), final=True)
        ledger.fail(claimed(run, worker), "refused", Usage(requests=0, lost_requests=0), final=True)
    assert [rule for _, rule in ledger.stop_runs()] == ["usd unmeasured"]


def test_gpu_hours_that_a_recording_does_not_say_end_the_run(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 1, 20, right_at=-1)
    file = Path(llm.removeprefix("replay:"))
    file.write_text(file.read_text().replace('"gpu_seconds": 36.0', '"gpu_seconds": null'))
    enqueue(place, llm, "-n", "20", "--limit", "1", "--batch-size", "1", "--budget-gpu-hours", "1")
    work_until_stopped(place, llm, at_a_time=4)
    assert place.one("select stopped_by from run") == "gpu_hours unmeasured"
    assert place.one("select count(*) from sample") < 20


def test_an_endpoint_of_ones_own_says_how_many_gpus_serve_it(place: Place) -> None:
    """They are stored with the llm, a budget in GPU-hours may rest on them, and the command for a worker gives them."""
    options = ("--endpoint", "http://127.0.0.1:1/v1", "--gpus", "4", "-n", "1", "--limit", "1")
    said = place.monkeys("enqueue", "pocket-sums", "-m", "openai:x", *options, "--budget-gpu-hours", "1").output
    assert place.one("select engine_args ->> 'gpus' from llm") == "4"
    (command,) = (line.strip() for line in said.splitlines() if "worker generate" in line)
    assert "--engine-arg gpus=4" in command
    refused = place.refused("worker", "generate", "-m", "openai:x", "--gpus", "0,1")
    assert "--engine-arg gpus=N" in refused
    place.ok("price", "set", "openai:x", "--provider", "we", "--gpu-hour", "2")
    place.ok("enqueue", "pocket-sums", "-m", "openai:x", *options, "--budget-usd", "1")
    said = place.refused("enqueue", "pocket-sums", "-m", "openai:x", "-n", "1", "--budget-usd", "1")
    assert "--gpus says how many" in said


def test_a_dry_run_leaves_what_it_does_not_know_unknown(place: Place) -> None:
    run = run_of(n=2, limit=2)
    for usage in (Usage(**KNOWN), Usage(requests=1), Usage(**KNOWN), Usage(requests=1)):
        done(run, usage)
    said = place.ok("enqueue", "pocket-sums", "-m", "openai:m", "-n", "10", "--limit", "3", "--dry-run")
    shown = dict(line.split(maxsplit=1) for line in said.splitlines())
    assert (shown["completion_tokens"], shown["billed_prompt_tokens"], shown["prompt_tokens"]) == ("270", "270", "27")
    assert (shown["usd"], shown["flops"], shown["gpu_hours"]) == ("–", "–", "–")
