"""What lies below a folder that is closed to other users, as /root is, and a root worker's jails need all the same.

A jail runs as a host user of its own. It starts in a mount namespace of its own, where such a folder is an empty and
open one in memory, with just what the jail needs at its own place.
"""

import os
import stat
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_SCRIPT = """
set -e
umask 022
cd "$1"
mount -t tmpfs -o mode=755 opened "$1"
folder=$1 count=$2
shift 2
while [ "$count" -gt 0 ]; do
  mkdir -p "$folder/$1"
  mount --no-canonicalize --bind "./$1" "$folder/$1"
  shift
  count=$((count - 1))
done
cd /
exec "$@"
"""


def out_of_reach(path: Path) -> Path | None:
    """The part of a folder's path that keeps the jails of this process from it, or None."""
    closed = _closed(path)
    if closed and _can_mount():
        return path if not _is_open(path) else None
    return closed


def reaching(folders: Iterable[Path], uid: int) -> list[str]:
    """The command line of root that becomes a user who reaches these folders, and runs what follows it."""
    hidden: dict[Path, list[str]] = {}
    for folder in dict.fromkeys(folders):
        closed = _closed(folder)
        if closed and not out_of_reach(folder):
            hidden.setdefault(closed, []).append(str(folder.relative_to(closed)))
    line = ["unshare", "--mount"] if hidden else []
    for closed, below in hidden.items():
        line += ["/bin/sh", "-c", _SCRIPT, "sh", str(closed), str(len(below)), *below]
    return [*line, "setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]


def _closed(path: Path) -> Path | None:
    """The first part that other users may not pass, or that is not there; None for anybody but root."""
    if os.geteuid():
        return None
    for part in (*reversed(path.parents), path):
        if not _is_open(part):
            return part
    return None


def _is_open(path: Path) -> bool:
    return path.exists() and bool(path.stat().st_mode & stat.S_IXOTH)


@cache
def _can_mount() -> bool:
    """Whether root may mount here: in a container it often may not."""
    line = ["unshare", "--mount", "mount", "-t", "tmpfs", "opened", "/tmp"]
    try:
        return subprocess.run(line, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
