"""What the host says of a slot and of a program, as objects."""

from __future__ import annotations

import _socket
import os
import resource
from typing import Any

from verifiers.sandbox.inside.frames import Descriptors, write_all
from verifiers.sandbox.inside.kernel import SyscallFilter

PYTHON_KINDS = ("python", "serve", "drive")


class SlotSettings:
    """What the host said once about this slot."""

    def __init__(self, channel: _socket.socket, settings: dict[str, Any]) -> None:
        self.channel = channel
        self.isolated: bool = settings["isolated"]
        self.proc: bool = settings["proc"]
        self.watch_memory: bool = settings["watch_memory"]
        self.folder: str = settings["folder"]
        self.imports: tuple[str, ...] = settings["imports"]
        self.packages: str = settings["packages"]
        self.filter = SyscallFilter(settings["filter"])
        self.myself = os.pidfd_open(os.getpid())
        try:
            self._oom_score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        except OSError:
            self._oom_score = -1

    def prefer_oom(self, score: bytes) -> None:
        """Make the kernel kill what is forked from now on first (b"1000"), or no longer (b"0")."""
        if self._oom_score >= 0:
            try:
                os.write(self._oom_score, score)
            except OSError:
                pass


class Job:
    """One program. `image` is its executable, or where its compiled code is kept for the next tests, or -1."""

    def __init__(self, fields: dict[str, Any], calls: Descriptors, isolated: bool) -> None:
        self.kind: str = fields["kind"]
        self.code: bytes = fields["code"]
        self.argv: tuple[str, ...] = fields["argv"]
        self.artifact: str = fields["artifact"]
        self.cpu: float = fields["cpu"]
        self.wall: float = fields["wall"]
        self.memory: int = fields["memory"]
        self.address_space: int = fields["address_space"]
        self.output: int = fields["output"]
        self.processes: int = fields["processes"]
        self.file: int = fields["file"]
        self.scratch: int = fields["scratch"]
        self.calls = calls
        self.rlimits = _rlimits(self, isolated)
        self.image = -1
        if self.kind == "binary":
            self.image = _unlinked_file(self.code)
            self.code = b""
        elif fields["reuse"] and self.kind in PYTHON_KINDS:
            self.image = os.memfd_create("code", os.MFD_CLOEXEC)


def _rlimits(job: Job, isolated: bool) -> list[tuple[int, int]]:
    """(kind, soft and hard limit) of each of a program's tests, within the hard limits of this process."""
    most = {
        resource.RLIMIT_CPU: int(job.cpu) + 2,
        resource.RLIMIT_AS: job.address_space,
        resource.RLIMIT_FSIZE: job.file,
        resource.RLIMIT_NPROC: job.processes,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_STACK: job.memory,
        resource.RLIMIT_MEMLOCK: 0,
    }
    if not isolated:
        del most[resource.RLIMIT_NPROC]  # it would count every process of this user
    hard = {kind: resource.getrlimit(kind)[1] for kind in most}
    return [
        (kind, limit if hard[kind] == resource.RLIM_INFINITY else min(limit, hard[kind]))
        for kind, limit in most.items()
    ]


def _unlinked_file(data: bytes) -> int:
    """A read-only descriptor of a file without a name: a file open for writing cannot be executed."""
    writable = os.open("program", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o500)
    write_all(writable, data)
    readable = os.open("program", os.O_RDONLY | os.O_CLOEXEC)
    os.close(writable)
    os.unlink("program")
    return readable
