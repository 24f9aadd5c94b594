"""Whether a worker serves what was asked for, and what a person does where none does."""

from collections.abc import Collection, Mapping
from typing import Any

import click

from cli.options import engine_options
from cli.output import number_of
from cli.worker.command import worker_command
from models.questions.health import WaitingQueue
from models.questions.workers import IdleWorker, ago, told_failure
from models.settings import settings
from verifiers.benchmarks.benchmark import Benchmark
from verifiers.benchmarks.own import is_own_queue
from verifiers.errors import Unavailable

AWAY = "The works are safe in the database: the sweeper sends them when the broker is back."


def serve_llm(llm: str, engine_args: Mapping[str, Any], queue: str) -> list[str]:
    """See to it that a worker serves an llm: the local stack starts one, elsewhere a person is told how."""
    from cli.stack import ensure_llm

    if (found := _found(queue)) is not None:
        return found
    if settings().own_broker and ensure_llm(llm, engine_options(engine_args)):
        return [f"The local stack starts a worker for {llm}."]
    return [*_failures([queue]), *_told(llm, worker_command("generate", llm, engine_args))]


def serve_benchmark(benchmark: Benchmark) -> list[str]:
    """The same for a benchmark whose verifiers have a queue of their own; nothing where they are judged in `verify`."""
    queues = sorted({each.queue for each in benchmark.verifiers} - {"verify"})
    where = "Docker" if benchmark.code is None else benchmark.code.folder
    return [line for queue in queues for line in _serve_queue(queue, benchmark.name, where)]


def _serve_queue(queue: str, what: str, where: str | None) -> list[str]:
    """The same for a queue of verify works; `where` its worker is to run."""
    from cli.stack import ensure_queue
    from tasks.stored import lacking, prepare_verifiers

    started = ensure_queue(queue) if settings().own_broker else None
    if started is not None:
        prepare_verifiers()
        lack = lacking(queue)
        waits = [f"Its works wait: {lack}"] if lack else []
        return [*([f"The local stack starts a worker for {what}."] if started else []), *waits]
    if (found := _found(queue)) is not None:
        return found
    code = "; it runs that benchmark's code" if is_own_queue(queue) else ""
    told = f"No worker serves {what} yet. Start one{f' where {where} is' if where else ''}{code}:"
    return [*_failures([queue]), told, f"  {worker_command('verify', queue)}"]


def _found(queue: str) -> list[str] | None:
    """What to say where a worker serves a queue, or is loading to, or where the broker is away; None: none does."""
    from models.questions.workers import served_queues
    from tasks.broker import reachable

    try:
        reachable()
    except Unavailable as error:
        return [str(error), AWAY]
    workers = served_queues().get(queue)
    if not workers or any(each.state != "starting" for each in workers):
        return [] if workers else None
    return [f"Its worker {workers[0].name} ({workers[0].place}) is loading since {ago(workers[0].age)}."]


def _failures(queues: Collection[str]) -> list[str]:
    from models.questions.workers import failed_workers

    return [f"{told_failure(each)}." for each in failed_workers(queues)] if queues else []


def told_idle(idle: IdleWorker) -> str:
    """That a worker lives and does nothing, in words."""
    works = f"{number_of(idle.works, 'work')} of {idle.queue}, sent up to {ago(idle.ago)} ago"
    return f"{idle.name} ({idle.host}:{idle.pid}) lives and takes none of {works}: end it, another one is started"


def see_to_run(run_id: int) -> None:
    """See to workers of a run's verify works that wait in a queue of their own, and say so."""
    from models.questions.health import waiting_queues

    for waiting in waiting_queues(run_id):
        if waiting.queue.startswith("verify."):
            where = None if is_own_queue(waiting.queue) else "Docker"
            _say(_serve_queue(waiting.queue, f"run {run_id}", where))


def see_to_benchmark(benchmark: Benchmark, *, quiet: bool = False) -> None:
    """See to a worker of a queue of its own, and say so; where nobody is told, only the local stack is asked."""
    if quiet and not settings().own_broker:
        return
    lines = serve_benchmark(benchmark)
    _say([] if quiet else lines)


def serve_reward_model(reward_model: str, engine_args: Mapping[str, Any]) -> list[str]:
    """How a person starts a worker for a reward model; nothing where one serves it."""
    from tasks.engines.reward_models import reward_queue

    queue = reward_queue(reward_model, engine_args)
    if (found := _found(queue)) is not None:
        return found
    return [*_failures([queue]), *_told(reward_model, worker_command("score", reward_model, engine_args))]


def serving(waiting: WaitingQueue) -> str | None:
    """The command that starts a worker of a queue."""
    from tasks.engines.reward_models import read_reward_name

    if waiting.llm is not None:
        return worker_command("generate", waiting.llm, waiting.engine_args)
    if waiting.reward_model is None:
        return worker_command("verify", waiting.queue)
    reward_model = read_reward_name(waiting.reward_model, waiting.queue)
    return worker_command("score", *reward_model) if reward_model else None


def waits_for(run_id: int) -> list[str]:
    """Why a run does not move, and what a person does about it."""
    reason = why(run_id)
    return [*([f"{reason}."] if reason else []), *advice(run_id)]


def why(run_id: int) -> str | None:
    """Why a run does not move, in a line; None where it does."""
    from models.questions.waiting import why_not_moving
    from tasks.broker import reachable

    try:
        reachable()
    except Unavailable as error:
        return str(error).rstrip(".")
    return why_not_moving(run_id)


def advice(run_id: int) -> list[str]:
    """The command that starts a worker for each queue of a run that none serves, and workers that stand idle.

    A worker that keeps failing on the local stack is started again by that, and needs no command.
    """
    from cli.stack.state import supervised
    from models.questions.health import waiting_queues
    from models.questions.workers import failed_workers, idle_workers, served_queues

    waiting, served = waiting_queues(run_id), served_queues()
    unserved = [each for each in waiting if each.queue not in served]
    if unserved and settings().own_broker and supervised(settings().home):
        failing = {queue for failed in failed_workers() for queue in failed.queues}
        unserved = [each for each in unserved if each.queue not in failing]
    lines = [line for each in unserved for line in (f"A worker of {each.queue} is started by:", f"  {serving(each)}")]
    names = {each.queue for each in waiting}
    return lines + [f"{told_idle(idle)}." for idle in idle_workers() if idle.queue in names]


def _say(lines: list[str]) -> None:
    for line in lines:
        click.echo(line, err=True)


def _told(served: str, command: str) -> list[str]:
    return [f"No worker serves {served} yet. Start one where the GPUs are:", f"  {command}"]
