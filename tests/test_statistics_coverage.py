"""Coverage: every estimator against brute force, its properties, and the paper's own counts."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.statistics.coverage import batchwise, every_k, pass_at_k
from tests.oracle import coverage, pass_all_k
from tests.statistics_data import SAMPLES, codecontests, llama_counts, pythia_counts

COUNTS = st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))


def share_of_subsets(right: list[bool], k: int, solved: object) -> float:
    """By trying every subset."""
    return float(np.mean([solved(drawn) for drawn in itertools.combinations(right, k)]))  # type: ignore[operator]


def columns(problems: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [n for n, _ in problems], [c for _, c in problems]


@pytest.mark.parametrize("n", range(1, 8))
def test_pass_at_k_is_the_share_of_subsets_with_a_right_sample(n: int) -> None:
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        right = [True] * c + [False] * (n - c)
        assert pass_at_k(n, c, k) == pytest.approx(share_of_subsets(right, k, any), abs=1e-14)
        assert pass_all_k(n, c, k) == pytest.approx(share_of_subsets(right, k, all), abs=1e-14)


@settings(deadline=None)
@given(COUNTS)
def test_pass_at_k_grows_with_k_and_begins_at_the_share(counts: tuple[int, int]) -> None:
    n, c = counts
    curve = pass_at_k(n, c, every_k(n))
    assert curve[0] == pytest.approx(c / n)
    assert (np.diff(curve) >= -1e-15).all()
    assert ((curve >= 0) & (curve <= 1)).all()
    assert curve[-1] == (c > 0)


@settings(deadline=None)
@given(COUNTS, st.integers(1, 60))
def test_pass_at_k_equals_exact_fractions(counts: tuple[int, int], k: int) -> None:
    n, c = counts
    if k <= n:
        exact = 1 - Fraction(math.comb(n - c, k), math.comb(n, k))
        assert pass_at_k(n, c, k) == pytest.approx(float(exact), rel=1e-12)


def test_pass_at_k_keeps_its_digits_at_rates_of_one_in_a_million() -> None:
    assert pass_at_k(1_000_000, 1, 1) == pytest.approx(1e-6, rel=1e-15)
    assert pass_at_k(1_000_000, 1, 7) == pytest.approx(7e-6, rel=1e-12)
    assert pass_at_k(10_000, 27, 1000) == pytest.approx(0.9420770274655625, rel=1e-14)


def test_pass_at_k_is_missing_above_the_samples_and_never_one() -> None:
    found = pass_at_k([3, 5, 0], [3, 2, 0], [1, 4, 6])
    assert np.isnan(found).tolist() == [[False, True, True], [False, False, True], [True, True, True]]
    assert found[1, 1] == 1


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0)])
def test_counts_that_cannot_be_are_refused(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="0 <= c <= n"):
        pass_at_k(n, c, k)


@settings(deadline=None)
@given(st.lists(COUNTS, min_size=2, max_size=8), st.randoms())
def test_coverage_does_not_hang_on_the_order_of_problems(problems: list[tuple[int, int]], random: object) -> None:
    shuffled = random.sample(problems, len(problems))  # type: ignore[attr-defined]
    one, other = (coverage(*columns(order), [1, 2, 3]) for order in (problems, shuffled))
    for name in ("coverage", "stderr", "low", "high", "floor", "ceiling"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9, atol=1e-12)


@settings(deadline=None)
@given(st.lists(COUNTS, min_size=2, max_size=8), st.integers(1, 20))
def test_floor_and_ceiling_enclose_coverage_and_the_interval_its_mean(
    problems: list[tuple[int, int]], undecided: int
) -> None:
    found = coverage(*columns(problems), [1, 5, 40], undecided)
    known = ~np.isnan(found.coverage)
    assert (found.floor <= found.ceiling + 1e-12).all()
    assert (found.floor[known] <= found.coverage[known] + 1e-12).all()
    assert (found.ceiling[known] >= found.coverage[known] - 1e-12).all()
    sure = ~np.isnan(found.low)
    assert (found.low[sure] <= found.coverage[sure] + 1e-12).all()
    assert (found.high[sure] >= found.coverage[sure] - 1e-12).all()
    assert ((found.low[sure] >= 0) & (found.high[sure] <= 1)).all()


def test_one_short_problem_makes_coverage_missing_and_opens_floor_to_ceiling() -> None:
    found = coverage([10, 10, 4], [10, 0, 4], [4, 5])
    assert found.coverage[0] == pytest.approx(2 / 3)
    assert np.isnan([found.coverage[1], found.stderr[1], found.low[1], found.high[1]]).all()
    assert found.problems == 3
    assert found.problems_missing.tolist() == [0, 1]
    assert found.floor.tolist() == pytest.approx([2 / 3, 2 / 3])  # the short one has a right sample already
    assert found.ceiling.tolist() == pytest.approx([2 / 3, 2 / 3])
    unsolved = coverage([10, 10, 4], [10, 0, 0], [4, 5])
    assert unsolved.floor.tolist() == pytest.approx([1 / 3, 1 / 3])
    assert unsolved.ceiling.tolist() == pytest.approx([1 / 3, 2 / 3])


def test_undecided_samples_count_as_wrong_in_the_floor_and_right_in_the_ceiling() -> None:
    found = coverage([8, 10], [0, 5], [1], undecided=[2, 0])
    assert found.floor.tolist() == pytest.approx([0.25])
    assert found.coverage.tolist() == pytest.approx([0.25])
    assert found.ceiling.tolist() == pytest.approx([0.35])


def batches_to_try() -> list[list[list[bool]]]:
    """Every outcome of six samples in batches of ragged sizes."""
    cuts = ([0, 6], [0, 2, 5, 6], [0, 1, 4, 6], [0, 1, 2, 3, 4, 5, 6])
    return [
        [list(right[start:stop]) for start, stop in itertools.pairwise(cut)]
        for cut in cuts
        for right in itertools.product([False, True], repeat=6)
    ]


def solved_by(batches: list[list[bool]]) -> tuple[int, int, int]:
    """What is left of a problem that gets no batch after the first with a right sample."""
    before = 0
    for batch in batches:
        if any(batch):
            return before, len(batch), sum(batch)
        before += len(batch)
    return 0, 0, 0


def test_batchwise_is_the_first_success_over_all_orders_within_batches() -> None:
    ks = every_k(6)
    for batches in batches_to_try():
        orders = itertools.product(*(list(itertools.permutations(batch)) for batch in batches))
        samples = np.array([[right for batch in order for right in batch] for order in orders])
        wanted = np.maximum.accumulate(samples, axis=1).mean(axis=0)
        np.testing.assert_allclose(batchwise([solved_by(batches)], [6], ks)[0], wanted, atol=1e-14)


@pytest.mark.parametrize("p", [0.03, 0.3, 0.8])
def test_batchwise_is_unbiased_where_the_share_of_right_samples_is_not(p: float) -> None:
    ks = every_k(6)
    every = batches_to_try()
    for tried in (every[start : start + 64] for start in range(0, len(every), 64)):
        rights = np.array([sum(map(sum, batches)) for batches in tried])
        chances = p**rights * (1 - p) ** (6 - rights)
        found = batchwise([solved_by(batches) for batches in tried], [6] * 64, ks)
        np.testing.assert_allclose(chances @ found, 1 - (1 - p) ** ks, atol=1e-14)
        left = np.array([solved_by(batches) for batches in tried])
        naive = left[:, 2] / np.where(left[:, 2] > 0, left[:, 0] + left[:, 1], 6)
        if len(tried[0]) > 1:
            assert chances @ naive > p * 1.02


def test_batchwise_is_unknown_above_what_is_judged_of_a_problem_without_a_right_sample() -> None:
    found = batchwise([[2, 1, 1], [0, 0, 0], [4, 5, 2]], [3, 4, 9], [1, 3, 4, 5, 9, 10])
    nan = np.nan
    np.testing.assert_allclose(
        found, [[0, 1, 1, 1, 1, 1], [0, 0, 0, nan, nan, nan], [0, 0, 0, 2 / 5, 1, 1]], atol=1e-15
    )


def test_batchwise_spreads_less_than_the_first_success() -> None:
    """40 problems that get batches of 10 until one is solved, 5,000 times; the problems are drawn anew each time."""
    generator = np.random.default_rng(5)
    ks = np.array([1, 2, 5, 15, 20])
    p = generator.beta(0.4, 0.6, (5000, 40))
    first = generator.geometric(np.maximum(p, 1e-9)) - 1
    right = 1 + generator.binomial(9 - first % 10, p)  # and those after the first one in its batch
    solved = np.stack([np.minimum(first // 10 * 10, 20), np.full_like(right, 10), right], axis=2)
    kinds, place = np.unique(solved.reshape(-1, 3), axis=0, return_inverse=True)
    ours = batchwise(kinds, [0] * len(kinds), ks)[place].reshape(5000, 40, -1).mean(axis=1)
    theirs = (first[..., None] < ks).mean(axis=1)
    truth = np.array([1 - ((1 - p) ** k).mean() for k in ks])
    np.testing.assert_allclose(ours.mean(axis=0), truth, atol=0.003)
    np.testing.assert_allclose(theirs.mean(axis=0), truth, atol=0.003)
    ratios = ours.std(axis=0) / theirs.std(axis=0)
    assert ratios[0] == pytest.approx(np.sqrt((0.12 + 0.12 / 10) / 0.24), abs=0.03)  # from 7.7 points to 5.7
    assert (np.diff(ratios[:3]) > 0).all()
    assert ratios[3] < 0.99
    assert ratios[4] == pytest.approx(1)  # a whole number of batches


def test_none_right_is_zero_without_a_sign() -> None:
    assert not np.signbit(pass_at_k([5, 5], [0, 1], [1, 2, 5])).any()


@pytest.mark.parametrize(
    ("llm", "percents"),
    [
        ("Pythia 160M", [0.27, 2.51, 16.19, 41.02, 57.03]),
        ("Pythia 1B", [0.83, 6.65, 27.45, 54.62, 74.22]),
        ("Pythia 12B", [2.32, 15.68, 48.34, 72.33, 87.50]),
    ],
)
def test_the_papers_pythia_counts_give_its_coverage(llm: str, percents: list[float]) -> None:
    found = coverage(SAMPLES, pythia_counts(llm), [1, 10, 100, 1000, 10_000])
    assert np.round(100 * found.coverage, 2).tolist() == percents


@pytest.mark.parametrize(
    ("benchmark", "percents"),
    [("GSM8K", [76.85, 96.63, 99.57, 100, 100]), ("MATH", [26.84, 60.93, 82.90, 93.42, 98.44])],
)
def test_the_papers_llama_counts_give_its_coverage(benchmark: str, percents: list[float]) -> None:
    found = coverage(SAMPLES, llama_counts(benchmark), [1, 10, 100, 1000, 10_000])
    assert np.round(100 * found.coverage, 2).tolist() == percents


def test_the_papers_codecontests_outcomes_go_from_0_02_to_7_14_percent() -> None:
    found = coverage(SAMPLES, codecontests("Gemma 2B").sum(axis=1), [1, 10_000])
    assert np.round(100 * found.coverage, 2).tolist() == [0.02, 7.14]


def test_batchwise_of_recorded_outcomes_is_near_the_unbiased_curve() -> None:
    outcomes = codecontests("Llama 3 70B Instruct")
    ks = np.array([1, 10, 100, 1000, 10_000])
    batches = outcomes.reshape(len(outcomes), -1, 100).sum(axis=2)
    solving = (batches > 0).argmax(axis=1)
    right = batches[np.arange(len(batches)), solving]
    stopped = batchwise(np.stack([100 * solving, 0 * right + 100, right], 1), [SAMPLES] * len(batches), ks).mean(axis=0)
    whole = coverage(SAMPLES, outcomes.sum(axis=1), ks)
    assert stopped[-1] == whole.coverage[-1]
    np.testing.assert_allclose(stopped, whole.coverage, atol=0.02)


def test_standard_errors_over_the_papers_problems_are_those_of_the_reference() -> None:
    small = coverage(SAMPLES, pythia_counts("Pythia 160M"), [10_000])
    large = coverage(SAMPLES, pythia_counts("Pythia 12B"), [100])
    assert 100 * small.stderr[0] == pytest.approx(4.4, abs=0.05)
    assert 100 * large.stderr[0] == pytest.approx(3.5, abs=0.05)
