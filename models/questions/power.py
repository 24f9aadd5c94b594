"""What it takes to see a difference between two llms: problems, samples, time and money."""

from typing import NamedTuple

from models.analysis.pool import read_pool
from models.database import rows
from models.questions.pace import seconds_for
from models.statistics.planning import prior_of
from models.statistics.power import UNIFORM, designs
from models.tables import Run
from verifiers.errors import UserError

CORRELATION = 0.5
"""Of the two llms' chances on the same problems, where nobody knows better."""

TIMES = (1, 2, 5, 10, 20)
"""Samples of each problem, in units of k."""


class NeededFor(NamedTuple):
    """Problems and samples of each of two llms that tell a difference in four of five draws; costs are of one llm."""

    difference: float
    k: int
    samples_each: int
    """Of each problem."""
    problems: int | None
    samples: int | None
    hours: float | None
    gpu_hours: float | None
    flops: float | None
    usd: float | None


class _Rate(NamedTuple):
    """What a mean problem's prompt and one of its samples take."""

    prompt_usd: float | None
    usd: float | None
    prompt_flops: float | None
    flops: float | None
    prompt_gpu_seconds: float | None
    gpu_seconds: float | None


def needed_for(run: Run | None, difference: float, k: int, correlation: float) -> tuple[list[NeededFor], str]:
    """Designs by a run's outcomes and costs, or by assumed ones without a run; and what was assumed, as a sentence."""
    law, of = UNIFORM, "no run tells, so that chances of a right sample are spread evenly from 0 to 1"
    if run is not None:
        pool = read_pool(run.id or 0, run.verifier_id)
        prior = prior_of(pool.n, pool.c)
        if prior.doubt:
            of = f"run {run.id} does not tell ({prior.doubt}), so that chances are spread evenly from 0 to 1"
        else:
            law, of = prior.law, f"chances of a right sample are spread as in run {run.id}"
    ns = [k * times for times in TIMES]
    try:
        found = designs(law, difference, k, ns, correlation)
    except ValueError as error:
        raise UserError(
            f"A difference of {100 * difference:g} points cannot be: {error}; give a smaller one."
        ) from error
    said = (
        f"Assumed: {of}; the other llm's are correlated with them by {correlation:g} (--correlation). In four of five "
        f"draws `monkeys compare` then tells {100 * difference:g} points at k = {k} from none. Each row is of one llm."
    )
    return [_design(run, difference, k, each.samples, each.problems) for each in found], said


def _design(run: Run | None, difference: float, k: int, each: int, problems: int | None) -> NeededFor:
    samples = None if problems is None else problems * each
    if run is None or samples is None or problems is None:
        return NeededFor(difference, k, each, problems, samples, None, None, None, None)
    seconds, rate = seconds_for(run.llm_id, run.benchmark_id, samples), _rate(run.id or 0)

    def takes(prompt: float | None, sample: float | None) -> float | None:
        return None if prompt is None or sample is None else problems * prompt + samples * sample

    gpu_seconds = takes(rate.prompt_gpu_seconds, rate.gpu_seconds)
    return NeededFor(
        difference=difference,
        k=k,
        samples_each=each,
        problems=problems,
        samples=samples,
        hours=None if seconds is None else seconds / 3600,
        gpu_hours=None if not gpu_seconds else gpu_seconds / 3600,
        flops=takes(rate.prompt_flops, rate.flops),
        usd=takes(rate.prompt_usd, rate.usd),
    )


def _rate(run_id: int) -> _Rate:
    (rate,) = rows(
        _Rate,
        """
        select avg(prompt_usd) as prompt_usd, avg(usd + repeated_prompt_usd * (prompts - 1) / samples) as usd,
            avg(prompt_flops) as prompt_flops, avg(flops) as flops, avg(prompt_gpu_seconds) as prompt_gpu_seconds,
            avg(gpu_seconds) as gpu_seconds
        from problem_rate where run_id = %s
        """,
        (run_id,),
    )
    return rate
