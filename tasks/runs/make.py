"""Making a run: its problems, prompts, batches and works in one transaction, then the first window of messages."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from models.database import query, transaction
from models.rows import benchmark_id, insert_problems, insert_prompts, insert_run, llm_id, same_run, verifier_id
from tasks.engines import check_arguments, engine_of, full_name, queue_of
from tasks.engines.replay import Recording
from tasks.engines.seeds import new_seed
from tasks.ledger import Making
from tasks.publish import publish
from tasks.stored import find_benchmark, find_verifier
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import UserError
from verifiers.verifier import Problem

BATCH_SIZE = 100
"""Samples of a batch unless a person says otherwise."""


@dataclass(frozen=True)
class RunRequest:
    """What a person asks for; None is the benchmark's own setting."""

    benchmark: str
    llm: str
    n: int
    name: str | None = None
    data: Path | None = None
    shots: Path | None = None
    prefix: str | None = None
    subset: str | None = None
    problems: Sequence[str] = ()
    limit: int | None = None
    verifier: str | None = None
    engine_args: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = BATCH_SIZE
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    max_tokens: int | None = None
    stop: Sequence[str] | None = None
    chat: bool = False
    token_logprobs: bool = False
    seeded: bool = False
    depth_first: bool = False
    stop_when_solved: bool = False
    budget_usd: float | None = None
    budget_gpu_hours: float | None = None
    budget_flops: float | None = None


@dataclass(frozen=True)
class Made:
    """A run's id, the queue of its llm, and whether it is new (else the same run existed under its name)."""

    run_id: int
    queue: str
    new: bool
    samples: int


def enqueue(request: RunRequest) -> Made:
    """Make a run and publish its first window; UserError, and nothing half-done, on a person's mistake."""
    benchmark = find_benchmark(request.benchmark)
    verifier = find_verifier(benchmark, request.verifier)
    problems, prompts = chosen_problems(request)
    llm = full_name(request.llm)
    if engine_of(llm) == "replay":
        check_recording(Recording(Path(llm.partition(":")[2])), (problem.key for problem in problems), request.n)
    check_arguments(llm, request.engine_args)
    settings = _settings(benchmark, request)
    stop_rule = _stop_rule(request, llm)
    identity = {
        "benchmark": request.benchmark,
        "llm": llm,
        "engine_args": dict(request.engine_args),
        "n": request.n,
        "batch_size": request.batch_size,
        "verifier": verifier.name,
        "settings": {**settings, "depth_first": request.depth_first},
        "stop_rule": stop_rule,
        "problems": [(problem.key, problem.content_hash) for problem in problems],
        "prompts": hashlib.sha256("\0".join(prompts).encode("utf-8", "surrogatepass")).hexdigest(),
    }
    settings_hash = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    with transaction() as connection:
        queue = queue_of(llm, request.engine_args)
        benchmark_row = benchmark_id(connection, request.benchmark)
        run_id = insert_run(
            connection,
            {
                "sampling": Jsonb({name: value for name, value in settings.items() if value is not None}),
                "depth_first": request.depth_first,
                "name": request.name,
                "benchmark_id": benchmark_row,
                "llm_id": llm_id(connection, llm, engine_of(llm), request.engine_args, queue),
                "verifier_id": verifier_id(connection, benchmark_row, verifier),
                "n": request.n,
                "batch_size": request.batch_size,
                "seed": new_seed(),
                "settings_hash": settings_hash,
                "stop_rule": Jsonb(stop_rule),
            },
        )
        if run_id is None:
            return Made(same_run(connection, request.name, settings_hash), queue, False, request.n * len(problems))
        problem_ids = insert_problems(connection, benchmark_row, problems)
        insert_prompts(connection, run_id, problem_ids, prompts)
        batches = batches_of(problem_ids, 0, request.n, request.batch_size, depth_first=request.depth_first)
        Making(connection, run_id).add_batches(queue, batches)
    publish(queue)
    return Made(run_id, queue, True, request.n * len(problems))


def chosen_problems(request: RunRequest) -> tuple[list[Problem], list[str]]:
    """A run's problems and prompts, in order; UserError on a person's mistake."""
    _check(request)
    benchmark = find_benchmark(request.benchmark)
    everything = benchmark.load(request.data)
    prompts = benchmark.prompts(everything, request.shots, request.prefix)
    places = _chosen(benchmark, everything, request)
    return [everything[place] for place in places], [prompts[place] for place in places]


def _check(request: RunRequest) -> None:
    """The mistakes that no benchmark needs to be loaded for."""
    if request.n < 1:
        raise UserError(f"-n must be at least 1, not {request.n}.")
    if request.batch_size < 1:
        raise UserError(f"--batch-size must be at least 1, not {request.batch_size}.")
    if request.temperature is not None and request.temperature < 0:
        raise UserError("--temperature must not be negative.")
    if request.max_tokens is not None and request.max_tokens < 1:
        raise UserError("--max-tokens must be at least 1.")
    if request.top_p is not None and not 0 < request.top_p <= 1:
        raise UserError("--top-p must be above 0 and at most 1.")
    if request.name is not None and (not request.name.strip() or request.name.isdigit()):
        raise UserError("--name must not be empty or a number, which would look like a run's id.")


def _chosen(benchmark: Benchmark, everything: Sequence[Problem], request: RunRequest) -> list[int]:
    """Places of the wanted problems: a subset, keys, or the first so many."""
    places = list(range(len(everything)))
    if request.subset is not None:
        if request.subset not in benchmark.subsets:
            known = ", ".join(benchmark.subsets) or "none"
            raise UserError(f"{benchmark.name} has no subset {request.subset!r}; it has {known}.")
        places = benchmark.subsets[request.subset](everything)
    if request.problems:
        by_key = {everything[place].key: place for place in places}
        for key in request.problems:
            if key not in by_key:
                raise UserError(f"There is no problem {key!r} among the {len(places)} problems.")
        places = [by_key[key] for key in request.problems]
    if request.limit is not None:
        if request.limit < 1:
            raise UserError(f"--limit must be at least 1, not {request.limit}.")
        places = places[: request.limit]
    return places


def _settings(benchmark: Benchmark, request: RunRequest) -> dict[str, Any]:
    own = benchmark.sampling
    return {
        "temperature": own.temperature if request.temperature is None else request.temperature,
        "top_p": own.top_p if request.top_p is None else request.top_p,
        "top_k": request.top_k,
        "min_p": request.min_p,
        "max_tokens": own.max_tokens if request.max_tokens is None else request.max_tokens,
        "stop": list(own.stop if request.stop is None else request.stop),
        "include_stop": own.include_stop,
        "chat": request.chat,
        "token_logprobs": request.token_logprobs,
        "seeded": request.seeded,
    }


def _stop_rule(request: RunRequest, llm: str) -> dict[str, Any]:
    """What ends the run early; UserError where it could never be known that a budget is spent."""
    engine = engine_of(llm)
    budgets = {"usd": request.budget_usd, "gpu_hours": request.budget_gpu_hours, "flops": request.budget_flops}
    rule: dict[str, Any] = {name: budget for name, budget in budgets.items() if budget is not None}
    for name, budget in rule.items():
        if not 0 < budget < float("inf"):
            raise UserError(f"--budget-{name.replace('_', '-')} must be above 0.")
    if "gpu_hours" in rule and engine == "openai":
        raise UserError("The GPU-hours of an endpoint are not known here; give --budget-usd.")
    if "flops" in rule and engine != "vllm":
        raise UserError(f"The FLOPs of {llm} are not known, since its sizes are not; only vLLM tells them.")
    if "usd" in rule and engine != "replay" and not _has_price(llm):
        raise UserError(f"--budget-usd needs a price of {llm}; `monkeys price` stores one.")
    if request.stop_when_solved:
        rule["when_solved"] = True
    return rule


def _has_price(llm: str) -> bool:
    return bool(query("select from price where llm = %s and since <= now() limit 1", (llm,)))


def check_recording(recording: Recording, keys: Iterable[str], n: int) -> None:
    """Raise UserError unless a recording has n samples of every problem."""
    for key in keys:
        recorded = recording.samples(key)
        if recorded < n:
            raise UserError(f"{recording.file} has {recorded} samples of problem {key!r}, not {n}.")


def batches_of(
    problem_ids: Sequence[int], first: int, n: int, size: int, *, depth_first: bool
) -> Iterator[tuple[int, int, int]]:
    """(problem, first index, size) over indices first..n-1; breadth first, so that early curves mean something."""
    starts = range(first, n, size)
    if depth_first:
        yield from ((problem, start, min(size, n - start)) for problem in problem_ids for start in starts)
    else:
        yield from ((problem, start, min(size, n - start)) for start in starts for problem in problem_ids)
