"""What the host says of a slot and of a program, as objects."""

from __future__ import annotations

import _socket
import resource
from typing import Any, Dict, Tuple  # noqa: UP035 (Python 3.9)

from verifiers.sandbox.inside.kernel import SyscallFilter

PYTHON_KINDS = ("python", "serve", "drive")
_HARD_LIMITS: Dict[int, int] = {  # noqa: UP006
    kind: resource.getrlimit(kind)[1]
    for kind in (
        resource.RLIMIT_CPU,
        resource.RLIMIT_AS,
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_NPROC,
        resource.RLIMIT_STACK,
    )
}


class SlotSettings:
    """What the host said once about this slot."""

    def __init__(self, channel: _socket.socket, settings: dict[str, Any]) -> None:
        self.channel = channel
        self.isolated: bool = settings["isolated"]
        self.proc: bool = settings["proc"]
        self.folder: str = settings["folder"]
        self.imports: Tuple[str, ...] = settings["imports"]  # noqa: UP006
        self.filter = SyscallFilter(settings["filter"])


class Job:
    """One test of a program, known only in the process that runs it.

    `image` is a descriptor of its executable, or of where its compiled code is kept for the next tests, or -1.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self.kind: str = fields["kind"]
        self.size: int = fields["size"]
        self.argv: Tuple[str, ...] = fields["argv"]  # noqa: UP006
        self.artifact: bool = fields["artifact"]
        self.scratch: int = fields["scratch"]
        self.own = 3 + fields["calls"]
        """Its own descriptors are those below this one."""
        self.image: int = self.own + 1 if fields["reuse"] else -1
        self.code = b""
        self._fields = fields

    def take_limits(self, isolated: bool) -> None:
        """Set this process's limits, as far as the host's own hard limits allow."""
        fields = self._fields
        _limit(resource.RLIMIT_CPU, int(fields["cpu"]) + 2)
        _limit(resource.RLIMIT_AS, fields["address_space"])
        _limit(resource.RLIMIT_FSIZE, fields["file"])
        if isolated:  # elsewhere it would count every process of this user
            _limit(resource.RLIMIT_NPROC, fields["processes"])
        hard = _HARD_LIMITS[resource.RLIMIT_STACK]  # a program may raise its own
        resource.setrlimit(resource.RLIMIT_STACK, (_least(fields["memory"], hard), hard))


def limit_once() -> None:
    """The limits that are the same for every program."""
    for kind, most in ((resource.RLIMIT_NOFILE, 64), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_MEMLOCK, 0)):
        most = _least(most, resource.getrlimit(kind)[1])
        resource.setrlimit(kind, (most, most))


def _limit(kind: int, most: int) -> None:
    most = _least(most, _HARD_LIMITS[kind])
    resource.setrlimit(kind, (most, most))


def _least(limit: int, hard: int) -> int:
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard)
