"""Worlds of known truth: how often problems of a kind are solved by a sample, and what follows for coverage."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, betaln

from models.statistics.coverage import Counts
from models.statistics.intervals import Floats


class World(NamedTuple):
    """Rates of problems: parts of (share, a, b), each with rates of Beta(a, b); a = 0 is never right, b = 0 always."""

    name: str
    parts: tuple[tuple[float, float, float], ...]

    def rates(self, place: Floats) -> Floats:
        """The rates at places in 0..1; evenly drawn places are problems drawn anew."""
        starts = np.cumsum([0.0, *(share for share, _, _ in self.parts[:-1])])
        part: NDArray[np.intp] = np.searchsorted(starts, place, side="right") - 1
        rate = np.empty(place.shape)
        for number, (share, a, b) in enumerate(self.parts):
            here = part == number
            within = np.clip((place[here] - starts[number]) / share, 0, 1)
            rate[here] = float(b == 0) if 0 in (a, b) else betaincinv(a, b, within)
        return rate

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> Floats:
        """Rates of problems drawn anew, as `rates` of even places has them and faster."""
        part = generator.choice(len(self.parts), p=[share for share, _, _ in self.parts], size=shape)
        rate = np.empty(shape)
        for number, (_, a, b) in enumerate(self.parts):
            here = part == number
            rate[here] = float(b == 0) if 0 in (a, b) else generator.beta(a, b, size=int(here.sum()))
        return rate

    def coverage(self, ks: Counts) -> Floats:
        """pass@k of all problems of the kind."""
        found = np.zeros(len(ks))
        for share, a, b in self.parts:
            found += share * (float(b == 0) if 0 in (a, b) else -np.expm1(betaln(a, b + ks) - betaln(a, b)))
        return found

    def all_right(self, ks: Counts) -> Floats:
        """pass^k of all problems of the kind."""
        return 1 - World(self.name, tuple((share, b, a) for share, a, b in self.parts)).coverage(ks)


def alike(rate: float) -> tuple[float, float]:
    """A beta so narrow that problems are all alike."""
    return rate * 1e7, (1 - rate) * 1e7


ALWAYS, NEVER = (1.0, 0.0), (0.0, 1.0)
GSM8K, LLAMA_MATH, PYTHIA_12B = (1.04, 0.34), (0.35, 0.90), (0.30, 12.0)

PAPER = (
    World("Gemma CodeContests", ((1, 0.015, 76),)),
    World("Llama-70B CodeContests", ((1, 0.038, 0.35),)),
    World("Pythia-160M MATH", ((0.29, *NEVER), (0.71, 0.35, 93))),
    World("Pythia-12B MATH", ((1, *PYTHIA_12B),)),
    World("Llama-8B MATH", ((1, *LLAMA_MATH),)),
    World("Llama-8B GSM8K", ((1, *GSM8K),)),
    World("GSM8K, 2 % impossible", ((0.02, *NEVER), (0.98, *GSM8K))),
    World("U-shaped", ((1, 0.1, 0.1),)),
)
"""Fitted to the paper's outcomes."""

OTHERS = (
    World("2 % at 1/2, else never", ((0.98, *NEVER), (0.02, *alike(0.5)))),
    World("2 % at 1/2, else always", ((0.98, *ALWAYS), (0.02, *alike(0.5)))),
    World("3 % never, else always", ((0.97, *ALWAYS), (0.03, *NEVER))),
    World("5 % at 1/1000, else 0.9", ((0.95, *alike(0.9)), (0.05, *alike(0.001)))),
    World("all at 1/1000", ((1, *alike(0.001)),)),
    World("all at 0.3", ((1, *alike(0.3)),)),
    World("10 % easy, else B(.1, 50)", ((0.1, 9, 1), (0.9, 0.1, 50))),
)
"""Rates heaped at 0 and 1, few hard problems, problems all alike."""

PAIRS = (
    ("Pythia 12B and 1B", World("12B", ((1, *PYTHIA_12B),)), World("1B", ((1, 0.30, 36),)), 0.8),
    ("GSM8K and weaker", World("8B", ((1, *GSM8K),)), World("weaker", ((1, 0.9, 0.5),)), 0.8),
    ("Gemma and twice its rate", World("Gemma", ((1, 0.015, 76),)), World("twice", ((1, 0.015, 38),)), 0.8),
    ("MATH and weaker", World("8B", ((1, *LLAMA_MATH),)), World("weaker", ((1, 0.3, 1.0),)), 0.5),
    ("12B and itself", World("12B", ((1, *PYTHIA_12B),)), World("12B", ((1, *PYTHIA_12B),)), 1.0),
    ("U-shaped, 2 % lost", World("U", ((1, 0.1, 0.1),)), World("lost", ((0.02, *NEVER), (0.98, 0.1, 0.1))), 0.95),
    ("always, 2 % lost", World("always", ((1, *ALWAYS),)), World("lost", ((0.02, *NEVER), (0.98, *ALWAYS))), 1.0),
    ("always, 2 % at 1/2", World("always", ((1, *ALWAYS),)), OTHERS[1], 1.0),
)
"""Two runs of the same problems, and how far their rates go together: the correlation of a normal copula."""
