"""Coverage: every estimator against brute force, its properties, and the paper's own counts."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.statistics.coverage import every_k, first_success, pass_at_k
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
    assert found.floor.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert found.ceiling.tolist() == pytest.approx([2 / 3, 2 / 3])


def test_undecided_samples_count_as_wrong_in_the_floor_and_right_in_the_ceiling() -> None:
    found = coverage([8, 10], [0, 5], [1], undecided=[2, 0])
    assert found.floor.tolist() == pytest.approx([0.25])
    assert found.coverage.tolist() == pytest.approx([0.25])
    assert found.ceiling.tolist() == pytest.approx([0.35])


def test_first_success_knows_what_a_stopped_problem_is_at_every_planned_k() -> None:
    # found at the third; nothing in ten; nothing in four and still running; found out of order, so not settled
    found = first_success([3, 0, 0, 9], [3, 10, 4, 5], [1, 3, 4, 5, 10])
    np.testing.assert_array_equal(
        found,
        [[0, 1, 1, 1, 1], [0, 0, 0, 0, 0], [0, 0, 0, np.nan, np.nan], [0, 0, 0, 0, np.nan]],
    )


def test_first_success_is_unbiased_where_the_share_of_right_samples_is_not() -> None:
    # every outcome of six tries at p = 0.3, stopped at the first right one
    p, planned = 0.3, 6
    stops = [(place, p * (1 - p) ** (place - 1)) for place in range(1, planned + 1)] + [(0, (1 - p) ** planned)]
    chances = np.array([chance for _, chance in stops])
    places = np.array([place for place, _ in stops])
    finished = np.where(places > 0, places, planned)
    ks = every_k(planned)
    np.testing.assert_allclose(chances @ first_success(places, finished, ks), 1 - (1 - p) ** ks, atol=1e-15)
    naive = chances @ np.where(places > 0, 1 / finished, 0)
    assert naive > p + 0.1


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


def test_first_success_of_recorded_outcomes_is_near_the_unbiased_curve() -> None:
    outcomes = codecontests("Llama 3 70B Instruct")
    ks = np.array([1, 10, 100, 1000, 10_000])
    places = np.where(outcomes.any(axis=1), outcomes.argmax(axis=1) + 1, 0)
    stopped = first_success(places, np.where(places > 0, places, SAMPLES), ks).mean(axis=0)
    whole = coverage(SAMPLES, outcomes.sum(axis=1), ks)
    assert stopped[-1] == whole.coverage[-1]
    assert (np.abs(stopped - whole.coverage) < 0.1).all()


def test_standard_errors_over_the_papers_problems_are_those_of_the_reference() -> None:
    small = coverage(SAMPLES, pythia_counts("Pythia 160M"), [10_000])
    large = coverage(SAMPLES, pythia_counts("Pythia 12B"), [100])
    assert 100 * small.stderr[0] == pytest.approx(4.4, abs=0.05)
    assert 100 * large.stderr[0] == pytest.approx(3.5, abs=0.05)
