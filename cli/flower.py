"""`monkeys flower`: Flower over the queue."""

import os
import sys

import click

from cli.options import Number
from verifiers.ranges import whole


@click.command()
@click.option("--port", type=Number(whole(1, 65535)), help="Default: MONKEYS_FLOWER_PORT or 5555.")
@click.option("--address", default="127.0.0.1", show_default=True)
def flower(port: int | None, address: str) -> None:
    """Serve Flower, read-only, on this host only unless --address says otherwise.

    \b
    Example:
      monkeys flower --port 5556
    """
    from cli.stack.state import FIRST_FLOWER_PORT
    from models.settings import settings

    command = [
        sys.executable, "-m", "celery", "-A", "tasks.app", "flower",
        f"--address={address}", f"--port={port or settings().flower_port or FIRST_FLOWER_PORT}",
        "--read_only=True", "--max_tasks=20000", "--purge_offline_workers=300", "--inspect_timeout=5000",
        "--tasks_columns=name,args,state,received,runtime,worker,result,exception",
    ]  # fmt: skip
    os.execv(sys.executable, command)
