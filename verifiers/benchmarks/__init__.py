"""The benchmarks: a dict of objects by name is the registry, and a person's own are loaded from their code."""

import difflib

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
from verifiers.benchmarks.own import load_own
from verifiers.benchmarks.pocket_sums import POCKET_SUMS
from verifiers.benchmarks.proofnet import PROOFNET
from verifiers.benchmarks.sources import is_own, read_code
from verifiers.benchmarks.swebench import SWEBENCH_LITE, SWEBENCH_VERIFIED
from verifiers.errors import UserError
from verifiers.verifier import Verifier

BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark
    for benchmark in (
        POCKET_SUMS, GSM8K, MATH, AIME, GPQA, MINIF2F, PROOFNET, CODECONTESTS, CODECONTESTS_PLUS, LIVECODEBENCH,
        HUMANEVAL, HUMANEVAL_PLUS, MBPP, MBPP_PLUS, SWEBENCH_LITE, SWEBENCH_VERIFIED,
    )
}  # fmt: skip


def find_benchmark(name: str) -> Benchmark:
    """A benchmark of ours by name, or a person's own: FILE.py, FILE.py:object or module:object. That runs its code.

    A module is looked for in the working folder, then in the environment.
    """
    if name in BENCHMARKS:
        return BENCHMARKS[name]
    if not is_own(name):
        near = difflib.get_close_matches(name, BENCHMARKS, 1)
        hint = f"did you mean {near[0]}?" if near else "`monkeys benchmarks` lists them."
        raise UserError(f"There is no benchmark {name!r}; {hint} One's own is FILE.py or module:object.")
    own = load_own(read_code(name))
    if own.name in BENCHMARKS:
        raise UserError(f"The Benchmark of {name} has the name {own.name}, which is one of ours; rename it.")
    return own


def find_verifier(benchmark: Benchmark, name: str | None) -> Verifier:
    """A benchmark's verifier by name; the first one, which counts by default, without a name."""
    if name is None:
        return benchmark.verifiers[0]
    for verifier in benchmark.verifiers:
        if verifier.name == name:
            return verifier
    names = ", ".join(verifier.name for verifier in benchmark.verifiers)
    raise UserError(f"{benchmark.name} has no verifier {name!r}; it has {names}.")
