"""The benchmarks: a dict of objects by name is the registry, and a user's own are found by their module."""

import difflib
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

from verifiers.benchmarks.aime import AIME
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.codecontests import CODECONTESTS
from verifiers.benchmarks.codecontests_plus import CODECONTESTS_PLUS
from verifiers.benchmarks.gpqa import GPQA
from verifiers.benchmarks.gsm8k import GSM8K
from verifiers.benchmarks.humaneval import HUMANEVAL
from verifiers.benchmarks.humaneval_plus import HUMANEVAL_PLUS
from verifiers.benchmarks.livecodebench import LIVECODEBENCH
from verifiers.benchmarks.math import MATH
from verifiers.benchmarks.mbpp import MBPP
from verifiers.benchmarks.mbpp_plus import MBPP_PLUS
from verifiers.benchmarks.minif2f import MINIF2F
from verifiers.benchmarks.pocket_sums import POCKET_SUMS
from verifiers.benchmarks.proofnet import PROOFNET
from verifiers.errors import UserError
from verifiers.verifier import Verifier

BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        POCKET_SUMS, GSM8K, MATH, AIME, GPQA, MINIF2F, PROOFNET, CODECONTESTS, CODECONTESTS_PLUS, LIVECODEBENCH,
        HUMANEVAL, HUMANEVAL_PLUS, MBPP, MBPP_PLUS,
    )
}  # fmt: skip


@cache
def find_benchmark(name: str) -> Benchmark:
    """A benchmark of ours by name, or a user's own as `module:object` from the working folder or the environment."""
    if name in BENCHMARKS:
        return BENCHMARKS[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        near = difflib.get_close_matches(name, BENCHMARKS, 1)
        hint = f"did you mean {near[0]}?" if near else "`monkeys benchmarks` lists them."
        raise UserError(f"There is no benchmark {name!r}; {hint}")
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        benchmark = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise UserError(f"The benchmark {name} could not be imported ({error}).") from error
    if not isinstance(benchmark, Benchmark):
        raise UserError(f"{name} is a {type(benchmark).__name__}, not a Benchmark of verifiers.benchmarks.benchmark.")
    return benchmark


def find_verifier(benchmark: Benchmark, name: str | None) -> Verifier:
    """A benchmark's verifier by name; the first one, which counts by default, without a name."""
    if name is None:
        return benchmark.verifiers[0]
    for verifier in benchmark.verifiers:
        if verifier.name == name:
            return verifier
    names = ", ".join(verifier.name for verifier in benchmark.verifiers)
    raise UserError(f"{benchmark.name} has no verifier {name!r}; it has {names}.")
