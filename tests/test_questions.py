"""Questions that commands and notebooks ask of the tables."""

import json
from pathlib import Path

import pytest

from models.questions.find import find_run
from models.questions.progress import coverage_of
from models.questions.report import findings
from models.tables import Run
from models.views import CoverageRow
from tasks.workers.sweep import sweep
from tests.counted import Sampled, Tally, counted_run, sampled_run
from tests.place import Place
from tests.small_runs import small, use_recording, work_off


def judged_by_a_second_version(place: Place, run: int) -> int:
    """Have a newer version of a run's verifier say of its samples what the first one said; return its id."""
    newer: int = place.one(
        """
        insert into verifier (benchmark_id, name, version)
        select benchmark_id, name, 'newer' from verifier where id = (select verifier_id from run where id = %s)
        returning id
        """,
        (run,),
    )
    place.query(
        """
        insert into work (run_id, batch_id, kind, verifier_id, queue, state, correct, incorrect, no_answer, undecided)
        select run_id, batch_id, kind, %s, queue, state, 0, correct + incorrect, no_answer, undecided
        from work where run_id = %s and kind = 'verify' returning 1
        """,
        (newer, run),
    )
    return newer


def test_a_run_is_a_row_of_its_table(place: Place) -> None:
    run = find_run(str(counted_run([Tally(5, 1)], name="named")))
    assert isinstance(run, Run)
    assert find_run("named") == run
    assert (run.n, run.name, run.stop_rule, run.cancelled_at) == (5, "named", {}, None)


def test_a_whole_run_name_goes_before_an_id(place: Place) -> None:
    first, second = counted_run([Tally(5, 1)]), counted_run([Tally(5, 1)])
    place.query("update run set name = %s where id = %s returning 1", (str(first), second))
    assert find_run(str(first)).id == second


@pytest.mark.parametrize("named", ["²", "٣", "9" * 30, "-1", "1_0", ""])
def test_what_is_no_run_is_refused_in_one_sentence(place: Place, named: str) -> None:
    counted_run([Tally(5, 1)])
    for command in ("show", "report", "watch"):
        assert "There is no run" in place.refused(command, "--", named)


def test_coverage_is_told_once_a_k_by_the_verifier_that_counts(place: Place) -> None:
    run = counted_run([Tally(5, 5), Tally(5, 0)])
    newer = judged_by_a_second_version(place, run)
    assert [(row.k, row.coverage) for row in coverage_of(run)] == [(1, 0.5), (2, 0.5), (5, 0.5)]
    place.query("update run set verifier_id = %s where id = %s returning 1", (newer, run))
    rows = coverage_of(run)
    assert isinstance(rows[0], CoverageRow)
    assert [(row.k, row.coverage) for row in rows] == [(1, 0), (2, 0), (5, 0)]


def test_a_report_says_which_version_judged(place: Place, tmp_path: Path) -> None:
    run = counted_run([Tally(5, 5), Tally(5, 0)])
    newer = judged_by_a_second_version(place, run)
    place.query("update run set verifier_id = %s where id = %s returning 1", (newer, run))
    assert "verified by answer newer" in place.ok("report", str(run), "--out", str(tmp_path))
    assert "verified by answer newer" in (tmp_path / f"report-{run}.html").read_text("utf-8")


def test_findings_of_a_run_without_attempts_have_no_cost(place: Place) -> None:
    run = findings(find_run(str(sampled_run({"a": [Sampled("4", True), Sampled(None)]}))))
    assert run.cost is None
    assert [(str(row.outcome), row.samples) for row in run.outcomes] == [("correct", 1), ("no_answer", 1)]


def test_every_command_that_reads_prints_a_run(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path)
    run = str(files.enqueue(place, 20))
    use_recording(files.recording)
    work_off(place)
    place.ok("reverify", run, "--verifier", "paper")
    work_off(place)
    place.ok("reverify", run, "--thinking", "tags")
    work_off(place)
    sweep()
    for words in (
        ["runs"], ["show", run], ["show", run, "1"], ["show", run, "1", "3"], ["analyze", run],
        ["report", run, "--tables-only"], ["report", run, "--without-known"], ["audit", run],
        ["compare", f"{run}@1", f"{run}@2"], ["plan", run, "--difference", "20"], ["price", "list"], ["benchmarks"],
        ["sql", "select * from sample_detail"], ["sql", "select * from lengths"],
    ):  # fmt: skip
        assert place.ok(*words), words
        for form in ("--json", "--csv"):
            if form in place.ok(*words[:1], *words[1:2][: words[0] == "price"], "--help"):
                assert place.ok(*words, form), (words, form)
    place.ok("watch", run)
    place.ok("export", run, str(tmp_path / "run.jsonl"))


def test_columns_of_one_name_keep_their_values_apart(place: Place) -> None:
    rows = json.loads(place.ok("sql", "--json", "select 1 as a, 2 as a, 3 as a_2"))
    assert rows == [{"a": 1, "a_3": 2, "a_2": 3}]
    assert place.ok("sql", "--csv", "select 1, 2") == "?column?,?column?_2\n1,2\n"
