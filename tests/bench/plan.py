"""Problems that planned samples solve, beside as many samples of all problems alike, on the paper's outcomes.

From the first 20, 50 or 100 samples of each problem, N more for each of its problems on average, all by one plan or in
ten plans one after another, each of which knows what the last one brought. What is solved is the expectation over
orders of the recorded samples, over several draws of the first ones. The ratio is that of problems newly solved per
sample paid.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from models.statistics.planning import allot, prior_of
from tests.bench.forecasts import SETS
from tests.statistics_data import SAMPLES

PREFIXES, MORE, ROUNDS, BATCH, STEPS = (20, 50, 100), (10, 100), 20, 10, 10


def first_right(right: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """The place of each problem's first right sample in a random order of its samples; SAMPLES where none is."""
    keys = [random.choice(SAMPLES, size=count, replace=False).min() if count else SAMPLES for count in right.tolist()]
    return np.array(keys, dtype=np.int64)


def played(right: NDArray[np.int64], prefix: int, more: int, random: np.random.Generator) -> tuple[int, int, int]:
    """Problems newly solved by uniform samples, by one plan and by plans in steps, from one draw of the first ones."""
    budget, first = more * len(right), first_right(right, random)
    early = first < prefix
    seen = np.zeros(len(right), dtype=np.int64)
    others, after = right[early] - 1, SAMPLES - 1 - first[early]
    seen[early] = 1 + random.hypergeometric(others, after - others, prefix - 1 - first[early])
    uniform = int(((first >= prefix) & (first < prefix + more)).sum())
    solved = []
    for steps in (1, STEPS):
        drawn = np.full(len(right), prefix)
        for step in range(steps):
            unsolved = np.flatnonzero(first >= drawn)
            if not len(unsolved):
                break
            prior = prior_of(drawn, np.where(first < drawn, np.maximum(seen, 1), 0)).law
            share = budget * (step + 1) // steps - budget * step // steps
            zeros, ones = np.zeros(len(unsolved), dtype=np.int64), np.ones(len(unsolved))
            drawn[unsolved] += allot(prior, drawn[unsolved], zeros, ones, share, BATCH)
        solved.append(int(((first >= prefix) & (first < drawn)).sum()))
    return uniform, *solved


def main() -> None:
    """Print a row a set and prefix, then the ratio."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    ratios, stepped = [], []
    print(f"{'outcomes':34} {'first':>5} {'more':>5} {'uniform':>8} {'plan':>6} {'plans':>6} {'ratio':>6} {'ratio':>6}")
    for name, counts in SETS.items():
        right = counts()
        for prefix in PREFIXES:
            for more in MORE:
                random = np.random.default_rng([prefix, more])
                found = np.array([played(right, prefix, more, random) for _ in range(rounds)])
                uniform, plan, plans = found.mean(axis=0)
                if not uniform:
                    continue
                ratios.append(plan / uniform)
                stepped.append(plans / uniform)
                print(
                    f"{name:34} {prefix:5} {more:5} {uniform:8.2f} {plan:6.2f} {plans:6.2f} {ratios[-1]:6.2f} "
                    f"{stepped[-1]:6.2f}"
                )
    low, middle, high = np.quantile(ratios, (0, 0.5, 1))
    print(f"one plan: {low:.2f} to {high:.2f}, median {middle:.2f}; {STEPS} plans: median {np.median(stepped):.2f}")
    print(f"ratio {middle:.2f}")


if __name__ == "__main__":
    main()
