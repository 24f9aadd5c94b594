"""Forecasts: what they hold, what they are refused for, and how they stand against the paper's outcomes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.statistics.coverage import nice_ks
from models.statistics.fits import CURVES, Family, fit, tallies
from models.statistics.forecasts import Forecast, apart, back_test, fit_laws, forecast
from tests.statistics_data import SAMPLES, llama_counts, pythia_counts

AVERAGE = (Family.average, *CURVES)
FEW_OF_140 = [1, 1, 1] + [0] * 137


def forecasts(n: int | list[int], c: list[int], ks: list[int]) -> list[Forecast]:
    laws = fit_laws(tallies(n, np.array(c, dtype=int)), rounds=60)
    return [forecast(laws, family, ks) for family in Family]


@pytest.mark.parametrize(
    ("n", "c", "says"),
    [
        (10, [0, 0], "no sample is right"),
        (10, [], "no sample is right"),
        (100, [7], "one problem says nothing of others"),
        (1, [1, 0, 1, 1, 0, 1, 1, 0], "one sample a problem says nothing of a second"),
        (50, [50, 50, 50, 50, 50, 50], "coverage reaches 1, which no law can be told from"),
        (50, [50, 1, 3, 20, 9, 41], "coverage reaches 1, which no law can be told from"),
        (100, FEW_OF_140, "fewer than five problems are solved"),
    ],
)
def test_what_says_little_of_more_samples_is_flagged_by_every_family(n: int, c: list[int], says: str) -> None:
    assert {made.flag for made in forecasts(n, c, [1000])} == {says}


def test_two_samples_a_problem_cannot_tell_three_parameters() -> None:
    data = tallies(2, [0, 0, 2, 1, 0, 2, 0, 1, 2])
    assert fit(Family.beta_binomial, data).flag == ""
    assert "fewer than 3 samples" in fit(Family.zero_inflated_beta_binomial, data).flag
    assert "three points" in fit(Family.average, data).flag


@pytest.mark.parametrize("c", [[1, 0, 0, 0], [100, 100, 100], [100, 100, 99, 100], [0, 100, 100, 50, 100]])
def test_a_band_has_a_width_and_holds_its_own_middle(c: list[int]) -> None:
    for made in forecasts(100, c, [100, 1000, 10**6]):
        if np.isnan(made.coverage).any():
            continue
        assert (made.low <= made.coverage).all(), made.family
        assert (made.coverage <= made.high).all(), made.family
        assert (made.high - made.low > 0.05).all(), made.family


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=12), st.integers(2, 30))
def test_bands_grow_with_k_hold_their_middle_and_stay_between_0_and_1(rights: list[int], n: int) -> None:
    laws = fit_laws(tallies(n, np.minimum(rights, n)), AVERAGE, rounds=40)
    for family in AVERAGE:
        made = forecast(laws, family, [k for k in nice_ks(100 * n) if k >= n])
        if family in laws.parameters:
            for curve in (made.coverage, made.high):
                assert (np.diff(curve) >= -1e-12).all()
            assert (made.low >= np.minimum(laws.floor, made.coverage)).all()
            assert (made.low >= 0).all()
            assert (made.low <= made.coverage).all()
            assert (made.coverage <= made.high).all()
            assert (made.high <= 1).all()


def test_a_band_does_not_fall_below_coverage_by_the_samples_drawn() -> None:
    laws = fit_laws(tallies(SAMPLES, pythia_counts("Pythia 12B")), AVERAGE)
    lows = forecast(laws, Family.average, [SAMPLES, 10 * SAMPLES, 1000 * SAMPLES]).low
    assert (lows >= laws.floor).all()
    assert 0.79 < laws.floor < 0.82  # 87.5 % of 128 problems


def test_laws_that_lie_far_apart_are_told_and_those_near_each_other_are_not() -> None:
    laws = fit_laws(tallies(20, [1] * 5 + [0] * 100), rounds=60)
    near, far = apart(laws, [20, 2000])
    assert near == ""
    assert far == "laws that the data cannot tell apart say 34.39% to 99.14%"
    assert apart(fit_laws(tallies(SAMPLES, pythia_counts("Pythia 12B")), rounds=20), [10**6]) == [""]


def test_laws_that_the_data_refute_are_not_counted_among_them() -> None:
    laws = fit_laws(tallies(100, [1] * 60 + [100] * 20 + [0] * 20), rounds=60)
    far = np.array([found.coverage([10**8])[0] for found in laws.fits.values() if not found.flag])
    assert max(far / (1 - far)) > 10 * min(far / (1 - far))
    near = [found.coverage([100])[0] for found in laws.fits.values()]
    assert max(near) < 0.65  # and 80 % are solved
    assert apart(laws, [10**8]) == [""]


@pytest.mark.parametrize("llm", ["Pythia 160M", "Pythia 1B", "Pythia 12B"])
def test_the_average_from_1000_samples_holds_the_papers_coverage_at_10000(llm: str) -> None:
    for using in (100, 1000):
        (tested, *_) = back_test(SAMPLES, pythia_counts(llm), using, [10_000], AVERAGE)
        assert tested.forecast.flag == ""
        assert tested.forecast.low[0] <= tested.truth[0] <= tested.forecast.high[0]
        assert tested.forecast.high[0] - tested.forecast.low[0] < 0.65


@pytest.mark.parametrize("benchmark", ["GSM8K", "MATH"])
def test_an_end_nearer_to_1_than_half_a_problem_is_1(benchmark: str) -> None:
    (tested, *_) = back_test(SAMPLES, llama_counts(benchmark), 100, [10_000], AVERAGE)
    assert tested.forecast.low[0] <= tested.truth[0] <= tested.forecast.high[0]
    assert tested.forecast.high[0] == 1 or tested.forecast.high[0] < 1 - 0.5 / 130


def test_a_back_test_from_every_sample_is_the_forecast_itself() -> None:
    c = pythia_counts("Pythia 1B")
    (tested,) = back_test(SAMPLES, c, SAMPLES, [20_000], [Family.log_log], rounds=5)
    made = forecast(fit_laws(tallies(SAMPLES, c), [Family.log_log], rounds=5), Family.log_log, [20_000])
    assert (tested.forecast.coverage, tested.forecast.low) == (made.coverage, made.low)


def test_intervals_of_parameters_hold_those_of_the_world() -> None:
    generator, held = np.random.default_rng(8), 0
    for seed in range(12):
        c = generator.binomial(200, generator.beta(0.5, 4, size=100))
        laws = fit_laws(tallies(200, c), [Family.beta_binomial], rounds=60, seed=seed)
        low, high = laws.parameter_interval(Family.beta_binomial)
        held += (low["alpha"] <= 0.5 <= high["alpha"]) + (low["beta"] <= 4 <= high["beta"])
    assert held >= 20


@pytest.mark.parametrize("c", [[20] * 5, [20, 0, 0], [1] * 30])
def test_intervals_of_parameters_hold_what_was_fitted_at_a_bound_too(c: list[int]) -> None:
    laws = fit_laws(tallies(20, c), rounds=60)
    for family, found in laws.fits.items():
        low, high = laws.parameter_interval(family)
        assert set(low) == set(high) == set(found.parameters)
        for name, value in found.parameters.items():
            assert low[name] <= value <= high[name]


def test_a_back_test_says_that_its_samples_refuted_the_law() -> None:
    random = np.random.default_rng(3)
    half = random.binomial(1000, np.where(np.arange(120) % 2, random.beta(1, 9, 120), 0))  # half are never solved
    (tested,) = back_test(np.full(120, 1000), half, 100, [1000], [Family.average], rounds=100)
    assert tested.forecast.flag == "coverage at the samples drawn refutes this law"
