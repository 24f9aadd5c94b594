"""Standard errors, intervals, paired differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.statistics.coverage import pass_at_k
from models.statistics.intervals import (
    clustered,
    dirichlet_weights,
    drawn_means,
    estimate,
    gaffke_low,
    middle95,
    paired_difference,
)
from models.statistics.these_problems import these_problems, these_problems_difference
from tests.statistics_data import SAMPLES, pythia_counts
from tests.worlds import OTHERS, PAPER, World

SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=30)


def test_the_clustered_error_is_that_of_sums_of_squares_by_problem() -> None:
    # Miller's clustered form over single samples, times C / (C - 1), for problems of equal n
    outcomes = np.array([[1, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]])
    off = outcomes - outcomes.mean()
    by_sums = np.sqrt((off.sum(axis=1) ** 2).sum() * 3 / 2) / outcomes.size
    _, stderr = clustered(outcomes.mean(axis=1, keepdims=True))
    assert stderr[0] == pytest.approx(by_sums)


def test_what_only_the_last_digits_of_sums_tell_apart_is_alike() -> None:
    values = np.array([0.1, 0.7, 0.3])[:, None]
    assert (values - values[[1, 2, 0]]).mean() != 0
    assert paired_difference(values, values[[1, 2, 0]]).mean[0] == 0
    assert clustered(np.array([[1.0], [1 - 1e-16], [1 + 3e-16]]))[1][0] == 0
    assert clustered(np.array([[1e-20], [3e-20]]))[1][0] == pytest.approx(1e-20)


@settings(deadline=None)
@given(SHARES)
def test_an_interval_holds_its_mean_and_stays_within_0_and_1(shares: list[float]) -> None:
    found = estimate(np.array(shares)[:, None])
    assert 0 <= found.low[0] <= found.mean[0] + 1e-12
    assert found.mean[0] - 1e-12 <= found.high[0] <= 1


def test_the_lower_bound_is_the_quantile_of_a_mean_under_dirichlet_weights_with_a_problem_of_0() -> None:
    generator = np.random.default_rng(2)
    for values in (
        np.ones(1),
        np.array([0.25]),
        np.array([0.0, 1.0]),
        np.ones(130),
        np.eye(1, 20)[0],
        np.append(np.ones(126), 0.99),
        np.append(1.0, np.full(60, 1e-6)),
        generator.beta(0.3, 12, 50),
        np.full(50, 0.5),
    ):
        drawn = np.append(values, 0) @ generator.dirichlet(np.ones(len(values) + 1), 40_000).T
        assert 0.0225 < (drawn < gaffke_low(values[:, None])[0]).mean() < 0.0275


def test_the_bound_of_problems_all_solved_is_exact() -> None:
    # the problem nobody has seen weighs 1 - 0.025 ** (1 / P) at most in 39 of 40 draws
    for problems in (5, 40, 127, 1000):
        assert gaffke_low(np.ones((problems, 1)))[0] == pytest.approx(0.025 ** (1 / problems), rel=0.01)
        assert gaffke_low(np.zeros((problems, 1)))[0] == 0


def test_an_interval_does_not_shrink_because_one_problem_is_a_hair_below_1() -> None:
    sure = estimate(np.ones((127, 1)))
    nearly = estimate(np.append(np.ones(126), 0.99)[:, None])
    assert nearly.low[0] == pytest.approx(sure.low[0], abs=2e-4)
    assert sure.high[0] == 1
    assert nearly.high[0] < 1


@settings(deadline=None)
@given(SHARES)
def test_intervals_of_shares_and_of_what_is_missing_to_1_are_mirrored(shares: list[float]) -> None:
    table = np.array(shares)[:, None]
    one, other = estimate(table), estimate(1 - table)
    assert (one.low[0], one.high[0]) == pytest.approx((1 - other.high[0], 1 - other.low[0]), abs=1e-9)


@settings(deadline=None)
@given(SHARES, st.floats(1e-12, 1))
def test_the_lower_bound_shrinks_with_its_shares(shares: list[float], factor: float) -> None:
    table = np.array(shares)[:, None]
    assert gaffke_low(table * factor)[0] == pytest.approx(gaffke_low(table)[0] * factor, rel=1e-6, abs=1e-300)


def test_one_problem_has_a_mean_a_wide_interval_and_no_error() -> None:
    found = estimate(np.array([[0.25]]))
    assert found.mean[0] == 0.25
    assert np.isnan(found.stderr[0])
    assert (found.low[0], found.high[0]) == pytest.approx((0.25 * 0.025, 1 - 0.75 * 0.025), rel=0.06)
    assert np.isnan(estimate(np.empty((0, 2)))).all()


@pytest.mark.parametrize("world", [*PAPER, *OTHERS], ids=lambda world: world.name)
def test_intervals_hold_the_truth_of_new_problems_near_0_and_1_too(world: World) -> None:
    rounds, problems, n, ks = 400, 50, 1000, np.array([1, 10, 100])
    right = np.random.default_rng(5).binomial(n, world.draw(np.random.default_rng(6), (problems, rounds)))
    values = pass_at_k(np.full(n + 1, n), np.arange(n + 1), ks)[right]
    found = estimate(values.reshape(problems, -1))
    low, high = found.low.reshape(rounds, -1), found.high.reshape(rounds, -1)
    held = (low <= world.coverage(ks) + 1e-9) & (world.coverage(ks) <= high + 1e-9)
    assert (held.mean(axis=0) > 0.92).all()


def test_forty_problems_without_a_difference_leave_room_for_nine_points() -> None:
    found = paired_difference(np.ones((40, 1)), np.ones((40, 1)))
    assert found.mean[0] == 0
    assert (found.low[0], found.high[0]) == pytest.approx((-0.0885, 0.0885), abs=5e-4)


@settings(deadline=None)
@given(SHARES, SHARES)
def test_a_paired_difference_is_the_difference_of_means_and_changes_sign(a: list[float], b: list[float]) -> None:
    size = min(len(a), len(b))
    first, second = np.array(a[:size])[:, None], np.array(b[:size])[:, None]
    one, other = paired_difference(first, second), paired_difference(second, first)
    assert one.mean[0] == pytest.approx(first.mean() - second.mean(), abs=1e-12)
    assert (one.low[0], one.high[0]) == pytest.approx((-other.high[0], -other.low[0]), abs=1e-12)
    assert -1 <= one.low[0] <= one.mean[0] + 1e-12 <= one.high[0] + 2e-12 <= 1 + 2e-12


def test_problems_drawn_anew_say_of_means_what_the_bound_says() -> None:
    values = np.random.default_rng(8).beta(0.3, 2, (60, 3))
    low, high = middle95(*drawn_means(values, dirichlet_weights(60, 20_000)))
    found = estimate(values)
    np.testing.assert_allclose(low, found.low, rtol=0.03)
    np.testing.assert_allclose(high, found.high, rtol=0.03)
    assert dirichlet_weights(60, 20_000) is dirichlet_weights(60, 20_000)


def test_infinities_are_ends_of_intervals_like_other_numbers() -> None:
    low, high = middle95(np.arange(100.0), np.append(np.arange(90.0), np.full(10, np.inf)))
    assert (low, high) == (2, np.inf)


def test_the_interval_of_these_problems_holds_their_own_coverage() -> None:
    generator = np.random.default_rng(9)
    n, ks, rounds = 200, np.array([1, 10, 100, 200]), 400
    for rates in (generator.beta(0.3, 3, 60), generator.beta(1, 0.3, 60), np.full(20, 0.004), np.zeros(20)):
        truth = (1 - (1 - rates[:, None]) ** ks).mean(axis=0)
        low, high = these_problems(n, generator.binomial(n, rates[:, None], (len(rates), rounds)), ks)
        assert (((low <= truth + 1e-9) & (truth <= high + 1e-9)).mean(axis=0) > 0.92).all()


def test_the_interval_of_a_difference_on_these_problems_holds_it() -> None:
    generator = np.random.default_rng(11)
    n, ks, rounds = 200, np.array([1, 20]), 400
    pair = []
    for rates in (generator.beta(0.3, 12, 60), generator.beta(0.3, 9, 60)):
        right = generator.binomial(n, rates[:, None], (60, rounds))
        mean = pass_at_k(np.broadcast_to(n, right.shape), right, ks).mean(axis=0)
        pair.append(((1 - (1 - rates[:, None]) ** ks).mean(axis=0), (mean, *these_problems(n, right, ks))))
    (truth, first), (other, second) = pair
    low, high = these_problems_difference(first, second)
    assert (((low <= truth - other) & (truth - other <= high)).mean(axis=0) > 0.93).all()


def test_these_problems_are_surer_than_new_ones() -> None:
    n, c = np.full(128, SAMPLES), pythia_counts("Pythia 12B")
    new, (low, high) = estimate(pass_at_k(n, c, [1, 100])), these_problems(n, c, [1, 100])
    assert (high - low < 0.3 * (new.high - new.low)).all()
    assert np.isnan(these_problems([5, 2], [1, 1], [3])).all()


def test_pairing_is_sharper_where_both_find_the_same_problems_hard() -> None:
    hard = np.linspace(0.1, 0.8, 400)[:, None]
    better = hard + 0.05 + 0.01 * np.sin(np.arange(400))[:, None]
    paired = paired_difference(better, hard)
    apart = np.hypot(clustered(better)[1], clustered(hard)[1])
    assert paired.low[0] > 0
    assert paired.stderr[0] < apart[0] / 10
