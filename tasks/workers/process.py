"""Worker processes: what they load before the first message, and how they leave."""

import logging
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import signals
from celery.utils.nodenames import default_nodename, host_format

from models.cost import Sizes
from models.database import transaction
from models.rows import llm_id, store_sizes
from models.settings import settings
from tasks.app import app, queue
from tasks.engines import engine_of, full_name, is_batch, load, queue_of
from tasks.engines.engine import Engine, Load, Loaded
from tasks.engines.reward_models import reward_queue
from tasks.patience import patient
from tasks.stored import lacking, load_own_benchmarks, prepare_verifiers
from tasks.workers import consumer, leases, presence
from tasks.workers.exits import Exit
from tasks.workers.grace import WORKER_SECONDS
from verifiers.errors import InfrastructureError, JudgeAway, Unavailable, UserError

if TYPE_CHECKING:
    from tasks.engines.openai_batch import Provider

log = logging.getLogger(__name__)

DOCKER_QUEUE = "verify.docker"
"""Of patches, each of which is judged in a container."""


def generate_worker(
    llm: str, engine_args: Mapping[str, Any], gpus: Sequence[str], requests: int, concurrency: int, name: str
) -> int:
    """Load an llm, then serve its queue with several batches in flight; returns the exit code."""
    llm = full_name(llm)
    queue_name = queue_of(llm, engine_args)
    with _present("generate", name, [queue_name]):
        log.warning("loading %s", llm)
        engine = _load(llm, engine_args, gpus, requests, queue_name)
        _note_loaded(llm, engine_args, queue_name, engine.sizes)
        return _serve_engine(engine, [queue_name], concurrency, name)


@patient
def _note_loaded(llm: str, engine_args: Mapping[str, Any], queue_name: str, sizes: Sizes | None) -> None:
    with transaction() as connection:
        row = llm_id(connection, llm, engine_of(llm), engine_args, queue_name)
        connection.execute("update llm set loaded_at = now() where id = %s", (row,))
        if sizes is not None:
            store_sizes(connection, row, sizes, over=True)


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
    from tasks.engines.known import check_known
    from tasks.workers.generate import use_engine

    check_known(llm, engine_args, here=True)
    engine = load(llm, engine_args, gpus, requests)
    use_engine(engine)
    return engine


def score_worker(
    reward_model: str, engine_args: Mapping[str, Any], gpus: Sequence[str], concurrency: int, name: str
) -> int:
    """Load a reward model, then serve its queue; returns the exit code."""
    from tasks.engines.vllm_reward import RewardModel
    from tasks.workers.score import use_reward_model

    queues = [reward_queue(reward_model, engine_args)]
    with _present("score", name, queues):
        log.warning("loading %s", reward_model)
        model = RewardModel(Load(full_name(reward_model), engine_args, gpus))
        use_reward_model(model)
        return _serve_engine(model, queues, concurrency, name)


def _serve_engine(engine: Loaded, queues: list[str], concurrency: int, name: str) -> int:
    """Serve queues with an engine until told to go or until it dies; returns the exit code."""
    threading.Thread(target=lambda: _leave_when_dead(engine.dead), name="engine-watch", daemon=True).start()
    try:
        return _serve(queues, "threads", concurrency, name, dead=engine.dead)
    finally:
        engine.close()


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

    told, tell = os.pipe()  # an Event would wait for ever for a process that was killed while it waited for it

    def tell_all() -> None:
        os.write(tell, b"!")

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
    with _present("verify", name, queues, tell_all):
        prepare_verifiers(unsafe=unsafe, network=network, packages=packages)
        load_own_benchmarks(queues, allowed=own)
        presence.judges(_find_judges(queues))
        processes = concurrency or default_concurrency(queues)
        code = _serve(queues, "prefork", processes, name, tell_all, lambda: children.end_after_grace(tell_all))
        children.end_all()
        return code


def default_concurrency(queues: Sequence[str]) -> int:
    """A process for each core; of patches no more than the memory of this machine has room for."""
    cores = os.cpu_count() or 1
    if DOCKER_QUEUE not in queues:
        return cores
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(1, min(cores, int(memory / (settings().patch_memory_gb * 1e9))))


def _find_judges(queues: Sequence[str]) -> dict[str, str | None]:
    """What queues are judged by (a sandbox and its packages, or a Docker daemon) -> what it lacks, if anything."""
    for queue_name in queues:
        if queue_name != "verify" and (lack := lacking(queue_name)):
            raise Unavailable(f"{queue_name} cannot be served here: {lack.rstrip('.')}.")
    if set(queues) == {DOCKER_QUEUE}:
        return {"docker": None}
    from verifiers.sandbox import refuse_surprises
    from verifiers.sandbox.packages import find_packages

    if missing := refuse_surprises():
        log.warning("%s", missing)
    return {"sandbox": missing or None, "packages": find_packages().lack or None}


def _remove_containers() -> None:
    """Remove what lost processes left in Docker."""
    from verifiers.patches.container import sweep

    try:
        sweep()
    except (JudgeAway, InfrastructureError) as error:
        log.warning("containers of lost workers may be left: %s", error)


@contextmanager
def _present(
    kind: str,
    name: str,
    queues: list[str],
    tell: Callable[[], object] = leases.leave,
) -> Iterator[None]:
    """Give this process its row for the length of a block; whatever the block raises is why it could not start."""

    def on_another_database() -> None:
        consumer.end(Exit.another_database, "its database is another one", tell)

    def on_another_schema(told: str) -> None:
        consumer.end(Exit.another_schema, told, tell)

    node = host_format(default_nodename(name))
    presence.begin(kind, node, queues, on_another_database=on_another_database, on_another_schema=on_another_schema)
    try:
        yield
    except BaseException as error:
        told = isinstance(error, UserError | JudgeAway | InfrastructureError)
        presence.failed(str(error) if told else f"{type(error).__name__}: {error}")
        raise


def _serve(
    queues: list[str],
    pool: str,
    concurrency: int,
    name: str,
    tell: Callable[[], object] = leases.leave,
    on_grace_over: Callable[[], object] | None = None,
    dead: threading.Event | None = None,
) -> int:
    """Run a Celery worker in this process until it is told to go; returns the exit code.

    `tell` has whoever holds a lease give it back, which is all that is done when the grace is over, unless
    `on_grace_over` does more. `dead` is set when its engine died.
    """
    told = threading.Event()

    def leaving(**_: Any) -> None:
        told.set()
        presence.leaving()
        timer = threading.Timer(WORKER_SECONDS, on_grace_over or tell)
        timer.daemon = True
        timer.start()

    signals.worker_shutting_down.connect(leaving, weak=False)
    signals.worker_ready.connect(lambda **_: presence.serving(), weak=False)
    app.conf.task_queues = [queue(each) for each in queues]
    app.steps["consumer"].add(consumer.Anteroom)
    worker: Any = app.Worker(
        hostname=host_format(default_nodename(name)), pool_cls=pool, concurrency=concurrency, loglevel="WARNING",
        without_gossip=True, without_mingle=True, task_events=True, quiet=True,
    )  # fmt: skip
    consumer.watch(queues, told, tell)
    worker.start()
    if dead is not None and dead.is_set():
        presence.failed("its engine died")
        return Exit.engine_died
    if told.is_set() or isinstance(worker.exitcode, str):  # the latter by Celery's remote control
        presence.left()
        return Exit.told
    presence.failed("Celery's loop ended by itself")
    return Exit.loop_ended


def _leave_when_dead(dead: threading.Event) -> None:
    dead.wait()
    log.error("the engine died: this worker leaves, another is to be started")
    leases.leave()
    os.kill(os.getpid(), signal.SIGTERM)  # Celery's warm shutdown
