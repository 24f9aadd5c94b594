"""The runs of a comparison over the problems that they share: what they cover, and what that costs."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from models.analysis.pool import Pool, read_pool
from models.database import rows
from models.questions.find import problems_of
from models.statistics.costs import Ends, Rates, samples_until_right, until_right
from models.statistics.coverage import Counts, every_k
from models.statistics.intervals import Floats
from models.tables import Run
from verifiers.errors import UserError

MEASURES = ("samples", "flops", "usd", "gpu_seconds")
"""What a budget may be counted in; samples are a problem's."""

Accounting = Literal["all", "stopping"]
"""Whether all k samples are drawn, or each problem stops at its first right one."""

ACCOUNTINGS: tuple[Accounting, ...] = ("all", "stopping")


@dataclass(frozen=True)
class Contender:
    """One run's part in a comparison: its counts of the shared problems, in one order, and what they cost."""

    run_id: int
    name: str
    """What people call it."""
    k: int | None
    """The k that it is asked about; None where it is compared at many."""
    pool: Pool
    rates: Mapping[str, Rates]
    """By measure; what is not known is missing."""

    @property
    def most(self) -> int:
        """The largest k that every shared problem has samples for."""
        return self.pool.least

    def values(self, k: Counts) -> Floats:
        """Every shared problem's pass@k, problems x ks."""
        return self.pool.values(k)

    def until(self, k: Counts) -> Floats:
        """Samples expected of every shared problem that stops at its first right one, problems x ks."""
        if not self.pool.stops:
            return samples_until_right(self.pool.n, self.pool.c, k)
        return until_right(self.pool.values(every_k(int(k.max()))))[:, k - 1]

    def amounts(self, measure: str, accounting: Accounting, k: Counts) -> Floats:
        """What k samples of each shared problem take of a measure, problems x ks."""
        if measure == "samples":
            return self.until(k) if accounting == "stopping" else np.ones((len(self.pool.n), 1)) * k
        rates = self.rates[measure]
        return rates.until(self.until(k)) if accounting == "stopping" else rates.all_drawn(k)

    def ends(self, measure: str, k: int) -> Ends:
        """What a problem takes that stops at its first sample, and one that never does up to k."""
        ks = np.array([[1.0, k]])
        amounts = ks if measure == "samples" else self.rates[measure].until(ks)
        return Ends(*amounts.mean(axis=0).tolist())

    def total(self, measure: str, accounting: Accounting, k: Counts) -> Floats:
        """What k samples of every shared problem take together, at each k; samples are a problem's."""
        amounts = self.amounts(measure, accounting, k)
        return np.asarray(amounts.mean(axis=0) if measure == "samples" else amounts.sum(axis=0))

    @cached_property
    def curve(self) -> Floats:
        """Coverage at every k from 1."""
        return np.asarray(self.values(every_k(self.most)).mean(axis=0))


class _Rate(NamedTuple):
    samples: int
    prompts: int
    prompt_flops: float | None
    flops: float | None
    prompt_gpu_seconds: float
    gpu_seconds: float
    prompt_usd: float | None
    repeated_prompt_usd: float | None
    usd: float | None


def contenders(runs: Sequence[tuple[Run, int | None]], without: Collection[str] = ()) -> tuple[list[Contender], int]:
    """The runs, each with the k it is asked about, over the problems they share; and how many they do not share.

    without: keys of problems that are left out. UserError where nothing is left, or where a run has fewer samples.
    """
    if len({run.benchmark_id for run, _ in runs}) > 1:
        raise UserError("Runs of different benchmarks have no problems to compare; choose runs of one benchmark.")
    if len({k is None for _, k in runs}) > 1:
        raise UserError("Give each run the k to compare it at, such as 3@5, or none of them.")
    for named, times in Counter((run.id, k) for run, k in runs).items():
        if times > 1:
            raise UserError(
                f"Run {named[0]} is named twice"
                + ("" if named[1] is None else f" at k = {named[1]}")
                + ": a run does not differ from itself; name another, or another k (RUN@K)."
            )
    keys = [
        {problem.name: problem.id for problem in problems_of(run.id) if problem.name not in without} for run, _ in runs
    ]
    shared = set(keys[0]).intersection(*keys[1:])
    if not shared:
        raise UserError("These runs have no problem in common" + (" that is not known." if without else "."))
    compared = [
        _contender(run, k, [ids[key] for key in sorted(shared)]) for (run, k), ids in zip(runs, keys, strict=True)
    ]
    return compared, len(set().union(*keys)) - len(shared)


def measures(compared: Sequence[Contender]) -> list[str]:
    """The measures that are known of every run."""
    return ["samples", *(each for each in MEASURES[1:] if all(each in run.rates for run in compared))]


def _contender(run: Run, k: int | None, problem_ids: Sequence[int]) -> Contender:
    pool = read_pool(run.id, run.verifier_id).only(problem_ids)
    name = run.name or f"run {run.id}"
    if pool.least < 1 or np.isnan(pool.values(np.array([1]))).any():
        helps = (
            "wait, or compare other runs"
            if run.finished_at is None
            else (f"`monkeys watch {run.id}` says what failed, `monkeys resume {run.id}` tries it again")
        )
        raise UserError(f"Run {run.id} has problems without a verified sample; {helps}.")
    if k is not None and k > pool.least:
        raise UserError(
            f"Run {run.id} has {pool.least} verified samples of each shared problem, so its coverage at {k} is not "
            f"known; choose a k up to that, or draw more: monkeys extend {run.id} -n {k}."
        )
    if k is not None and np.isnan(pool.values(np.array([k]))).any():
        raise UserError(f"Coverage of run {run.id} at {k} is not known, since some problems wait for verdicts; wait.")
    return Contender(run.id, name, k, pool, _rates(run.id, problem_ids))


def _rates(run_id: int, problem_ids: Sequence[int]) -> dict[str, Rates]:
    """What problems' prompts and samples take, by those measures that are known of all of them and more than 0."""
    found = rows(
        _Rate,
        """
        select samples, prompts, prompt_flops, flops, prompt_gpu_seconds, gpu_seconds, prompt_usd, repeated_prompt_usd,
            usd
        from unnest(%s::bigint[]) with ordinality as shared (problem_id, place)
        join problem_rate as rate on rate.run_id = %s and rate.problem_id = shared.problem_id order by place
        """,
        (list(problem_ids), run_id),
    )
    if len(found) != len(problem_ids):
        return {}
    samples, prompts = (np.array([getattr(rate, name) for rate in found]) for name in ("samples", "prompts"))
    once = np.zeros(len(found))
    known = {}
    for measure in MEASURES[1:]:
        prompt, sample, repeated = (
            np.array([getattr(rate, name) for rate in found], dtype=np.float64)  # None becomes NaN
            for name in (f"prompt_{measure}", measure, "repeated_prompt_usd")
        )
        if (prompt + sample).sum() > 0:
            known[measure] = Rates(prompt, repeated if measure == "usd" else once, sample, prompts, samples)
    return known
