"""What a container takes of the daemon's disk, looked at every few seconds while a command runs in it."""

import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from verifiers.errors import InfrastructureError, JudgeAway
from verifiers.patches.daemon import address, asking, client

_EVERY = 2.0
_COUNTED_WITHIN = 300.0
"""The daemon counts file by file: a tree of a million takes it many seconds."""
_BLOCK = 4096
_UNKNOWN = 1e30
_FLOOR = 2 << 30
"""Bytes that stay free on the disk of a daemon on this host."""


class DiskWatch:
    """A thread that looks until `close`.

    `full` is set where the container wrote more than it may; where the daemon is on this host and this process root,
    that includes what many small files take, and files that were unlinked while they are open. `low` is set where the
    disk of a daemon on this host is nearly full.
    """

    def __init__(self, container: str, most: int) -> None:
        self.full = threading.Event()
        self.low = threading.Event()
        self._container, self._most = container, most
        self._closed = threading.Event()
        self._root = _root()
        self._free = _free(self._root)
        self._thread = threading.Thread(target=self._watch, name="disk of a container", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking; a count that is under way ends by itself."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(_EVERY):
            try:
                if self._size() > self._most or self._taken() > self._most:
                    self.full.set()
                elif _free(self._root)[0] < _FLOOR:
                    self.low.set()
            except (InfrastructureError, JudgeAway):
                continue  # whoever runs the command finds out why

    def _taken(self) -> int:
        """Bytes of this host's disk that it holds beyond what its files say; looked for where much of the disk went."""
        if not any(before - now > self._most / 2 for before, now in zip(self._free, _free(self._root), strict=True)):
            return 0
        with asking("say where a container lives"):
            told = client().api.inspect_container(self._container).get("GraphDriver") or {}
        upper = (told.get("Data") or {}).get("UpperDir")
        return _unlinked(self._container) + (_allocated(upper) if upper else 0)

    def _size(self) -> int:
        """Bytes that the container's files take beyond its image's."""
        with asking("measure a container"):
            found = client(_COUNTED_WITHIN).api.containers(all=True, size=True, filters={"id": self._container})
        return max((int(each.get("SizeRw") or 0) for each in found), default=0)


@contextmanager
def watching(container: str, most: int) -> Iterator[DiskWatch]:
    """Look at a container's disk meanwhile."""
    watch = DiskWatch(container, most)
    try:
        yield watch
    finally:
        watch.close()


def _root() -> Path | None:
    """The folder of a daemon on this host, where it can be seen."""
    if not address().startswith("unix:"):
        return None
    with asking("say where it lives"):
        root = Path(client().info()["DockerRootDir"])
    try:
        return root if root.exists() else None
    except OSError:
        return None


def _free(root: Path | None) -> tuple[float, float]:
    """Bytes that are free on the daemon's disk, and those of as many blocks as it can hold more files.

    Without end where it cannot be seen.
    """
    try:
        found = os.statvfs(root) if root else None
    except OSError:
        found = None
    return (found.f_bavail * found.f_frsize, found.f_favail * _BLOCK) if found else (_UNKNOWN, _UNKNOWN)


def _allocated(folder: str) -> int:
    """Bytes of the blocks that a folder's files take, each file one at least; du fears no tree, however deep."""
    largest = 0
    for unit, size in (("--block-size=1", 1), ("--inodes", _BLOCK)):
        with suppress(OSError, subprocess.TimeoutExpired, ValueError, IndexError):
            command = ["du", "--summarize", unit, "--", folder]
            said = subprocess.run(command, capture_output=True, timeout=_COUNTED_WITHIN).stdout
            largest = max(largest, int(said.split()[0]) * size)
    return largest


def _unlinked(container: str) -> int:
    """Bytes of files without a name that the processes of a container on this host hold open."""
    sizes: dict[tuple[int, int], int] = {}
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else []):
        with suppress(OSError):
            if container not in Path("/proc", pid, "cgroup").read_text():
                continue
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                with suppress(OSError):
                    found = os.stat(f"/proc/{pid}/fd/{descriptor}")
                    if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                        sizes[found.st_dev, found.st_ino] = found.st_blocks * 512
    return sum(sizes.values())
