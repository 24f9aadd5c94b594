"""FLOPs against the paper's sum over tokens, and what k samples cost, against every order of drawing them."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.cost import Sizes, span_flops
from models.statistics.costs import Ends, Rates, ratio_of_means, ratio_within, samples_until_right, until_right
from models.statistics.coverage import every_k, pass_at_k
from models.statistics.intervals import Estimate
from models.statistics.similarity import interval_for, samples_for

LLAMA_8B = Sizes(parameters=8_030_261_248, active_parameters=8_030_261_248, layers=32, token_dim=4096)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(0, 300))
def test_the_closed_form_is_the_papers_sum_over_tokens(start: int, tokens: int) -> None:
    each = [2 * (8_030_261_248 + 2 * 32 * 4096 * context) for context in range(start + 1, start + tokens + 1)]
    assert span_flops(LLAMA_8B, start, tokens) == pytest.approx(sum(each), rel=1e-14)


@settings(deadline=None)
@given(st.integers(0, 5000), st.integers(0, 5000), st.integers(0, 5000))
def test_flops_of_spans_add_up(start: int, first: int, second: int) -> None:
    whole = span_flops(LLAMA_8B, start, first + second)
    assert span_flops(LLAMA_8B, start, first) + span_flops(LLAMA_8B, start + first, second) == pytest.approx(whole)


def test_a_paper_sized_run_of_llama_8b_costs_what_the_arithmetic_says() -> None:
    prompt, completion = span_flops(LLAMA_8B, 0, 1000), span_flops(LLAMA_8B, 1000, 200)
    assert prompt == pytest.approx(1.63e13, rel=0.01)
    assert completion == pytest.approx(3.33e12, rel=0.01)
    assert 128 * (prompt + 10_000 * completion) == pytest.approx(4.26e18, rel=0.01)


def test_a_mixture_of_experts_costs_by_its_active_parameters() -> None:
    mixture = Sizes(parameters=47_000_000_000, active_parameters=13_000_000_000, layers=32, token_dim=4096)
    dense = Sizes(parameters=13_000_000_000, active_parameters=13_000_000_000, layers=32, token_dim=4096)
    assert span_flops(mixture, 100, 50) == span_flops(dense, 100, 50)


def test_samples_until_the_first_right_one_are_those_of_every_order() -> None:
    for n in range(1, 7):
        for c in range(n + 1):
            firsts = [order.index(True) + 1 if c else n for order in permutations([True] * c + [False] * (n - c))]
            for k in range(1, n + 1):
                drawn = np.mean([min(first if c else k, k) for first in firsts])
                assert samples_until_right(n, c, k) == pytest.approx(drawn, rel=1e-12), (n, c, k)


@settings(deadline=None)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_samples_until_the_first_right_one_are_a_sum_of_misses(counts: tuple[int, int, int]) -> None:
    n, c, k = counts
    values = pass_at_k([n], c, every_k(n))
    assert samples_until_right([n], c, every_k(n)) == pytest.approx(until_right(values), rel=1e-9)
    missed = [1.0, *(1 - values[0, : k - 1])]
    assert samples_until_right(n, c, k) == pytest.approx(sum(missed), rel=1e-9)


def test_samples_until_the_first_right_one_are_missing_above_n() -> None:
    assert np.isnan(samples_until_right([3, 4], [0, 4], [4, 5])).tolist() == [[True, True], [False, True]]


@settings(deadline=None)
@given(
    st.integers(1, 50).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))),
    st.tuples(*[st.floats(0, 1e3)] * 3),
)
def test_all_samples_cost_their_prompts_and_themselves(drawn: tuple[int, int], prices: tuple[float, ...]) -> None:
    (prompts, samples), (prompt, repeated, sample) = drawn, prices
    rates = Rates(*(np.array([each]) for each in (*prices, prompts, samples)))
    costs = rates.all_drawn(every_k(samples))[0]
    assert costs[-1] == pytest.approx(prompt + (prompts - 1) * repeated + samples * sample)
    assert costs[0] == rates.until(np.ones((1, 1)))[0, 0] == pytest.approx(prompt + sample)
    assert (np.diff(costs) >= -1e-9).all()


def test_a_ratio_of_prices_that_every_problem_shares_is_sure() -> None:
    assert ratio_of_means([1, 1, 1], [4, 4, 4]) == pytest.approx((0.25, 0.25, 0.25))
    assert ratio_of_means([1.0, 2.0, 6.0], [2.0, 4.0, 12.0]) == pytest.approx((0.5, 0.5, 0.5)), (
        "what both share cancels"
    )
    ratio, low, high = ratio_of_means([1, 2, 6], [4, 4, 4])
    assert low < ratio == 0.75 < high
    inverse, lowest, highest = ratio_of_means([4, 4, 4], [1, 2, 6])
    assert (inverse, lowest, highest) == pytest.approx((1 / ratio, 1 / high, 1 / low)), "whichever is asked about first"
    assert np.isnan(ratio_of_means([1], [4])[1:]).all()


@pytest.mark.parametrize(("spread", "together", "problems"), [(0.5, 0.7, 50), (1.5, 0, 20), (1.5, 0.8, 20)])
def test_the_ratio_of_costs_is_held_by_its_interval(spread: float, together: float, problems: int) -> None:
    generator = np.random.default_rng(0)
    one, apart = generator.standard_normal((2, problems, 4_000))
    other = together * one + np.sqrt(1 - together**2) * apart
    _, low, high = ratio_of_means(np.exp(spread * one), np.exp(spread * other))
    assert 0.94 < np.mean((low <= 1) & (high >= 1)) < 0.965


def test_the_ratio_is_held_where_few_hard_problems_make_up_a_cost() -> None:
    generator, k = np.random.default_rng(0), 100
    rights = generator.beta(1.04, 0.34, 200_000)
    truth = np.mean((1 - (1 - rights) ** k) / rights)
    held: dict[str, list[bool]] = {"t": [], "within": []}
    for _ in range(300):
        drawn = np.minimum(generator.geometric(generator.choice(rights, 50)), k).astype(float)
        one = np.ones(50)
        for name, (_, low, high) in (("t", ratio_of_means(drawn, one)),
                                     ("within", ratio_within(drawn, Ends(1, k), one, Ends(1, 1)))):  # fmt: skip
            held[name].append(low <= truth <= high)
    assert np.mean(held["t"]) < 0.9, "why there are two"
    assert np.mean(held["within"]) > 0.93


def test_the_ratio_is_held_where_few_long_samples_make_up_a_cost() -> None:
    generator, k, problems = np.random.default_rng(0), np.array([10]), 50
    held = []
    for _ in range(400):
        rights = generator.beta([[0.3], [0.35]], [[12], [0.9]], (2, problems))
        one, apart = generator.standard_normal((2, problems))
        length = np.exp([one, 0.8 * one + 0.6 * apart])
        costs = length * samples_until_right(1000, generator.binomial(1000, rights), k)[..., 0]
        ends = [Ends(mean, 10 * mean) for mean in length.mean(axis=1)]
        _, low, high = ratio_within(costs[0], ends[0], costs[1], ends[1])
        held.append(low <= 1.67 <= high)
    assert np.mean(held) > 0.935, "and 0.92 by the ends alone"


def test_the_samples_for_a_coverage_are_where_the_band_crosses_it() -> None:
    ks = np.array([1, 2, 5, 10, 20])
    band = Estimate(*(np.array(each) for each in ([0.1, 0.2, 0.5, 0.6, 0.7], [0.0] * 5, [0, 0.1, 0.3, 0.4, 0.5],
                                                  [0.2, 0.4, 0.7, 0.8, 0.9])))  # fmt: skip
    assert interval_for(band, ks, 0.5) == (3, 20), "from the first k that may, to the first that surely does"
    assert interval_for(band, ks, 0.15) == (1, 5)
    assert interval_for(band, ks, 0.55) == (3, None)
    assert interval_for(band, ks, 0.95) == (None, None)
    assert samples_for(band.mean, 0.5) == 3
    assert samples_for(band.mean, 0.71) is None
