"""What a run will take, going by what earlier runs of the same benchmark and llm took."""

from dataclasses import dataclass

from models.database import query
from tasks.engines import full_name, queue_of
from tasks.runs.make import RunRequest, chosen_problems
from verifiers.errors import UserError


@dataclass(frozen=True)
class Estimate:
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


def estimate(request: RunRequest) -> Estimate:
    """An estimate; UserError where no sample of this llm on this benchmark was ever drawn."""
    problems, _ = chosen_problems(request)
    llm = full_name(request.llm)
    (row,) = query(
        """
        select coalesce(sum(each.samples), 0)::bigint as samples,
            coalesce(array_agg(distinct run.id order by run.id) filter (where each.samples > 0), '{}') as runs,
            avg(each.prompt_tokens)::float8 as prompt_tokens,
            sum(each.completion_tokens) / nullif(sum(each.samples), 0)::float8 as completion_tokens,
            sum(each.completion_flops) / nullif(sum(each.samples), 0) as completion_flops,
            avg(each.prompt_flops) as prompt_flops,
            sum(each.gpu_seconds) / nullif(sum(each.samples), 0) as gpu_seconds,
            sum(each.usd) / nullif(sum(each.samples) filter (where each.usd is not null), 0) as usd
        from problem_cost as each
        join run on run.id = each.run_id
        join benchmark on benchmark.id = run.benchmark_id
        join llm on llm.id = run.llm_id
        where benchmark.name = %s and llm.queue = %s
        """,
        (request.benchmark, queue_of(llm, request.engine_args)),
    )
    measured = row["samples"]
    if not measured:
        raise UserError(
            f"No sample of {llm} on {request.benchmark} was drawn yet, so nothing tells what a run takes; "
            f"enqueue a small one first: monkeys enqueue {request.benchmark} -m {request.llm} -n 4 --limit 20."
        )
    samples = request.n * len(problems)

    def over_all(each: float | None) -> float | None:
        return None if each is None else each * samples

    flops = over_all(row["completion_flops"])
    gpu_seconds = over_all(row["gpu_seconds"])
    return Estimate(
        problems=len(problems),
        samples=samples,
        measured_samples=measured,
        measured_runs=row["runs"],
        prompt_tokens=round((row["prompt_tokens"] or 0) * len(problems)),
        completion_tokens=round((row["completion_tokens"] or 0) * samples),
        flops=None if flops is None else flops + (row["prompt_flops"] or 0) * len(problems),
        gpu_hours=None if not gpu_seconds else gpu_seconds / 3600,
        usd=over_all(row["usd"]),
    )
