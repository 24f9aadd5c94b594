"""A control group for one slot, where the host lets us make one: memory and processes limited, kills and CPU counted.

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

    def __init__(self, folders: list[Path], version: int) -> None:
        self.folders, self.version = folders, version
        self.memory, self.pids = folders[0], folders[-1 if version == 2 else 1]
        self._events = _open(self.memory / ("memory.events" if version == 2 else "memory.oom_control"))
        self._usage = _open(folders[-1] / ("cpu.stat" if version == 2 else "cpuacct.usage"))

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
                group = cls(folders, version)
                (group.pids / "pids.max").write_text(str(processes))
                group.limit_memory(64 << 20)
            except OSError:
                _remove(folders)
                continue
            return group
        return None

    def add(self, pid: int) -> None:
        for folder in self.folders:
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
        return _value(os.pread(self._events, 4096, 0), b"oom_kill")

    def cpu_seconds(self) -> float | None:
        """CPU time of all that ever ran in it, waited for or not; None where nobody counts it."""
        if self._usage < 0:
            return None
        said = os.pread(self._usage, 4096, 0)
        return _value(said, b"usage_usec") / 1e6 if self.version == 2 else int(said) / 1e9

    def close(self) -> None:
        for fd in (self._events, self._usage):
            if fd >= 0:
                os.close(fd)
        _remove(self.folders)


def _open(file: Path) -> int:
    try:
        return os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1


def _value(said: bytes, wanted: bytes) -> int:
    for line in said.splitlines():
        name, _, value = line.partition(b" ")
        if name == wanted:
            return int(value)
    return 0


def _parents() -> Iterator[tuple[int, tuple[Path, ...]]]:
    own = _own_groups()
    if "memory" in own and "pids" in own:
        both = (ROOT / "memory" / own["memory"], ROOT / "pids" / own["pids"])
        if "cpuacct" in own:
            yield 1, (*both, ROOT / "cpuacct" / own["cpuacct"])
        yield 1, both
    if "" in own:
        group = ROOT / own[""]
        for folder in (group, group.parent):
            handed_down = folder / "cgroup.subtree_control"
            with contextlib.suppress(OSError):
                if {"memory", "pids"} <= set(handed_down.read_text().split()):
                    yield 2, (folder,)


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


def throttled_seconds() -> float:
    """CPU seconds that a quota of the groups around this process, or the machine's own host, kept back so far."""
    nanoseconds = 0.0
    own = _own_groups()
    for folder in (ROOT / "cpu" / own["cpu"] if "cpu" in own else None, ROOT / own[""] if "" in own else None):
        for group in (folder, *folder.parents) if folder else ():
            if group.is_relative_to(ROOT):
                with contextlib.suppress(OSError):
                    said = (group / "cpu.stat").read_bytes()
                    nanoseconds += _value(said, b"throttled_time") + 1000 * _value(said, b"throttled_usec")
    with contextlib.suppress(OSError), open("/proc/stat", "rb") as file:
        steal = int(file.readline().split()[8])
        nanoseconds += steal / os.sysconf("SC_CLK_TCK") * 1e9
    return nanoseconds / 1e9


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
