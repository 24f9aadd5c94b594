"""What a run will take, going by what earlier runs of the same benchmark and llm took."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from models.database import rows
from models.questions.pace import seconds_for
from models.tables import Run
from tasks.engines import full_name, queue_of
from tasks.runs.request import RunRequest, check_request, chosen_problems
from verifiers.benchmarks import find_benchmark
from verifiers.errors import UserError


@dataclass(frozen=True)
class RunEstimate:
    """A run's size and expected cost; null where neither runs nor prices tell."""

    problems: int
    samples: int
    measured_samples: int
    """Samples of earlier runs that this goes by."""
    measured_runs: list[int]
    """Those runs."""
    prompt_tokens: int | None
    """Each problem's prompt once."""
    billed_prompt_tokens: int | None
    completion_tokens: int | None
    flops: float | None
    gpu_hours: float | None
    usd: float | None
    hours: float | None
    """At the pace of the last samples of this llm and benchmark."""
    samples_in_budget: int | None
    """Samples of each problem that the budgets given buy; None without one, or where one is not measured."""


class _Measured(NamedTuple):
    """What earlier samples took: their number, their runs, and means a problem (prompts) or a sample (the rest).

    Each mean is over those problems of which it is known.
    """

    samples: int
    runs: list[int]
    llm_id: int | None
    benchmark_id: int | None
    prompt_tokens: float | None
    billed_prompt_tokens: float | None
    completion_tokens: float | None
    completion_flops: float | None
    prompt_flops: float | None
    prompt_gpu_seconds: float | None
    gpu_seconds: float | None
    prompt_usd: float | None
    usd: float | None


def estimate(request: RunRequest) -> RunEstimate:
    """An estimate; UserError where no sample of this llm on this benchmark was ever drawn."""
    check_request(request)
    problems, _ = chosen_problems(request)
    llm = full_name(request.llm)
    measured = _measured(find_benchmark(request.benchmark).name, queue_of(llm, request.engine_args))
    if not measured.samples:
        raise UserError(
            f"No sample of {llm} on {request.benchmark} was drawn yet, so nothing tells what a run takes; "
            f"enqueue a small one first: monkeys enqueue {request.benchmark} -m {request.llm} -n 4 --limit 20."
        )
    samples = request.n * len(problems)

    def over_all(mean: float | None, times: int = samples) -> float | None:
        return None if mean is None else mean * times

    rates = _rates(measured)
    flops, gpu_seconds, usd = (
        None if rate is None else len(problems) * (rate[0] + request.n * rate[1])
        for rate in (rates["flops"], rates["gpu_seconds"], rates["usd"])
    )
    return RunEstimate(
        problems=len(problems),
        samples=samples,
        measured_samples=measured.samples,
        measured_runs=measured.runs,
        prompt_tokens=_whole(over_all(measured.prompt_tokens, len(problems))),
        billed_prompt_tokens=_whole(over_all(measured.billed_prompt_tokens)),
        completion_tokens=_whole(over_all(measured.completion_tokens)),
        flops=flops,
        gpu_hours=None if not gpu_seconds else gpu_seconds / 3600,
        usd=usd,
        hours=_hours(measured, samples),
        samples_in_budget=_within(request, rates, len(problems)),
    )


def _rates(measured: _Measured) -> dict[str, tuple[float, float] | None]:
    """By measure, what a problem's prompt and one of its samples take, where both are known."""
    pairs = {
        "flops": (measured.prompt_flops, measured.completion_flops),
        "gpu_seconds": (measured.prompt_gpu_seconds, measured.gpu_seconds),
        "usd": (measured.prompt_usd, measured.usd),
    }
    return {name: None if once is None or each is None else (once, each) for name, (once, each) in pairs.items()}


def _hours(measured: _Measured, samples: int) -> float | None:
    if measured.llm_id is None or measured.benchmark_id is None:
        return None
    seconds = seconds_for(measured.llm_id, measured.benchmark_id, samples)
    return None if seconds is None else seconds / 3600


def _within(request: RunRequest, rates: Mapping[str, tuple[float, float] | None], problems: int) -> int | None:
    """Samples of each problem that every budget given allows; None where one is not measured."""
    hours = request.budget_gpu_hours
    budgets = {
        "flops": request.budget_flops,
        "gpu_seconds": None if hours is None else hours * 3600,
        "usd": request.budget_usd,
    }
    allowed = []
    for name, budget in budgets.items():
        if budget is None:
            continue
        rate = rates[name]
        if rate is None or rate[1] <= 0:
            return None
        allowed.append(int(max(budget / problems - rate[0], 0) / rate[1] * (1 + 1e-9)))
    return min(allowed) if allowed else None


def last_run(request: RunRequest) -> Run | None:
    """The last run of this llm on this benchmark that has a sample; None where there is none."""
    check_request(request)
    measured = _measured(find_benchmark(request.benchmark).name, queue_of(full_name(request.llm), request.engine_args))
    if not measured.runs:
        return None
    (run,) = rows(Run, "select * from run where id = %s", (measured.runs[-1],))
    return run


def _whole(amount: float | None) -> int | None:
    return None if amount is None else round(amount)


def _measured(benchmark: str, queue: str) -> _Measured:
    (measured,) = rows(
        _Measured,
        """
        select coalesce(sum(cost.samples), 0)::bigint as samples,
            coalesce(array_agg(distinct run.id order by run.id), '{}') as runs,
            max(run.llm_id) as llm_id, max(run.benchmark_id) as benchmark_id,
            avg(cost.prompt_tokens)::float8 as prompt_tokens,
            sum(cost.billed_prompt_tokens)::float8
                / sum(cost.samples) filter (where cost.billed_prompt_tokens is not null)::float8
                as billed_prompt_tokens,
            sum(cost.completion_tokens)::float8
                / sum(cost.samples) filter (where cost.completion_tokens is not null)::float8 as completion_tokens,
            sum(cost.completion_flops) / sum(cost.samples) filter (where cost.completion_flops is not null)
                as completion_flops,
            avg(cost.prompt_flops) as prompt_flops,
            avg(rate.prompt_gpu_seconds) as prompt_gpu_seconds,
            sum(rate.gpu_seconds * cost.samples) / sum(cost.samples) as gpu_seconds,
            avg(rate.prompt_usd) as prompt_usd,
            sum(rate.usd * cost.samples + rate.repeated_prompt_usd * (cost.prompts - 1))
                / sum(cost.samples) filter (where rate.usd is not null) as usd
        from problem_cost as cost
        join problem_rate as rate on rate.run_id = cost.run_id and rate.problem_id = cost.problem_id
        join run on run.id = cost.run_id
        join benchmark on benchmark.id = run.benchmark_id
        join llm on llm.id = run.llm_id
        where benchmark.name = %s and llm.queue = %s and cost.samples > 0
        """,
        (benchmark, queue),
    )
    return measured
