"""How many problems and samples it takes to tell two llms apart, before any is drawn."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import betaincinv, expit, gammaln, logit, ndtr

from models.statistics.beta_binomial import Beta
from models.statistics.intervals import Floats
from models.statistics.resolving import problems_for

UNIFORM = Beta(1.0, 1.0)
"""Chances of a right sample where nothing tells of any: as many of each size."""

IMAGINED = 20_000
"""Problems on which differences are drawn, to see how they spread."""


class Design(NamedTuple):
    """So many samples of so many problems, of each llm, tell the difference in four of five draws.

    problems is None where no number of them is known to.
    """

    samples: int
    problems: int | None


def designs(law: Beta, difference: float, k: int, ns: Sequence[int], correlation: float) -> list[Design]:
    """For each n, the problems that resolve a difference of pass@k in four of five draws (Miller 2024, section 5).

    One llm's chances are of this law; the other's are correlated with them (a Gaussian copula) and lie lower by so much
    that coverage differs by `difference`, or higher where it is less than that. ValueError where neither is possible.
    Differences of the estimates from n samples spread by the problems and, the less the more samples, by chance.
    """
    random = np.random.default_rng(0)
    first, second = pairs(law, difference, k, correlation, IMAGINED, random)
    found = []
    for n in ns:
        apart = estimated(first, n, k, random) - estimated(second, n, k, random)
        apart *= np.sign(apart.mean()) or 1.0
        apart = np.clip(apart + difference - apart.mean(), -1, 1)
        error = float(apart.std(ddof=1) / np.sqrt(len(apart)))
        found.append(Design(n, problems_for(apart, error, 2)))
    return found


def pairs(
    law: Beta, difference: float, k: int, correlation: float, problems: int, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Chances of a right sample by two llms, of problems drawn at random."""
    shared, own = random.standard_normal((2, problems))
    other = correlation * shared + np.sqrt(1 - correlation**2) * own
    first, second = (_chances(law, ndtr(each)) for each in (shared, other))
    shift = _shift(law, difference, k)
    with np.errstate(divide="ignore"):
        return first, np.asarray(expit(logit(second) + shift))


def estimated(chances: Floats, n: int, k: int, random: np.random.Generator) -> Floats:
    """pass@k of each problem as n samples estimate it."""
    wrong = n - random.binomial(n, chances)
    # C(wrong, k) / C(n, k) by logarithms of factorials: pass_at_k adds up k of them for each problem
    none = gammaln(wrong + 1) - gammaln(np.maximum(wrong - k, 0) + 1) - gammaln(n + 1) + gammaln(n - k + 1)
    return np.where(wrong < k, 1.0, -np.expm1(np.minimum(none, 0)))


def _chances(law: Beta, ranks: Floats) -> Floats:
    """The chance of the problem at each rank; those that cannot be solved rank first."""
    within = np.clip((ranks - (1 - law.solvable)) / law.solvable, 0, 1)
    return np.asarray(betaincinv(law.alpha, law.beta, within))


def _shift(law: Beta, difference: float, k: int) -> float:
    """By how much log odds change where coverage at k falls by a difference, or rises by it where it is too low."""
    chances = _chances(law, (np.arange(IMAGINED) + 0.5) / IMAGINED)
    with np.errstate(divide="ignore"):
        odds = logit(chances)

    def coverage(shift: float) -> float:
        return float(np.mean(1 - (1 - expit(odds + shift)) ** k))

    now = coverage(0.0)
    goal = now - difference if now > difference else now + difference
    low, high = (-40.0, 0.0) if goal < now else (0.0, 40.0)
    if not coverage(low) <= goal <= coverage(high):
        raise ValueError(f"no llm covers {difference:.2%} more or less than {now:.2%}")
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if coverage(middle) < goal else (low, middle)
    return (low + high) / 2
