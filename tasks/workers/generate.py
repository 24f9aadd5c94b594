"""A generate work: one batch through the engine, in one transaction into the table. It never parses what came."""

from functools import lru_cache
from threading import Event
from typing import Any

from celery import Task

from models.cost import completion_flops
from models.database import transaction
from tasks import ledger
from tasks.app import app
from tasks.engines.engine import Completion, Engine, Request
from tasks.engines.seeds import seeds_of
from tasks.ledger import Lease, Usage
from tasks.patience import patiently
from tasks.publish import publish
from tasks.workers.engaged import Engaged
from verifiers.benchmarks.benchmark import Sampling

_engaged: Engaged[Engine] | None = None


def use_engine(engine: Engine) -> None:
    """Make an engine the one that this process samples with."""
    global _engaged
    _engaged = Engaged(engine)


@app.task(name="generate", bind=True)
def generate(task: Task, work_id: int) -> str:  # type: ignore[type-arg]
    """Sample one batch. Returns what Flower shows."""
    if _engaged is None:
        raise RuntimeError("this worker has no engine")
    return _engaged.work_off(task, work_id, _sample, _keep)


def _sample(engine: Engine, lease: Lease, stop: Event) -> list[Completion]:
    request = patiently(lambda: _request(lease))
    return engine.sample(request, stop)


def _keep(engine: Engine, lease: Lease, completions: list[Completion], gpu_seconds: float) -> str:
    usage = _usage(completions, engine, gpu_seconds)
    if not patiently(lambda: ledger.finish_generate(lease, completions, usage)):
        return "lost its lease"
    for queue in _verify_queues(lease.run_id):
        publish(queue, at_most=10)
    return f"{lease.size} samples · {usage.completion_tokens:,} tokens"


def _request(lease: Lease) -> Request:
    run = _run(lease.run_id)
    sampling = Sampling.read(run["sampling"])
    with transaction() as connection:
        row = connection.execute(
            """
            select prompt.text, problem.key from prompt join problem on problem.id = prompt.problem_id
            where prompt.run_id = %s and prompt.problem_id = %s
            """,
            (lease.run_id, lease.problem_id),
        ).fetchone()
    assert row is not None
    return Request(
        problem_key=row["key"],
        prompt=row["text"],
        first_index=lease.first_index,
        size=lease.size,
        sampling=sampling,
        seeds=seeds_of(run["seed"], lease.problem_id, lease.first_index, lease.size) if sampling.seeded else None,
    )


@lru_cache(maxsize=64)
def _run(run_id: int) -> dict[str, Any]:
    """A run's settings; they never change."""
    with transaction() as connection:
        row = connection.execute("select * from run where id = %s", (run_id,)).fetchone()
    assert row is not None
    return row


@lru_cache(maxsize=64)
def _verify_queues(run_id: int) -> list[str]:
    with transaction() as connection:
        rows = connection.execute(
            """
            select distinct queue from verifier
            join run on verifier.id = run.verifier_id or verifier.id = any(run.other_verifiers)
            where run.id = %s
            """,
            (run_id,),
        ).fetchall()
    return [row["queue"] for row in rows]


def _usage(completions: list[Completion], engine: Engine, gpu_seconds: float) -> Usage:
    """Token counts of a batch; the prompt counts once, since its samples share it. What was recorded goes first."""
    prompt = max((each.prompt_tokens or 0 for each in completions), default=0)
    new = [each.completion_tokens or 0 for each in completions]
    charged = [each.usd for each in completions if each.usd is not None]
    recorded = [each.gpu_seconds for each in completions if each.gpu_seconds is not None]
    return Usage(
        gpu_seconds=sum(recorded) if recorded else gpu_seconds,
        prompt_tokens=prompt,
        completion_tokens=sum(new),
        truncated=sum(each.finish_reason == "length" for each in completions),
        flops=completion_flops(engine.sizes, prompt, new) if engine.sizes else 0.0,
        usd=sum(charged) if charged else None,
    )
