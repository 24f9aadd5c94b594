"""Worker processes: what they load before the first message, and how they leave."""

import logging
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import signals

from models.database import transaction
from models.rows import llm_id, store_sizes
from models.schema import check_schema
from models.settings import settings
from tasks.app import app, queue
from tasks.engines import engine_of, full_name, is_batch, load, queue_of
from tasks.engines.engine import Engine, Load, Loaded
from tasks.engines.reward_models import reward_queue
from tasks.stored import lacking, load_own_benchmarks, prepare_verifiers
from tasks.workers import leases
from tasks.workers.grace import WORKER_SECONDS
from verifiers.errors import InfrastructureError, JudgeAway, Unavailable

if TYPE_CHECKING:
    from tasks.engines.openai_batch import Provider

log = logging.getLogger(__name__)

ENGINE_DIED = 70
"""Exit code of a worker whose engine cannot go on: another is to be started."""

DOCKER_QUEUE = "verify.docker"
"""Of patches, each of which is judged in a container."""


def generate_worker(
    llm: str, engine_args: Mapping[str, Any], gpus: Sequence[str], requests: int, concurrency: int, name: str
) -> int:
    """Load an llm, then serve its queue with several batches in flight; returns the exit code."""
    check_schema()
    llm = full_name(llm)
    queue_name = queue_of(llm, engine_args)
    log.warning("loading %s", llm)
    engine = _load(llm, engine_args, gpus, requests, queue_name)
    with transaction() as connection:
        row = llm_id(connection, llm, engine_of(llm), engine_args, queue_name)
        connection.execute("update llm set loaded_at = now() where id = %s", (row,))
        if engine.sizes is not None:
            store_sizes(connection, row, engine.sizes, over=True)
    return _serve_engine(engine, [queue_name], concurrency, name)


def _load(
    llm: str, engine_args: Mapping[str, Any], gpus: Sequence[str], requests: int, queue_name: str
) -> "Engine | Provider":
    """Start what an llm is sampled by, and have generate works go to it."""
    if is_batch(engine_args):
        from tasks.engines.openai_batch import Provider
        from tasks.workers.submit import use_provider

        provider = Provider(Load(llm, engine_args))
        use_provider(provider, queue_name)
        return provider
    from tasks.workers.generate import use_engine

    engine = load(llm, engine_args, gpus, requests)
    use_engine(engine)
    return engine


def score_worker(
    reward_model: str, engine_args: Mapping[str, Any], gpus: Sequence[str], concurrency: int, name: str
) -> int:
    """Load a reward model, then serve its queue; returns the exit code."""
    from tasks.engines.vllm_reward import RewardModel
    from tasks.workers.score import use_reward_model

    check_schema()
    log.warning("loading %s", reward_model)
    model = RewardModel(Load(full_name(reward_model), engine_args, gpus))
    use_reward_model(model)
    return _serve_engine(model, [reward_queue(reward_model, engine_args)], concurrency, name)


def _serve_engine(engine: Loaded, queues: list[str], concurrency: int, name: str) -> int:
    """Serve queues with an engine until told to go or until it dies; returns the exit code."""
    threading.Thread(target=lambda: _leave_when_dead(engine.dead), name="engine-watch", daemon=True).start()
    try:
        _serve(queues, ["-P", "threads", "-c", str(concurrency), "-n", name])
    finally:
        engine.close()
    return ENGINE_DIED if engine.dead.is_set() else 0


def verify_worker(
    concurrency: int | None,
    queues: list[str],
    name: str,
    *,
    unsafe: bool = False,
    own: bool = False,
    network: bool = False,
    packages: Path | None = None,
) -> int:
    """Serve verification queues with so many processes; returns the exit code.

    Without a sandbox answers are still judged; programs and proofs become infrastructure errors that say why. With one
    that does not do what it must nothing is served: Unavailable. So it is where a queue of its own lacks what it judges
    by, so that the queue waits. `own` has it run people's own benchmarks, `network` gives patches one, and
    programs import from `packages`.
    """
    from tasks.workers import children
    from tasks.workers.verify import limit_works

    check_schema()
    prepare_verifiers(unsafe=unsafe, network=network, packages=packages)
    load_own_benchmarks(queues, allowed=own)
    _find_judges(queues)
    told, tell = os.pipe()  # an Event would wait for ever for a process that was killed while it waited for it

    def begin_watch(**_: Any) -> None:
        def leave_when_told() -> None:
            multiprocessing.connection.wait([told])  # nobody reads it, so that every process is told
            leases.leave()

        threading.Thread(target=leave_when_told, name="leaving", daemon=True).start()
        threading.Thread(target=children.end_when_deaf, name="deaf", daemon=True).start()
        if DOCKER_QUEUE in queues:  # here, since a process that was lost is replaced by one that finds what it left
            threading.Thread(target=_remove_containers, name="sweep", daemon=True).start()

    signals.worker_process_init.connect(begin_watch, weak=False)
    limit_works(patches=DOCKER_QUEUE in queues)
    processes = str(concurrency or default_concurrency(queues))
    _serve(
        queues,
        ["-P", "prefork", "-c", processes, "-n", name],
        on_grace_over=lambda: children.end_after_grace(lambda: os.write(tell, b"!")),
    )
    children.end_all()
    return 0


def default_concurrency(queues: Sequence[str]) -> int:
    """A process for each core; of patches no more than the memory of this machine has room for."""
    cores = os.cpu_count() or 1
    if DOCKER_QUEUE not in queues:
        return cores
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, int(memory / (settings().patch_memory_gb * 1e9))))


def _find_judges(queues: Sequence[str]) -> None:
    """Look at what queues are judged by: a sandbox, or a Docker daemon."""
    for queue_name in queues:
        if queue_name != "verify" and (lack := lacking(queue_name)):
            raise Unavailable(f"{queue_name} cannot be served here: {lack.rstrip('.')}.")
    if set(queues) != {DOCKER_QUEUE}:
        from verifiers.sandbox import refuse_surprises

        if missing := refuse_surprises():
            log.warning("%s", missing)


def _remove_containers() -> None:
    """Remove what lost processes left in Docker."""
    from verifiers.patches.container import sweep

    try:
        sweep()
    except (JudgeAway, InfrastructureError) as error:
        log.warning("containers of lost workers may be left: %s", error)


def _serve(queues: list[str], arguments: list[str], on_grace_over: Callable[[], object] = leases.leave) -> None:
    """Run a Celery worker in this process until it is told to go."""

    def grace(**_: Any) -> None:
        timer = threading.Timer(WORKER_SECONDS, on_grace_over)
        timer.daemon = True
        timer.start()

    signals.worker_shutting_down.connect(grace, weak=False)
    app.conf.task_queues = [queue(name) for name in queues]
    app.worker_main(
        ["worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--task-events", *arguments]
    )


def _leave_when_dead(dead: threading.Event) -> None:
    dead.wait()
    log.error("the engine died: this worker leaves, another is to be started")
    leases.leave()
    os.kill(os.getpid(), signal.SIGTERM)  # Celery's warm shutdown
