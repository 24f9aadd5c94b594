"""What a sample is worth to a training that is to raise pass@k, from counts of samples and right ones."""

from typing import NamedTuple

from models.statistics.coverage import pass_at_k


class Rewards(NamedTuple):
    """The reward of a right sample and of a wrong one; NaN where there can be none, and where k > n."""

    right: float
    wrong: float


def pass_at_k_rewards(n: int, c: int, k: int) -> Rewards:
    """The rewards of a problem's n samples, c of them right, whose policy gradient is that of pass@k, without bias.

    Right: k/n. Wrong: k/n times the pass@(k-1) of the others, since a set of k is solved without it as well. By Walder
    and Karkhanis, "Pass@K Policy Optimization", arXiv 2505.15201: a sample's reward is the sum of what the sets of k
    with it are worth, over the number of all such sets. So all rewards of a problem add up to k times its pass@k.
    """
    if not 0 <= c <= n or k < 1:
        raise ValueError("rewards need 0 <= c <= n and k >= 1")
    right = k / n if c and k <= n else float("nan")
    if k > n or c == n:
        return Rewards(right, float("nan"))
    return Rewards(right, k / n * (float(pass_at_k(n - 1, c, k - 1)) if k > 1 else 0.0))
