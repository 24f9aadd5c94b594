"""Where the next samples of a run are likeliest to solve a problem, and what they take."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.database import rows
from models.questions.pace import seconds_for
from models.statistics.coverage import Counts
from models.statistics.intervals import Floats, known
from models.statistics.planning import all_wrong, allot, prior_of
from models.tables import Run
from verifiers.errors import UserError

PRICES = ("usd", "flops", "samples")
"""What a sample is priced in: the first that is known of every unsolved problem."""


class Allotment(NamedTuple):
    """What a plan gives an unsolved problem; chances are by the posterior."""

    problem_id: int
    problem_key: str
    samples: int
    """Judged, all wrong."""
    waiting: int
    """Asked for, and not judged yet."""
    chance_of_next_batch: float
    """That a batch more, after those that wait, solves it."""
    samples_planned: int
    chance_of_planned: float
    """That the samples planned solve it."""


@dataclass(frozen=True)
class SamplePlan:
    """Samples for a run's unsolved problems, beside as many, or as dear ones, for all problems alike."""

    run_id: int
    problems: list[Allotment]
    """The unsolved ones, in the order of the run."""
    problems_in_all: int
    samples: int
    priced_by: str
    """One of PRICES."""
    doubt: str
    """Why the weak prior stands in for the run's own; empty where that does not."""
    solved: float
    """Problems that the plan is expected to solve."""
    uniform_samples: float
    """Samples that the same money buys of all problems alike."""
    uniform_solved: float
    usd: float | None
    flops: float | None
    gpu_hours: float | None
    seconds: float | None
    """At the pace of the last samples of this llm; None where none are known."""


class _Problem(NamedTuple):
    problem_id: int
    problem_key: str
    decided: int
    correct: int
    waiting: int
    usd: float | None
    flops: float | None
    gpu_seconds: float | None


def plan(run: Run, samples: int) -> SamplePlan:
    """Share samples out over a run's unsolved problems; UserError where there is none."""
    problems = _problems(run.id or 0)
    unsolved = [problem for problem in problems if not problem.correct]
    if not unsolved:
        raise UserError(f"Every problem of run {run.id} has a right sample, so more samples solve none.")
    prior = prior_of([each.decided for each in problems], [each.correct for each in problems])
    priced_by, prices = _prices(problems)
    place = [index for index, problem in enumerate(problems) if not problem.correct]
    n, waiting = (np.array([getattr(each, name) for each in unsolved]) for name in ("decided", "waiting"))
    planned = allot(prior.law, n, waiting, prices[place], samples, run.batch_size)
    before = all_wrong(prior.law, n, waiting)
    uniform = float((planned * prices[place]).sum() / prices.sum())
    next_batch, solved, fewer, more = (
        before - all_wrong(prior.law, n, waiting + each)
        for each in (run.batch_size, planned, np.floor(uniform), np.ceil(uniform))
    )
    alike = fewer + (uniform - np.floor(uniform)) * (more - fewer)  # there is no part of a sample
    allotted = [
        Allotment(each.problem_id, each.problem_key, each.decided, each.waiting, *numbers)
        for each, *numbers in zip(unsolved, next_batch.tolist(), planned.tolist(), solved.tolist(), strict=True)
    ]
    usd, flops, gpu_seconds = (_total(unsolved, planned, name) for name in ("usd", "flops", "gpu_seconds"))
    return SamplePlan(
        run_id=run.id or 0,
        problems=allotted,
        problems_in_all=len(problems),
        samples=samples,
        priced_by=priced_by,
        doubt=prior.doubt,
        solved=float(solved.sum()),
        uniform_samples=uniform * len(problems),
        uniform_solved=float(alike.sum()),
        usd=usd,
        flops=flops,
        gpu_hours=None if not gpu_seconds else gpu_seconds / 3600,
        seconds=seconds_for(run.llm_id, run.benchmark_id, samples),
    )


def _prices(problems: list[_Problem]) -> tuple[str, Floats]:
    """What a sample of each problem is priced in, and its price, by those of which it is known of all."""
    for name in PRICES[:-1]:
        prices = np.array([getattr(problem, name) for problem in problems], dtype=np.float64)  # None becomes NaN
        if (prices > 0).all():
            return name, prices
    return "samples", np.ones(len(problems))


def _total(problems: list[_Problem], planned: Counts, name: str) -> float | None:
    rates = np.array([getattr(problem, name) for problem in problems], dtype=np.float64)
    return known(float((rates * planned)[planned > 0].sum()))


def _problems(run_id: int) -> list[_Problem]:
    """Every problem, with what its samples came to, those that are on their way, and what one of its samples took."""
    return rows(
        _Problem,
        """
        with open as (
            select batch.problem_id, sum(batch.size) filter (where generate.state in ('ready', 'published', 'leased')
                or generate.state = 'done' and judge.state in ('ready', 'published', 'leased')) as samples
            from batch
            join run on run.id = batch.run_id
            join work as generate on generate.batch_id = batch.id and generate.kind = 'generate'
            left join work as judge on judge.batch_id = batch.id and judge.kind = 'verify'
                and judge.verifier_id = run.verifier_id
            where batch.run_id = %(run)s group by batch.problem_id
        )
        select tally.problem_id, tally.problem_key, tally.samples - tally.undecided as decided, tally.correct,
            coalesce(open.samples, 0)::bigint as waiting,
            rate.usd + coalesce(rate.repeated_prompt_usd * rate.prompts / rate.samples, 0) as usd, rate.flops,
            rate.gpu_seconds
        from problem_tally as tally
        join prompt on prompt.run_id = tally.run_id and prompt.problem_id = tally.problem_id
        left join open on open.problem_id = tally.problem_id
        left join problem_rate as rate on rate.run_id = tally.run_id and rate.problem_id = tally.problem_id
        where tally.run_id = %(run)s order by prompt.position
        """,
        {"run": run_id},
    )
