"""Standard errors, intervals, paired differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from models.statistics.coverage import pass_at_k
from models.statistics.intervals import bootstrap, clustered, estimate, paired_difference, t_quantile, wilson
from tests.statistics_data import SAMPLES, pythia_counts

SHARES = st.lists(st.floats(0, 1), min_size=2, max_size=30)


def test_a_t_variable_is_below_its_quantile_in_39_of_40_draws() -> None:
    for df in [*range(1, 200), 1000, 10**6]:
        assert stats.t.cdf(t_quantile(df), df) == pytest.approx(0.975, abs=1e-9)
    assert np.isnan(t_quantile(0))


@pytest.mark.parametrize(("right", "of"), [(0, 50), (50, 50), (3, 50), (1, 1), (999, 1000)])
def test_the_wilson_interval_is_scipys(right: int, of: int) -> None:
    assert wilson(right, of) == pytest.approx(stats.binomtest(right, of).proportion_ci(method="wilson"), abs=1e-12)


def test_where_nothing_was_seen_a_share_may_be_anything() -> None:
    assert wilson(0, 0) == (0, 1)


def test_the_clustered_error_is_that_of_sums_of_squares_by_problem() -> None:
    # Miller's clustered form over single samples, times C / (C - 1), for problems of equal n
    outcomes = np.array([[1, 1, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]])
    off = outcomes - outcomes.mean()
    by_sums = np.sqrt((off.sum(axis=1) ** 2).sum() * 3 / 2) / outcomes.size
    _, stderr = clustered(outcomes.mean(axis=1, keepdims=True))
    assert stderr[0] == pytest.approx(by_sums)


@settings(deadline=None)
@given(SHARES)
def test_an_interval_holds_its_mean_and_stays_within_0_and_1(shares: list[float]) -> None:
    found = estimate(np.array(shares)[:, None])
    assert 0 <= found.low[0] <= found.mean[0] + 1e-12
    assert found.mean[0] - 1e-12 <= found.high[0] <= 1


def test_the_interval_is_symmetric_on_the_logit_scale() -> None:
    found = estimate(np.array([[0.1], [0.5], [0.2], [0.9]]))
    low, mean, high = (np.log(x / (1 - x)) for x in (found.low[0], found.mean[0], found.high[0]))
    assert high - mean == pytest.approx(mean - low)
    assert high - mean == pytest.approx(t_quantile(3) * found.stderr[0] / (found.mean[0] * (1 - found.mean[0])))


def test_at_0_and_1_the_interval_is_wilsons() -> None:
    wilson = stats.binomtest(0, 50).proportion_ci(method="wilson")
    nothing, everything = estimate(np.zeros((50, 1))), estimate(np.ones((50, 1)))
    assert (nothing.low[0], nothing.high[0]) == pytest.approx((0, wilson.high))
    assert (everything.low[0], everything.high[0]) == pytest.approx((1 - wilson.high, 1))


def test_one_problem_has_a_mean_and_no_error() -> None:
    found = estimate(np.array([[0.25]]))
    assert found.mean[0] == 0.25
    assert np.isnan([found.stderr[0], found.low[0], found.high[0]]).all()
    assert np.isnan(estimate(np.empty((0, 2))).mean).all()


def test_19_of_20_intervals_hold_the_truth_of_new_problems() -> None:
    generator = np.random.default_rng(5)
    rounds, problems, n, k = 600, 60, 100, 10
    p = generator.beta(0.5, 3, size=(rounds, problems))
    truth = 1 - np.exp(sum(np.log((3 + i) / (3.5 + i)) for i in range(k)))
    held = 0
    for c in generator.binomial(n, p):
        found = estimate(pass_at_k(np.full(problems, n), c, [k]))
        held += bool(found.low[0] <= truth <= found.high[0])
    assert 0.92 < held / rounds < 0.98


def test_the_bootstrap_agrees_with_the_t_interval_on_the_papers_counts() -> None:
    values = pass_at_k(np.full(128, SAMPLES), pythia_counts("Pythia 160M"), [1, 100, 10_000])
    low, high = bootstrap(values)
    found = estimate(values)
    assert (100 * low[2], 100 * high[2]) == pytest.approx((47.7, 65.6), abs=1.2)
    np.testing.assert_allclose(low, found.low, atol=0.015)
    np.testing.assert_allclose(high, found.high, atol=0.015)
    np.testing.assert_array_equal(bootstrap(values), (low, high))


@pytest.mark.filterwarnings("ignore:Precision loss")  # scipy's word on differences that are all alike
@settings(deadline=None)
@given(SHARES, SHARES)
def test_a_paired_difference_is_the_difference_of_means_and_changes_sign(a: list[float], b: list[float]) -> None:
    size = min(len(a), len(b))
    first, second = np.array(a[:size])[:, None], np.array(b[:size])[:, None]
    one, other = paired_difference(first, second), paired_difference(second, first)
    assert one.mean[0] == pytest.approx(first.mean() - second.mean(), abs=1e-12)
    assert (one.low[0], one.high[0]) == pytest.approx((-other.high[0], -other.low[0]))
    ttest = stats.ttest_1samp(first[:, 0] - second[:, 0], 0).confidence_interval() if np.ptp(first - second) else None
    if ttest is not None:
        assert (one.low[0], one.high[0]) == pytest.approx((ttest.low, ttest.high), rel=1e-5, abs=1e-6)


def test_pairing_is_sharper_where_both_find_the_same_problems_hard() -> None:
    hard = np.linspace(0.1, 0.8, 40)[:, None]
    better = hard + 0.05 + 0.01 * np.sin(np.arange(40))[:, None]
    paired = paired_difference(better, hard)
    apart = np.hypot(clustered(better)[1], clustered(hard)[1])
    assert paired.low[0] > 0
    assert paired.stderr[0] < apart[0] / 10
