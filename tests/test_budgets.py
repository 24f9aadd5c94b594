"""Runs that stop early: at a problem's first right sample, or when a budget is spent."""

import json
from pathlib import Path

import pytest

from tasks import ledger
from tests.place import Place, wait_until


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


def test_a_solved_problem_gets_no_more_batches_and_the_lower_ones_all_finish(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 3, 400, right_at=23)
    run = enqueue(place, llm, "-n", "400", "--limit", "3", "--batch-size", "1", "--stop-when-solved")
    place.work_off(run, llm)
    rows = place.query("select * from problem_tally where run_id = %s", (int(run),))
    assert all(each["first_correct"] == 23 for each in rows)
    assert all(24 <= each["samples"] < 400 for each in rows)
    (stopped,) = place.query("select stop_rule, stopped_by from run where id = %s", (int(run),))
    assert stopped == {"stop_rule": {"when_solved": True}, "stopped_by": "when_solved"}
    states = place.query(
        "select state, min(first_index) as low from work join batch on batch.id = batch_id where kind = 'generate' "
        "group by state order by state"
    )
    assert {each["state"]: each["low"] for each in states}["cancelled"] > 23
    curve = {
        each["k"]: each for each in place.query("select * from coverage where run_id = %s order by k", (int(run),))
    }
    assert curve[20]["coverage"] == 0
    assert curve[50 if 50 in curve else max(curve)]["coverage"] == 1
    assert {each["estimator"] for each in curve.values()} == {"first_success"}


@pytest.mark.parametrize(("option", "rule"), [("--budget-usd", "usd")])
def test_a_spent_budget_ends_new_batches(place: Place, tmp_path: Path, option: str, rule: str) -> None:
    llm = recording(tmp_path, 2, 3_000, right_at=-1)
    run = enqueue(place, llm, "-n", "3000", "--limit", "2", "--batch-size", "1", option, "0.5")
    place.work_off(run, llm)
    samples = place.one("select count(*) from sample where run_id = %s", (int(run),))
    assert 50 <= samples < 6_000, "at a cent each"
    assert place.one("select stopped_by from run where id = %s", (int(run),)) == rule
    gaps = place.query(
        """
        select problem_id from sample where run_id = %s group by problem_id
        having count(*) <> max(sample_index) + 1 or min(sample_index) <> 0
        """,
        (int(run),),
    )
    assert gaps == [], "what was drawn is a prefix of every problem's samples"
    assert place.one("select count(*) from work where kind = 'verify' and state <> 'done'") == 0


def test_works_in_flight_are_left_alone_by_a_stop(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 1, 10, right_at=-1)
    enqueue(place, llm, "-n", "10", "--limit", "1", "--batch-size", "1", "--budget-usd", "1")
    works = [each["id"] for each in place.query("select id from work order by id")]
    worker = ledger.Worker("w", "h", "v")
    done, flying = (ledger.claim(each, worker, 60) for each in (works[1], works[4]))
    assert done is not None
    assert flying is not None
    completion = ledger.Completion("#### 1", usd=2.0)
    assert ledger.finish_generate(done, [completion], ledger.Usage(usd=2.0))
    ((_, rule),) = ledger.stop_runs()
    assert rule == "usd"
    states = {each["id"]: each["state"] for each in place.query("select id, state from work where kind = 'generate'")}
    assert [str(states[each]) for each in works] == (
        ["published", "done", "published", "published", "leased"] + ["cancelled"] * 5
    )
    assert ledger.finish_generate(flying, [completion], ledger.Usage())


@pytest.mark.parametrize(
    ("llm", "options", "said"),
    [
        ("pocket-monkey", ["--budget-usd", "5"], "needs a price of pocket-monkey"),
        ("pocket-monkey", ["--budget-flops", "0"], "above 0"),
        ("openai:x", ["--budget-gpu-hours", "1"], "not known"),
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
    place.work_off(run, llm)
    table = place.ok("enqueue", "pocket-sums", "-m", llm, "-n", "10", "--limit", "1", "--dry-run")
    head, _, row = table.splitlines()
    shown = dict(zip(head.split(), row.split(), strict=True))
    assert shown["samples"] == "10"
    assert shown["measured_samples"] == "20"
    assert shown["completion_tokens"] == "200"
    assert shown["usd"] == "0.1"
    assert place.one("select count(*) from run") == 1


def test_the_price_of_a_stopped_run_is_what_its_samples_cost(place: Place, tmp_path: Path) -> None:
    llm = recording(tmp_path, 1, 500, right_at=-1, usd=0.25)
    run = enqueue(place, llm, "-n", "500", "--limit", "1", "--batch-size", "10", "--budget-usd", "10")
    place.work_off(run, llm)
    wait_until(lambda: place.one("select finished_at from run"))
    samples = place.one("select count(*) from sample")
    assert place.one("select usd from cost where run_id = %s", (int(run),)) == pytest.approx(0.25 * samples)
