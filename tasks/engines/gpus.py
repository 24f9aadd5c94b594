"""GPUs by index: whether they exist, how one engine spreads over them, and one engine on each."""

import fcntl
import os
import tempfile
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import IO, Any

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


TENSOR = "tensor_parallel_size"

OTHERS = ("pipeline_parallel_size", "prefill_context_parallel_size", "data_parallel_size")
"""Engine arguments by whose product, and that of TENSOR, vLLM takes GPUs."""


def tensor_parallel(engine_args: Mapping[str, Any], gpus: int) -> dict[str, int]:
    """TENSOR for an engine on so many GPUs, unless it is given; UserError where the sizes take other than these.

    Of an engine whose GPUs may be another host's too, a person gives all sizes.
    """
    ray = engine_args.get("distributed_executor_backend") == "ray"
    if ray or any(name == "nnodes" or name.startswith("data_parallel_") for name in engine_args.keys() - {*OTHERS}):
        return {}
    others = _size(engine_args, *OTHERS)
    tensor = _size(engine_args, TENSOR) if TENSOR in engine_args else gpus // others
    if tensor * others != gpus:
        sizes = " and ".join(f"{name}={engine_args[name]}" for name in (TENSOR, *OTHERS) if name in engine_args)
        taken = tensor * others if TENSOR in engine_args else f"a multiple of {others}"
        raise UserError(f"--gpus gives one engine {gpus} GPUs, but with {sizes} it takes {taken}.")
    return {TENSOR: tensor}


def first_gpus(engine_args: Mapping[str, Any], visible: str | None) -> tuple[str, ...]:
    """The GPUs that an engine takes where --gpus gives none: the first of those that CUDA_VISIBLE_DEVICES names."""
    number = _size(engine_args, TENSOR, *OTHERS)
    return tuple(visible.split(",") if visible else map(str, range(number)))[:number]


def replicas_of(config: Any) -> int:
    """Replicas that one engine works with, each on world_size GPUs, by vLLM's ParallelConfig.

    With a load balancer outside of vLLM there are others, which are engines of their own.
    """
    return int(config.data_parallel_size_local if config.local_engines_only else config.data_parallel_size)


def _size(engine_args: Mapping[str, Any], *names: str) -> int:
    """The product of sizes among engine arguments; UserError for one that is none."""
    for name in names:
        size = engine_args.get(name, 1)
        if not isinstance(size, int) or size < 1:
            raise UserError(f"--engine-arg {name} must be a whole number of at least 1, not {size!r}.")
    return prod(engine_args.get(name, 1) for name in names)


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
