"""How long coverage with standard errors takes for every k up to n, beside straightforward implementations.

    python tests/bench/analysis.py [--rounds 5] [--peer PYTHON]

Counts in, curves out, 128 problems x 10,000 samples; then how it grows to 1,000 problems. Then from the tables: tallies
of the verify works read from a database of its own on the bundled PostgreSQL, and curves for every k; and the view
coverage at its own ks. `math.comb` for every problem
and k is too slow to run at every k: it is timed at a spread of ks and scaled up, as the table says. `--peer` is a
Python with inspect_ai, whose pass_at reducer is timed in the same way. The last line is our time, from the tables, over
math.comb's.
"""

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.pop(0)  # this folder, whose file names are those of other modules
sys.path.insert(0, str(Path(__file__).parents[2]))

from cli.stack.servers import servers
from models.analysis.pool import read_pool
from models.database import query, transaction
from models.statistics.coverage import Counts, every_k
from models.statistics.intervals import estimate
from tests.counted import Tally, counted_run
from tests.oracle import coverage
from tests.place import new_place

PROBLEMS, SAMPLES, PEER_KS = 128, 10_000, 40

PEER = """
import sys, time
from inspect_ai.scorer import Score, pass_at
n, ks, rights = int(sys.argv[1]), eval(sys.argv[2]), eval(sys.argv[3])
problems = [[Score(value=1.0)] * c + [Score(value=0.0)] * (n - c) for c in rights]
began = time.perf_counter()
for k in ks:
    reduce = pass_at(k)
    values = [reduce(scores).as_float() for scores in problems]
    mean = sum(values) / len(values)
    (sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)) ** 0.5
print(time.perf_counter() - began)
"""


def counts(problems: int) -> Counts:
    """Right samples of each problem: hard problems mostly, as in the paper."""
    generator = np.random.default_rng(7)
    return generator.binomial(SAMPLES, generator.beta(0.25, 12, size=problems))


def ours(rights: Counts) -> float:
    """Seconds for every k of every problem, with errors and intervals."""
    began = time.perf_counter()
    coverage(np.full(len(rights), SAMPLES), rights, every_k(SAMPLES))
    return time.perf_counter() - began


def from_tables(run: int, verifier: int) -> float:
    """Seconds from the tables to every k with errors and intervals."""
    began = time.perf_counter()
    pool = read_pool(run, verifier)
    estimate(pool.values(every_k(SAMPLES)))
    return time.perf_counter() - began


def by_view(run: int) -> float:
    """Seconds of the view coverage at its own ks."""
    began = time.perf_counter()
    query("select * from coverage where run_id = %s", (run,))
    return time.perf_counter() - began


def stored(rights: Counts) -> tuple[int, int]:
    """A run with these counts in batches of 100: its id and its verifier's."""
    run = counted_run([Tally(SAMPLES, int(c)) for c in rights])
    with transaction() as connection:
        for table in ("batch", "work", "prompt", "problem"):
            connection.execute(f"analyze {table}".encode())
    (row,) = query("select verifier_id from run where id = %s", (run,))
    return run, row["verifier_id"]


def by_comb(rights: Counts, ks: list[int]) -> float:
    """Seconds of 1 - comb(n-c, k) / comb(n, k), exact integers, scaled from these ks to every k."""
    began = time.perf_counter()
    for k in ks:
        every = math.comb(SAMPLES, k)
        values = [1 - math.comb(SAMPLES - c, k) / every for c in rights.tolist()]
        statistics.stdev(values)
    return (time.perf_counter() - began) * SAMPLES / len(ks)


def by_inspect(python: str, rights: Counts, ks: list[int]) -> float:
    """Seconds of inspect_ai's reducer, scaled from these ks to every k."""
    command = [python, "-c", PEER, str(SAMPLES), repr(ks), repr(rights.tolist())]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout) * SAMPLES / len(ks)


def main() -> None:
    """Interleaved rounds, medians and spread."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", help="a Python that can import inspect_ai")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        servers(Path(folder) / "servers") as urls,
        new_place(urls.database_url, urls.broker_url, Path(folder) / "home"),
    ):
        measure(chosen.rounds, chosen.peer)


def measure(rounds: int, peer: str | None) -> None:
    """Time everything in turn and print the table."""
    few, many = counts(PROBLEMS), counts(1000)
    few_run, many_run = stored(few), stored(many)
    ks = np.linspace(1, SAMPLES, PEER_KS).astype(int).tolist()
    runs: dict[str, Callable[[], float]] = {
        "every k from the tables, 128 problems": lambda: from_tables(*few_run),
        "every k from the tables, 1,000 problems": lambda: from_tables(*many_run),
        "every k from counts, 128 problems": lambda: ours(few),
        "every k from counts, 1,000 problems": lambda: ours(many),
        "the view coverage, 128 problems": lambda: by_view(few_run[0]),
        "the view coverage, 1,000 problems": lambda: by_view(many_run[0]),
        f"math.comb per k, 128 problems (from {PEER_KS} ks)": lambda: by_comb(few, ks),
    }
    if peer:
        runs[f"inspect_ai pass_at, 128 problems (from {PEER_KS // 10} ks)"] = lambda: by_inspect(peer, few, ks[::10])
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seconds[name].append(run())
    print(f"{'to coverage with standard errors and intervals':58} {'median s':>10} {'least':>10} {'most':>10}")
    for name, times in seconds.items():
        print(f"{name:58} {statistics.median(times):10.3f} {min(times):10.3f} {max(times):10.3f}")
    medians = [statistics.median(times) for times in seconds.values()]
    for place, what in ((0, "from the tables"), (2, "from counts"), (4, "the view")):
        growth = medians[place + 1] / medians[place]
        print(f"{what}: {growth:.1f} x from 128 to 1,000 problems, {1000 / PROBLEMS:.1f} x as many")
    print(f"ratio {medians[0] / medians[6]:.6f}")


if __name__ == "__main__":
    main()
