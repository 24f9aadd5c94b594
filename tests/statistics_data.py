"""The paper's own success counts, read from the shared data."""

import csv

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tests.shared_data import shared

SAMPLES = 10_000


def _counts(path: str, column: str, value: str) -> NDArray[np.int64]:
    with shared(path).open(newline="") as file:
        return np.array([int(float(row["correct"])) for row in csv.DictReader(file) if row[column] == value])


def pythia_counts(llm: str) -> NDArray[np.int64]:
    """Right samples of 10,000 for each of 128 MATH problems."""
    return _counts("monkeys/math_pythia_counts.csv", "model", llm)


def llama_counts(benchmark: str) -> NDArray[np.int64]:
    """Right samples of 10,000 for each problem of GSM8K or MATH, by Llama-3-8B-Instruct."""
    return _counts("monkeys/gsm8k_math_llama3_8b_counts.csv", "benchmark", benchmark)


def codecontests(llm: str) -> NDArray[np.bool_]:
    """140 CodeContests problems x 10,000 attempts in order: which were right."""
    path = shared("monkeys/codecontests_outcomes.parquet")
    table = pq.read_table(path, filters=[("model", "=", llm)]).sort_by(
        [("problem_index", "ascending"), ("attempt", "ascending")]
    )
    return table["correct"].to_numpy().astype(bool).reshape(-1, SAMPLES)
