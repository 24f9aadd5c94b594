"""Runs whose llm thinks: split when verified, split anew without sampling, shown and counted in both parts."""

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.database import transaction
from tasks import ledger
from tasks.runs.make import enqueue
from tasks.runs.request import RunRequest
from tasks.runs.thinking import split_again
from tasks.stored import verifier_by
from tests import brittle
from tests.counted import Sampled, Tally, counted_run, sampled_run
from tests.place import Place, wait_until
from tests.small_runs import Small, check, judged, use_recording, work_off
from tests.test_upgrade import Lengths
from verifiers.benchmarks import BENCHMARKS
from verifiers.errors import UserError
from verifiers.thinking import UNENDED

TEXTS = [
    "<think>maybe #### 99</think>\n#### {right}",
    "<think>#### {right}</think>\nNo: #### 99",
    "<think>\n#### {right}\nwait, let me check",
    "#### {right}",
    "",
]
"""Right after a wrong thought, wrong after a right one, cut off, right without a thought, thought on the server."""

BY = {
    "none": ["incorrect", "correct", "correct", "correct", "no_answer"],
    "tags": ["correct", "incorrect", "no_answer", "correct", "no_answer"],
}
"""How they come out by each rule."""


def thoughtful(folder: Path) -> Small:
    """Two sums, and ten recorded samples of each."""
    with (folder / "data.jsonl").open("w") as file:
        for each in range(2):
            file.write(json.dumps({"question": f"How much is {each} + 1?", "answer": f"#### {each + 1}"}) + "\n")
    with (folder / "recording.jsonl").open("w") as file:
        for each in range(2):
            for index in range(10):
                kind = index % 5
                row = {
                    "problem": str(each), "sample_index": index, "text": TEXTS[kind].format(right=each + 1),
                    "finish_reason": "length" if kind in (2, 4) else "stop", "completion_tokens": 20 + kind,
                    "thinking_tokens": 10 if kind != 3 else 0, "thinking": "hm\u001b[2J" if kind == 4 else None,
                }  # fmt: skip
                file.write(json.dumps(row) + "\n")
    (folder / "prefix.txt").write_text("Add.")
    return Small(folder / "data.jsonl", folder / "recording.jsonl", folder / "prefix.txt")


def enqueued(folder: Path, **more: Any) -> int:
    """A run of them, with nothing done yet; this process replays them."""
    files = thoughtful(folder)
    use_recording(files.recording)
    return enqueue(asked(files, **more)).run_id


def asked(files: Small, **more: Any) -> RunRequest:
    request = RunRequest("gsm8k", f"replay:{files.recording}", 10, data=files.data, prefix="Add.", batch_size=5)
    return replace(request, **more)


def verified(place: Place, folder: Path, rule: str | None = None) -> int:
    """Such a run, sampled and judged."""
    run = enqueued(folder, thinking=rule)
    work_off(place)
    ledger.end_runs()
    return run


def outcomes(place: Place, run: int) -> list[str]:
    """Of a problem's first five samples; those of the other one and the next five must be the same."""
    each = [outcome for _, _, outcome in judged(place, run)]
    assert each == each[:5] * 4
    return each[:5]


def tallies(place: Place, run: int) -> list[dict[str, object]]:
    return place.query("select * from tally where run_id = %s order by verifier_id, problem_id", (run,))


def test_a_run_is_split_by_its_rule_and_split_anew_without_sampling(any_postgres: Place, tmp_path: Path) -> None:
    place = any_postgres
    run = verified(place, tmp_path, "tags")
    assert outcomes(place, run) == BY["tags"]
    starts = place.query("select text, answer_from, candidate_how from sample_detail where sample_index < 5")
    for row in starts:
        unended = row["text"] == "" or "wait" in row["text"]
        assert (row["answer_from"] is None) == unended == (row["candidate_how"] == UNENDED)
        assert unended or row["text"][row["answer_from"] :].startswith(("####", "No: ####"))
    place.ok("reverify", str(run), "--verifier", "paper")
    work_off(place)
    place.ok("analyze", str(run))
    before, samples = tallies(place, run), place.query("select * from sample order by 1, 2, 3")
    verdicts = "select candidate.text, verdict.outcome from verdict join candidate on id = candidate_id order by 1, 2"
    facts = place.query(verdicts)
    place.ok("reverify", str(run), "--thinking", "none")
    assert tallies(place, run) == []
    assert place.one("select finished_at from run where id = %s", (run,)) is None
    assert place.query("select * from analysis_state where run_id = %s", (run,)) == []
    work_off(place)
    check(place, run)
    assert outcomes(place, run) == BY["none"]
    assert place.one("select count(*) from extraction where answer_from is distinct from 0") == 0
    assert "by --thinking tags" in place.monkeys("reverify", str(run), "--thinking", "tags").output
    work_off(place)
    check(place, run)
    assert tallies(place, run) == before
    assert place.query("select * from sample order by 1, 2, 3") == samples
    assert all(fact in place.query(verdicts) for fact in facts)


def test_the_rule_goes_by_chat_unless_it_was_chosen_and_is_then_among_the_settings_of_a_name(
    place: Place, tmp_path: Path
) -> None:
    request = asked(thoughtful(tmp_path))
    named = replace(request, name="thinks", sampling={"chat": True})
    raw, chat = enqueue(request).run_id, enqueue(named).run_id
    rules = place.query("select thinking from run where id in (%s, %s) order by id", (raw, chat))
    assert [row["thinking"] for row in rules] == ["none", "tags"]
    assert enqueue(replace(named, thinking="tags")).run_id == chat
    with pytest.raises(UserError, match="with other settings"):
        enqueue(replace(named, thinking="server"))
    assert "goes by --thinking none already" in place.refused("reverify", str(raw), "--thinking", "none")
    for option in ("--use", "--infrastructure"):
        assert "go without" in place.refused("reverify", str(raw), "--thinking", "tags", option)


def test_a_worker_of_the_old_rule_ends_nothing(place: Place, tmp_path: Path) -> None:
    run = enqueued(tmp_path)
    work_off(place, kinds=("generate",))
    works = place.query("update work set state = 'published' where kind = 'verify' returning id")
    assert len(works) == 4
    leases = [ledger.claim(each["id"], ledger.Worker("late", "here", "0"), 60) for each in works[:2]]
    assert split_again(run, "tags").judged == len(works)
    for lease in leases:
        assert lease is not None
        late = [ledger.Verification(lease.first_index + each, None) for each in range(lease.size)]
        assert not ledger.finish_verify(lease, late, {}, ledger.Usage())
        assert ledger.renew([lease], 60, [ledger.Usage()]) == set()
    assert place.one("select count(*) from extraction") == 0
    work_off(place)
    check(place, run)
    assert outcomes(place, run) == BY["tags"]
    assert place.one("select count(*) from attempt where ok is null") == 0


def test_who_claims_while_the_rule_changes_goes_by_the_new_one(place: Place, tmp_path: Path) -> None:
    run = enqueued(tmp_path)
    work_off(place, kinds=("generate",))
    worker = threading.Thread(target=work_off, args=(place, ("verify",)))
    with ledger.hold(run) as held:
        held.split_by("tags", [held.row.verifier_id])
        worker.start()
        wait_for_locks(place, 1)
    worker.join()
    check(place, run)
    assert outcomes(place, run) == BY["tags"]


def test_what_is_judged_while_the_rule_changes_is_judged_anew(place: Place, tmp_path: Path) -> None:
    run = enqueued(tmp_path)
    work_off(place, kinds=("generate",))
    worker = threading.Thread(target=work_off, args=(place, ("verify",), 1))
    person = threading.Thread(target=split_again, args=(run, "tags"))
    with transaction() as connection:
        connection.execute("lock table verdict in share mode")
        worker.start()
        wait_for_locks(place, 1)  # its work is done, but not committed
        person.start()
        wait_for_locks(place, 2)
    worker.join()
    person.join()
    assert place.one("select count(*) from verdict") > 0
    assert place.one("select count(*) from extraction") == 0
    work_off(place)
    check(place, run)
    assert outcomes(place, run) == BY["tags"]


def wait_for_locks(place: Place, waiting: int) -> None:
    """Until so many wait for a lock in the database."""
    waits = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    wait_until(lambda: place.one(waits) >= waiting, 10)


def test_labels_stay_when_the_texts_beside_them_are_split_anew(place: Place, tmp_path: Path) -> None:
    run = verified(place, tmp_path)
    place.ok("export", str(run), str(tmp_path / "run.jsonl"))
    said = ("--benchmark", "gsm8k", "--llm", "theirs", "--data", str(tmp_path / "data.jsonl"), "--quiet")
    imported = int(place.ok("import", str(tmp_path / "run.jsonl"), *said))
    place.ok("reverify", str(imported), "--verifier", "answer")
    work_off(place)
    labels = [row for row in tallies(place, imported) if row["verifier_id"] != 1]
    place.ok("reverify", str(imported), "--thinking", "tags")
    assert tallies(place, imported) == labels
    work_off(place)
    check(place, imported)
    assert [row["correct"] for row in tallies(place, imported)] == [4, 4, 6, 6]
    assert place.one("select count(*) from extraction where verifier_id = %s", (labels[0]["verifier_id"],)) == 20
    (tmp_path / "labels.jsonl").write_text('{"problem": "0", "sample_index": 0, "correct": 1}\n')
    textless = place.ok("import", str(tmp_path / "labels.jsonl"), *said).strip()
    assert "without their texts" in place.refused("reverify", textless, "--thinking", "tags")


def test_both_parts_come_through_export_import_and_replay(place: Place, tmp_path: Path) -> None:
    run = verified(place, tmp_path, "tags")
    for name in ("run.jsonl", "run.parquet"):
        place.ok("export", str(run), str(tmp_path / name))
        said = ("--benchmark", "gsm8k", "--llm", "theirs", "--data", str(tmp_path / "data.jsonl"), "--quiet")
        command = ("import", str(tmp_path / name), *said, "--thinking", "tags", "--name", name)
        again = int(place.ok(*command))
        assert int(place.ok(*command)) == again
        assert "other settings" in place.refused(*command[:-4], "--name", name, "--thinking", "none")
        parts = "select text, thinking, thinking_tokens from sample where run_id = %s order by problem_id, sample_index"
        assert place.query(parts, (again,)) == place.query(parts, (run,))
        place.ok("reverify", str(again), "--verifier", "answer", "--use")
        work_off(place)
        assert ledger.move_counting() == [again]
        assert outcomes(place, again) == BY["tags"]


def test_show_prints_what_was_thought_and_what_was_answered(place: Place, tmp_path: Path) -> None:
    run = str(verified(place, tmp_path, "tags"))
    said = [place.ok("show", run, "0", str(index)) for index in range(5)]
    for index, shown in enumerate(said):
        assert ("what was thought" in shown) == (index != 3), shown
        assert (f"no_answer: {UNENDED}" in shown) == (index in (2, 4)), shown
    thought, _, answer = said[0].partition("what was answered")
    assert "maybe #### 99" in thought
    assert "#### 1" in answer
    assert "maybe" not in answer
    assert "\x1b[2J" not in said[4]
    assert "hm" in said[4]
    (row,) = json.loads(place.ok("show", run, "0", "0", "--json"))
    assert row["text"][row["answer_from"] :] == "#### 1"


def test_reward_models_see_answers_and_score_anew_what_is_split_anew(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.workers import score

    monkeypatch.setattr(score, "_time", None)
    score.use_reward_model(Lengths())  # type: ignore[arg-type]
    run = verified(place, tmp_path)
    place.ok("score", str(run), "--reward-model", "org/lengths", "--quiet")
    lengths = "select score from score where problem_id = 1 and sample_index < 5 order by sample_index"
    for rule, wanted in (("none", [len(each.format(right=1)) for each in TEXTS]), ("tags", [6, 11, 0, 6, 0])):
        if rule != "none":
            assert split_again(run, rule).scored == 4
        work_off(place, ("verify", "score"))
        assert [row["score"] for row in place.query(lengths)] == wanted


@pytest.mark.usefixtures("brittle_is_ours")
def test_a_newer_version_replaces_the_one_that_counts(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "brittle.jsonl"
    texts = {"a": "<think>2</think>1", "b": "2"}
    file.write_text("".join(f'{{"problem": "{key}", "sample_index": 0, "text": "{texts[key]}"}}\n' for key in texts))
    runs = [enqueue(RunRequest("brittle", f"replay:{file}", 1)).run_id for _ in "12"]
    use_recording(file)
    work_off(place)
    with monkeypatch.context() as patched:
        patched.setitem(BENCHMARKS, "brittle", brittle.NEWER)
        verifier_by.cache_clear()
        place.ok("reverify", str(runs[0]))
        place.ok("reverify", str(runs[1]), "--thinking", "tags")
        work_off(place)
    assert ledger.move_counting() == runs
    for run, outcome, before in zip(runs, ("incorrect", "correct"), ("done", "cancelled"), strict=True):
        works = (
            "select version, state from work join verifier on verifier.id = verifier_id where run_id = %s order by 1"
        )
        assert [tuple(row.values()) for row in place.query(works, (run,))] == [("1", before)] * 2 + [("2", "done")] * 2
        assert [each for _, _, each in judged(place, run)] == [outcome, "correct"]
        check(place, run)


def test_lengths_and_diversity_know_both_parts(place: Place) -> None:
    run = sampled_run(
        {
            "a": [
                Sampled("4", True, text="<think>x</think>4", answer_from=16, completion_tokens=30, thinking_tokens=20),
                Sampled("4", True, text="4", completion_tokens=6, thinking_tokens=0),
                Sampled("5", text="5", completion_tokens=3),
                Sampled(None, text="<think>", answer_from=None, completion_tokens=100, finish_reason="length",
                        thinking_tokens=100),
            ]
        }
    )  # fmt: skip
    assert place.query("select * from lengths where run_id = %s", (run,)) == [
        {
            "run_id": run, "samples": 4, "completion_tokens": 34.75, "median_completion_tokens": 18.0,
            "thinking_tokens": 40.0, "median_thinking_tokens": 20.0, "answer_tokens": 16 / 3,
            "median_answer_tokens": 6.0, "thinking_known": 3, "thinking_characters": 23 / 4, "answer_characters": 0.75,
            "truncated_share": 0.25, "unended_share": 0.25, "biased_by": None,
        }
    ]  # fmt: skip
    place.ok("analyze", str(run))
    shares = place.query("select distinct truncated_share, unended_share from diversity where run_id = %s", (run,))
    assert shares == [{"truncated_share": 0.25, "unended_share": 0.25}]


CUT = Sampled(None, finish_reason="length")
UNENDED_SAMPLE = Sampled(None, answer_from=None)


def test_truncated_samples_without_an_answer_are_bounds_of_coverage(any_postgres: Place) -> None:
    place = any_postgres
    problems = {
        "a": [Sampled("4", True), Sampled("5"), Sampled("5"), Sampled("5")],
        "b": [CUT, UNENDED_SAMPLE, Sampled("5", finish_reason="length"), Sampled(None)],
        "c": [Sampled("5"), Sampled("5"), Sampled("5"), Sampled("5")],
    }
    run = sampled_run(problems)
    bounds = "select * from coverage_bounds(%s, %s)"
    assert place.query(bounds, (run, 1)) == [
        {"floor": 1 / 12, "coverage": 1 / 12, "ceiling": (1 / 4 + 2 / 4) / 3, "truncated": 2}
    ]
    (two,) = place.query(bounds, (run, 2))
    assert (two["coverage"], two["ceiling"]) == pytest.approx((1 / 6, (1 / 2 + 5 / 6) / 3))
    (five,) = place.query(bounds, (run, 5))
    # what is solved among four samples is among five; of the others the fifth may be right
    assert (five["floor"], five["coverage"], five["ceiling"]) == (pytest.approx(1 / 3), None, 1)
    # where a run stops when solved, they may be right in their batch
    stopping = {"a": [Sampled("5"), CUT, Sampled("4", True)], "b": [Sampled("5")] * 3, "c": [Sampled("5"), CUT, CUT]}
    run = sampled_run(stopping, stop_rule={"when_solved": True})
    found = {k: place.query("select * from coverage_bounds(%s, %s)", (run, k))[0] for k in (1, 2, 3)}
    assert [found[k]["coverage"] for k in (1, 2, 3)] == pytest.approx([1 / 9, 2 / 9, 1 / 3])
    assert [found[k]["ceiling"] for k in (1, 2, 3)] == pytest.approx([4 / 9, 2 / 3, 2 / 3])


def test_truncated_samples_of_a_stopped_run_are_bounds_batch_by_batch(any_postgres: Place) -> None:
    place, wrong = any_postgres, Sampled("5")
    problems = {"a": [wrong, wrong, CUT, Sampled("4", True), CUT, wrong], "b": [wrong, wrong, wrong, CUT, wrong, wrong]}
    run = sampled_run(problems, stop_rule={"when_solved": True})
    with transaction() as connection:  # its batches of six are of three
        connection.execute("update batch set size = 3 where run_id = %s", (run,))
        connection.execute(
            """
            with second as (
                insert into batch (run_id, problem_id, first_index, size)
                select run_id, problem_id, 3, 3 from batch where run_id = %s returning id, problem_id
            )
            insert into work (run_id, batch_id, kind, verifier_id, queue, state, correct, incorrect, no_answer,
                undecided, first_correct)
            select work.run_id, second.id, kind, verifier_id, queue, state, correct, incorrect, no_answer, 0,
                first_correct
            from second join batch using (problem_id) join work on work.batch_id = batch.id and work.kind = 'verify'
            where work.run_id = %s
            """,
            (run, run),
        )
        connection.execute(
            """
            update work set correct = 0, first_correct = null from batch
            where batch.id = batch_id and first_index = 0 and work.run_id = %s
            """,
            (run,),
        )
    found = [place.query("select * from coverage_bounds(%s, %s)", (run, k))[0] for k in range(1, 8)]
    known = [(0 + 0) / 2, 0, 0, 1 / 6, 2 / 6, 1 / 2]
    assert [each["coverage"] for each in found] == [*map(pytest.approx, known), None]
    assert [each["ceiling"] for each in found] == pytest.approx([1 / 6, 2 / 6, 1 / 2, 4 / 6, 5 / 6, 1, 1])
    assert {each["truncated"] for each in found} == {3}


def test_without_truncated_samples_the_bounds_are_those_of_coverage(place: Place) -> None:
    tallies = [Tally(10, 3), Tally(10, 0, undecided=2), Tally(7, 1)]
    for settings in ({}, {"stop_rule": {"when_solved": True}, "n": 10}):
        run = counted_run(tallies, **settings)  # type: ignore[arg-type]
        rows = place.query("select k, floor, coverage, ceiling from coverage where run_id = %s order by k", (run,))
        assert len(rows) == 4
        for row in rows:
            (bounds,) = place.query("select * from coverage_bounds(%s, %s)", (run, row.pop("k")))
            assert bounds.pop("truncated") == 0
            assert bounds == pytest.approx(row)
