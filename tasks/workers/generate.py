"""A generate work: one batch through the engine, in one transaction into the table. It never parses what came."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from celery import Task

from models.cost import Sizes, completion_flops
from models.database import rows
from tasks import ledger
from tasks.app import app
from tasks.engines.engine import Completion, Engine, Request
from tasks.engines.seeds import seeds_of
from tasks.ledger import Lease, Usage
from tasks.patience import patient
from tasks.publish import publish
from tasks.workers.attempt import NOTHING, WorkInHand, keep_storing
from tasks.workers.engine_time import EngineTime
from verifiers.benchmarks.benchmark import Sampling

Do = Callable[["Task[Any, Any]", int], str]
"""What is done with a message of a generate work; returns what Flower shows."""

_do: Do | None = None


def generate_by(do: Do) -> None:
    """Say what this process does with generate works."""
    global _do
    _do = do


def use_engine(engine: Engine) -> None:
    """Make an engine the one that this process samples with."""
    time = EngineTime(engine)
    generate_by(lambda task, work_id: _sample(time, task, work_id))


@app.task(name="generate", bind=True)
def generate(task: Task, work_id: int) -> str:  # type: ignore[type-arg]
    """Sample one batch. Returns what Flower shows."""
    if _do is None:
        raise RuntimeError("this worker has no engine")
    return _do(task, work_id)


def _sample(time: EngineTime[Engine], task: "Task[Any, Any]", work_id: int) -> str:
    with time.attempt(task, work_id) as attempt:
        if attempt is None:
            return NOTHING
        lease = attempt.lease
        request = request_of(lease.run_id, lease.problem_id, lease.first_index, lease.size)
        completions = time.engine.sample(request, attempt.stop, attempt.account)
        attempt.result = finish(attempt, time.engine.sizes, completions, ledger.finish_generate)
    return attempt.result


Store = Callable[[Lease, Sequence[Completion], Usage], list[str] | None]


def finish(attempt: WorkInHand, sizes: Sizes | None, completions: Sequence[Completion], store: Store) -> str:
    """Store a batch's samples and send on what is due then; returns what Flower shows."""
    usage = _usage(completions, sizes, attempt.used())
    queues = keep_storing(store, attempt.lease, completions, usage)
    if queues is None:
        return "lost its lease"
    for queue in queues:
        publish(queue, at_most=10)
    tokens = "tokens unknown" if usage.completion_tokens is None else f"{usage.completion_tokens:,} tokens"
    return f"{len(completions)} samples · {tokens}"


class _Asked(NamedTuple):
    text: str
    problem_key: str
    sampling: dict[str, Any]
    seed: int


@patient
def _asked(run_id: int, problem_id: int) -> _Asked:
    """Never remembered: the run of an id is another one in a database that was replaced."""
    (asked,) = rows(
        _Asked,
        """
        select prompt.text, problem.key as problem_key, run.sampling, run.seed
        from prompt join problem on problem.id = prompt.problem_id join run on run.id = prompt.run_id
        where prompt.run_id = %s and prompt.problem_id = %s
        """,
        (run_id, problem_id),
    )
    return asked


def request_of(run_id: int, problem_id: int, first_index: int, size: int) -> Request:
    """What an engine is asked for these samples of a run."""
    asked = _asked(run_id, problem_id)
    sampling = Sampling.read(asked.sampling)
    return Request(
        problem_key=asked.problem_key,
        prompt=asked.text,
        first_index=first_index,
        size=size,
        sampling=sampling,
        seeds=seeds_of(asked.seed, problem_id, first_index, size) if sampling.seeded else None,
    )


def _usage(completions: Sequence[Completion], sizes: Sizes | None, used: Usage) -> Usage:
    """What a batch used: as billed where its engine said, else as its samples say. What was recorded goes first.

    Its prompt counts once in prompt_tokens, since its samples share it.
    """
    prompts = [sample.prompt_tokens for sample in completions if sample.prompt_tokens is not None]
    tokens = [sample.completion_tokens for sample in completions]
    lengths = [each for each in tokens if each is not None]
    charged = [sample.usd for sample in completions if sample.usd is not None]
    recorded = [sample.gpu_seconds for sample in completions if sample.gpu_seconds is not None]
    whole = len(lengths) == len(tokens)
    return replace(
        used,
        gpu_seconds=sum(recorded) if recorded else used.gpu_seconds,
        prompt_tokens=max(prompts, default=None),
        completion_tokens=sum(lengths) if whole and used.completion_tokens is None else used.completion_tokens,
        truncated=sum(sample.finish_reason == "length" for sample in completions),
        flops=completion_flops(sizes, max(prompts), lengths) if sizes and prompts and whole else None,
        usd=sum(charged) if len(charged) == len(completions) else used.usd,
    )
