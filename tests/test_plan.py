"""Where the next samples are put, and what a run says that was extended so."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta

from models.analysis.pool import read_pool
from models.questions.find import find_run
from models.questions.plan import plan
from models.questions.report import findings
from models.statistics.beta_binomial import Beta
from models.statistics.planning import WEAK, all_wrong, allot, prior_of
from models.views import CoverageRow
from tasks import ledger
from tasks.runs import changes
from tests.counted import Tally, add_attempts, counted_run
from tests.place import Place
from tests.small_runs import check, coverage, judged, small, use_recording, work_off

PLANNED = {"planned": True}


def test_the_chance_that_samples_are_wrong_is_the_integral_over_the_posterior() -> None:
    prior, p = Beta(1.4, 2.0, 0.7), (np.arange(400_000) + 0.5) / 400_000
    weights = beta.pdf(p, prior.alpha, prior.beta)
    for n, more in ((0, 1), (3, 5), (20, 100)):
        wrong = 0.7 * (weights * (1 - p) ** n).mean()
        then = 0.7 * (weights * (1 - p) ** (n + more)).mean()
        assert all_wrong(prior, n, more) == pytest.approx((then + 0.3) / (wrong + 0.3), rel=1e-3)


def test_no_other_choice_of_batches_gains_more() -> None:
    n, waiting, price = np.array([3, 10, 10, 40]), np.array([0, 0, 5, 0]), np.ones(4)
    prior = Beta(0.5, 3.0, 0.8)

    def gain(batches: Any) -> float:
        more = np.array(batches) * 5
        return float((all_wrong(prior, n, waiting) - all_wrong(prior, n, waiting + more)).sum())

    chosen = allot(prior, n, waiting, price, 30, 5)
    every = [batches for batches in np.ndindex(7, 7, 7, 7) if sum(batches) == 6]
    assert gain(chosen // 5) == pytest.approx(max(map(gain, every)))
    assert chosen.sum() == 30


def test_exactly_so_many_samples_are_planned_and_the_dear_get_fewer() -> None:
    zeros = np.zeros(3, dtype=np.int64)
    assert allot(WEAK, zeros + 7, zeros, np.ones(3), 100, 8).sum() == 100
    assert allot(WEAK, zeros + 7, zeros, np.ones(3), 2, 8).tolist() == [1, 1, 0]
    assert (
        allot(WEAK, zeros + 7, zeros, np.ones(3), 2_000_000_001, 1).sum() == 2_000_000_001
    )  # within the time of a test
    cheap, dear, _ = allot(WEAK, zeros + 7, zeros, np.array([1.0, 5.0, 1.0]), 90, 10)
    assert cheap > dear


def test_a_weak_prior_stands_in_where_outcomes_say_too_little() -> None:
    assert prior_of([5, 5], [0, 0]) == (WEAK, "no sample is right")
    assert prior_of([0, 0], [0, 0])[0] == WEAK
    assert prior_of([20] * 8, [1] * 3 + [0] * 5).doubt == "fewer than five problems are solved"
    found = prior_of([20] * 20, [1, 2, 5, 9, 15, 3, 1] + [0] * 13)
    assert found.doubt == ""
    assert found.law != WEAK


def curve(place: Place, run: int) -> dict[int, CoverageRow]:
    rows = place.query("select * from coverage where run_id = %s order by k", (run,))
    return {row["k"]: CoverageRow(**row) for row in rows}


def test_coverage_of_a_planned_run_goes_by_the_samples_that_all_problems_have(any_postgres: Place) -> None:
    place = any_postgres
    before = counted_run([Tally(20, 4), Tally(20, 0), Tally(20, 0)], batch=5)
    run = counted_run([Tally(20, 4), Tally(40, 7, first=25), Tally(60, 0)], batch=5, n=20, stop_rule=PLANNED)
    was, now = curve(place, before), curve(place, run)
    for k in (1, 2, 5, 10, 20):
        for name in (
            "coverage",
            "stderr",
            "low",
            "high",
            "problems_missing",
            "floor",
            "ceiling",
            "estimator",
            "all_right",
        ):
            assert getattr(now[k], name) == pytest.approx(getattr(was[k], name)), name
    assert place.one("select coverage_at(%s, 21)", (run,)) is None
    assert {k: now[k].coverage for k in (50, 60)} == {50: None, 60: None}
    assert (now[50].floor, now[50].ceiling) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    bounds = "select floor, ceiling from coverage_curve(%s, (select verifier_id from run where id = %s), '{22,30,100}')"
    ends = [tuple(row.values()) for row in place.query(bounds, (run, run))]
    assert ends == [pytest.approx(pair) for pair in ((1 / 3, 1 / 3), (2 / 3, 2 / 3), (2 / 3, 1))]
    pool = read_pool(run, place.one("select verifier_id from run where id = %s", (run,)))
    assert (pool.least, pool.n.tolist(), pool.c.tolist()) == (20, [20, 20, 20], [4, 0, 0])
    assert np.isnan(pool.values(np.array([21]))).any()


def test_estimates_of_planned_runs_are_unbiased_where_shares_of_all_samples_are_not(place: Place) -> None:
    random, n, more = np.random.default_rng(7), 10, 30
    p = random.beta(0.3, 2.0, 3_000)
    drawn = random.random((3_000, n + more)) < p[:, None]
    first = drawn[:, :n].sum(axis=1)
    tallies = []
    for right, row in zip(first.tolist(), drawn, strict=True):
        later = int(row.argmax()) if row.any() else None
        tallies.append(Tally(n, right) if right else Tally(n + more, int(later is not None), first=later or 0))
    run = counted_run(tallies, batch=n, n=n, stop_rule=PLANNED)
    now = curve(place, run)
    for k in (1, 2, 5, 10):
        truth, row = float((1 - (1 - p) ** k).mean()), now[k]
        assert row.coverage == pytest.approx(truth, abs=4 * row.stderr)
    everything = place.one("select avg(pass_at_k(samples, correct, 10)) from problem_tally where run_id = %s", (run,))
    reached = float((1 - (1 - p) ** 10).mean())
    assert everything - reached > 0.02  # what a naive estimate would say
    for k in (20, 40):
        truth = float((1 - (1 - p) ** k).mean())
        assert now[k].coverage is None
        assert now[k].floor - 0.02 < truth < now[k].ceiling + 0.02


def test_a_right_sample_among_fewer_than_k_makes_no_number(place: Place) -> None:
    run = counted_run([Tally(20, 4), Tally(5, 1), Tally(6, 2, undecided=1)], batch=100)
    now = curve(place, run)
    assert [(k, row.coverage is None, row.problems_missing) for k, row in now.items()] == [
        (1, False, 0), (2, False, 0), (5, False, 0), (10, True, 2), (20, True, 2)
    ]  # fmt: skip
    assert (now[20].floor, now[20].ceiling) == (1, 1)


def test_no_floor_falls_with_k(place: Place) -> None:
    run = counted_run([Tally(4, 1), Tally(20, 0), Tally(11, 3, undecided=2)], batch=100)
    ks = "(select array_agg(k::bigint) from generate_series(1, 25) as k)"
    rows = place.query(
        f"select floor, ceiling from run, coverage_curve(run.id, run.verifier_id, {ks}) where run.id = %s", (run,)
    )
    floors = [row["floor"] for row in rows]
    assert floors == sorted(floors)
    assert floors[-1] == pytest.approx(2 / 3)
    assert all(row["ceiling"] >= row["floor"] for row in rows)


def test_the_curve_of_a_planned_run_has_all_that_is_known_of_it(place: Place) -> None:
    run = counted_run([Tally(37, 1), Tally(6, 3)], n=6, stop_rule=PLANNED)
    add_attempts(run, completion_tokens=10, prompt_tokens=1, flops=1.0)
    for view in ("coverage", "coverage_by_cost"):
        known = place.query(f"select k, coverage is not null as known from {view} where run_id = %s order by k", (run,))
        assert [(row["k"], row["known"]) for row in known] == [
            (1, True), (2, True), (5, True), (6, True), (10, False), (20, False), (37, False),
        ], view  # fmt: skip


def test_what_is_planned_is_drawn_once_and_never_doubled(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=8, samples=60)
    run, at_once = files.enqueue(place, 5), files.enqueue(place, 60)
    use_recording(files.recording)
    work_off(place)
    before = coverage(place, run)
    unsolved = {each.problem_id for each in plan(find_run(str(run)), 2).problems}
    place.ok("extend", str(run), "--plan", "2")
    assert place.one("select samples_wanted from run_progress where run_id = %s", (run,)) == 8 * 5 + 2
    work_off(place)
    check(place, run)
    assert place.one("select count(*) from sample where run_id = %s", (run,)) == 8 * 5 + 2
    more = "select distinct problem_id from sample where run_id = %s and sample_index >= 5"
    assert {row["problem_id"] for row in place.query(more, (run,))} <= unsolved
    assert [row for row in coverage(place, run) if row["k"] <= 5] == [row for row in before if row["k"] <= 5]
    assert place.one("select distinct biased_by from problem_tally where run_id = %s", (run,)) == "planned"
    place.ok("extend", str(run), "--plan", "9")
    place.ok("cancel", str(run))
    assert f"monkeys resume {run}" in place.refused("extend", str(run), "--plan", "9")
    place.ok("resume", str(run))
    work_off(place)
    check(place, run)
    assert place.one("select count(*) from sample where run_id = %s", (run,)) == 8 * 5 + 11
    cut = place.query("select first_index from batch where run_id = %s and first_index >= 5 and size > 1", (run,))[0]
    assert "would cut in two" in place.refused("extend", str(run), "-n", str(cut["first_index"] + 1))
    place.ok("extend", str(run), "-n", "60")
    work_off(place)
    check(place, run)
    ledger.end_runs()
    assert place.one("select stop_rule from run where id = %s", (run,)) == {}
    assert judged(place, run) == judged(place, at_once)
    for now, then in zip(coverage(place, run), coverage(place, at_once), strict=True):
        assert now == pytest.approx(then)


def test_a_planned_run_is_estimated_by_more_samples_once_all_its_problems_have_them(
    place: Place, tmp_path: Path
) -> None:
    files = small(tmp_path, problems=12, samples=60)
    run = files.enqueue(place, 5)
    use_recording(files.recording)
    work_off(place)
    before = curve(place, run)
    changes.extend_planned(run, 12)
    work_off(place)
    state = "select n, stop_rule from run where id = %s"
    assert changes.extend(run, 20) == 12 * 15 - 12
    changes.extend_planned(run, 3)
    for done in (0, 9, 0):
        assert work_off(place, at_most=done) == done
        ledger.end_runs()
        assert place.query(state, (run,)) == [{"n": 5, "stop_rule": {"planned": True, "extending_to": 20}}]
        now = curve(place, run)
        for k in (1, 2, 5):
            assert now[k].coverage == pytest.approx(before[k].coverage), (done, k)
            assert now[k].estimator == "unbiased"
        assert {now[k].coverage for k in now if k > 5} == {None}
        changes.cancel(run)
        ledger.end_runs()
        changes.resume(run)
    assert "has 20 samples a problem already" in place.refused("extend", str(run), "-n", "20")
    work_off(place)
    ledger.end_runs()
    assert place.query(state, (run,)) == [{"n": 20, "stop_rule": PLANNED}]
    most = place.one("select max(first_index + size) from batch where run_id = %s", (run,))
    changes.extend(run, most)
    work_off(place)
    ledger.end_runs()
    assert place.query(state, (run,)) == [{"n": most, "stop_rule": {}}]
    check(place, run)


def test_while_another_verifier_is_at_it_nobody_has_more_samples_because_a_plan_chose_them(
    place: Place, tmp_path: Path
) -> None:
    files = small(tmp_path, problems=8, samples=60)
    run = files.enqueue(place, 5)
    use_recording(files.recording)
    work_off(place)
    changes.extend_planned(run, 20)
    work_off(place)
    changes.reverify(run, "paper", use=False)
    work_off(place)
    most = place.one("select max(first_index + size) from batch where run_id = %s", (run,))
    changes.extend(run, most)
    counting = {"run": run, "until": None}
    hold = """
        update work set not_before = %(until)s where run_id = %(run)s and kind = 'verify' and state <> 'done'
            and verifier_id <> (select verifier_id from run where id = %(run)s) returning 1
        """
    work_off(place, kinds=("generate",))
    place.query(hold, counting | {"until": "infinity"})
    work_off(place)
    ledger.end_runs()
    assert place.one("select stop_rule ? 'planned' from run where id = %s", (run,))
    other = "select min(n), max(n) from problem_count where verifier_id <> (select verifier_id from run where id = %s)"
    assert place.query(other, (run,)) == [{"min": 5, "max": 5}]
    assert findings(find_run(str(run))).partial
    place.query(hold, counting)
    work_off(place)
    ledger.end_runs()
    assert place.one("select stop_rule from run where id = %s", (run,)) == {}
    changes.reverify(run, "math-verify", use=False)
    works = "select first_index from work join batch on batch.id = batch_id where work.state <> 'done' order by work.id"
    firsts = [row["first_index"] for row in place.query(works)]
    assert len(firsts) > 8
    assert firsts == sorted(firsts)


def test_a_run_whose_problems_all_have_as_much_already_needs_no_end(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=1, samples=60)
    (tmp_path / "recording.jsonl").write_text(
        files.recording.read_text("utf-8").replace("answer is 1.", "answer is 7.")
    )
    run = files.enqueue(place, 5)
    use_recording(files.recording)
    work_off(place)
    changes.extend_planned(run, 10)
    work_off(place)
    ledger.end_runs()
    assert changes.extend(run, 15) == 0
    assert place.query("select n, stop_rule from run where id = %s", (run,)) == [{"n": 15, "stop_rule": {}}]


@pytest.mark.parametrize("ending", ["parquet", "jsonl"])
def test_a_planned_run_is_exported_and_imported_as_one(place: Place, tmp_path: Path, ending: str) -> None:
    files = small(tmp_path, problems=8, samples=60)
    run = files.enqueue(place, 5)
    use_recording(files.recording)
    work_off(place)
    changes.extend_planned(run, 7)
    work_off(place)
    place.ok("export", str(run), str(tmp_path / f"out.{ending}"))
    said = () if ending == "parquet" else ("--benchmark", "gsm8k", "--llm", "small")
    again = int(place.ok("import", str(tmp_path / f"out.{ending}"), *said, "--key-only", "--quiet"))
    assert place.one("select stop_rule from run where id = %s", (again,)) == PLANNED
    for k, row in curve(place, run).items():
        assert curve(place, again)[k].coverage == pytest.approx(row.coverage)
    assert "--weight-k needs as many" in place.refused("export", str(run), str(tmp_path / "w.jsonl"), "--weight-k", "2")
    assert "made elsewhere" in place.refused("extend", str(again), "--plan", "7")
    assert plan(find_run(str(again)), 7).samples == 7


def test_a_plan_beyond_its_recording_is_refused_whole(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=4, samples=12)
    run = files.enqueue(place, 5)
    use_recording(files.recording)
    work_off(place)
    works = place.one("select count(*) from work")
    assert "has 12 samples of problem" in place.refused("extend", str(run), "--plan", "100")
    assert place.one("select count(*) from work") == works
    assert place.one("select stop_rule from run where id = %s", (run,)) == {}


def test_limits_leave_a_plan_noted(place: Place, tmp_path: Path) -> None:
    run = small(tmp_path, problems=4, samples=60).enqueue(place, 5)
    assert changes.extend_planned(run, 20)[1] == 20
    changes.limit(run, {"gpu_hours": None})
    assert place.one("select stop_rule from run where id = %s", (run,)) == PLANNED


def test_samples_on_their_way_are_not_planned_again(place: Place, tmp_path: Path) -> None:
    files = small(tmp_path, problems=4, samples=60)
    run = files.enqueue(place, 5)
    use_recording(files.recording)
    assert [each.waiting for each in plan(find_run(str(run)), 8).problems] == [5, 5, 5, 5]
    work_off(place, kinds=("generate",))
    assert [each.waiting for each in plan(find_run(str(run)), 8).problems] == [5, 5, 5, 5]
    work_off(place)
    assert {each.waiting for each in plan(find_run(str(run)), 8).problems} == {0}


def test_a_plan_says_its_problems_as_data_and_the_rest_in_sentences(place: Place) -> None:
    run = counted_run([Tally(10, c) for c in (0, 0, 1, 2, 5, 7, 9, 1, 0)], batch=5)
    said = place.monkeys("plan", str(run), "--samples", "12", "--json")
    rows = json.loads(said.stdout)
    assert sum(row["samples_planned"] for row in rows) == 12
    assert [row["problem_key"] for row in rows] == ["0", "1", "8"]
    assert "12 samples for 3 of 9 problems" in said.stderr
    assert all(0 < row["chance_of_planned"] < 1 for row in rows)


def test_fewer_samples_than_problems_solve_no_fewer_than_some_of_all_problems_alike(place: Place) -> None:
    run = counted_run([Tally(10, c) for c in (0, 0, 1, 2, 10, 7, 9, 1, 0, 10, 10, 8)], batch=5)
    for samples in (1, 2, 3, 5, 12, 30):
        found = plan(find_run(str(run)), samples)
        assert found.uniform_samples == pytest.approx(samples)
        assert found.solved >= found.uniform_solved > 0
    one = plan(find_run(str(run)), 1)
    each = [problem.chance_of_planned for problem in one.problems if problem.samples_planned]
    assert one.uniform_solved == pytest.approx(3 * each[0] / 12)  # one of twelve problems is given it


def test_what_cannot_be_planned_is_refused(place: Place) -> None:
    solved = counted_run([Tally(10, 1), Tally(10, 3)])
    assert "so more samples solve none" in place.refused("plan", str(solved), "--samples", "5")
    assert "so more samples solve none" in place.refused("extend", str(solved), "--plan", "5")
    assert "Give -n, samples of each problem" in place.refused("extend", str(solved))
    assert "Give -n, samples of each problem" in place.refused("extend", str(solved), "-n", "5", "--plan", "5")


def test_what_tells_a_difference_is_said_with_its_assumptions(place: Place) -> None:
    run = counted_run([Tally(20, c) for c in (0, 0, 1, 2, 5, 7, 9, 1, 0, 20, 12, 3)])
    said = place.monkeys("plan", str(run), "--difference", "5", "--at", "2", "--json")
    rows = json.loads(said.stdout)
    assert [row["samples_each"] for row in rows] == [2, 4, 10, 20, 40]
    problems = [row["problems"] for row in rows]
    assert problems == sorted(problems, reverse=True)
    assert {row["usd"] for row in rows} == {None}
    assert f"as in run {run}" in said.stderr
    assert "does not tell" in place.monkeys("plan", str(counted_run([Tally(9, 0)])), "--difference", "5").stderr
    assert "give a smaller one" in place.refused("plan", str(run), "--difference", "90")
    assert "Give --samples" in place.refused("plan", str(run))


def test_a_report_says_of_a_planned_run_what_its_numbers_go_by(place: Place, tmp_path: Path) -> None:
    run = counted_run([Tally(20, 4), Tally(40, 7, first=25), Tally(60, 0)], batch=5, n=20, stop_rule=PLANNED)
    place.ok("report", str(run), "--out", str(tmp_path / "out"))
    page = next((tmp_path / "out").glob("*.html")).read_text("utf-8")
    assert "A plan chose by outcomes which problems have more than 20 samples" in page
    assert "stopped at right samples" not in page
