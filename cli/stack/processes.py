"""Processes by pid, start and session: who lives, who descends from whom, and how they end.

Read from /proc and not by psutil: a session or a group is still ours when its leader is gone, and a start in ticks
since boot stays the same when the clock is set.
"""

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

YIELDING = 5
"""Niceness of workers: beside a command they have a quarter of a processor, and beside other people's work no less."""

_libc = ctypes.CDLL(None, use_errno=True)


class Process(NamedTuple):
    """One process; `start` is in clock ticks since boot, and tells a pid that is used again."""

    pid: int
    parent: int
    group: int
    session: int
    start: int
    zombie: bool


def die_with_parent() -> None:
    """In a child before exec: end, in order, when the parent dies, however it dies."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)


def begin_yielding() -> None:
    """The same, and give way from now on to every process of the machine that is not as nice.

    Where each session has its share of the processors (autogroup), niceness counts within it alone: then the session,
    which must be new, is made nice too. The kernel takes ten such changes a second from those who are not root.
    """
    die_with_parent()
    os.nice(YIELDING)
    for _ in range(5):
        try:
            Path("/proc/self/autogroup").write_text(str(YIELDING))
        except BlockingIOError:
            time.sleep(0.1)
        except OSError:  # there are none
            return
        else:
            return


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent dies."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def boot_id() -> str:
    """This boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def read_process(pid: int) -> Process | None:
    """A process as it is now, or nothing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    parent, group, session = map(int, fields[1:4])
    return Process(pid, parent, group, session, int(fields[19]), fields[0] in "ZX")


def command_line(pid: int) -> str:
    """A living process's arguments, or an empty text."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def members(roots: Iterable[int]) -> list[Process]:
    """The living processes of these sessions, and every descendant of them; this process is never one."""
    living = [process for process in map(read_process, _pids()) if process is not None and not process.zombie]
    known = set(roots)
    grown = True
    while grown:
        more = {each.pid for each in living if {each.pid, each.parent, each.session, each.group} & known}
        grown = not more <= known
        known |= more
    return [each for each in living if each.pid in known and each.pid != os.getpid()]


def kill(processes: Iterable[Process], number: signal.Signals = signal.SIGKILL) -> None:
    """Signal each, unless its pid is another process by now."""
    for each in processes:
        now = read_process(each.pid)
        if now is not None and now.start == each.start:
            try:
                os.kill(each.pid, number)
            except ProcessLookupError:
                pass


def end_group(child: subprocess.Popen[bytes], stop: str, grace: float) -> None:
    """Ask a child to end, wait `grace` seconds, then kill whatever of its session is left."""
    if child.poll() is None:
        child.send_signal(getattr(signal, f"SIG{stop}"))
        try:
            child.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    end_all([child.pid])
    child.wait()


def reap(kept: Iterable[int]) -> None:
    """Wait for every dead child that was adopted; `kept` are those that their starter waits for."""
    kept = set(kept)
    with suppress(ChildProcessError):
        while (dead := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and dead.si_pid not in kept:
            os.waitpid(dead.si_pid, 0)


def end_all(roots: Iterable[int]) -> None:
    """Kill these sessions to the last process."""
    roots = list(roots)
    deadline = time.monotonic() + 10
    while (left := members(roots)) and time.monotonic() < deadline:
        kill(left)
        time.sleep(0.02)


def _pids() -> list[int]:
    return [int(each) for each in os.listdir("/proc") if each.isdigit()]
