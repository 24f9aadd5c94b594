"""Rewards for pass@k: against every set of k, and what they add up to."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.statistics.coverage import pass_at_k
from models.statistics.training import pass_at_k_rewards


@pytest.mark.parametrize("n", range(1, 8))
def test_a_reward_is_what_the_sets_with_a_sample_are_worth_over_all_sets(n: int) -> None:
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        sets = list(itertools.combinations(range(n), k))  # the first c are right
        worth = [sum(at in each and min(each) < c for each in sets) / len(sets) for at in range(n)]
        rewards = pass_at_k_rewards(n, c, k)
        assert worth == pytest.approx([rewards.right if at < c else rewards.wrong for at in range(n)], abs=1e-14)


@settings(deadline=None)
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_all_rewards_of_a_problem_add_up_to_k_times_its_pass_at_k(counts: tuple[int, int, int]) -> None:
    n, c, k = counts
    right, wrong = pass_at_k_rewards(n, c, k)
    total = (c * right if c else 0) + ((n - c) * wrong if c < n else 0)
    assert total == pytest.approx(k * float(pass_at_k(n, c, k)), rel=1e-9, abs=1e-12)


def test_a_reward_that_no_sample_has_is_missing() -> None:
    assert all(map(math.isnan, pass_at_k_rewards(3, 1, 4)))
    assert math.isnan(pass_at_k_rewards(3, 0, 2).right)
    assert math.isnan(pass_at_k_rewards(3, 3, 2).wrong)
    with pytest.raises(ValueError, match="rewards need"):
        pass_at_k_rewards(3, 4, 1)
