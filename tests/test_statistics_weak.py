"""Weak verifiers, reliability, votes that stop and whether runs are resolved, against brute force."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from models.statistics.coverage import pass_at_k
from models.statistics.intervals import paired_difference
from models.statistics.reliability import bayes_at_n, g_pass_at_k, mean_g_pass_at_k
from models.statistics.resolving import Resolved, resolve, resolved_line
from models.statistics.selection import NO_ANSWER, max_at_k, vote
from models.statistics.stopping import adaptive_votes, play, right_of
from models.statistics.weak_verifiers import picked_at_k, share_of

BOTH = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6)
"""Samples: whether each is right, and whether a weak verifier accepts it."""
RIGHT = st.lists(st.booleans(), min_size=1, max_size=7)


@settings(deadline=None)
@given(BOTH)
def test_picked_at_k_is_resampling_until_the_weak_verifier_accepts(samples: list[tuple[bool, bool]]) -> None:
    n, tp = len(samples), sum(right and passes for right, passes in samples)
    fp = sum(passes for _, passes in samples) - tp
    ks = np.arange(1, n + 2)
    orders = list(itertools.permutations(samples))
    every = [np.mean([next((right for right, passes in order[:k] if passes), False) for order in orders]) for k in ks]
    found = picked_at_k([n], [tp], [fp], ks)[0]
    np.testing.assert_allclose(found[:-1], every[:-1], atol=1e-12)
    assert np.isnan(found[-1])


def test_a_share_near_0_keeps_a_width_and_tends_to_the_problems_there_are() -> None:
    none = share_of([0] * 50, [100] * 50)
    assert (none.share, none.low) == (0, 0)
    assert 0.03 < none.high < 0.08  # 50 problems cannot rule out one in thirty
    sure = share_of([30] * 1000, [100] * 1000, rounds=1000)
    assert (sure.low, sure.high) == pytest.approx((0.3, 0.3), abs=0.005)
    assert np.isnan(share_of([], []).share)
    assert share_of([0, 0], [0, 0])[1:] == (0, 1)


def test_19_of_20_intervals_of_a_share_hold_that_of_new_problems() -> None:
    generator = np.random.default_rng(3)
    for a, b, problems in ((0.05, 5.0, 40), (0.3, 0.6, 30)):
        held, rounds, size = 0, 200, generator.integers(20, 200, (200, problems))
        hits = generator.binomial(size, generator.beta(a, b, size.shape))
        for each in range(rounds):
            found = share_of(hits[each], size[each], rounds=1000)
            held += found.low <= a / (a + b) <= found.high
        assert held / rounds > 0.92, (a, b, held)


@settings(deadline=None, max_examples=40)
@given(RIGHT)
def test_g_pass_at_k_is_the_share_of_subsets_with_enough_right_ones(samples: list[bool]) -> None:
    n, c, shares = len(samples), sum(samples), [0, 0.25, 0.5, 0.6, 0.75, 1]
    for k in range(1, n + 1):
        drawn = [sum(each) for each in itertools.combinations(samples, k)]
        tails = [np.mean([right >= max(1, np.ceil(share * k - 1e-9)) for right in drawn]) for share in shares]
        np.testing.assert_allclose(g_pass_at_k([n], [c], k, shares)[0], tails, atol=1e-12)
        assert g_pass_at_k([n], [c], k, 0)[0, 0] == pytest.approx(pass_at_k(n, c, k)[()], abs=1e-12)
        if k > 1:
            steps = [np.mean([right >= i for right in drawn]) for i in range((k + 1) // 2 + 1, k + 1)]
            assert mean_g_pass_at_k([n], [c], k)[0] == pytest.approx(2 / k * sum(steps), abs=1e-12)


def test_g_pass_at_k_of_many_samples_is_scipys_and_beyond_them_missing() -> None:
    found = g_pass_at_k([10_000, 10_000, 50], [5_100, 3, 50], 100, [0.5, 1])
    np.testing.assert_allclose(found[0], stats.hypergeom.sf([49, 99], 10_000, 5_100, 100), rtol=1e-8)
    assert found[1, 0] == 0
    assert np.isnan(found[2]).all()
    assert np.isnan(mean_g_pass_at_k([50], [5], 1)).all()
    assert mean_g_pass_at_k([50], [50], 8)[0] == pytest.approx(1)


def test_bayes_at_n_is_the_posterior_of_a_uniform_prior() -> None:
    one = bayes_at_n([10], [3])
    posterior = stats.beta(4, 8)
    assert one == pytest.approx((posterior.mean(), posterior.std(), posterior.ppf(0.025), posterior.ppf(0.975)))
    n, c = np.array([10, 40, 5, 0]), np.array([3, 40, 0, 0])
    many = bayes_at_n(n, c)
    drawn = np.random.default_rng(1).beta(c + 1, n - c + 1, size=(100_000, 4)).mean(axis=1)
    assert (many.mean, many.stderr) == pytest.approx((drawn.mean(), drawn.std()), abs=2e-3)
    assert (many.low, many.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=4e-3)
    two = bayes_at_n([0, 0], [0, 0])
    assert (two.low, two.high) == pytest.approx((0.0125**0.5, 1 - 0.0125**0.5), abs=1e-3), "two uniforms, a triangle"
    assert np.isnan(bayes_at_n([], [])).all()


@settings(deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=7))
def test_max_at_k_is_the_mean_best_score_of_every_subset(scores: list[int]) -> None:
    ks = range(1, len(scores) + 1)
    every = [np.mean([max(drawn) for drawn in itertools.combinations(scores, k)]) for k in ks]
    np.testing.assert_allclose(max_at_k(scores, list(ks)), every, atol=1e-12)
    assert np.isnan(max_at_k(scores, len(scores) + 1)).all()


def test_a_vote_with_weights_below_0_is_refused() -> None:
    with pytest.raises(ValueError, match="punishes agreement"):
        vote([0, 0, 0, 1], [True, True, True, False], 4, [-1, -1, -1, -1.5])


def stopped_at(drawn: tuple[int, ...], sure: float) -> int:
    """How many samples are paid: a leader with v1 votes against v2 stops the vote."""
    for paid in range(1, len(drawn) + 1):
        votes = sorted([drawn[:paid].count(kind) for kind in {*drawn[:paid]} - {NO_ANSWER}] + [0, 0])[-2:]
        # Beta(a, b) exceeds x as often as fewer than a of a + b - 1 coins fall below x
        coins = votes[0] + votes[1] + 1
        if votes[1] and sum(math.comb(coins, heads) for heads in range(votes[1] + 1)) / 2**coins > sure:
            return paid
    return len(drawn)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(NO_ANSWER, 2), min_size=1, max_size=5), st.sampled_from([0.7, 0.8, 0.95]))
def test_votes_stop_when_their_leader_is_sure(answers: list[int], sure: float) -> None:
    classes, right = np.array(answers), np.array(answers) == 1
    orders, ks = list(itertools.permutations(answers)), np.arange(1, len(answers) + 1)
    success, paid = play(np.array(orders), right_of(classes, right), ks, sure)
    for row, order in enumerate(orders):
        for column, k in enumerate(ks.tolist()):
            assert paid[row, column] == stopped_at(order[:k], sure)
            votes = order[: int(paid[row, column])]
            most = max((votes.count(kind) for kind in set(votes) - {NO_ANSWER}), default=0)
            leaders = [kind for kind in set(votes) - {NO_ANSWER} if votes.count(kind) == most]
            assert success[row, column] == pytest.approx(leaders.count(1) / max(len(leaders), 1))


def test_a_vote_of_one_mind_stops_after_four() -> None:
    found = adaptive_votes([0] * 30, [True] * 30, [1, 4, 30, 31])
    np.testing.assert_array_equal(found.samples[:3], [1, 4, 4])
    np.testing.assert_array_equal(found.success[:3], 1)
    assert np.isnan(found.samples[3])


def resolved_share(first: NDArray[np.float64], second: NDArray[np.float64], problems: int) -> float:
    """How often so many of these problems, drawn anew, are resolved."""
    drawn = np.random.default_rng(3).integers(0, len(first), (400, problems))
    return float(np.mean([resolve(first[each], second[each]).resolved for each in drawn]))


def test_what_is_resolved_is_what_the_interval_says_and_as_many_as_needed_resolve_it() -> None:
    generator = np.random.default_rng(2)
    first, second = generator.beta(2, 2, (2, 400))
    first = np.clip(0.9 * first + 0.06, 0, 1)
    found = resolve(first[:40], second[:40])
    band = paired_difference(first[:40, None], second[:40, None])
    assert (found.difference, found.low, found.high) == (band.mean[0], band.low[0], band.high[0])
    assert not found.resolved
    assert found.problems_needed is not None
    assert resolved_share(first[:40], second[:40], found.problems_needed) == pytest.approx(0.8, abs=0.1)
    assert "not resolved by 40 problems" in resolved_line(found)
    assert "would resolve it" in resolved_line(found)
    sure = resolve(second + 0.3, second)
    assert sure.resolved
    assert sure.problems_needed is None
    assert resolved_line(sure) == "resolved by 400 problems"


def test_few_problems_that_are_all_a_little_better_need_as_many_as_their_interval_asks_for() -> None:
    second = np.linspace(0.1, 0.7, 10)
    found = resolve(second + np.linspace(0.04, 0.06, 10), second)
    assert found.problems_needed is not None, "eleven, by the normal distribution"
    assert 70 < found.problems_needed < 85
    assert found.detectable is not None
    assert found.detectable > 0.25
    assert resolve(second + 1e-7, second).problems_needed is None


@pytest.mark.parametrize(("needed", "said"), [(41, "41"), (141, "150"), (1_320, "1,400"), (100, "100")])
def test_problems_needed_are_not_said_to_be_as_few_as_did_not_do(needed: int, said: str) -> None:
    found = Resolved(0.1, -0.1, 0.3, False, needed - 1, needed, 0.4)
    assert f"about {said} would resolve it" in resolved_line(found)


def test_runs_that_are_equal_or_have_one_problem_are_not_resolved() -> None:
    same = resolve(np.full(30, 0.5), np.full(30, 0.5))
    assert (same.difference, same.resolved, same.problems_needed) == (0, False, None)
    assert resolved_line(same) == "not resolved by 30 problems"
    one = resolve([1.0], [0.0])
    assert (one.difference, one.resolved, one.problems_needed, one.detectable) == (1, False, None, None)
    assert "not resolved" in resolved_line(one)
