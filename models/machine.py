"""Which machine this is, and which of its processes still live: what a row of `worker` is recognised by."""

import os
import socket
from functools import cache
from pathlib import Path
from typing import NamedTuple


class ProcessName(NamedTuple):
    """One process for ever: its pid may be used again, but not with the same start on the same boot."""

    host: str
    machine: str
    """Boot and pid namespace; empty where the system does not tell: then nobody else can say whether it lives."""
    pid: int
    started_ticks: int


def this_process() -> ProcessName:
    """This process."""
    pid = os.getpid()
    return ProcessName(socket.gethostname(), machine(), pid, started_ticks(pid) or 0)


@cache
def machine() -> str:
    """This boot of the machine and this namespace of pids, or an empty text."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def lives(pid: int, start: int) -> bool:
    """Whether a process of this machine still lives; True where that can't be told (/proc may hide other users')."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    started = started_ticks(pid)
    return started is None or started == start


def started_ticks(pid: int) -> int | None:
    """Its start in clock ticks since boot, -1 of one that is dead and not yet waited for; None where not told."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return -1 if fields[0] in "ZX" else int(fields[19])
