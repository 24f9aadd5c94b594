"""What a container takes of the daemon's disk, looked at every few seconds while a command runs in it."""

import shutil
import threading
from pathlib import Path

from verifiers.errors import InfrastructureError, JudgeAway
from verifiers.patches.daemon import address, asking, client

_EVERY = 2.0
_COUNTED_WITHIN = 300.0
"""The daemon counts file by file: a tree of a million takes it many seconds."""
_FLOOR = 2 << 30
"""Bytes that stay free on the disk of a daemon on this host."""


class DiskWatch:
    """A thread that looks until `close`; `full` is set where the container wrote more than it may.

    `low` is set where the daemon's disk is nearly full and this container's files are not why, or cannot be seen:
    files that were unlinked while open are counted for nobody.
    """

    def __init__(self, container: str, most: int) -> None:
        self.full = threading.Event()
        self.low = threading.Event()
        self._container, self._most = container, most
        self._closed = threading.Event()
        self._root = _root()
        self._thread = threading.Thread(target=self._watch, name="disk of a container", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking; a count that is under way ends by itself."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(_EVERY):
            if self._root is not None and shutil.disk_usage(self._root).free < _FLOOR:
                self.low.set()
            try:
                if self.size() > self._most:
                    self.full.set()
            except (InfrastructureError, JudgeAway):
                continue  # whoever runs the command finds out why

    def size(self) -> int:
        """Bytes that the container's files take beyond its image's."""
        with asking("measure a container"):
            found = client(_COUNTED_WITHIN).api.containers(
                all=True, size=True, filters={"name": f"^/{self._container}$"}
            )
        return max((int(each.get("SizeRw") or 0) for each in found), default=0)


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
