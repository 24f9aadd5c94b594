"""Workers with an engine in their process, each below a keeper and with GPUs of its own."""

import os
import signal
import socket
import sys
from collections.abc import Sequence

from cli.stack.keeper import Keeper, Service
from models.questions.workers import standing_still
from tasks.engines.gpus import parse_gpus
from verifiers.errors import UserError


def keep_engines(words: Sequence[str], gpus: Sequence[str], name: str) -> int:
    """Keep a worker for each of `gpus`, or one without; `words` follow `monkeys`. Returns the exit code."""
    engines = [parse_gpus(text) for text in gpus]
    used = [gpu for engine in engines for gpu in engine]
    if len(set(used)) < len(used):
        raise UserError("--gpus gives one GPU to two engines.")
    first, at, host = name.partition("@")
    workers = {f"{first}-gpu{'+'.join(engine)}{at}{host}": ["--gpus", ",".join(engine)] for engine in engines}
    kept = [_service(own, [*words, *options]) for own, options in (workers or {name: []}).items()]
    keeper = Keeper(lambda: kept, still=lambda pids: standing_still(socket.gethostname(), pids))
    signal.signal(signal.SIGHUP, keeper.go)  # its terminal was closed
    return keeper.run()


def _service(name: str, words: Sequence[str]) -> Service:
    path = ["-P"] if sys.flags.safe_path else []
    command = [sys.executable, *path, "-m", "cli", *words, "--name", name, "--kept"]
    return Service(f"the worker {name}", 2, lambda: command, must_start=True)


def only_gpus(gpus: Sequence[str]) -> tuple[str, ...]:
    """The GPUs of this process's engine, made the only ones it sees."""
    mine = parse_gpus(gpus[0]) if gpus else ()
    if mine:
        os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(mine)  # before anything imports torch
    return mine
