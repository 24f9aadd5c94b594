"""Fits, posterior bands, similarity: the paper's printed figures, known laws, and refusals."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import curve_fit

from models.statistics.beta_binomial import PRIOR_UNKNOWN, Beta, _losses, fit_beta, posterior_band, refit_beta
from models.statistics.coverage import every_k, pass_at_k
from models.statistics.fits import CURVES, Family, fit, law, paper_ks, refit, tallies
from models.statistics.similarity import budget_ratio, samples_for
from tests.oracle import align, coverage
from tests.statistics_data import SAMPLES, pythia_counts


def test_the_papers_grid_has_37_points_of_its_40() -> None:
    ks = paper_ks(10_000)
    assert (len(ks), ks[0], ks[-1]) == (37, 1, 10_000)
    assert paper_ks(1).tolist() == [1]


@pytest.mark.parametrize(
    ("llm", "a", "b", "error", "log_log_a", "log_log_b"),
    [
        ("Pythia 160M", -6.361, -0.277, 0.0130, 6.672, 0.282),
        ("Pythia 1B", -5.609, -0.320, 0.0055, 5.395, 0.313),
        ("Pythia 12B", -4.317, -0.379, 0.0078, 4.162, 0.371),
    ],
)
def test_the_papers_counts_give_its_fits_to_the_printed_digits(
    llm: str, a: float, b: float, error: float, log_log_a: float, log_log_b: float
) -> None:
    data = tallies(SAMPLES, pythia_counts(llm))
    paper, line = (fit(family, data) for family in CURVES)
    assert (round(paper.parameters["a"], 3), round(paper.parameters["b"], 3)) == (a, b)
    assert round(paper.error, 4) == error
    assert (round(line.parameters["a"], 3), round(line.parameters["b"], 3)) == (log_log_a, log_log_b)
    assert paper.flag == line.flag == ""


@pytest.mark.parametrize("family", CURVES)
def test_a_power_law_needs_three_points(family: Family) -> None:
    found = fit(family, tallies([2, 2, 2], [1, 0, 0]))
    assert not found.parameters
    assert "three points" in found.flag
    assert np.isnan(found.coverage([1, 10])).all()


def test_a_problem_without_samples_stops_power_laws_and_not_likelihoods() -> None:
    data = tallies([100, 80, 60, 0], [3, 20, 0, 0])
    assert [fit(family, data).flag for family in CURVES] == ["a problem has no samples"] * 2
    with_it = fit(Family.beta_binomial, data)
    without = fit(Family.beta_binomial, tallies([100, 80, 60], [3, 20, 0]))
    assert with_it.parameters["alpha"] == pytest.approx(without.parameters["alpha"], rel=1e-3)
    assert np.isnan(with_it.error)


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("c", [[10, 10, 0], [3, 3, 3], [10, 10, 10], [1, 0, 0]])
def test_extreme_counts_are_fitted_or_flagged_and_stay_between_0_and_1(family: Family, c: list[int]) -> None:
    found = fit(family, tallies(10, c))
    curve = found.coverage([1, 10, 1000])
    assert found.flag or ((curve >= 0) & (curve <= 1)).all()


def test_the_beta_binomial_likelihood_has_its_maximum_where_it_is_found() -> None:
    generator = np.random.default_rng(3)
    n = generator.integers(20, 400, size=200)
    c = generator.binomial(n, generator.beta(0.4, 5, size=200))

    def likelihood(alpha: float, beta: float) -> float:
        return float(np.sum(stats.betabinom.logpmf(c, n, alpha, beta)))

    found = fit_beta(n, c)
    top = likelihood(found.alpha, found.beta)
    for by_alpha, by_beta in itertools.product((0.98, 1, 1.02), repeat=2):
        assert likelihood(found.alpha * by_alpha, found.beta * by_beta) <= top + 1e-3
    assert found.alpha == pytest.approx(0.4, rel=0.3)


def test_the_average_is_the_mean_of_its_laws() -> None:
    data = tallies(SAMPLES, pythia_counts("Pythia 1B"))
    parts = [fit(family, data).coverage([1, 100, 10**6]) for family in CURVES]
    np.testing.assert_allclose(fit(Family.average, data).coverage([1, 100, 10**6]), np.mean(parts, axis=0))


def test_refits_to_many_resamples_are_those_of_each_alone() -> None:
    generator = np.random.default_rng(5)
    c = generator.binomial(100, generator.beta(0.4, 5, size=40))
    data, shares = tallies(100, c), generator.dirichlet(np.ones(40), size=8)
    again = refit(fit(Family.exponentiated_power_law, data), data, shares)
    line = refit(fit(Family.log_log, data), data, shares)
    for round_, share in enumerate(shares):
        curve = share @ data.values
        wanted, _ = curve_fit(lambda k, a, b: np.exp(a * k**b), data.ks.astype(float), curve, p0=(-4.0, -0.3))
        assert (again["a"][round_], again["b"][round_]) == pytest.approx(tuple(wanted), rel=1e-4)
        slope, offset = np.polyfit(np.log(data.ks), np.log(-np.log(curve)), 1)
        assert (line["a"][round_], line["b"][round_]) == pytest.approx((math.exp(offset), -slope), rel=1e-6)
    for inflated in (False, True):
        found = refit_beta(data.n, c, shares * 40, fit_beta(100, c, inflated), inflated)
        for row, share in zip(found, shares, strict=True):
            alone = fit_beta(100, c, inflated, share * 40)
            np.testing.assert_allclose(Beta(*row).coverage([1, 1000]), alone.coverage([1, 1000]), rtol=2e-3)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(-3, 3), min_size=2, max_size=3), st.lists(st.integers(0, 20), min_size=2, max_size=6))
def test_slopes_of_the_likelihood_are_those_of_its_differences(point: list[float], rights: list[int]) -> None:
    rows, repeat = np.array([[20.0] * len(rights), rights]), np.ones((1, len(rights)))
    x, step = np.array([point]), 1e-4
    _, gradient, hessian = _losses(x, rows, repeat)
    for place in range(len(point)):
        by = step * np.eye(len(point))[[place]]
        up, down = _losses(x + by, rows, repeat), _losses(x - by, rows, repeat)
        assert gradient[0, place] == pytest.approx((up[0] - down[0])[0] / (2 * step), rel=1e-4, abs=1e-5)
        np.testing.assert_allclose(hessian[0, place], (up[1] - down[1])[0] / (2 * step), rtol=1e-4, atol=1e-5)


def test_parameters_by_name_in_any_order_are_the_same_law() -> None:
    found = fit(Family.beta_binomial, tallies(100, [0, 1, 2, 30, 60, 5]))
    turned = dict(sorted(found.parameters.items(), reverse=True))
    np.testing.assert_array_equal(law(found.family, turned, [1, 50]), found.coverage([1, 50]))


def test_zero_inflation_finds_the_share_that_can_be_solved() -> None:
    generator = np.random.default_rng(4)
    p = generator.beta(2, 20, size=1000) * (generator.random(1000) < 0.6)
    c = generator.binomial(200, p)
    found = fit_beta(200, c, zero_inflated=True)
    assert found.solvable == pytest.approx(0.6, abs=0.05)
    assert found.coverage(10**7) == pytest.approx(found.solvable, abs=1e-3)
    assert fit_beta(200, c).solvable == 1


def test_weights_repeat_problems() -> None:
    n, c = np.array([50, 50, 80]), np.array([3, 20, 0])
    weighted = fit_beta(n, c, weights=[2, 1, 3])
    repeated = fit_beta(np.repeat(n, [2, 1, 3]), np.repeat(c, [2, 1, 3]))
    np.testing.assert_allclose(weighted, repeated, rtol=1e-3)


def test_zero_inflation_carries_pythia_160m_on_better_than_the_plain_beta() -> None:
    data = tallies(SAMPLES, pythia_counts("Pythia 160M"))
    plain, inflated = fit(Family.beta_binomial, data), fit(Family.zero_inflated_beta_binomial, data)
    assert inflated.error < plain.error / 3


def test_beta_coverage_is_the_integral_over_p() -> None:
    p = np.linspace(0, 1, 200_001)
    for k in (1, 7, 50):
        integral = np.trapezoid((1 - (1 - p) ** k) * stats.beta.pdf(p, 2.0, 5.0), p)
        assert Beta(2.0, 5.0, 0.5).coverage(k) == pytest.approx(0.5 * integral, abs=1e-6)


def test_the_posterior_band_is_that_of_draws_from_the_posterior() -> None:
    prior, n, c, k = Beta(0.3, 4.0, 0.7), np.array([50, 50, 20]), np.array([0, 3, 12]), 30
    band = posterior_band(n, c, [k], prior)
    generator = np.random.default_rng(6)
    p = generator.beta(prior.alpha + c, prior.beta + n - c, size=(200_000, 3))
    zero = math.exp(stats.betabinom.logpmf(0, 50, prior.alpha, prior.beta))
    p[:, 0] *= generator.random(200_000) < 0.7 * zero / (0.7 * zero + 0.3)
    drawn = (1 - (1 - p) ** k).mean(axis=1)
    mean, spread = band.mean[0], drawn.std()
    assert mean == pytest.approx(drawn.mean(), abs=0.002)
    half = (np.log(band.high[0] / (1 - band.high[0])) - np.log(mean / (1 - mean))) * mean * (1 - mean)
    assert half == pytest.approx(1.96 * PRIOR_UNKNOWN * spread, rel=0.02)


@pytest.mark.parametrize("c", [[50, 50, 50], [0, 0, 0], [50, 50, 49]])
def test_a_posterior_band_holds_its_own_middle(c: list[int]) -> None:
    band = posterior_band(50, c, [1, 10, 10**6], Beta(2.0, 0.1))
    assert (band.low <= band.mean).all()
    assert (band.mean <= band.high).all()


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 50), min_size=3, max_size=10))
def test_every_fitted_curve_grows_with_k(rights: list[int]) -> None:
    data = tallies(50, rights)
    for family in Family:
        found = fit(family, data)
        if not found.flag:
            curve = found.coverage(every_k(200))
            assert (np.diff(curve) >= -1e-12).all()
            assert ((curve >= 0) & (curve <= 1)).all()


def test_a_curve_shifted_in_log_k_lies_on_its_model() -> None:
    ks = every_k(10_000)
    strong, weak = np.exp(-3 * ks**-0.4), np.exp(-3 * (ks / 20) ** -0.4)
    axes = align({"strong": strong, "weak": weak})
    assert axes["strong"][0] == 1
    assert samples_for(weak, strong[0]) == 20
    at_ten = [float(np.interp(10, axes[name], curve)) for name, curve in (("strong", strong), ("weak", weak))]
    assert at_ten[0] == pytest.approx(at_ten[1], abs=1e-3)
    assert budget_ratio(strong, 0.2, 0.6) == pytest.approx(budget_ratio(weak, 0.2, 0.6), rel=0.2)
    assert np.isnan(budget_ratio(weak, 0.1, 0.9999))


def test_the_paper_family_needs_about_the_same_factor_of_samples() -> None:
    curves = {
        llm: coverage(SAMPLES, pythia_counts(llm), every_k(SAMPLES)).coverage for llm in ("Pythia 1B", "Pythia 12B")
    }
    axes = align(curves)
    assert axes["Pythia 12B"][0] == 1
    assert axes["Pythia 1B"][0] == pytest.approx(1 / 3, abs=0.01)
    factors = [budget_ratio(curve, 0.1, 0.5) for curve in curves.values()]
    assert factors[0] / factors[1] == pytest.approx(1, abs=1)
    assert pass_at_k(SAMPLES, pythia_counts("Pythia 1B"), 3).mean() == pytest.approx(curves["Pythia 12B"][0], abs=0.002)
