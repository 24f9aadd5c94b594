"""A control group for one slot, where the host lets us make one: memory and processes limited, kills counted.

cgroup v1 needs root. cgroup v2 needs a group (our own or its parent) that hands memory and pids down and that we may
write to, as systemd's Delegate= makes it. Elsewhere `Group.make` gives None and rlimits do the work.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
_PREFIX = "monkeys-"


class Group:
    """One slot's group: a folder (v2), or one a controller (v1). Gone after `close`."""

    def __init__(self, memory: Path, pids: Path, version: int) -> None:
        self.memory, self.pids, self.version = memory, pids, version
        self._events = str(memory / ("memory.events" if version == 2 else "memory.oom_control"))

    @classmethod
    def make(cls, slot: str, processes: int) -> "Group | None":
        """A fresh group, or None where this host or this user cannot have one."""
        for version, parents in _parents():
            name = f"{_PREFIX}{os.getpid()}-{slot}"
            folders: list[Path] = []
            try:
                for parent in dict.fromkeys(parents):
                    _sweep(parent)
                    (parent / name).mkdir()
                    folders.append(parent / name)
                group = cls(folders[0], folders[-1], version)
                (group.pids / "pids.max").write_text(str(processes))
                group.limit_memory(64 << 20)
            except OSError:
                _remove(folders)
                continue
            return group
        return None

    def add(self, pid: int) -> None:
        for folder in {self.memory, self.pids}:
            (folder / "cgroup.procs").write_text(str(pid))

    def limit_memory(self, size: int) -> None:
        """Set the most memory, swap included, and forget the peak so far."""
        if self.version == 2:
            (self.memory / "memory.max").write_text(str(size))
            with contextlib.suppress(FileNotFoundError):  # a host without swap accounting
                (self.memory / "memory.swap.max").write_text("0")
            return
        swap = self.memory / "memory.memsw.limit_in_bytes"
        files = [self.memory / "memory.limit_in_bytes"] + ([swap] if swap.exists() else [])
        try:
            for file in files:  # downwards: the smaller of the two first
                file.write_text(str(size))
        except OSError:
            for file in reversed(files):
                file.write_text(str(size))

    def kills(self) -> int:
        """How often the kernel killed a process of this group for want of memory."""
        with open(self._events, "rb", buffering=0) as file:
            for line in file.read(4096).splitlines():
                name, _, value = line.partition(b" ")
                if name == b"oom_kill":
                    return int(value)
        return 0

    def close(self) -> None:
        _remove([self.memory, self.pids])


def _parents() -> Iterator[tuple[int, tuple[Path, Path]]]:
    own = _own_groups()
    if "memory" in own and "pids" in own:
        yield 1, (ROOT / "memory" / own["memory"], ROOT / "pids" / own["pids"])
    if "" in own:
        group = ROOT / own[""]
        for folder in (group, group.parent):
            handed_down = folder / "cgroup.subtree_control"
            with contextlib.suppress(OSError):
                if {"memory", "pids"} <= set(handed_down.read_text().split()):
                    yield 2, (folder, folder)


def _own_groups() -> dict[str, str]:
    """Controller -> path below its mount; v2 has the empty name."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return {}
    groups = {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = path.lstrip("/")
    return groups


def _sweep(parent: Path) -> None:
    """Remove the empty groups of processes that were killed."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _remove(folders: list[Path]) -> None:
    """Remove groups whose processes are dying."""
    for folder in set(folders):
        for _ in range(200):
            try:
                folder.rmdir()
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(0.01)
