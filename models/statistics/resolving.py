"""Whether two runs are resolved: told apart by the problems there are, or by how many more."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from models.statistics.intervals import ALIKE, Floats, known, paired_difference

POWER = float(ndtri(0.8))
"""Standard errors that a difference falls short by in one of five draws."""

REACH = float(ndtri(0.975)) + POWER
"""Standard errors that a difference must have for its 95 % interval to leave out 0 in four of five draws."""

MANY = 100_000
"""With so many problems the interval is as wide as the normal distribution has it."""


class Resolved(NamedTuple):
    """A paired difference of shares, for new problems of the same kind, and what these problems can tell of it."""

    difference: float
    low: float | None
    """None with one problem."""
    high: float | None
    resolved: bool
    """Whether the 95 % interval leaves out 0."""
    problems: int
    problems_needed: int | None
    """So many would resolve it in four of five draws, if difference and spread stay as they are; None where it is
    resolved, or nothing can be said: no difference, or one problem."""
    detectable: float | None
    """The least difference that as many problems resolve in four of five draws, about; None with one problem."""


def resolve(first: ArrayLike, second: ArrayLike) -> Resolved:
    """Tell two runs apart by a share of each problem (pass@k), first - second, problems in the same order.

    The interval is that of `paired_difference`. N = (z_0.975 + z_0.8)^2 sd^2 / difference^2 problems have 80 % power
    (Miller 2024, arXiv 2411.00640, section 5) where it is 2 z_0.975 sd / sqrt(N) wide; of few problems it is wider.
    """
    each = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    found = paired_difference(np.reshape(first, (-1, 1)), np.reshape(second, (-1, 1)))
    low, high, error = (known(part[0]) for part in (found.low, found.high, found.stderr))
    difference, problems = float(found.mean[0]), len(each)
    resolved = low is not None and high is not None and (low > 0 or high < 0)
    if error is None or low is None or high is None:
        return Resolved(difference, low, high, resolved, problems, None, None)
    needed = (
        None if resolved or abs(difference) < ALIKE else problems_for(each * np.sign(difference), error, problems + 1)
    )
    detectable = max(difference - low, high - difference) + POWER * error
    return Resolved(difference, low, high, resolved, problems, needed, detectable)


def problems_for(each: Floats, error: float, least: int) -> int | None:
    """How many problems, with differences spread like these, have intervals above 0 in four of five draws.

    `least` at the least; error is the standard error of the mean of `each`. None where even so many do not that all
    intervals are alike.
    """
    difference, problems = float(each.mean()), len(each)
    few = max(least - 1, int(np.ceil((REACH * error / difference) ** 2 * problems)) - 1)
    ranks, many = np.sort(each), few

    def resolve_it(number: int) -> bool:
        like = ranks[(np.arange(number) * 2 + 1) * problems // (2 * number), None]
        short = POWER * error * np.sqrt(problems / number)
        return bool(difference - (like.mean() - paired_difference(like, 0 * like).low[0]) > short)

    if few >= MANY:
        return few + 1
    while not resolve_it(many):
        if many >= MANY:
            return None
        few, many = many, min(2 * many, MANY)
    while many - few > max(1, few // 200):
        between = (few + many) // 2
        few, many = (few, between) if resolve_it(between) else (between, many)
    return max(many, least)


def resolved_line(found: Resolved) -> str:
    """What a person reads beside the interval: resolved or not, and how many problems would resolve it."""
    if found.problems == 1 or found.low is None or found.high is None:
        return "not resolved: one problem says nothing of others"
    if found.resolved:
        return f"resolved by {found.problems:,} problems"
    if found.problems_needed is None:
        return f"not resolved by {found.problems:,} problems"
    return (
        f"not resolved by {found.problems:,} problems; if it stays so, about {_rounded(found.problems_needed)} would "
        "resolve it"
    )


def _rounded(number: int) -> str:
    """Two digits, upwards: more were not known, and fewer problems may be those that did not do."""
    step = 10 ** max(len(str(number)) - 2, 0)
    return f"{-(-number // step) * step:,}"
