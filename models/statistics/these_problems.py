"""How sure the coverage of these very problems is: were all their samples drawn anew, and no problem."""

import numpy as np
from numpy.typing import ArrayLike

from models.statistics.coverage import pass_at_k
from models.statistics.intervals import Floats, Z


def these_problems(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> tuple[Floats, Floats]:
    """The 95 % interval, low and high, of these very problems' coverage at each k; NaN where some n is below k.

    n, c: samples, fixed beforehand, and right ones, problems first. A problem's pass@k has an error whose square is
    q_k^2 - q_2k on average, or less where 2k > n, with q_k = 1 - pass@k: two disjoint draws of k are independent;
    and it is never more than k / n of a single draw's (Hoeffding 1948). Wilson's interval is put around the mean, in
    units of what one sample moves it by, k / (n * problems).
    """
    samples, right = np.broadcast_arrays(np.atleast_1d(n), c)
    ks = np.atleast_1d(np.asarray(k, dtype=np.int64))
    value = pass_at_k(samples, right, ks)
    neither = 1 - np.nan_to_num(pass_at_k(samples, right, 2 * ks), nan=1.0)
    problems, mean = len(samples), value.mean(axis=0)
    unit = (ks / samples[..., None]).mean(axis=0) / problems
    shift = Z**2 / 2 * unit * (1 - 2 * mean)
    square = ((1 - value) ** 2 - neither).sum(axis=0).clip(0) / problems**2
    half = Z * np.sqrt(np.minimum(square, mean * (1 - mean) * unit) + (Z * unit / 2) ** 2)
    return np.clip(mean - half + shift.clip(max=0), 0, 1), np.clip(mean + half + shift.clip(min=0), 0, 1)


def these_problems_difference(
    first: tuple[ArrayLike, ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike, ArrayLike]
) -> tuple[Floats, Floats]:
    """The 95 % interval of first - second on these very problems, both runs' samples drawn anew.

    Each run's coverage with the low and the high of `these_problems`; the distances to these add up as the errors of
    independent runs do (MOVER: Zou and Donner 2008).
    """
    (one, one_low, one_high), (other, other_low, other_high) = (map(np.asarray, each) for each in (first, second))
    middle = one - other
    return middle - np.hypot(one - one_low, other_high - other), middle + np.hypot(one_high - one, other - other_low)
