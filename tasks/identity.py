"""Who a worker is: stored with each attempt."""

import os
import socket
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tasks.engines.engine import Loaded
from tasks.ledger import Worker


def this_worker(name: str, engine: Loaded | None = None) -> Worker:
    """This process as a worker; `name` is Celery's."""
    return Worker(
        name=f"{name}:{os.getpid()}",
        host=socket.gethostname(),
        code_version=code_version(),
        gpus=_gpus(engine),
        engine=engine.name if engine else None,
        engine_version=engine.version if engine else None,
        engine_seed=engine.seed if engine else None,
    )


def _gpus(engine: Loaded | None) -> str:
    """The GPUs an engine keeps busy, as CUDA_VISIBLE_DEVICES names them, else the first so many."""
    if engine is None or not engine.gpus:
        return ""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    visible = named.split(",") if named else [str(each) for each in range(engine.gpus)]
    return ",".join(visible[: engine.gpus])


@cache
def code_version() -> str:
    """The version, with the commit where this runs from a checkout."""
    git = subprocess.run(
        ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True,
        text=True,
        check=False,
    )
    commit = git.stdout.strip()
    return f"{version('monkeys')}+{commit}" if git.returncode == 0 and commit else version("monkeys")
