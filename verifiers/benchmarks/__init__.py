"""The benchmarks, by name: a tuple of objects is the registry."""

from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.codecontests import CODECONTESTS
from verifiers.benchmarks.gsm8k import GSM8K
from verifiers.benchmarks.humaneval import HUMANEVAL
from verifiers.benchmarks.math import MATH
from verifiers.benchmarks.mbpp import MBPP
from verifiers.benchmarks.minif2f import MINIF2F
from verifiers.benchmarks.pocket_sums import POCKET_SUMS

BENCHMARKS: dict[str, Benchmark] = {
    benchmark.name: benchmark for benchmark in (POCKET_SUMS, GSM8K, MATH, MINIF2F, CODECONTESTS, HUMANEVAL, MBPP)
}
