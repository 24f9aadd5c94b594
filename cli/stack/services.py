"""What the local stack consists of: each service, with its command."""

import sys

from cli.options import engine_args
from cli.stack.flower import see_to_port
from cli.stack.keeper import Service
from cli.stack.servers import (
    POSTGRES_STOP,
    postgres_command,
    postgres_ready,
    prepare_postgres,
    redis_command,
    redis_ready,
)
from cli.stack.state import Wanted, WantedLlm, read_wanted
from cli.worker.command import worker_arguments
from models.settings import Settings


def services(settings: Settings, wanted: Wanted) -> list[Service]:
    """Every service of the stack, less the servers that are someone else's."""
    home = settings.home
    listed = []
    if settings.own_database:
        listed.append(
            Service(
                "postgres", 0, lambda: postgres_command(home), lambda: prepare_postgres(home),
                lambda: postgres_ready(home), POSTGRES_STOP,
            )
        )  # fmt: skip
    if settings.own_broker:
        listed.append(Service("redis", 0, lambda: redis_command(home), ready=lambda: redis_ready(home)))
    listed.append(Service("migrate", 1, lambda: _monkeys("migrate"), once=True))
    listed += [_generate(llm) for llm in wanted.llms]
    listed += [_verify(queue) for queue in ["verify", *wanted.queues]]
    listed += [
        Service("sweep", 2, lambda: _monkeys("sweep")),
        Service(
            "flower", 2, lambda: _monkeys("flower", "--port", str(read_wanted(home).flower_port)),
            lambda: see_to_port(home, settings.flower_port),
        ),
    ]  # fmt: skip
    return listed


def _generate(llm: WantedLlm) -> Service:
    """A worker right below the supervisor, which is its keeper."""
    shown = " ".join([llm.name, *llm.engine_arguments])

    def command() -> list[str]:
        return _monkeys(*worker_arguments("generate", llm.name, engine_args(llm.engine_arguments)), "--kept")

    def queue() -> str:
        from tasks.engines import queue_of

        return queue_of(llm.name, engine_args(llm.engine_arguments))

    return Service(f"generate {shown}", 2, command, yields=True, queue=queue)


def _verify(queue: str) -> Service:
    command = _monkeys(*worker_arguments("verify", queue))
    needed = None if queue == "verify" else lambda: queue
    return Service(queue.replace(".", " ", 1), 2, lambda: command, yields=True, queue=needed)


def _monkeys(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "cli", *arguments]  # -P: whatever lies in the current folder is not ours
