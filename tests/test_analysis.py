"""What analyze writes is what models.statistics says of the same counts and samples."""

import itertools
import math

import numpy as np
import pytest

from cli.report.curves import coverage_plot
from models.analysis.store import analyze
from models.database import query
from models.questions.find import find_run
from models.questions.report import findings
from models.statistics.coverage import pass_at_k
from models.statistics.fits import Family, fit, paper_ks, tallies
from models.statistics.intervals import estimate
from tests.counted import Judged, Sampled, Tally, batched_run, counted_run, sampled_run
from tests.place import Place
from tests.shared_data import shared_rows
from tests.statistics_data import SAMPLES, llama_counts, pythia_counts


def verifier_of(run: int) -> int:
    (row,) = query("select verifier_id from run where id = %s", (run,))
    return int(row["verifier_id"])


def analysed(run: int) -> int:
    analyze(run, verifier_of(run))
    return run


def test_fits_of_the_papers_counts_are_those_it_found(place: Place) -> None:
    run = analysed(counted_run([Tally(SAMPLES, int(c)) for c in pythia_counts("Pythia 12B")], batch=1000))
    fits = {row["family"]: row for row in place.query("select * from coverage_fit where run_id = %s", (run,))}
    assert set(fits) == set(Family)
    law = fits["exponentiated_power_law"]
    assert (round(law["parameters"]["a"], 3), round(law["parameters"]["b"], 3)) == (-4.317, -0.379)
    assert (round(law["error"], 4), law["flag"], law["stale"]) == (0.0078, None, False)
    forecasts = place.query("select * from forecast where run_id = %s order by family, k", (run,))
    assert {row["family"] for row in forecasts} == set(Family)
    assert {row["k"] for row in forecasts} == {10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000}
    assert all(row["low"] < row["coverage"] < row["high"] for row in forecasts)
    assert {row["flag"] for row in forecasts} == {None}


def test_fitted_parameters_carry_intervals(place: Place) -> None:
    run = analysed(counted_run([Tally(100, c) for c in (0, 1, 2, 5, 20, 60, 0, 3)]))
    for row in place.query("select * from coverage_fit where run_id = %s", (run,)):
        assert set(row["parameters_low"]) == set(row["parameters_high"]) == set(row["parameters"])
        for name, value in row["parameters"].items():
            assert row["parameters_low"][name] <= value <= row["parameters_high"][name]
    single = analysed(counted_run([Tally(100, 7)]))
    assert place.one("select count(parameters_low) from coverage_fit where run_id = %s", (single,)) == 0


def test_forecasts_that_lie_far_apart_say_so(place: Place) -> None:
    run = analysed(counted_run([Tally(20, c) for c in [0] * 100 + [1] * 5]))
    flags = {row["k"]: row["flag"] for row in place.query("select * from forecast where run_id = %s", (run,))}
    assert flags[20] is None
    assert flags[2000].startswith("laws that the data cannot tell apart say ")
    assert "laws that the data cannot tell apart" in place.ok("report", str(run), "--tables-only")


def test_a_fit_that_means_nothing_is_flagged_and_not_carried_on(place: Place) -> None:
    run = analysed(counted_run([Tally(SAMPLES, int(c)) for c in llama_counts("GSM8K")], batch=1000))
    flags = {row["family"]: row["flag"] for row in place.query("select * from coverage_fit where run_id = %s", (run,))}
    assert all("reaches 1" in flag for flag in flags.values())
    assert place.query("select * from forecast where run_id = %s", (run,)) == []
    assert place.query("select * from coverage_band where run_id = %s and method = 'posterior'", (run,)) == []


def test_a_run_without_a_right_sample_has_no_fit(place: Place) -> None:
    run = analysed(counted_run([Tally(50, 0)] * 4))
    rows = place.query("select parameters, error, flag from coverage_fit where run_id = %s", (run,))
    assert len(rows) == len(Family)
    for row in rows:
        assert row == {"parameters": {}, "error": None, "flag": "no sample is right"}
    assert place.query("select * from forecast where run_id = %s", (run,)) == []


def test_a_run_that_stopped_at_right_samples_is_fitted_by_likelihood_only(place: Place) -> None:
    tallies_ = [Tally(10, 3, first=2), Tally(40, 0), Tally(40, 1, first=39), Tally(20, 5, first=14)]
    run = analysed(counted_run(tallies_, batch=10, stop_rule={"when_solved": True}, n=40))
    rows = {row["family"]: row for row in place.query("select * from coverage_fit where run_id = %s", (run,))}
    assert "stopped" in rows["log_log"]["flag"]
    wanted = fit(Family.beta_binomial, tallies([10, 40, 40, 20], [3, 0, 1, 5]))
    assert rows["beta_binomial"]["parameters"] == pytest.approx(dict(wanted.parameters))
    assert place.query("select * from precision_at_k where run_id = %s", (run,)) == []
    ks = paper_ks(40)
    curve = [place.one("select coverage_at(%s, %s)", (run, int(k))) for k in ks]
    for family in (Family.beta_binomial, Family.zero_inflated_beta_binomial):
        law = fit(family, tallies([10, 40, 40, 20], [3, 0, 1, 5])).coverage(ks)
        assert rows[family]["error"] == pytest.approx(np.abs(law - curve).mean())


def test_how_far_a_law_is_off_is_missing_where_coverage_is_known_nowhere(place: Place) -> None:
    problems = [[Judged(5, None), Judged(5, 1), Judged(5, None)], [Judged(5, 2), Judged(10, None)]]
    run = analysed(batched_run(problems, stop_rule={"when_solved": True}))
    rows = place.query("select * from coverage_fit where run_id = %s and parameters <> '{}'", (run,))
    assert [row["family"] for row in rows if row["error"] is None] == []
    run = analysed(batched_run([problems[0][:1] + problems[0][2:], problems[1]], stop_rule={"when_solved": True}))
    rows = place.query("select * from coverage_fit where run_id = %s and parameters <> '{}'", (run,))
    assert {row["error"] for row in rows} == {None}


def test_bands_hold_the_coverage_and_end_where_it_does(place: Place) -> None:
    run = analysed(counted_run([Tally(100, c) for c in (0, 1, 2, 5, 20, 60)]))
    coverage = {row["k"]: row["coverage"] for row in place.query("select * from coverage where run_id = %s", (run,))}
    bands = place.query("select * from coverage_band where run_id = %s order by k", (run,))
    for row in bands:
        assert row["low"] <= row["coverage"] <= row["high"]
        if row["method"] == "these_problems":
            assert row["coverage"] == pytest.approx(coverage[row["k"]])
    assert {row["method"] for row in bands} == {"these_problems", "posterior"}
    assert max(row["k"] for row in bands if row["method"] == "posterior") == 100


def test_few_solved_problems_have_no_posterior_band_and_no_forecast(place: Place) -> None:
    run = analysed(counted_run([Tally(100, c) for c in (0, 0, 0, 0, 0, 1, 1, 2)]))
    assert place.one("select count(*) from forecast where run_id = %s", (run,)) == 0
    assert place.one("select count(*) from coverage_band where run_id = %s and method = 'posterior'", (run,)) == 0
    flags = place.query("select distinct flag from coverage_fit where run_id = %s", (run,))
    assert flags == [{"flag": "fewer than five problems are solved"}]


@pytest.mark.parametrize(
    "counts", [[(1, 1), (1, 0), (1, 1), (1, 1), (1, 0), (1, 1), (1, 1)], [(50, 50)] * 6, [(50, 7)]]
)
def test_what_says_nothing_of_more_samples_has_no_forecast(place: Place, counts: list[tuple[int, int]]) -> None:
    run = analysed(counted_run([Tally(n, c) for n, c in counts]))
    assert place.one("select count(*) from forecast where run_id = %s", (run,)) == 0
    assert place.one("select count(*) from coverage_fit where run_id = %s and flag is null", (run,)) == 0
    place.ok("report", str(run), "--tables-only")


def test_a_run_that_still_runs_is_forecast_from_the_samples_that_every_problem_has(place: Place) -> None:
    ragged = [Tally(60, 0), Tally(100, 9), Tally(100, 2), Tally(80, 30), Tally(100, 60), Tally(100, 1), Tally(90, 4)]
    run = counted_run(ragged, batch=10)
    place.query("update work set state = 'ready' where id = (select max(id) from work) returning 1")
    analysed(run)
    rows = place.query("select * from forecast where run_id = %s and family = 'average' order by k", (run,))
    assert rows[0]["k"] == 60
    assert rows[0]["low"] < place.one("select coverage_at(%s, 60)", (run,)) < rows[0]["high"]


def test_an_analysis_of_before_there_was_an_average_is_made_anew(place: Place) -> None:
    run = analysed(counted_run([Tally(100, c) for c in (0, 1, 2, 5, 20, 60)]))
    place.query("delete from analysis_fit where run_id = %s and family = 'average' returning 1", (run,))
    place.ok("report", str(run), "--tables-only")
    assert place.one("select count(*) from analysis_fit where run_id = %s", (run,)) == len(Family)


def test_an_analysis_is_stale_once_samples_came(place: Place) -> None:
    run = counted_run([Tally(20, 4)] * 3, batch=10)
    place.query("update work set state = 'ready' where id = (select max(id) from work) returning 1")
    analysed(run)
    stale = "select distinct stale from coverage_fit where run_id = %s"
    assert place.one(stale, (run,)) is False
    place.query("update work set state = 'done' where state = 'ready' returning 1")
    assert place.one(stale, (run,)) is True
    analysed(run)
    assert place.one(stale, (run,)) is False


def test_every_selector_picks_as_brute_force_does(place: Place) -> None:
    problems = {
        "a": [
            Sampled("4", True, logprob=-5.0, scores={"rm": 0.9}),
            Sampled("5", logprob=-3.0, scores={"rm": 0.8}),
            Sampled("5", logprob=-9.0, scores={"rm": 0.3}),
            Sampled("4", True, logprob=-2.0, scores={"rm": 0.1}),
            Sampled(None, logprob=-1.0, scores={"rm": 0.2}),
        ],
        "b": [
            Sampled("7", True, logprob=-4.0, completion_tokens=2, scores={"rm": 0.5}),
            Sampled("8", logprob=-6.0, completion_tokens=6, scores={"rm": 0.6}),
            Sampled("9", logprob=-2.0, completion_tokens=1, scores={"rm": 0.7}),
            Sampled("7", True, logprob=-8.0, completion_tokens=1, scores={"rm": 0.4}),
            Sampled("7", True, logprob=-8.0, completion_tokens=3, scores={"rm": 0.2}),
        ],
    }
    run = sampled_run(problems)
    analysed(run)
    rows = place.query("select * from precision_at_k where run_id = %s", (run,))
    found = {(row["selector"], row["k"]): row for row in rows}
    for k in (1, 2, 5):
        for selector in ("majority", "best_of_k", "logprob"):
            each = [_mean_over_subsets(selector, samples, k) for samples in problems.values()]
            row = found[(selector, k)]
            assert row["success_rate"] == pytest.approx(np.mean(each), abs=1e-9), (selector, k)
            wanted = estimate(np.array(each)[:, None])
            assert row["stderr"] == pytest.approx(wanted.stderr[0])
            assert (row["low"], row["high"]) == pytest.approx((wanted.low[0], wanted.high[0]))
            assert row["exact"] is True
            assert row["gap"] == pytest.approx(pass_at_k([5, 5], [2, 3], [k]).mean() - np.mean(each))
            assert k > 1 or row["gap"] == row["gap_low"] == row["gap_high"] == 0
            lost = estimate((pass_at_k([5, 5], [2, 3], k) - each)[:, None])
            assert k == 1 or (row["gap_low"], row["gap_high"]) == pytest.approx((lost.low[0], lost.high[0]), abs=1e-9)
        weighted = found[("weighted_majority", k)]
        each = [_mean_over_subsets("weighted_majority", samples, k) for samples in problems.values()]
        assert weighted["success_rate"] == pytest.approx(np.mean(each), abs=5 * weighted["simulation_stderr"] + 1e-9)
        assert weighted["exact"] is False
        assert 0 <= weighted["gap_low"] <= weighted["gap"] <= weighted["gap_high"]
        assert k > 1 or (weighted["gap"], weighted["simulation_stderr"]) == (0, 0)


def _mean_over_subsets(selector: str, samples: list[Sampled], k: int) -> float:
    """The chance of a right pick over every subset of k samples; ties by lot."""
    return float(np.mean([_picked(selector, drawn) for drawn in itertools.combinations(samples, k)]))


def _picked(selector: str, drawn: tuple[Sampled, ...]) -> float:
    if selector in ("best_of_k", "logprob"):
        values = [
            each.scores["rm"] if selector == "best_of_k" else (each.logprob or 0.0) / each.completion_tokens
            for each in drawn
        ]
        return float(np.mean([each.correct for each, v in zip(drawn, values, strict=True) if v == max(values)]))
    votes: dict[str, float] = {}
    right = {each.candidate: each.correct for each in drawn}
    for each in drawn:
        if each.candidate is not None:
            weight = each.scores["rm"] if selector == "weighted_majority" else 1.0
            votes[each.candidate] = votes.get(each.candidate, 0.0) + weight
    if not votes:
        return 0.0
    best = max(votes.values())
    return float(np.mean([right[answer] for answer, weight in votes.items() if math.isclose(weight, best)]))


def test_equal_answers_vote_together_where_the_verifier_says_so(place: Place) -> None:
    samples = [Sampled("0.5", True), Sampled("1/2", True), Sampled("3"), Sampled("3"), Sampled("1/2", True)]
    run = sampled_run({"a": samples})
    success = "select success_rate from precision_at_k where run_id = %s and selector = 'majority' and k = 5"
    analysed(run)
    assert place.one(success, (run,)) == pytest.approx(0.5)
    analyze(run, verifier_of(run), lambda texts: [{"0.5": 0, "1/2": 0, "3": 1}[text] for text in texts])
    assert place.one(success, (run,)) == pytest.approx(1.0)


def test_imported_labels_have_no_vote_but_can_be_selected(place: Place) -> None:
    samples = [Sampled("correct", True, scores={"rm": 2.0}), *[Sampled("incorrect", scores={"rm": 1.0})] * 3]
    run = analysed(sampled_run({"a": samples}, verifier="imported"))
    rows = place.query("select distinct selector from precision_at_k where run_id = %s", (run,))
    assert rows == [{"selector": "best_of_k"}]
    assert place.query("select * from diversity where run_id = %s", (run,)) == []


def test_a_sample_whose_judging_failed_has_no_vote(place: Place) -> None:
    from verifiers.outcome import Outcome

    run = sampled_run({"a": [Sampled("4", True), Sampled("5", outcome=Outcome.infrastructure_error)]})
    analysed(run)
    rows = place.query("select k, success_rate from precision_at_k where run_id = %s", (run,))
    assert rows == [{"k": 1, "success_rate": 1.0}]


def test_diversity_is_exact_rarefaction(place: Place) -> None:
    candidates = ["1", "1", "1", "2", "2", "3"]
    run = sampled_run(
        {"a": [*(Sampled(each, finish_reason="length") for each in candidates[:3]), *map(Sampled, candidates[3:])]}
    )
    analysed(run)
    rows = place.query("select * from diversity where run_id = %s order by k", (run,))
    assert [row["k"] for row in rows] == [1, 2, 5, 6]
    for row in rows:
        drawn = [len(set(each)) for each in itertools.combinations(candidates, row["k"])]
        assert row["expected_distinct_candidates"] == pytest.approx(np.mean(drawn))
        assert (row["duplicate_share"], row["truncated_share"]) == (0.5, 0.5)


def test_real_reward_scores_select_better_than_chance(place: Place) -> None:
    problems = {
        str(place_): [
            Sampled(answer or None, bool(right), scores={"qwen": score[0]}, text=text)
            for text, answer, right, score in zip(
                row["code"], map(str, row["pred"]), row["score"], row["pred_score"], strict=True
            )
        ]
        for place_, row in enumerate(shared_rows("math/qwen25math_responses.jsonl"))
    }
    run = analysed(sampled_run(problems))
    rows = place.query("select * from precision_at_k where run_id = %s and k = 8", (run,))
    found = {row["selector"]: row for row in rows}
    first = place.one("select coverage from coverage where run_id = %s and k = 1", (run,))
    picked = [
        each.correct for samples in problems.values() for each in [max(samples, key=lambda one: one.scores["qwen"])]
    ]
    assert found["best_of_k"]["success_rate"] == pytest.approx(np.mean(picked), abs=0.02)
    for selector in ("best_of_k", "majority", "weighted_majority"):
        assert first < found[selector]["success_rate"] <= found[selector]["coverage"]


def test_the_command_prints_the_fits_and_back_tests_them(place: Place) -> None:
    counted_run([Tally(1000, int(c)) for c in (0, 1, 3, 10, 40, 200, 700, 5)], name="eight")
    assert "beta_binomial" in place.ok("analyze", "eight")
    rows = place.ok("analyze", "eight", "--back-test", "100", "--csv").splitlines()
    assert rows[0] == "run_id,family,using,k,forecast,low,high,truth,off,flag"
    assert {int(row.split(",")[3]) for row in rows[1:]} == {200, 500, 1000}
    assert "must be below 1000" in place.refused("analyze", "eight", "--back-test", "1000")
    assert "its verifiers: answer" in place.refused("analyze", "eight", "--verifier", "other")


def test_a_report_shows_the_forecast_and_what_it_would_have_been_from_a_tenth(place: Place) -> None:
    run = counted_run([Tally(1000, int(c)) for c in (0, 1, 3, 10, 40, 200, 700, 5)])
    printed = place.ok("report", str(run), "--tables-only")
    assert "Forecast by the average, with 95 % intervals" in printed
    _, back_test = printed.split("Back-test of the average")
    heads, _, *lines = back_test.splitlines()[1:]
    assert heads.split() == ["using", "k", "forecast", "low", "high", "truth", "off", "flag"]
    truth = {row["k"]: row["coverage"] for row in place.query("select * from coverage where run_id = %s", (run,))}
    for k, line in zip((200, 500, 1000), lines, strict=False):
        using, at, _, low, high, true, *_ = line.split()
        assert (using, at, true) == ("100", str(k), f"{truth[k]:.2%}")
        assert float(low[:-1]) <= float(true[:-1]) <= float(high[:-1])


def test_a_law_that_the_data_refute_says_so_of_its_forecast(place: Place) -> None:
    random = np.random.default_rng(3)
    half = random.binomial(100, np.where(np.arange(120) % 2, random.beta(1, 9, 120), 0))  # half are never solved
    said = "select distinct flag from forecast where run_id = %s and family = 'average'"
    run = analysed(counted_run([Tally(100, int(c)) for c in half]))
    misses = "coverage at the samples drawn refutes this law"
    assert place.query(said, (run,)) == [{"flag": misses}]
    assert f"forecast at k = 10,000: {misses}." in coverage_plot([findings(find_run(str(run)))]).caption
    others = random.binomial(100, random.beta(0.3, 12, 120))
    flags = place.query(said, (analysed(counted_run([Tally(100, int(c)) for c in others])),))
    assert {"flag": misses} not in flags
