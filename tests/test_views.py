"""Coverage and cost from SQL, on the bundled PostgreSQL and on an outside one, are those of NumPy."""

import numpy as np
import pytest

from models.cost import Sizes, span_flops
from models.statistics.intervals import estimate
from tests.counted import Sampled, Tally, add_attempts, counted_run, judge_again, sampled_run
from tests.oracle import Coverage, coverage, pass_all_k
from tests.place import Place
from tests.statistics_data import SAMPLES, codecontests, pythia_counts
from verifiers.outcome import Outcome

NUMBERS = ("coverage", "stderr", "low", "high", "floor", "ceiling")


def curve(place: Place, run: int) -> dict[str, np.ndarray]:
    """The view coverage by column; null is NaN."""
    rows = place.query("select * from coverage where run_id = %s order by k", (run,))
    return {
        name: np.array([np.nan if row[name] is None else row[name] for row in rows])
        for name in (*NUMBERS, "k", "problems_missing", "all_right", "all_right_low", "all_right_high")
    }


def same(found: dict[str, np.ndarray], wanted: Coverage) -> None:
    for name in NUMBERS:
        np.testing.assert_allclose(found[name], getattr(wanted, name), rtol=1e-9, atol=1e-12, err_msg=name)
    np.testing.assert_array_equal(found["problems_missing"], wanted.problems_missing)


def test_coverage_in_sql_is_that_of_numpy_on_the_papers_counts(any_postgres: Place) -> None:
    right = pythia_counts("Pythia 160M")
    found = curve(any_postgres, counted_run([Tally(SAMPLES, int(c)) for c in right], batch=1000))
    same(found, coverage(np.full(len(right), SAMPLES), right, found["k"].astype(int)))
    assert found["k"][-1] == SAMPLES
    np.testing.assert_allclose(
        [found["coverage"][list(found["k"]).index(k)] for k in (1, 10, 100, 1000, 10_000)],
        [0.0027, 0.0251, 0.1619, 0.4102, 0.5703],
        atol=5e-5,
    )


def test_gemma_on_codecontests_rises_as_in_the_paper(place: Place) -> None:
    right = codecontests("Gemma 2B").sum(axis=1)
    run = counted_run([Tally(SAMPLES, int(c)) for c in right], batch=1000)
    rows = place.query("select k, coverage from coverage where run_id = %s and k in (1, 10000) order by k", (run,))
    assert [f"{row['coverage']:.2%}" for row in rows] == ["0.02%", "7.14%"]


def test_coverage_of_ragged_and_undecided_samples_is_that_of_numpy(any_postgres: Place) -> None:
    generator = np.random.default_rng(3)
    for _ in range(5):
        samples = generator.integers(1, 60, 12)
        right = generator.binomial(samples, generator.beta(0.4, 2, 12))
        lost = np.minimum(generator.integers(0, 4, 12), samples - right)
        lost[0] = 0
        found = curve(
            any_postgres,
            counted_run([Tally(int(n), int(c), int(u)) for n, c, u in zip(samples, right, lost, strict=True)], batch=7),
        )
        same(found, coverage(samples - lost, right, found["k"].astype(int), lost))


def test_coverage_of_rates_near_0_and_at_0_and_1_is_that_of_numpy(any_postgres: Place) -> None:
    for counts in ([0, 0, 0], [50, 50, 50], [1, 0, 0], [50, 50, 49], [7]):
        found = curve(any_postgres, counted_run([Tally(50, c) for c in counts]))
        same(found, coverage(np.full(len(counts), 50), counts, found["k"].astype(int)))


def test_pass_all_k_in_sql_is_that_of_numpy(any_postgres: Place) -> None:
    counts = [0, 1, 49, 50, 25]
    found = curve(any_postgres, counted_run([Tally(50, c) for c in counts]))
    wanted = estimate(pass_all_k(np.full(5, 50), counts, found["k"].astype(int)))
    for name, column in (("all_right", "mean"), ("all_right_low", "low"), ("all_right_high", "high")):
        np.testing.assert_allclose(found[name], getattr(wanted, column), rtol=1e-9, atol=1e-12)


def test_a_batch_whose_verification_is_open_is_not_counted(place: Place) -> None:
    run = counted_run([Tally(20, 4, first=8)], batch=10)
    place.query(
        """
        update work set state = 'ready', correct = null, first_correct = null from batch
        where batch.id = batch_id and work.run_id = %s and kind = 'verify' and first_index = 10 returning 1
        """,
        (run,),
    )
    assert place.query("select samples, correct from problem_tally where run_id = %s", (run,)) == [
        {"samples": 10, "correct": 2}
    ]


def test_coverage_at_answers_any_k(place: Place) -> None:
    run = counted_run([Tally(10, 3), Tally(10, 0)])
    assert place.one("select coverage_at(%s, 3)", (run,)) == pytest.approx(coverage([10, 10], [3, 0], [3]).coverage[0])
    assert place.one("select coverage_at(%s, 11)", (run,)) is None


def test_outcome_counts_add_up_to_the_samples(place: Place) -> None:
    run = sampled_run(
        {
            "a": [Sampled("4", True), Sampled("4", True), Sampled("5"), Sampled(None)],
            "b": [Sampled("7", outcome=Outcome.time_limit), Sampled("8", outcome=Outcome.infrastructure_error)],
        }
    )
    rows = place.query("select outcome, samples, candidates from outcome_counts where run_id = %s", (run,))
    assert {row["outcome"]: (row["samples"], row["candidates"]) for row in rows} == {
        "correct": (2, 1),
        "incorrect": (1, 1),
        "no_answer": (1, 0),
        "time_limit": (1, 1),
        "infrastructure_error": (1, 1),
    }
    tally = place.query("select * from problem_tally where run_id = %s order by problem_key", (run,))
    assert [(t["correct"], t["incorrect"], t["no_answer"], t["undecided"]) for t in tally] == [
        (2, 1, 1, 0),
        (0, 1, 0, 1),
    ]


def test_two_versions_of_a_verifier_are_never_added_up(place: Place) -> None:
    run = sampled_run({"a": [Sampled("4", True), Sampled("5"), Sampled("6"), Sampled(None)]})
    first = place.one("select verifier_id from run where id = %s", (run,))
    second = judge_again(run)
    place.query(
        "update run set other_verifiers = array[verifier_id], verifier_id = %s where id = %s returning 1", (second, run)
    )
    outcomes = place.query("select * from outcome_counts where run_id = %s", (run,))
    counted = {
        (row["version"], row["outcome"]): (row["samples"], row["verifier_id"], row["counting"]) for row in outcomes
    }
    assert counted == {
        ("1", "correct"): (1, first, False),
        ("1", "incorrect"): (2, first, False),
        ("1", "no_answer"): (1, first, False),
        ("2", "correct"): (3, second, True),
        ("2", "no_answer"): (1, second, True),
    }
    assert len(outcomes) == 5
    for counting, curve in ((False, [1 / 4, 1 / 2, 1]), (True, [3 / 4, 1, 1])):
        rows = place.query(
            "select k, version, coverage from coverage where run_id = %s and counting = %s order by k", (run, counting)
        )
        assert [row["k"] for row in rows] == [1, 2, 4]
        assert {row["version"] for row in rows} == {"2" if counting else "1"}
        assert [row["coverage"] for row in rows] == pytest.approx(curve)
    detail = place.query("select verifier_id, version, outcome from sample_detail where run_id = %s", (run,))
    assert {(row["verifier_id"], row["version"]) for row in detail} == {(second, "2")}
    assert [row["outcome"] for row in detail].count("correct") == 3


def test_what_is_judged_counts_as_the_tally_says(place: Place) -> None:
    outcomes = [outcome for outcome in Outcome if outcome is not Outcome.no_answer]
    run = sampled_run({"a": [Sampled(None), *(Sampled(each.value, outcome=each) for each in outcomes)]})
    place.query(
        """
        insert into extraction (run_id, problem_id, sample_index, verifier_id, candidate_id)
        select run_id, problem_id, 99, verifier_id, 987654321 from extraction limit 1 returning 1
        """
    )  # a candidate whose verdict is still to come
    counted = place.query(
        "select counts_as, count(*) as samples from judged where run_id = %s group by 1 order by 1", (run,)
    )
    assert {row["counts_as"]: row["samples"] for row in counted} == {
        "correct": 1, "incorrect": len(outcomes) - 2, "no_answer": 1, "undecided": 1, None: 1,
    }  # fmt: skip
    waiting = place.query("select outcome from judged where run_id = %s and sample_index = 99", (run,))
    assert waiting == [{"outcome": None}]


def test_difficulty_says_when_the_first_right_sample_came(place: Place) -> None:
    run = counted_run([Tally(100, 1, first=30), Tally(100, 0), Tally(100, 60)])
    rows = place.query("select * from problem_difficulty where run_id = %s order by problem_id", (run,))
    assert [row["difficulty"] for row in rows] == ["up to 1 %", "never solved", "above 50 %"]
    assert [row["first_correct_rank"] for row in rows] == [31, None, 1]
    assert [row["expected_rank"] for row in rows] == pytest.approx([101 / 2, 101, 101 / 61])


def test_without_a_price_dollars_are_missing(place: Place) -> None:
    run = counted_run([Tally(200, 3)])
    add_attempts(run, completion_tokens=5000, prompt_tokens=30)
    assert place.one("select usd from cost where run_id = %s", (run,)) is None


def test_flops_in_sql_are_those_of_the_formula(any_postgres: Place) -> None:
    sizes = Sizes(8_000_000_000, 8_000_000_000, 32, 4096)
    run = counted_run([Tally(200, 3)])
    add_attempts(run, completion_tokens=5000, prompt_tokens=1000, flops=span_flops(sizes, 1000, 50) * 100)
    any_postgres.query(
        "update llm set parameters = 8e9, active_parameters = 8e9, layers = 32, token_dim = 4096 returning 1"
    )
    assert any_postgres.one("select flops from cost where run_id = %s", (run,)) == pytest.approx(
        span_flops(sizes, 0, 1000) + 200 * span_flops(sizes, 1000, 50), rel=1e-12
    )
    rows = any_postgres.query("select k, flops from coverage_by_cost where run_id = %s order by k", (run,))
    for row in rows:
        assert row["flops"] == pytest.approx(
            span_flops(sizes, 0, 1000) + row["k"] * span_flops(sizes, 1000, 50), rel=1e-12
        )
