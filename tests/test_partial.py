"""Reports of runs that go on, or that ended before their time."""

import csv
import threading
from pathlib import Path
from random import Random

import pytest

from cli.report import analysed_findings, write_report
from models.database import column, snapshot, transaction
from models.questions.find import find_run
from models.questions.report import findings
from tests.counted import Sampled, judge_again, sampled_run
from tests.place import Place
from tests.small_runs import small, use_recording, work_off

JUDGED = (
    "select 1 from tally join run on run.id = run_id and run.verifier_id = tally.verifier_id where run_id = %s limit 1"
)


def interrupted(run: int, random: Random) -> None:
    """Have a run be somewhere on its way: some batches sampled, some of them judged."""
    with transaction() as connection:
        works = connection.execute(
            "select id, batch_id, kind from work where run_id = %s order by id", (run,)
        ).fetchall()
        unsampled = {work["batch_id"] for work in works if work["kind"] == "generate" and random.random() < 0.3}
        for work in works:
            if work["batch_id"] in unsampled or (work["kind"] == "verify" and random.random() < 0.3):
                connection.execute(
                    """
                    update work set state = %s, correct = null, incorrect = null, no_answer = null, undecided = null,
                        first_correct = null where id = %s
                    """,
                    (random.choice(["ready", "leased", "failed", "cancelled"]), work["id"]),
                )
        for table in ("sample", "extraction", "score"):
            connection.execute(
                f"""
                delete from {table} using batch where {table}.run_id = batch.run_id and batch.id = any(%s)
                    and {table}.problem_id = batch.problem_id and sample_index >= first_index
                    and sample_index < first_index + size
                """.encode(),
                (sorted(unsampled),),
            )
        connection.execute(  # works that go on have judged some of their candidates
            """
            delete from verdict where random() < 0.5 and (candidate_id, verifier_id) not in (
                select candidate_id, work.verifier_id from work join batch on batch.id = work.batch_id
                join extraction on extraction.run_id = batch.run_id and extraction.problem_id = batch.problem_id
                    and extraction.verifier_id = work.verifier_id
                where work.kind = 'verify' and work.state = 'done' and candidate_id is not null)
            """
        )
        ended = random.choice(["null, null", "null, null", "null, now()", "now(), null", "now(), now()"])
        connection.execute(f"update run set (finished_at, cancelled_at) = ({ended}) where id = %s".encode(), (run,))


@pytest.mark.parametrize("seed", [26, 35, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(25))])
def test_a_run_is_reported_wherever_it_is(place: Place, tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    runs = []
    for name in ("one", "two"):
        samples = {
            str(key): [
                Sampled(random.choice(["4", "5", "6", None]), random.random() < 0.3, logprob=-1.0, scores={"rm": 1.0})
                for _ in range(random.choice([1, 2, 7]))
            ]
            for key in range(random.choice([1, 2, 9]))
        }
        rule = random.choice([{}, {"when_solved": True}])
        runs.append(sampled_run(samples, name=name, stop_rule=rule))
        if random.random() < 0.5:
            judge_again(runs[-1], f"second of {name}")
        interrupted(runs[-1], random)
    judged = [run for run in runs if column(JUDGED, (run,))]
    for run in set(runs) - set(judged):
        assert "no verified samples yet" in place.refused("report", str(run))
    for run in runs:
        place.ok("analyze", str(run), "--json")
    if judged:
        place.ok("report", *map(str, judged), "--csv")
        place.ok("report", *map(str, judged), *(["--out", str(tmp_path)] if seed < 10 else ["--tables-only"]))


def test_what_rests_on_a_part_of_a_run_says_so_everywhere(place: Place, tmp_path: Path) -> None:
    made = small(tmp_path, 3, 10)
    use_recording(made.recording)
    run = made.enqueue(place, 10)
    assert f"monkeys watch {run}" in place.refused("report")
    work_off(place, ("generate",), 4)
    work_off(place, ("verify",), 3)
    found = analysed_findings(find_run(str(run)))
    assert found.partial is not None
    assert found.partial.startswith("running as of ")
    assert found.partial.endswith(" UTC: 20 of 30 samples, 15 judged")
    assert "In part: running as of " in place.ok("report", "--tables-only")
    (page, *files) = write_report([found], tmp_path / "out")
    text = page.read_text("utf-8")
    assert f"In part: {found.partial}" in text
    assert f"Run {run} in part, {found.partial}." in text
    assert f"run {run}, partial" in next(file for file in files if file.name == f"coverage-{run}.svg").read_text(
        "utf-8"
    )
    for file in [file for file in files if file.suffix == ".csv"]:
        (row, *_) = csv.DictReader(file.read_text("utf-8").splitlines())
        assert (row["samples_wanted"], row["samples_judged"], row["as_of"]) == ("30", "15", str(found.as_of))
    work_off(place)
    place.query("update run set finished_at = now() where id = %s returning 1", (run,))
    (row, *_) = csv.DictReader(place.ok("report", "--csv").splitlines())
    assert (row["samples_wanted"], row["samples_judged"], row["as_of"]) == ("30", "30", "")
    assert "n part" not in place.ok("report", "--tables-only")


def test_a_cancelled_run_says_how_far_it_came(place: Place) -> None:
    run = sampled_run({"a": [Sampled("4", True)] * 3, "b": [Sampled("5")] * 5})
    assert findings(find_run(str(run))).partial is None
    place.query("update run set cancelled_at = now() where id = %s returning 1", (run,))
    assert "In part: cancelled as of " in place.ok("report", "--tables-only")


def test_a_snapshot_sees_nothing_that_came_later_and_writes_nothing(place: Place) -> None:
    run = sampled_run({"a": [Sampled("4", True)]})

    def rename() -> None:
        place.query("update run set name = 'later' where id = %s returning 1", (run,))

    with snapshot():
        before = column("select name from run")
        other = threading.Thread(target=rename)
        other.start()
        other.join()
        assert column("select name from run") == before == [None]
        with pytest.raises(Exception, match="read-only"):
            column("update run set name = 'within' returning 1")
    assert column("select name from run") == ["later"]


def test_a_run_that_is_deleted_meanwhile_is_told(place: Place) -> None:
    run = sampled_run({"a": [Sampled("4", True)]})
    row = find_run(str(run))
    place.ok("delete", str(run), "--yes")
    with pytest.raises(Exception, match="was deleted meanwhile"):
        findings(row)
