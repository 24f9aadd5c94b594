"""Problems and samples that tell two llms apart."""

import numpy as np
import pytest

from models.statistics.beta_binomial import Beta
from models.statistics.coverage import pass_at_k
from models.statistics.intervals import paired_difference
from models.statistics.power import UNIFORM, designs, estimated, pairs


def power_of(law: Beta, difference: float, k: int, correlation: float, n: int, problems: int, draws: int) -> float:
    random = np.random.default_rng(1)
    told = 0
    for _ in range(draws):
        chances = pairs(law, difference, k, correlation, problems, random)
        first, second = (estimated(each, n, k, random)[:, None] for each in chances)
        apart = paired_difference(first, second)
        told += bool(apart.low[0] > 0 or apart.high[0] < 0)
    return told / draws


@pytest.mark.parametrize(
    ("law", "difference", "k", "n", "draws"),
    [
        (Beta(2.0, 2.0), 0.2, 1, 10, 150),
        pytest.param(UNIFORM, 0.05, 1, 5, 1500, marks=pytest.mark.slow),
        pytest.param(Beta(0.4, 2.0, 0.8), 0.1, 10, 10, 1500, marks=pytest.mark.slow),
        pytest.param(Beta(0.3, 1.5), 0.05, 1, 10, 1500, marks=pytest.mark.slow),
    ],
)
def test_a_design_tells_its_difference_in_four_of_five_draws(
    law: Beta, difference: float, k: int, n: int, draws: int
) -> None:
    (design,) = designs(law, difference, k, [n], 0.5)
    assert design.problems is not None
    chance = 2.5 * np.sqrt(0.8 * 0.2 / draws)
    assert power_of(law, difference, k, 0.5, n, design.problems, draws) == pytest.approx(0.8, abs=0.02 + chance)


def test_problems_are_those_of_the_formula_where_they_are_many() -> None:
    (design,) = designs(UNIFORM, 0.03, 1, [4], 0.0)
    # independent chances, each with variance 1/12 and a mean p(1-p) of about 1/6
    assert design.problems == pytest.approx(2.80**2 * (2 / 12 + 2 / 6 / 4) / 0.03**2, rel=0.05)


def test_estimates_are_pass_at_k_and_as_quick_at_a_million() -> None:
    chances = np.array([0.0, 1e-3, 0.1, 0.5, 0.98, 1.0])
    for n, k in ((1, 1), (10, 10), (40, 5), (1_000, 100)):
        right = np.random.default_rng(3).binomial(n, chances)
        found = estimated(chances, n, k, np.random.default_rng(3))
        assert found == pytest.approx(pass_at_k(np.full(6, n), right, [k])[:, 0], abs=1e-10)
    (design,) = designs(Beta(0.1, 1.0, 0.8), 0.05, 1_000_000, [20_000_000], 0.5)
    assert design.problems


def test_a_difference_that_no_llm_can_have_is_an_error() -> None:
    with pytest.raises(ValueError, match="no llm covers"):
        designs(UNIFORM, 0.6, 1, [1], 0.5)
