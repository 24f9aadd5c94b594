"""Runs that stop at right samples: their coverage batch by batch, its bounds, and who says that the rest is biased."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from cli.output import rows_as_csv
from cli.report.amounts import diversity_plot
from cli.report.bars import outcomes_plot
from cli.report.page import page
from cli.report.problems import problems_plot
from models.analysis.pool import read_pool
from models.analysis.store import analyze
from models.questions.find import find_run
from models.questions.report import findings
from models.statistics.coverage import pass_at_k
from tasks.app import app
from tasks.broker import messages
from tests.counted import Judged, Sampled, Tally, batched_run, counted_run, sampled_run
from tests.oracle import Coverage, summary
from tests.place import Place
from tests.small_runs import small, use_recording, work_off
from tests.test_views import same

WHEN_SOLVED = {"when_solved": True}


def pass_batch_by_batch(sizes: Sequence[int], rights: Sequence[int | None], k: int) -> float:
    """As it is defined: the batches in order, of the last one only as many samples as k still wants."""
    for size, right in zip(sizes, rights, strict=True):
        if right is None:
            return np.nan
        if k <= size:
            return float(pass_at_k(size, right, k))
        if right:
            return 1.0
        k -= size
    return np.nan


def wanted(problems: Sequence[Sequence[Judged]], ks: Sequence[int]) -> Coverage:
    """Coverage of runs that stop, from their batches."""
    lines: list[list[tuple[float, float, float]]] = []
    for batches in problems:
        sizes = [batch.size for batch in batches]
        decided = [batch.size - batch.undecided for batch in batches]
        rights = [batch.right for batch in batches]
        least = [batch.right or 0 for batch in batches]
        most = [batch.size if batch.right is None else batch.right + batch.undecided for batch in batches]
        line = []
        for k in ks:
            worst, best = (np.nan_to_num(pass_batch_by_batch(sizes, each, k), nan=-1) for each in (least, most))
            worst, best = max(worst, 0), 1 if best < 0 else best
            value = pass_batch_by_batch(decided, rights, k)
            line.append((worst if np.isnan(value) and worst == best else value, worst, best))
        lines.append(line)
    values, worst, best = np.moveaxis(np.array(lines), 2, 0)
    return summary(np.array(ks), values, worst, best)


def drawn(generator: np.random.Generator, total: int, *, lost: float, open_: float) -> list[Judged]:
    """Ragged batches of so many samples in all, some with undecided samples and some that are not judged."""
    batches = []
    while total:
        size = min(int(generator.integers(1, 6)), total)
        right = int(generator.binomial(size, 0.08))
        undecided = int(generator.binomial(size - right, lost))
        batches.append(Judged(size, right, undecided) if generator.random() > open_ else Judged(size, None))
        total -= size
    return batches


def test_coverage_of_a_stopped_run_is_that_of_its_batches_in_order(any_postgres: Place) -> None:
    generator = np.random.default_rng(7)
    for lost, open_ in [(0, 0), (0.1, 0), (0, 0.15), (0.1, 0.15)] * 2:
        problems = [drawn(generator, 20, lost=lost, open_=open_) for _ in range(8)]
        run = batched_run(problems, stop_rule=WHEN_SOLVED)
        verifier = any_postgres.one("select verifier_id from run where id = %s", (run,))
        curve = "select * from coverage_curve(%s, %s, array(select generate_series(1, 20)))"
        rows = any_postgres.query(curve, (run, verifier))
        names = [name for name in rows[0] if name not in ("estimator", "interval")]
        found = {name: np.array([row[name] for row in rows], dtype=np.float64) for name in names}
        same(found, wanted(problems, range(1, 21)))
        pool = read_pool(run, verifier)
        values = pool.values(np.arange(1, 22))
        np.testing.assert_allclose(values[:, :20].mean(axis=0), found["coverage"], atol=1e-12)
        assert np.isnan(values[:, 20]).all()
        np.testing.assert_array_equal(pool.only(pool.problem_ids[::-1]).values(np.arange(1, 22)), values[::-1])


def test_a_stopped_run_says_batchwise_and_an_imported_one_first_success(any_postgres: Place) -> None:
    problems = [[Judged(4, 0), Judged(4, 2), Judged(4, None)], [Judged(4, 0)] * 3]
    said = "select distinct estimator from coverage where run_id = %s"
    run = batched_run(problems, stop_rule=WHEN_SOLVED)
    assert any_postgres.one(said, (run,)) == "batchwise"
    assert any_postgres.one("select coverage_at(%s, 5)", (run,)) == pytest.approx(1 / 4)
    assert any_postgres.one("select coverage_at(%s, 13)", (run,)) is None
    run = batched_run(problems, stop_rule=WHEN_SOLVED, imported=True)
    assert any_postgres.one(said, (run,)) == "first_success"
    assert [any_postgres.one("select coverage_at(%s, %s)", (run, k)) for k in (4, 5, 12)] == [0, 0.5, 0.5]
    run = batched_run(problems[1:])
    assert any_postgres.one(said, (run,)) == "unbiased"


def test_a_run_solved_at_once_is_not_missing_at_more_samples_than_it_drew(place: Place) -> None:
    run = batched_run([[Judged(2, 1), Judged(2, None)], [Judged(2, 2), Judged(2, None)]], stop_rule=WHEN_SOLVED)
    assert [place.one("select coverage_at(%s, %s)", (run, k)) for k in (1, 2, 4, 5)] == [0.75, 1, 1, None]


def test_an_undecided_sample_leaves_open_only_what_hangs_on_it(place: Place) -> None:
    solved, never = [Judged(5, 1, undecided=1)], [Judged(5, 0, undecided=1)]
    for stop_rule in ({}, WHEN_SOLVED):
        run = batched_run([solved, solved], stop_rule=stop_rule)
        rows = place.query("select k, coverage, floor, ceiling from coverage where run_id = %s order by k", (run,))
        assert [row["k"] for row in rows] == [1, 2, 5]
        assert [row["coverage"] for row in rows] == pytest.approx([1 / 4, 1 / 2, 1])
        assert [row["floor"] for row in rows] == pytest.approx([1 / 5, 2 / 5, 1])
        assert [row["ceiling"] for row in rows] == pytest.approx([2 / 5, 7 / 10, 1])
        run = batched_run([solved, never], stop_rule=stop_rule)
        rows = place.query(
            "select k, coverage, floor, ceiling, problems_missing from coverage where run_id = %s", (run,)
        )
        assert [row["coverage"] for row in rows] == [pytest.approx(1 / 8), pytest.approx(1 / 4), None]
        assert [row["problems_missing"] for row in rows] == [0, 0, 1]
        assert (rows[-1]["floor"], rows[-1]["ceiling"]) == (0.5, 1)


def test_batches_of_another_run_or_verifier_are_not_counted(place: Place) -> None:
    first = batched_run([[Judged(4, 0), Judged(4, 2)]], stop_rule=WHEN_SOLVED)
    batched_run([[Judged(4, 4), Judged(4, 2)]], stop_rule=WHEN_SOLVED, verifier="other")
    assert place.one("select coverage_at(%s, 6)", (first,)) == pytest.approx(pass_at_k(4, 2, 2))
    assert place.one("select count(*) from judged_batches(%s, 0) where c is not null", (first,)) == 0
    unstopped = batched_run([[Judged(4, 1)]])
    assert place.query("select solved_by, judged_prefix from problem_count where run_id = %s", (unstopped,)) == [
        {"solved_by": None, "judged_prefix": None}
    ]


def test_the_difficulty_of_a_stopped_runs_problems_is_not_made_of_shares(place: Place) -> None:
    run = batched_run([[Judged(4, 0), Judged(4, 2)], [Judged(8, 0)], [Judged(8, None)]], stop_rule=WHEN_SOLVED)
    rows = place.query("select * from problem_difficulty where run_id = %s order by problem_id", (run,))
    assert {row["biased_by"] for row in rows} == {"when_solved"}
    assert [row["difficulty"] for row in rows] == [None, "never solved", None]
    assert [row["first_correct_rank"] for row in rows] == [5, None, None]
    assert {(row["correct_share"], row["expected_rank"]) for row in rows} == {(None, None)}


def test_a_report_draws_the_problems_of_a_stopped_run_batch_by_batch(place: Place) -> None:
    stopped = batched_run([[Judged(4, 0), Judged(4, 2)], [Judged(4, 0), Judged(4, 0)]], stop_rule=WHEN_SOLVED)
    whole = counted_run([Tally(8, 3), Tally(8, 0)])
    runs = [findings(find_run(str(run))) for run in (stopped, whole)]
    drawn = problems_plot(runs)
    found = {(row.run_id, row.problem_key, row.k): row.pass_at_k for row in drawn.rows}
    assert [found[stopped, "0", k] for k in (1, 2, 5, 8)] == [0, 0, 0.5, 1]
    assert [found[whole, "0", k] for k in (1, 8)] == [3 / 8, 1]
    assert "-0.0" not in rows_as_csv(drawn.rows)
    assert f"Where a run stopped at right samples (run {stopped})" in drawn.caption
    assert page(runs, []).count("It stopped at right samples (when_solved)") == 1
    assert "stopped" not in problems_plot(runs[1:]).caption + page(runs[1:], [])


def test_what_is_counted_of_a_stopped_runs_samples_is_flagged(place: Place) -> None:
    samples = {"a": [Sampled("4", True), Sampled("5")], "b": [Sampled("5"), Sampled("6")]}
    run = sampled_run(samples, stop_rule=WHEN_SOLVED)
    analyze(run, place.one("select verifier_id from run where id = %s", (run,)))
    found = findings(find_run(str(run)))
    assert {row.biased_by for row in outcomes_plot([found]).rows} == {"when_solved"}
    for plot in (outcomes_plot([found]), diversity_plot([found])):
        assert "hard problems have more samples than easy ones" in plot.caption
    for view in ("diversity", "lengths"):
        assert place.one(f"select distinct biased_by from {view}") == "when_solved"
    assert "when_solved" in place.ok("show", str(run))


def test_a_stopped_run_is_exported_and_imported_as_one(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=8)
    run = files.enqueue(place, 20, "--stop-when-solved")
    use_recording(files.recording)
    work_off(place)
    for name, said in (("out.jsonl", ("--benchmark", "gsm8k", "--llm", "theirs")), ("out.parquet", ())):
        place.ok("export", str(run), str(tmp_path / name))
        again = int(place.ok("import", str(tmp_path / name), *said, "--key-only", "--quiet"))
        assert place.one("select distinct biased_by from problem_tally where run_id = %s", (again,)) == "when_solved"
        assert place.one("select distinct estimator from coverage where run_id = %s", (again,)) == "first_success"
        for k in (5, 10, 15, 20):  # whole batches, of which both estimators say the same
            was, now = (place.one("select coverage_at(%s, %s)", (each, k)) for each in (run, again))
            assert now == pytest.approx(was)


def test_samples_that_a_stopped_runs_file_lacks_leave_open_what_hangs_on_them(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    drawn = {"solved": [0, 1, 2, 3, 8, 9, 10, 11], "never": range(12)}
    file.write_text("".join(
        json.dumps({"problem": key, "sample_index": at, "correct": (key, at) == ("solved", 9),
                    "biased_by": "when_solved"}) + "\n"
        for key, indices in drawn.items() for at in indices
    ))  # fmt: skip
    run = int(place.ok("import", str(file), "--benchmark", "sums", "--llm", "theirs", "--key-only", "--quiet"))
    found = [place.one("select coverage_at(%s, %s)", (run, k)) for k in (4, 5, 6, 9, 10, 12)]
    assert found == [0, None, None, None, 0.5, 0.5], "a right one may be among those at 4 to 7"
    ends = place.query("select floor, ceiling from coverage where run_id = %s and k = 5", (run,))
    assert ends == [{"floor": 0, "ceiling": 0.5}]


def test_an_imported_run_is_analysed_as_others_are(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    rows = [{"problem": str(key), "sample_index": at, "correct": at % 7 == key} for key in range(6) for at in range(20)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = int(place.ok("import", str(file), "--benchmark", "sums", "--llm", "theirs", "--key-only", "--quiet"))
    assert messages(["verify"]) == {"verify": 1}
    app.loader.import_default_modules()
    assert app.tasks["analyze"].apply(args=[run]).get() == f"run {run} analysed"
    assert place.one("select count(*) from coverage_fit where run_id = %s", (run,)) > 0
