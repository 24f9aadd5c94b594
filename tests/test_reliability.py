"""What analyze stores of reliability, of votes that stop and of votes that are weighed, and where people see it."""

import itertools
import json

import numpy as np
import pytest

from models.analysis.store import analyze
from models.statistics.reliability import bayes_at_n, g_pass_at_k, mean_g_pass_at_k
from models.statistics.selection import max_at_k
from tests.counted import Sampled, Tally, counted_run, judge_again, sampled_run
from tests.place import Place

SCORES = (2.0, -1.0, -3.0, 0.5)


def verifier_of(place: Place, run: int) -> int:
    return int(place.one("select verifier_id from run where id = %s", (run,)))


def analysed(place: Place, run: int) -> int:
    analyze(run, verifier_of(place, run))
    return run


def four(answers: str, right: str, **more: object) -> list[Sampled]:
    """Samples of one-letter answers, those of `right` being right."""
    return [
        Sampled(None if each == "-" else each, each in right, logprob=-float(place + 1), scores={"rm": SCORES[place]})
        for place, each in enumerate(answers)
    ]


@pytest.fixture
def run(place: Place) -> int:
    return analysed(place, sampled_run({"a": four("xxyy", "x"), "b": four("xyyy", "x"), "c": four("xyz-", "z")}))


def test_measures_of_counts_are_those_of_numpy(place: Place) -> None:
    n, c = [20, 20, 25], [0, 7, 25]
    run = analysed(place, counted_run([Tally(*each) for each in zip(n, c, strict=True)]))
    rows = place.query("select * from reliability where run_id = %s", (run,))
    found = {(row["measure"], row["k"], row["share"]): row for row in rows}
    for k in (1, 2, 5, 10, 20):
        for share in (0.25, 0.5, 0.75, 1.0):
            row = found["g_pass_at_k", k, share]
            assert row["value"] == pytest.approx(g_pass_at_k(n, c, k, share).mean())
            assert row["low"] <= row["value"] <= row["high"]
            assert row["interval_of"] == "new problems"
        all_right = place.one("select all_right from coverage where run_id = %s and k = %s", (run, k))
        assert found["g_pass_at_k", k, 1.0]["value"] == pytest.approx(all_right)
        if k > 1:
            assert found["mg_pass_at_k", k, None]["value"] == pytest.approx(mean_g_pass_at_k(n, c, k).mean())
    assert ("mg_pass_at_k", 1, None) not in found
    bayes = found["bayes_at_n", 20, None]
    assert [bayes[name] for name in ("value", "stderr", "low", "high")] == pytest.approx(list(bayes_at_n(n, c)))
    assert (bayes["interval_of"], bayes["stale"]) == ("these problems", False)


def test_a_run_that_stops_at_right_samples_has_a_posterior_and_no_measure_of_k(place: Place) -> None:
    run = analysed(place, counted_run([Tally(10, 1), Tally(40, 0)], batch=10, stop_rule={"when_solved": True}, n=40))
    assert place.query("select distinct measure from reliability where run_id = %s", (run,)) == [
        {"measure": "bayes_at_n"}
    ]


def test_a_majority_tends_to_the_problems_whose_most_frequent_answer_is_right(place: Place, run: int) -> None:
    row = place.query("select * from reliability where run_id = %s and measure = 'majority_ceiling'", (run,))[0]
    assert (row["value"], row["k"]) == (pytest.approx((1 / 2 + 0 + 1 / 3) / 3), 4)
    majority = place.one(
        "select success_rate from precision_at_k where run_id = %s and selector = 'majority' and k = 4", (run,)
    )
    assert majority == pytest.approx(row["value"])


def test_the_best_score_of_k_is_exact_and_has_no_interval(place: Place, run: int) -> None:
    rows = place.query("select * from reliability where run_id = %s and measure = 'max_at_k' order by k", (run,))
    assert [row["k"] for row in rows] == [1, 2, 4]
    assert [row["value"] for row in rows] == pytest.approx(max_at_k(SCORES, [1, 2, 4]).tolist())
    assert {row["interval_of"] for row in rows} == {None}, "scores have no bounds, so no interval"
    assert {(row["reward_model"], row["low"]) for row in rows} == {("rm", None)}


def test_scores_below_0_are_shifted_and_a_flag_says_so(place: Place) -> None:
    samples = [Sampled("x", True, scores={"rm": -1.0})] * 3 + [Sampled("y", scores={"rm": -1.5})]
    run = analysed(place, sampled_run({"a": samples, "b": samples}))
    (row,) = place.query(
        "select * from precision_at_k where run_id = %s and selector = 'weighted_majority' and k = 4", (run,)
    )
    assert row["success_rate"] == 1  # three votes do not lose to one
    assert row["flag"] == "some scores are below 0: a vote weighs its score less the run's lowest, -1.5"
    others = "select distinct flag from precision_at_k where run_id = %s and selector in ('majority', 'best_of_k')"
    assert place.query(others, (run,)) == [{"flag": None}]
    assert "a vote weighs its score less the run's lowest" in place.ok("report", str(run), "--tables-only")


def test_votes_by_likelihood_are_weighed_by_a_temperature_of_the_other_half(place: Place) -> None:
    # the likelier answer is right in every problem, and in the minority
    samples = [Sampled("x", True, logprob=-1.0), *[Sampled("y", logprob=-40.0)] * 3]
    run = analysed(place, sampled_run({"a": samples, "b": samples}))
    sql = "select success_rate, flag from precision_at_k where run_id = %s and k = 4 and selector = %s"
    assert place.query(sql, (run, "majority")) == [{"success_rate": 0.0, "flag": None}]
    (row,) = place.query(sql, (run, "logprob_vote"))
    assert row["success_rate"] == 1
    assert row["flag"] == "weights exp(mean logprob / T), T = 1, chosen on the other half of the problems"
    alone = analysed(place, sampled_run({"a": samples}, benchmark="alone"))
    assert "one problem has no other" in place.query(sql, (alone, "logprob_vote"))[0]["flag"]


def test_votes_that_stop_pay_less_and_are_as_right_as_every_order_says(place: Place) -> None:
    run = analysed(place, sampled_run({"a": [Sampled("x", True)] * 10, "b": [Sampled("y")] * 10}))
    rows = place.query("select * from adaptive_consistency where run_id = %s order by k", (run,))
    assert [(row["k"], row["samples"], row["success_rate"], row["majority"]) for row in rows] == [
        (1, 1.0, 0.5, 0.5), (2, 2.0, 0.5, 0.5), (5, 4.0, 0.5, 0.5), (10, 4.0, 0.5, 0.5),
    ]  # fmt: skip
    assert {row["sure"] for row in rows} == {0.95}
    mixed = analysed(place, sampled_run({"a": four("xxy-", "x")}, benchmark="mixed"))
    (row,) = place.query("select * from adaptive_consistency where run_id = %s and k = 2", (mixed,))
    pairs = list(itertools.permutations("xxy-", 2))
    leads = [np.mean([vote == "x" for vote in set(pair) - {"-"}]) for pair in pairs]
    assert row["success_rate"] == pytest.approx(np.mean(leads), abs=4 * row["simulation_stderr"])


def test_a_run_that_is_still_running_and_ragged_is_measured_up_to_its_fewest_samples(place: Place) -> None:
    run = counted_run([Tally(20, 4), Tally(40, 3, undecided=2)], batch=10)
    place.query("update run set finished_at = null where id = %s returning 1", (run,))
    analysed(place, run)
    assert place.one("select max(k) from reliability where run_id = %s", (run,)) == 20


def test_a_report_shows_them_and_analyses_anew_once_a_second_verifier_came(place: Place, run: int) -> None:
    judge_again(run)
    said = place.ok("report", str(run), "--tables-only")
    for part in ("until another verifier accepts", "bayes_at_n", "majority_ceiling", "stop when they are sure"):
        assert part in said
    assert place.one("select bool_or(stale) from verifier_confusion where run_id = %s", (run,)) is False
    rows = json.loads(place.ok("sql", "--json", f"select * from weak_verifier_at_k where run_id = {run}"))
    assert {row["k"] for row in rows} == {1, 2, 4}
