"""Making a run: its problems, prompts, batches and works in one transaction, then the first window of messages."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from models.database import Connection, transaction
from models.questions.find import loaded_llms
from models.questions.prices import tier_of
from models.rows import benchmark_id, insert_problems, insert_prompts, insert_run, llm_id, same_run, verifier_id
from models.tables import Run
from tasks.engines import check_arguments, engine_of, full_name, queue_of
from tasks.engines.engine import Load
from tasks.engines.known import check_known
from tasks.engines.replay import check_recording
from tasks.engines.seeds import new_seed
from tasks.ledger import Making
from tasks.publish import publish
from tasks.runs.own import Serve, make_ready
from tasks.runs.request import (
    RunRequest,
    batch_sizes,
    check_request,
    chosen_problems,
    chosen_sampling,
    default_thinking,
    stop_rule,
)
from verifiers.benchmarks import find_benchmark, find_verifier
from verifiers.benchmarks.benchmark import Benchmark, Sampling
from verifiers.verifier import Problem, Verifier


@dataclass(frozen=True)
class Made:
    """A run's id, the queue of its llm, and whether it is new (else the same run existed under its name)."""

    run_id: int
    queue: str
    new: bool
    samples: int
    notes: Sequence[str] = ()
    """What a person is to know of its endpoint."""


@dataclass(frozen=True)
class Plan:
    """A request with everything decided that the run will be."""

    request: RunRequest
    benchmark: Benchmark
    llm: str
    queue: str
    verifier: Verifier
    sampling: Sampling
    thinking: str
    stop_rule: dict[str, Any]
    problems: Sequence[Problem]
    prompts: Sequence[str]
    left_out: Sequence[str] = ()
    notes: Sequence[str] = ()


def enqueue(request: RunRequest, serve: Serve = lambda _: None) -> Made:
    """Make a run and publish its first window; UserError, and nothing half-done, on a person's mistake.

    A person's own benchmark is stored, and `serve` sees to a worker, before an endpoint is asked or a run made.
    """
    plan = _plan(request)
    make_ready(plan.benchmark, serve)
    plan = _asked_first(plan)
    samples = request.n * len(plan.problems)
    settings_hash = _settings_hash(plan)
    with transaction() as connection:
        benchmark = benchmark_id(connection, plan.benchmark.name, plan.benchmark.code)
        run_id = insert_run(connection, _run(connection, plan, benchmark, settings_hash))
        if run_id is None:
            return Made(same_run(connection, request.name, settings_hash), plan.queue, False, samples, plan.notes)
        problem_ids = insert_problems(connection, benchmark, plan.problems)
        insert_prompts(connection, run_id, problem_ids, plan.prompts)
        making = Making(connection, run_id)
        size, first_size = batch_sizes(request)
        depth_first = request.depth_first
        making.add_batches(
            plan.queue, problem_ids, range(request.n), size, depth_first=depth_first, first_size=first_size
        )
    publish(plan.queue)
    return Made(run_id, plan.queue, True, samples, plan.notes)


def _plan(request: RunRequest) -> Plan:
    check_request(request)
    llm = full_name(request.llm)
    check_arguments(llm, request.engine_args)
    benchmark = find_benchmark(request.benchmark)
    verifier = find_verifier(benchmark, request.verifier)
    problems, prompts = chosen_problems(request)
    known = check_known(llm, request.engine_args, chosen_sampling(request), loaded_llms()) if request.probe else []
    check_recording(llm, {problem.key: request.n for problem in problems})
    sampling = chosen_sampling(request)
    return Plan(
        request=request,
        benchmark=benchmark,
        llm=llm,
        queue=queue_of(llm, request.engine_args),
        verifier=verifier,
        sampling=sampling,
        thinking=request.thinking or default_thinking(sampling),
        stop_rule=stop_rule(request, llm),
        problems=problems,
        prompts=prompts,
        notes=[*known, *_of_submissions(request, llm)],
    )


def _of_submissions(request: RunRequest, llm: str) -> list[str]:
    """That a rule which is to end a run early cannot call back what a provider's batch API has."""
    if not stop_rule(request, llm).keys() - {"usd"} or tier_of(request.engine_args) != "batch":
        return []
    from tasks.engines.openai_batch import MOST_LINES

    return [
        f"Up to {MOST_LINES:,} samples go to the provider at a time, and all that did are paid: a stopping rule is "
        "looked at between submissions only. A smaller -n, and `monkeys extend` later, spend less at a time."
    ]


def _asked_first(plan: Plan) -> Plan:
    """A plan with what its endpoint leaves out; UserError for what it refuses, before anything is stored or costs."""
    if engine_of(plan.llm) != "openai" or not plan.request.probe:
        return plan
    from tasks.engines.openai_probe import probe

    probed = probe(Load(plan.llm, plan.request.engine_args), plan.sampling)
    left_out = sorted(probed.left_out)
    notes = [f"{', '.join(left_out)} left out: the endpoint refuses it, and samples do not depend on it."]
    return replace(plan, left_out=left_out, notes=[*plan.notes, *probed.notes, *(notes if left_out else [])])


def _run(connection: Connection, plan: Plan, benchmark: int, settings_hash: str) -> Run:
    request = plan.request
    return Run(
        name=request.name,
        benchmark_id=benchmark,
        llm_id=llm_id(connection, plan.llm, engine_of(plan.llm), request.engine_args, plan.queue),
        verifier_id=verifier_id(connection, benchmark, plan.verifier, plan.benchmark.code),
        n=request.n,
        batch_size=batch_sizes(request)[0],
        sampling=plan.sampling.stored(),
        thinking=plan.thinking,
        seed=new_seed(),
        depth_first=request.depth_first,
        stop_rule=plan.stop_rule,
        settings_hash=settings_hash,
        left_out=list(plan.left_out),
    )


def _settings_hash(plan: Plan) -> str:
    """Over everything a person chose; it stays what it was, so that a name finds its run after an upgrade too."""
    request = plan.request
    always = {"top_k": None, "min_p": None, "depth_first": request.depth_first}
    code = {} if plan.benchmark.code is None else {"code": plan.benchmark.code.digest}
    split = {} if plan.thinking == default_thinking(plan.sampling) else {"thinking": plan.thinking}
    identity = {
        "benchmark": plan.benchmark.name,
        "llm": plan.llm,
        "engine_args": dict(request.engine_args),
        "n": request.n,
        "batch_size": batch_sizes(request)[0],
        "verifier": plan.verifier.name,
        "settings": always | code | split | plan.sampling.stored(),
        "stop_rule": plan.stop_rule,
        "problems": [(problem.key, problem.content_hash) for problem in plan.problems],
        "prompts": hashlib.sha256("\0".join(plan.prompts).encode("utf-8", "surrogatepass")).hexdigest(),
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
