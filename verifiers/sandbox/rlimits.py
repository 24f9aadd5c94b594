"""The kernel's limits of each process of a program, behind those that are kept for the whole of it."""

import resource
from collections.abc import Mapping

from verifiers.sandbox.limits import Level, Limits

Rlimits = tuple[tuple[int, int, int], ...]
"""(resource, soft and hard limit) of each."""

_LIMITS = {
    resource.RLIMIT_AS: 64 << 30,  # against absurd requests: to reserve memory is not to use it
    resource.RLIMIT_NOFILE: 64,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_MEMLOCK: 0,
}


def every_programs() -> Rlimits:
    """The same for every program."""
    return _allowed(_LIMITS)


def rlimits(limits: Limits, code_bytes: int, level: Level) -> Rlimits:
    """A program's own."""
    most = {
        resource.RLIMIT_CPU: int(limits.most_cpu_seconds) + 2,
        resource.RLIMIT_FSIZE: max(limits.file_bytes, code_bytes),
        resource.RLIMIT_STACK: limits.memory_bytes,
        resource.RLIMIT_NPROC: limits.processes + 4,
    }
    if level is Level.unsafe:  # there it would count every process of this user
        del most[resource.RLIMIT_NPROC]
    return _allowed(most)


def _allowed(most: Mapping[int, int]) -> Rlimits:
    """As far as the host's own hard limits allow; a stack may be made larger."""
    found = []
    for kind, limit in most.items():
        hard = resource.getrlimit(kind)[1]
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        found.append((kind, soft, hard if kind == resource.RLIMIT_STACK else soft))
    return tuple(found)
