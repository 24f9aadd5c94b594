"""Making a run: its problems, prompts, batches and works in one transaction, then the first window of messages."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg.types.json import Jsonb

from models.database import Connection, query, transaction
from tasks import ledger
from tasks.engines import check_arguments, engine_of, full_name, queue_of
from tasks.engines.replay import Recording
from tasks.publish import publish
from tasks.seeds import new_seed
from tasks.stored import find_benchmark, find_verifier
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.errors import UserError
from verifiers.verifier import Problem, Verifier

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
        "settings": {**settings, "stop": list(settings["stop"])},
        "stop_rule": stop_rule,
        "problems": [(problem.key, problem.content_hash) for problem in problems],
        "prompts": hashlib.sha256("\0".join(prompts).encode("utf-8", "surrogatepass")).hexdigest(),
    }
    settings_hash = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    with transaction() as connection:
        benchmark_id = benchmark_row(connection, request.benchmark)
        run_id = insert_run(
            connection,
            {
                **settings,
                "name": request.name,
                "benchmark_id": benchmark_id,
                "llm_id": llm_id(connection, llm, request.engine_args),
                "verifier_id": verifier_id(connection, benchmark_id, verifier),
                "n": request.n,
                "batch_size": request.batch_size,
                "seed": new_seed(),
                "settings_hash": settings_hash,
                "stop": Jsonb(list(settings["stop"])),
                "stop_rule": Jsonb(stop_rule),
            },
        )
        queue = queue_of(llm, request.engine_args)
        if run_id is None:
            return Made(same_run(connection, request.name, settings_hash), queue, False, request.n * len(problems))
        problem_ids = insert_problems(connection, benchmark_id, problems)
        insert_prompts(connection, run_id, problem_ids, prompts)
        batches = batches_of(problem_ids, 0, request.n, request.batch_size, depth_first=request.depth_first)
        ledger.add_batches(connection, run_id, queue, batches)
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
        "stop": tuple(own.stop if request.stop is None else request.stop),
        "include_stop": own.include_stop,
        "chat": request.chat,
        "token_logprobs": request.token_logprobs,
        "seeded": request.seeded,
        "depth_first": request.depth_first,
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


def benchmark_row(connection: Connection, name: str) -> int:
    """The row of a benchmark, made where it is new."""
    return _upsert(connection, "benchmark", {"name": name}, ["name"])


def llm_id(connection: Connection, name: str, engine_args: Mapping[str, Any]) -> int:
    """The row of an llm, made where it is new."""
    row = {
        "name": name,
        "engine": engine_of(name),
        "engine_args": Jsonb(dict(engine_args)),
        "queue": queue_of(name, engine_args),
    }
    return _upsert(connection, "llm", row, ["name", "engine_args"])


def verifier_id(connection: Connection, benchmark_id: int, verifier: Verifier) -> int:
    """The row of a verifier's version, made where it is new."""
    row = {
        "benchmark_id": benchmark_id,
        "name": verifier.name,
        "version": verifier.version,
        "queue": verifier.queue,
    }
    return _upsert(connection, "verifier", row, ["benchmark_id", "name", "version"])


def _upsert(connection: Connection, table: str, row: dict[str, Any], key: Sequence[str]) -> int:
    """Insert a row unless its key exists; return its id either way. Names come from this file, never from outside."""
    columns = ", ".join(row)
    values = ", ".join(f"%({column})s" for column in row)
    connection.execute(f"insert into {table} ({columns}) values ({values}) on conflict do nothing", row)
    same = " and ".join(f"{column} = %({column})s" for column in key)
    found = connection.execute(f"select id from {table} where {same}", row).fetchone()
    assert found is not None
    return int(found["id"])


def insert_run(connection: Connection, row: dict[str, Any]) -> int | None:
    """The new run's id; None where its name is taken."""
    columns = ", ".join(row)
    values = ", ".join(f"%({column})s" for column in row)
    made = connection.execute(
        f"insert into run ({columns}) values ({values}) on conflict (name) do nothing returning id", row
    ).fetchone()
    return None if made is None else int(made["id"])


def same_run(connection: Connection, name: str | None, settings_hash: str) -> int:
    row = connection.execute("select id, settings_hash from run where name = %s", (name,)).fetchone()
    assert row is not None
    if row["settings_hash"] != settings_hash:
        raise UserError(f"There is a run named {name!r} with other settings (run {row['id']}); choose another name.")
    return int(row["id"])


def insert_problems(connection: Connection, benchmark_id: int, problems: Sequence[Problem]) -> list[int]:
    """The ids of problems, in order; those that are new are inserted."""
    rows = {
        "benchmark": benchmark_id,
        "keys": [problem.key for problem in problems],
        "hashes": [problem.content_hash for problem in problems],
        "data": [Jsonb(_fit_for_postgres(problem.data)) for problem in problems],
    }
    connection.execute(
        """
        insert into problem (benchmark_id, key, content_hash, data)
        select %(benchmark)s, * from unnest(%(keys)s::text[], %(hashes)s::text[], %(data)s::jsonb[])
        on conflict do nothing
        """,
        rows,
    )
    found = connection.execute(
        """
        select id from unnest(%(keys)s::text[], %(hashes)s::text[]) with ordinality as wanted (key, hash, place)
        join problem on problem.benchmark_id = %(benchmark)s and problem.key = wanted.key
            and problem.content_hash = wanted.hash
        order by place
        """,
        rows,
    ).fetchall()
    return [row["id"] for row in found]


def _fit_for_postgres(value: Any) -> Any:
    """The same JSON value with every text as Postgres can hold it."""
    if isinstance(value, str):
        return ledger.storable(value)
    if isinstance(value, Mapping):
        return {ledger.storable(str(key)): _fit_for_postgres(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_fit_for_postgres(each) for each in value]
    return value


def insert_prompts(connection: Connection, run_id: int, problem_ids: Sequence[int], texts: Sequence[str]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy("copy prompt (run_id, problem_id, position, text) from stdin") as copy,
    ):
        for position, (problem_id, text) in enumerate(zip(problem_ids, texts, strict=True)):
            copy.write_row((run_id, problem_id, position, ledger.storable(text)))
