"""What all processes of a test use, and how long they wait for a CPU, seen from the host in looks at /proc.

What has ended between two looks counts as it was last seen, unless its parent has waited for it and has its time.
"""

import os
import time
from dataclasses import dataclass, field

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class _Process:
    ticks: int
    """Its own."""
    of_children: int
    """Of those that it has waited for."""
    pages: int
    shared: int
    runnable: bool
    delays: dict[int, int] = field(default_factory=dict)
    """Thread -> nanoseconds that it was ready to run and had no CPU, up to when it last got one."""
    ran: int = 0
    """Nanoseconds that its threads had a CPU."""
    ready_since: float = 0.0
    """When it was first seen ready to run, and has not run since."""


class Tree:
    """The processes below a supervisor, which ends all of them with their test."""

    def __init__(self, supervisor: int) -> None:
        self._supervisor = supervisor
        self._seen: dict[int, _Process] = {}
        self._first: int | None = None
        self._above: int | None = None  # what the supervisor had waited for at the first look, in ticks
        self._lost = 0
        self._delay = 0
        self._ready = 0.0
        self.cpu_seconds = 0.0
        self.memory_bytes = 0
        self.runnable = False

    @property
    def delay_seconds(self) -> float:
        """The sum over all its threads of their waiting for a CPU; the kernel adds a wait when it is over."""
        return self._delay / 1e9 + self._ready

    def look(self) -> None:
        """See what is there now."""
        now = {pid: process for pid in self._family() if (process := _process(pid))}
        root = _process(self._supervisor)
        above = root.of_children if root else self._above or 0
        before = above if self._above is None else self._above
        self._above = above
        gone = sum(seen.ticks + seen.of_children for pid, seen in self._seen.items() if pid not in now)
        inherited = sum(
            process.of_children - self._seen[pid].of_children for pid, process in now.items() if pid in self._seen
        )
        self._lost += max(gone - inherited - (above - before), 0) + (above - before)
        moment, self._ready = time.monotonic(), 0.0
        for pid, process in now.items():
            before_it = self._seen.get(pid)
            stuck = before_it and before_it.runnable and process.runnable and before_it.ran == process.ran
            process.ready_since = before_it.ready_since if before_it and stuck else moment
            self._ready += moment - process.ready_since
            known = self._seen[pid].delays if pid in self._seen else {}
            self._delay += sum(delay - known.get(thread, 0) for thread, delay in process.delays.items())
        self._seen = now
        ticks = self._lost + sum(process.ticks + process.of_children for process in now.values())
        self.cpu_seconds = max(self.cpu_seconds, ticks / _TICKS)
        self.memory_bytes = _PAGE * sum(
            process.pages - (0 if pid == self._first else process.shared) for pid, process in now.items()
        )
        self.runnable = any(process.runnable for process in now.values())

    def _family(self) -> list[int]:
        family = _children(self._supervisor)
        if self._first is None and family:
            self._first = family[0]
        for pid in family:
            family += _children(pid)
        return family


def first_child(supervisor: int) -> int | None:
    """A test's first process: whatever the supervisor adopts is listed behind it."""
    return next(iter(_children(supervisor)), None)


def _children(pid: int) -> list[int]:
    found = []
    for thread in _threads(pid):
        found += [int(child) for child in _read(f"/proc/{pid}/task/{thread}/children").split()]
    return found


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def _process(pid: int) -> _Process | None:
    fields = _read(f"/proc/{pid}/stat").rpartition(b") ")[2].split()
    memory = _read(f"/proc/{pid}/statm").split()
    if not fields or not memory:
        return None
    times = [int(ticks) for ticks in fields[11:15]]
    process = _Process(times[0] + times[1], times[2] + times[3], int(memory[1]), int(memory[2]), fields[0] == b"R")
    for thread in _threads(pid):
        waited = _read(f"/proc/{pid}/task/{thread}/schedstat").split()
        if len(waited) > 1:
            process.delays[int(thread)] = int(waited[1])
            process.ran += int(waited[0])
    return process


def _read(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, 65536)
    except OSError:
        return b""
    finally:
        os.close(fd)
