"""Who a worker is: stored with each attempt."""

import os
import socket
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from models.settings import settings
from tasks.engines.engine import Loaded
from tasks.ledger import Worker


def this_worker(name: str, engine: Loaded | None = None, worker_id: int | None = None) -> Worker:
    """This process as a worker; `name` is Celery's, `worker_id` its row where it has one."""
    return Worker(
        name=f"{name}:{os.getpid()}",
        host=socket.gethostname(),
        code_version=build(),
        gpus=_gpus(engine),
        engine=engine.name if engine else None,
        engine_version=engine.version if engine else None,
        engine_seed=engine.seed if engine else None,
        worker_id=worker_id,
    )


def _gpus(engine: Loaded | None) -> str:
    """The GPUs here that an engine keeps busy, as CUDA_VISIBLE_DEVICES names them, else the first so many."""
    if engine is None or not engine.gpus or engine.name == "openai":
        return ""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    visible = named.split(",") if named else [str(each) for each in range(engine.gpus)]
    return ",".join(visible[: engine.gpus])


@cache
def build() -> str:
    """The version, with the commit where it is known: baked into an image, or asked of the checkout this runs from."""
    commit = settings().commit or _checked_out()
    try:
        known = version("monkeys")
    except PackageNotFoundError:  # not installed: found by PYTHONPATH
        known = "uninstalled"
    return f"{known}+{commit}" if commit else known


def _checked_out() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        git = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""
