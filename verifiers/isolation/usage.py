"""What a process and its descendants use, read from /proc: what has ended, or belongs to others, counts as nothing."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process, its living descendants and the children that they have waited for."""
    return sum(_cpu_ticks(member) for member in family(pid)) / _TICKS


def memory_bytes(pid: int) -> int:
    """Memory of their own, without the files that they have mapped."""
    return sum(_private_memory(member) for member in family(pid))


def waited_seconds(pid: int) -> float:
    """How long the one of their threads that waited longest was ready to run and had no CPU; 0 where no one tells."""
    threads = [path for member in family(pid) for path in Path(f"/proc/{member}/task").glob("*/schedstat")]
    return max((int((_read(path).split() or "00")[1]) for path in threads), default=0) / 1e9


def family(pid: int) -> list[int]:
    """A process and its living descendants."""
    found = [pid]
    for member in found:
        for listed in Path(f"/proc/{member}/task").glob("*/children"):
            found += [int(child) for child in _read(listed).split()]
    return found


def _private_memory(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    return 0


def _cpu_ticks(pid: int) -> int:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15])


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
