"""How often the 95 % intervals hold the truth, before and after, in simulated worlds of known truth.

    python tests/bench/intervals.py [--rounds 10000] [--only KIND]

Each round draws problems of a world (tests/worlds.py), 1,000 samples of each (`ragged`: 1,000 to 4,000), and intervals.
`before` is the interval that stood in its place: t on the logit scale with Wilson's at 0 and 1; t for a paired
difference; the mean and 1.96 errors for a selector, here the majority of k where all wrong samples agree, and for its
gap, coverage less that; t by the jackknife for the log of a ratio of two runs' costs, which no k moves. Both columns
are shares of the rounds whose interval held the truth; `bound` is the 99 % upper bound of the second one, `width` the
mean width over that of before. `these problems` asks the other question: the same problems with new samples. The last
line is the least share of all cells that are for new problems.
"""

import argparse
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit, logit, ndtr

sys.path.pop(0)  # this folder, whose file names are those of other modules
sys.path.insert(0, str(Path(__file__).parents[2]))

from models.statistics.costs import ratio_of_means
from models.statistics.coverage import Counts, pass_at_k
from models.statistics.intervals import Estimate, Floats, estimate, gaffke_low
from models.statistics.these_problems import these_problems
from tests.worlds import OTHERS, PAIRS, PAPER, World

SAMPLES = 1000
KS = np.array([1, 10, 100, 1000])
SIZES = (20, 50, 130)
RAGGED = (1000, 1500, 4000)
FIXED = "these problems"

COSTS = (
    ("lengths alike", 0.5, 0.5, 0.8),
    ("lengths of one alone", 0.5, 0.0, 0.0),
    ("longer tails alike", 1.0, 1.0, 0.8),
    ("longer tails apart", 1.0, 1.0, 0.0),
    ("longest tails alike", 1.5, 1.5, 0.8),
    ("longest tails apart", 1.5, 1.5, 0.0),
)
"""Costs of a problem by two runs, lognormal: the spread of either's log, and their correlation."""


class Drawn(NamedTuple):
    """Rounds of a world: every problem's values, problems x rounds x ks, and the truth of each k, or of each round."""

    values: Floats
    truth: Floats
    right: Counts | None = None
    against: Floats | None = None
    """What the values are set in ratio to, on the log scale."""


class Cell(NamedTuple):
    """A row of the table."""

    kind: str
    world: str
    problems: int
    k: int
    before: float
    after: float
    bound: float
    width: float


Ends = tuple[Floats, Floats]


def logit_t(values: Floats) -> Ends:
    """What coverage had: t on the logit scale by the delta method, Wilson's at 0 and 1."""
    mean, half = by_t(values)
    edge = stats.binomtest(0, len(values)).proportion_ci(method="wilson").high
    at_zero, at_one = mean <= 0, mean >= 1 - 1e-12
    inside = np.where(at_zero | at_one, 0.5, mean)
    half = half / (inside * (1 - inside))
    low = np.where(at_zero, 0, np.where(at_one, 1 - edge, expit(logit(inside) - half)))
    return low, np.where(at_zero, edge, np.where(at_one, 1, expit(logit(inside) + half)))


def by_t(values: Floats, quantile: float | None = None) -> Ends:
    """The mean and half the width of a t interval, or of so many errors."""
    errors = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return values.mean(axis=0), (stats.t.ppf(0.975, len(values) - 1) if quantile is None else quantile) * errors


def around(mean: Floats, half: Floats) -> Ends:
    """As an interval."""
    return mean - half, mean + half


def coverage(world: World, problems: int, generator: np.random.Generator, rounds: int) -> Drawn:
    """pass@k for new problems."""
    right = generator.binomial(SAMPLES, world.draw(generator, (problems, rounds)))
    return Drawn(by_count(SAMPLES)[right], world.coverage(KS))


def fixed(world: World, problems: int, generator: np.random.Generator, rounds: int) -> Drawn:
    """pass@k of these very problems: the truth is their own rates'."""
    rate = world.draw(generator, (problems, rounds))
    right = generator.binomial(SAMPLES, rate)
    with np.errstate(divide="ignore"):
        truth = np.stack([-np.expm1(k * np.log1p(-rate)).mean(axis=0) for k in KS], axis=-1)
    return Drawn(by_count(SAMPLES)[right], truth, right)


def ragged(world: World, problems: int, generator: np.random.Generator, rounds: int) -> Drawn:
    """pass@k for new problems from unlike numbers of samples."""
    rate = world.draw(generator, (problems, rounds))
    parts = [by_count(n)[generator.binomial(n, each)] for n, each in zip(RAGGED, np.array_split(rate, 3), strict=True)]
    return Drawn(np.concatenate(parts), world.coverage(KS))


def all_right(world: World, problems: int, generator: np.random.Generator, rounds: int) -> Drawn:
    """pass^k for new problems."""
    right = generator.binomial(SAMPLES, world.draw(generator, (problems, rounds)))
    return Drawn(1 - by_count(SAMPLES)[SAMPLES - right], world.all_right(KS))


def majority(world: World, problems: int, generator: np.random.Generator, rounds: int) -> Drawn:
    """The chance that more than half of k samples are right, half of it at a tie: majority@k with two answers."""
    right = generator.binomial(SAMPLES, world.draw(generator, (problems, rounds)))
    return Drawn(majority_by_count()[right], majority_of(world))


def gap(world: World, problems: int, generator: np.random.Generator, rounds: int) -> Drawn:
    """What that majority leaves of coverage."""
    right = generator.binomial(SAMPLES, world.draw(generator, (problems, rounds)))
    truth = np.where(KS > 1, world.coverage(KS) - majority_of(world), 0)  # of one sample every selector picks that
    return Drawn((by_count(SAMPLES) - majority_by_count())[right].clip(min=0), truth)


def majority_by_count() -> Floats:
    """The majority's chance by the number of right samples."""
    right = np.arange(SAMPLES + 1)[:, None]
    more = stats.hypergeom.sf(KS // 2, SAMPLES, right, KS)
    return np.asarray(more + stats.hypergeom.pmf(KS / 2, SAMPLES, right, KS) / 2)


@cache
def majority_of(world: World) -> Floats:
    """Its truth."""
    rate = world.rates((np.arange(50_000) + 0.5) / 50_000).clip(1e-12, 1 - 1e-12)[:, None]
    return np.asarray((stats.binom.sf(KS // 2, KS, rate) + stats.binom.sf((KS - 1) // 2, KS, rate)).mean(axis=0) / 2)


def paired(pair: tuple[World, World, float], problems: int, generator: np.random.Generator, rounds: int) -> Drawn:
    """The difference of two runs' pass@k."""
    first, second, together = pair
    one, apart = generator.standard_normal((2, problems, rounds))
    other = together * one + np.sqrt(1 - together**2) * apart
    values = [
        by_count(SAMPLES)[generator.binomial(SAMPLES, world.rates(ndtr(normal)))]
        for world, normal in ((first, one), (second, other))
    ]
    return Drawn(values[0] - values[1], first.coverage(KS) - second.coverage(KS))


def costs(spread: float, other: float, together: float, problems: int, rounds: int) -> Drawn:
    """What two runs' samples cost, one number a problem and round; the truth is the log of the ratio of their means."""
    one, apart = np.random.default_rng(0).standard_normal((2, problems, rounds, 1))
    values = np.exp(spread * one), np.exp(other * (together * one + np.sqrt(1 - together**2) * apart))
    return Drawn(values[0], np.array([(spread**2 - other**2) / 2]), against=values[1])


def jackknife(first: Floats, second: Floats) -> Ends:
    """What a ratio's log had: t."""
    problems, middle = len(first), np.log(first.mean(axis=0) / second.mean(axis=0))
    without = np.log((first.sum(axis=0) - first) / (second.sum(axis=0) - second))
    half = stats.t.ppf(0.975, problems - 1) * without.std(axis=0) * np.sqrt(problems - 1)
    return around(middle, half)


def by_count(samples: int) -> Floats:
    """pass@k by the number of right samples."""
    return pass_at_k(np.full(samples + 1, samples), np.arange(samples + 1), KS)


def ends(kind: str, drawn: Drawn) -> tuple[Ends, Ends]:
    """The interval before and after, each a low and a high of rounds x ks."""
    problems, rounds, _ = drawn.values.shape
    flat = drawn.values.reshape(problems, -1)
    before = around(*by_t(flat)) if kind == "paired" else logit_t(flat)
    if drawn.against is not None:
        against = drawn.against.reshape(problems, -1)
        before, after = jackknife(flat, against), np.log(ratio_of_means(flat, against)[1:])
    elif kind == "paired":
        after = 2 * gaffke_low((1 + flat) / 2) - 1, 1 - 2 * gaffke_low((1 - flat) / 2)
    elif drawn.right is not None:
        after = these_problems(SAMPLES, drawn.right, KS)
    else:
        found: Estimate = estimate(flat)
        after = found.low, found.high
    if kind in ("majority", "gap"):
        before = around(*by_t(flat, 1.96))
    (low, high), (new_low, new_high) = ([end.reshape(rounds, -1) for end in two] for two in (before, after))
    return (low, high), (new_low, new_high)


def cells(kind: str, world: str, drawn: Drawn) -> Iterator[Cell]:
    """A cell for each k."""
    (old_low, old_high), (low, high) = ends(kind, drawn)
    problems, rounds, _ = drawn.values.shape
    slack = 1e-9
    old = (old_low <= drawn.truth + slack) & (drawn.truth <= old_high + slack)
    new = (low <= drawn.truth + slack) & (drawn.truth <= high + slack)
    was = (old_high - old_low).mean(axis=0)
    width = (high - low).mean(axis=0) / np.where(was > 1e-9, was, np.nan)
    for place, k in enumerate(KS[: new.shape[1]].tolist()):
        held = int(new[:, place].sum())
        bound = 1.0 if held == rounds else float(stats.beta.ppf(0.99, held + 1, rounds - held))
        yield Cell(kind, world, problems, k, float(old[:, place].mean()), held / rounds, bound, float(width[place]))


DRAWS = {"coverage": coverage, "all right": all_right, "ragged": ragged, "majority": majority, "gap": gap, FIXED: fixed}


def main() -> None:
    """The grid, a line a cell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--only", help="a kind of interval")
    chosen = parser.parse_args()
    found = []
    print(f"{'interval':15} {'world':26} {'problems':>8} {'k':>5} {'before':>7} {'after':>7} {'bound':>7} {'width':>7}")
    for cell in grid(chosen.rounds, chosen.only):
        found.append(cell)
        shares = f"{100 * cell.before:7.2f} {100 * cell.after:7.2f} {100 * cell.bound:7.2f} {cell.width:7.2f}"
        print(f"{cell.kind:15} {cell.world:26} {cell.problems:8} {cell.k:5} {shares}", flush=True)
    for kind in dict.fromkeys(cell.kind for cell in found):
        of_kind = [cell for cell in found if cell.kind == kind]
        sound = [cell.width for cell in of_kind if cell.before >= 0.945]
        print(
            f"{kind:15} {len(of_kind)} cells: least {100 * min(cell.before for cell in of_kind):.1f} % before, "
            f"{100 * min(cell.after for cell in of_kind):.1f} % after; {sum(cell.bound < 0.94 for cell in of_kind)} "
            f"with a bound below 94 %; width {np.nanmedian(sound):.2f} (median) where it held before"
        )
    print(f"least {min(cell.after for cell in found if cell.kind != FIXED or chosen.only):.4f}")


def grid(rounds: int, only: str | None) -> Iterator[Cell]:
    """Every cell; the seed of a world's rounds hangs on its place in the grid alone."""
    for kind, draw in DRAWS.items():
        for number, world in enumerate((*PAPER, *OTHERS) if only in (None, kind) else ()):
            for problems in SIZES:
                yield from cells(kind, world.name, draw(world, problems, np.random.default_rng(number), rounds))
    for number, (name, *pair) in enumerate(PAIRS if only in (None, "paired") else ()):
        for problems in SIZES:
            drawn = paired((*pair,), problems, np.random.default_rng(number), rounds)
            yield from cells("paired", name, drawn)
    for name, *world in COSTS if only in (None, "cost ratio") else ():
        for problems in SIZES:
            yield from cells("cost ratio", name, costs(*world, problems, rounds))


if __name__ == "__main__":
    main()
