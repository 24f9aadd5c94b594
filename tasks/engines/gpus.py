"""GPUs by index: whether they exist, and one engine on each."""

import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from verifiers.errors import UserError


def parse_gpus(text: str) -> tuple[str, ...]:
    """The indices of `0` or `0,1`; UserError where they are something else."""
    gpus = tuple(each.strip() for each in text.split(","))
    if not all(each.isdigit() or each.startswith(("GPU-", "MIG-")) for each in gpus):
        raise UserError(f"--gpus takes indices such as 0 or 0,1 for one engine, not {text!r}.")
    if len(set(gpus)) < len(gpus):
        raise UserError(f"--gpus {text} names a GPU twice.")
    return gpus


def check_gpus(gpus: Sequence[str], found: int) -> None:
    """UserError where fewer GPUs than these are visible to the process that was given them."""
    if found < len(gpus):
        some = f"{found} of the GPUs {','.join(gpus)}" if found else f"no GPU {','.join(gpus)}"
        raise UserError(f"This host has {some}; `nvidia-smi -L` lists what it has.")


def take_gpus(gpus: Sequence[str], *, shared: bool, folder: Path | None = None) -> list[IO[str]]:
    """Lock files that keep a second engine off these GPUs while this process lives.

    Engines that each take a part of the memory may share one; UserError where another worker has it already.
    """
    folder = folder or Path(tempfile.gettempdir(), f"monkeys-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    taken: list[IO[str]] = []
    for gpu in gpus:
        file = (folder / gpu).open("a+")
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            for each in (*taken, file):
                each.close()
            raise UserError(
                f"Another worker has GPU {gpu}; give this one another, or both a part of its memory with "
                "--engine-arg gpu_memory_utilization=0.45."
            ) from None
        taken.append(file)
    return taken
