"""What a run will take, going by what earlier runs of the same benchmark and llm took."""

from dataclasses import dataclass
from typing import NamedTuple

from models.database import rows
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


class _Measured(NamedTuple):
    """What earlier samples took: their number, their runs, and means a problem (prompts) or a sample (the rest).

    Each mean is over those problems of which it is known.
    """

    samples: int
    runs: list[int]
    prompt_tokens: float | None
    billed_prompt_tokens: float | None
    completion_tokens: float | None
    completion_flops: float | None
    prompt_flops: float | None
    gpu_seconds: float | None
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

    prompt_flops, flops = over_all(measured.prompt_flops, len(problems)), over_all(measured.completion_flops)
    gpu_seconds = over_all(measured.gpu_seconds)
    return RunEstimate(
        problems=len(problems),
        samples=samples,
        measured_samples=measured.samples,
        measured_runs=measured.runs,
        prompt_tokens=_whole(over_all(measured.prompt_tokens, len(problems))),
        billed_prompt_tokens=_whole(over_all(measured.billed_prompt_tokens)),
        completion_tokens=_whole(over_all(measured.completion_tokens)),
        flops=None if flops is None or prompt_flops is None else flops + prompt_flops,
        gpu_hours=None if not gpu_seconds else gpu_seconds / 3600,
        usd=over_all(measured.usd),
    )


def _whole(amount: float | None) -> int | None:
    return None if amount is None else round(amount)


def _measured(benchmark: str, queue: str) -> _Measured:
    (measured,) = rows(
        _Measured,
        """
        select coalesce(sum(cost.samples), 0)::bigint as samples,
            coalesce(array_agg(distinct run.id order by run.id), '{}') as runs,
            avg(cost.prompt_tokens)::float8 as prompt_tokens,
            sum(cost.billed_prompt_tokens)::float8
                / sum(cost.samples) filter (where cost.billed_prompt_tokens is not null)::float8
                as billed_prompt_tokens,
            sum(cost.completion_tokens)::float8
                / sum(cost.samples) filter (where cost.completion_tokens is not null)::float8 as completion_tokens,
            sum(cost.completion_flops) / sum(cost.samples) filter (where cost.completion_flops is not null)
                as completion_flops,
            avg(cost.prompt_flops) as prompt_flops,
            sum(cost.gpu_seconds) / sum(cost.samples) as gpu_seconds,
            sum(cost.usd) / sum(cost.samples) filter (where cost.usd is not null) as usd
        from problem_cost as cost
        join run on run.id = cost.run_id
        join benchmark on benchmark.id = run.benchmark_id
        join llm on llm.id = run.llm_id
        where benchmark.name = %s and llm.queue = %s and cost.samples > 0
        """,
        (benchmark, queue),
    )
    return measured
