"""How far forecasts are off, and how often their bands hold the truth, on the paper's outcomes and simulated worlds.

    python -m tests.bench.forecasts [--rounds 12]

Each of the paper's seven sets of outcomes (beside the project) is thinned to 100 and 1,000 samples
a problem, forecast to ten and a hundred times as many, and held against all its 10,000 samples. Simulated worlds are
distributions of a problem's chance p, some of them like those of the sets and some unlike any law fitted here; their
truth is that of all problems of the world, of which 50 or 130 are drawn. Flagged forecasts are counted apart.
Then the widening that holds the truth 95 % of the time over the worlds and sets, each counted alike: over all of them,
which is what ships, and for each set over all others, with what that does to the set left out. Last, the posterior
band of these very problems where coverage is known. The last line is of the average: held, and mean width.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from models.statistics.beta_binomial import Beta, posterior_band
from models.statistics.coverage import Counts, pass_at_k
from models.statistics.fits import CURVES, Family, tallies
from models.statistics.forecasts import WIDENING, Laws, fit_laws, forecast
from models.statistics.intervals import Floats
from tests.statistics_data import SAMPLES, codecontests, llama_counts, pythia_counts

Chances = Callable[[np.random.Generator, int], Floats]

SETS: dict[str, Callable[[], Counts]] = {
    "Pythia 160M, MATH": lambda: pythia_counts("Pythia 160M"),
    "Pythia 1B, MATH": lambda: pythia_counts("Pythia 1B"),
    "Pythia 12B, MATH": lambda: pythia_counts("Pythia 12B"),
    "Llama 8B, GSM8K": lambda: llama_counts("GSM8K"),
    "Llama 8B, MATH": lambda: llama_counts("MATH"),
    "Gemma 2B, CodeContests": lambda: codecontests("Gemma 2B").sum(axis=1),
    "Llama 70B, CodeContests": lambda: codecontests("Llama 3 70B Instruct").sum(axis=1),
}

NEEDED, STEP = 0.95, 0.05

ALONE = (Family.average, *CURVES)
"""The families that a band of the average asks for."""


def _beta(alpha: float, beta: float, solvable: float = 1.0) -> Chances:
    return lambda generator, size: generator.beta(alpha, beta, size) * (generator.random(size) < solvable)


def _mixed(*parts: tuple[float, Chances]) -> Chances:
    def draw(generator: np.random.Generator, size: int) -> Floats:
        which = generator.choice(len(parts), size, p=[share for share, _ in parts])
        return np.choose(which, [each(generator, size) for _, each in parts])

    return draw


def _same(p: float) -> Chances:
    return lambda _, size: np.full(size, p)


def _logit_normal(mean: float, sd: float) -> Chances:
    return lambda generator, size: expit(generator.normal(mean, sd, size))


WORLDS: dict[str, Chances] = {
    "beta .015 76 (like Gemma)": _beta(0.015, 76),
    "beta .038 .35 (like 70B)": _beta(0.038, 0.35),
    "beta .35 93, 29 % never (160M)": _beta(0.35, 93, 0.71),
    "beta .30 12 (like 12B)": _beta(0.30, 12),
    "beta .35 .9 (like MATH)": _beta(0.35, 0.9),
    "beta 1.04 .34, 2 % never (GSM8K)": _beta(1.04, 0.34, 0.98),
    "U-shaped beta .1 .1": _beta(0.1, 0.1),
    "logit normal -5 3": _logit_normal(-5, 3),
    "logit normal -3 2": _logit_normal(-3, 2),
    "logit normal -8 2": _logit_normal(-8, 2),
    "two points, a fifth never": _mixed((0.4, _same(0.3)), (0.4, _same(0.002)), (0.2, _same(0.0))),
    "even in log p, 1e-6 to 1": lambda generator, size: 10 ** generator.uniform(-6, 0, size),
    "easy, hard and impossible": _mixed((0.3, _beta(2, 5)), (0.4, _beta(0.5, 200)), (0.3, _same(0.0))),
}


@dataclass(frozen=True)
class Case:
    """Laws fitted to n samples a problem, and the truth at ks beyond."""

    name: str
    n: int
    laws: Laws
    ks: Counts
    truth: Floats


def of_set(name: str, rounds: int) -> list[Case]:
    """A set thinned again and again."""
    right = SETS[name]()
    cases = []
    for n in (100, 1000):
        ks = np.array([k for k in (10 * n, 100 * n) if k <= SAMPLES])
        truth = pass_at_k(SAMPLES, right, ks).mean(axis=0)
        for seed in range(rounds):
            thinned = np.random.default_rng(seed).hypergeometric(right, SAMPLES - right, n)
            cases.append(Case(name, n, fit_laws(tallies(n, thinned), seed=seed), ks, truth))
    return cases


def of_world(name: str, rounds: int) -> list[Case]:
    """Problems of a world drawn again and again, and their samples; only what the average needs is fitted."""
    place = list(WORLDS).index(name)
    everyone = np.minimum(WORLDS[name](np.random.default_rng(place), 400_000), 1 - 1e-15)
    cases = []
    for n in (100, 1000):
        ks = np.array([10 * n, 100 * n])
        truth = np.array([-np.expm1(k * np.log1p(-everyone)).mean() for k in ks])
        for problems in (50, 130):
            for seed in range(rounds):
                generator = np.random.default_rng([place, n, problems, seed])
                c = generator.binomial(n, WORLDS[name](generator, problems))
                cases.append(Case(name, n, fit_laws(tallies(n, c), ALONE, seed=seed), ks, truth))
    return cases


def unflagged(cases: Sequence[Case], family: Family = Family.average) -> list[Case]:
    """Those in which a family's forecast is shown."""
    return [case for case in cases if not case.laws.fits[family].flag]


def ends(case: Case, family: Family, widening: float | None) -> tuple[Floats, Floats]:
    """A band; of widening None it is the percentile interval of the family's refits, as if the law were right."""
    if widening is not None:
        made = forecast(case.laws, family, case.ks, widening)
        return made.low, made.high
    low, high = np.nanquantile(case.laws.drawn(family, case.ks), [0.025, 0.975], axis=0)
    return low, high


def held(cases: Sequence[Case], family: Family, widening: float | None) -> tuple[int, int, float]:
    """How many truths the bands hold, of how many, and the bands' mean width in points."""
    bands = [(case, *ends(case, family, widening)) for case in unflagged(cases, family)]
    inside = [hit for case, low, high in bands for hit in (low - 1e-9 <= case.truth) & (case.truth <= high + 1e-9)]
    widths = [width for _, low, high in bands for width in high - low]
    return int(sum(inside)), len(inside), 100 * float(np.mean(widths)) if widths else float("nan")


def needed(groups: Sequence[Sequence[Case]]) -> float:
    """The least widening with which the average's band holds often enough, each group counted alike."""
    able = [group for group in groups if unflagged(group)]
    for widening in np.arange(0, 3, STEP):
        counts = [held(group, Family.average, widening) for group in able]
        if np.mean([hits / of for hits, of, _ in counts]) >= NEEDED:
            break
    return round(float(widening), 2)


def print_errors(sets: dict[str, list[Case]]) -> None:
    """Root mean square errors in points, a mean over sets, flagged forecasts too; then those that are shown."""
    horizons = ((100, 0, "100 -> 1,000"), (100, 1, "100 -> 10,000"), (1000, 0, "1,000 -> 10,000"))
    for shown in (False, True):
        print(f"\nRMSE in points, mean over sets, {'forecasts without a flag' if shown else 'flagged ones too'}")
        print(f"{'':30}" + "".join(f"{label:>17}" for _, _, label in horizons) + f"{'mean':>8}{'worst':>8}")
        for family in Family:
            errors = []
            for n, place, _ in horizons:
                errors.append([_errors([c for c in s if c.n == n], family, place, shown) for s in sets.values()])
            each = [float(np.mean([np.sqrt(np.mean(e**2)) for e in of if len(e)])) for of in errors]
            worst = max(float(np.abs(e).max()) for of in errors for e in of if len(e))
            print(f"{family:30}" + "".join(f"{e:17.2f}" for e in each) + f"{np.mean(each):8.2f}{worst:8.1f}")


def _errors(cases: Sequence[Case], family: Family, place: int, shown: bool) -> Floats:
    kept = unflagged(cases, family) if shown else cases
    found = [case.laws.fits[family].coverage(case.ks)[place] - case.truth[place] for case in kept]
    return 100 * np.array([each for each in found if not np.isnan(each)])


def print_held(sets: dict[str, list[Case]]) -> None:
    """How often each family's band holds the truth of the sets."""
    print(f"\n{'Bands on the sets: held / of, mean width':46}{'as if the law were right':>28}{'as shown':>24}")
    for n, place, label in ((100, 0, "100 -> 1,000"), (100, 1, "100 -> 10,000"), (1000, 0, "1,000 -> 10,000")):
        cases = [
            Case(case.name, n, case.laws, case.ks[[place]], case.truth[[place]])
            for group in sets.values()
            for case in group
            if case.n == n
        ]
        for family in Family:
            texts = [f"{a} / {b}  {w:5.1f}" for a, b, w in (held(cases, family, w) for w in (None, WIDENING))]
            print(f"{label:18}{family:30}{texts[0]:>26}{texts[1]:>24}")


def print_posterior(sets: dict[str, list[Case]]) -> None:
    """How often the posterior band holds these problems' true coverage, at and below the samples drawn, and beyond."""
    counted: dict[str, list[bool]] = {}
    for name, group in sets.items():
        right = SETS[name]()
        for case in unflagged(group, Family.zero_inflated_beta_binomial):
            prior = Beta(**case.laws.fits[Family.zero_inflated_beta_binomial].parameters)
            ks = np.array([case.n // 10, case.n // 2, case.n, 10 * case.n])
            band = posterior_band(case.laws.data.n, case.laws.data.c, ks, prior)
            truth = pass_at_k(SAMPLES, right, ks).mean(axis=0)
            inside = (band.low <= truth) & (truth <= band.high)
            for label, hit in zip(("n / 10", "n / 2", "n", "10 n (not stored)"), inside.tolist(), strict=True):
                counted.setdefault(label, []).append(hit)
    print("\nPosterior band of the sets' own problems, held / of at k =")
    for label, hits in counted.items():
        print(f"  {label:20}{sum(hits)} / {len(hits)}")


def main() -> None:
    """Every table, and the main figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    rounds = parser.parse_args().rounds
    sets = {name: of_set(name, rounds) for name in SETS}
    worlds = {name: of_world(name, rounds) for name in WORLDS}
    print_errors(sets)
    print_held(sets)
    print(f"\n{'The average, widening as shipped':36}{'held / of':>12}{'width':>8}{'flagged':>9}")
    for name, group in (sets | worlds).items():
        hits, of, width = held(group, Family.average, WIDENING)
        print(f"{name:36}{f'{hits} / {of}':>12}{width:8.1f}{len(group) - len(unflagged(group)):9}")
    print(f"\n{'The set left out':36}{'widening':>10}{'held / of':>12}{'width':>8}")
    total = np.zeros(3)
    for name, group in sets.items():
        widening = needed([other for each, other in (sets | worlds).items() if each != name])
        hits, of, width = held(group, Family.average, widening)
        total += (hits, of, width * of if of else 0)
        print(f"{name:36}{widening:10.2f}{f'{hits} / {of}':>12}{width:8.1f}")
    print(f"{'over all of them':36}{needed([*sets.values(), *worlds.values()]):10.2f}  (shipped: {WIDENING})")
    print_posterior(sets)
    print(f"held {total[0] / total[1]:.3f} of {total[1]:.0f}, mean width {total[2] / total[1]:.1f} points")


if __name__ == "__main__":
    main()
