"""Keeps engine workers: one process for each, started again when its engine died, nothing left when it ends.

vLLM's engine is a process of its own that outlives a killed worker with all its GPU memory. So each worker runs in a
session of its own below a keeper, which adopts whatever a dead worker leaves and kills it. Signals of a terminal reach
the keeper alone, which asks its workers to end in order.
"""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from cli.stack.processes import adopt_orphans, die_with_parent, end_all
from tasks.workers.process import ENGINE_DIED

log = logging.getLogger(__name__)

LONGEST_PAUSE = 60.0
"""Seconds between two starts of a worker whose engine keeps dying."""

GRACE_SECONDS = 40.0
"""From being told to go to being killed: batches are given back after 10 s, and an engine may need some to end."""


class Kept:
    """One worker process."""

    def __init__(self, arguments: Sequence[str]) -> None:
        path = ["-P"] if sys.flags.safe_path else []
        self._command = [sys.executable, *path, "-m", "cli", *arguments]
        self._pause = 1.0
        self.start()

    def start(self) -> None:
        """Start it; it ends, in order, when the keeper dies."""
        self._began = time.monotonic()
        self.process = subprocess.Popen(self._command, start_new_session=True, preexec_fn=die_with_parent)

    def pause(self) -> float:
        """Seconds to wait before the next start: longer each time, unless it has run well."""
        if time.monotonic() - self._began > 600:
            self._pause = 1.0
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        return self._pause


def keep(workers: Sequence[Sequence[str]]) -> int:
    """Run a worker for each list of arguments until one ends by itself or this process is told to go."""
    told = 0

    def go(number: int, frame: Any) -> None:  # noqa: ARG001
        nonlocal told
        told += 1

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, go)
    adopt_orphans()
    kept = [Kept(arguments) for arguments in workers]
    codes: list[int] = []
    while not told and not codes:
        time.sleep(0.2)
        for each in kept:
            code = each.process.poll()
            if code is None:
                continue
            end_all([each.process.pid])
            if code != ENGINE_DIED and code >= 0:
                codes.append(code)
                continue
            pause = each.pause()
            log.warning("the worker %s ended (%s); another is started in %.0f s", each.process.pid, code, pause)
            until = time.monotonic() + pause
            while not told and time.monotonic() < until:
                time.sleep(0.2)
            if not told:
                each.start()
    _end([each.process for each in kept], lambda: told > 1)
    return max(codes, default=0)


def _end(processes: Sequence[subprocess.Popen[bytes]], hurry: Any) -> None:
    """Ask all to end, then kill what is left of them."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline and not hurry():
        time.sleep(0.1)
    end_all([process.pid for process in processes])
    for process in processes:
        process.wait()
