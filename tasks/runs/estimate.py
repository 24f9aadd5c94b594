"""What a run will take, going by what earlier runs of the same benchmark and llm took."""

from dataclasses import dataclass
from typing import NamedTuple

from models.database import rows
from tasks.engines import full_name, queue_of
from tasks.runs.request import RunRequest, check_request, chosen_problems
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
    prompt_tokens: int
    completion_tokens: int
    flops: float | None
    gpu_hours: float | None
    usd: float | None


class _Measured(NamedTuple):
    """What earlier samples took: their number, their runs, and means a problem (prompts) or a sample (the rest)."""

    samples: int
    runs: list[int]
    prompt_tokens: float | None
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
    measured = _measured(request.benchmark, queue_of(llm, request.engine_args))
    if not measured.samples:
        raise UserError(
            f"No sample of {llm} on {request.benchmark} was drawn yet, so nothing tells what a run takes; "
            f"enqueue a small one first: monkeys enqueue {request.benchmark} -m {request.llm} -n 4 --limit 20."
        )
    samples = request.n * len(problems)

    def over_all(mean: float | None) -> float | None:
        return None if mean is None else mean * samples

    flops = over_all(measured.completion_flops)
    gpu_seconds = over_all(measured.gpu_seconds)
    return RunEstimate(
        problems=len(problems),
        samples=samples,
        measured_samples=measured.samples,
        measured_runs=measured.runs,
        prompt_tokens=round((measured.prompt_tokens or 0) * len(problems)),
        completion_tokens=round((measured.completion_tokens or 0) * samples),
        flops=None if flops is None else flops + (measured.prompt_flops or 0) * len(problems),
        gpu_hours=None if not gpu_seconds else gpu_seconds / 3600,
        usd=over_all(measured.usd),
    )


def _measured(benchmark: str, queue: str) -> _Measured:
    (measured,) = rows(
        _Measured,
        """
        select coalesce(sum(cost.samples), 0)::bigint as samples,
            coalesce(array_agg(distinct run.id order by run.id) filter (where cost.samples > 0), '{}') as runs,
            avg(cost.prompt_tokens)::float8 as prompt_tokens,
            sum(cost.completion_tokens) / nullif(sum(cost.samples), 0)::float8 as completion_tokens,
            sum(cost.completion_flops) / nullif(sum(cost.samples), 0) as completion_flops,
            avg(cost.prompt_flops) as prompt_flops,
            sum(cost.gpu_seconds) / nullif(sum(cost.samples), 0) as gpu_seconds,
            sum(cost.usd) / nullif(sum(cost.samples) filter (where cost.usd is not null), 0) as usd
        from problem_cost as cost
        join run on run.id = cost.run_id
        join benchmark on benchmark.id = run.benchmark_id
        join llm on llm.id = run.llm_id
        where benchmark.name = %s and llm.queue = %s
        """,
        (benchmark, queue),
    )
    return measured
