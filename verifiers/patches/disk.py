"""What a container takes of the daemon's disk, looked at every few seconds while a command runs in it."""

import os
import shutil
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from verifiers.errors import InfrastructureError, JudgeAway
from verifiers.patches.daemon import address, asking, client

_EVERY = 2.0
_COUNTED_WITHIN = 300.0
"""The daemon counts file by file: a tree of a million takes it many seconds."""
_FLOOR = 2 << 30
"""Bytes that stay free on the disk of a daemon on this host."""


class DiskWatch:
    """A thread that looks until `close`.

    `full` is set where the container wrote more than it may, files included that it unlinked while they are open, as
    far as this process may look at them; `low` where the disk of a daemon on this host is nearly full.
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
            free = _free(self._root)
            # looked for only where so much is gone that it can matter
            unlinked = _unlinked(self._container) if free < self._free - self._most // 2 else 0
            try:
                if unlinked > self._most or unlinked + self._size() > self._most:
                    self.full.set()
                elif free < _FLOOR:
                    self.low.set()
            except (InfrastructureError, JudgeAway):
                continue  # whoever runs the command finds out why

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


def _free(root: Path | None) -> float:
    """Bytes that are free on the daemon's disk; without end where it cannot be seen."""
    try:
        return shutil.disk_usage(root).free if root else float("inf")
    except OSError:
        return float("inf")


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
