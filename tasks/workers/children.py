"""The processes of a verify worker, seen from their parent: what becomes of their works, and how they all end.

A process is ended by its parent when one work takes it far too long, and by itself when what it judges does not stop
though its work was cancelled or its worker leaves. Whatever else ends one (a crash, no memory) its parent sees at once.
"""

import ctypes
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import psutil
from billiard.exceptions import Terminated, WorkerLostError
from celery import Task
from celery.worker.request import Request

from tasks import ledger
from tasks.ledger import Lease
from tasks.workers import leases, presence

log = logging.getLogger(__name__)

STOP_SECONDS = 6.0
"""How long a judgement may go on that was told to stop."""

KILL_SECONDS = 2.0
"""After that, until the parent ends those that are left; and the same again until it ends itself."""

_PR_SET_CHILD_SUBREAPER = 36

_freeing: list[threading.Thread] = []


class _Watched(Request):
    """A message's work in a process of the pool: freed in the ledger where that process is gone."""

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:
        error = exc_info.exception
        error = getattr(error, "exc", error)
        super().on_failure(exc_info, send_failed_event, return_ok)
        if isinstance(error, WorkerLostError | Terminated | SystemExit):
            self._free(_how(error))

    def on_timeout(self, soft: bool, timeout: float) -> None:
        super().on_timeout(soft, timeout)
        if not soft:
            self._free(f"its process was ended: one work took it longer than {timeout:,.0f} s")

    def _free(self, how: str) -> None:
        """In a thread, since this one serves all processes, and the database may be away."""
        (work_id,) = self.args
        worker = f"{self.hostname}:{self.worker_pid}"
        thread = threading.Thread(target=_free, args=(work_id, worker, how), name="free", daemon=True)
        _freeing.append(thread)
        thread.start()


class WatchedTask(Task):  # type: ignore[type-arg]
    """A task whose argument is a work that its process holds."""

    Request = _Watched  # type: ignore[assignment]


def _free(work_id: int, worker: str, how: str) -> None:
    wanted = leases.leaving.is_set()
    error = "given back: its worker leaves" if wanted else how
    if ledger.free_of_process(work_id, worker, socket.gethostname(), error, counts=not wanted):
        log.warning("work %s is free again: %s", work_id, error)
    _freeing.remove(threading.current_thread())


def _how(error: BaseException) -> str:
    """How a process ended, from what the pool says of it."""
    text = str(error)
    if found := re.search(r"signal \d+ \((\w+)\)", text):
        return f"its process was ended by {found[1]}"
    if found := re.search(r"exitcode (-?\d+)", text):
        return f"its process ended with exit code {found[1]}"
    return f"its process was lost ({text or type(error).__name__})"


def end_when_deaf() -> None:
    """In a process of the pool: end it when what it judges does not stop in time, its work given back."""
    told: dict[int, float] = {}
    while True:
        time.sleep(0.5)
        held = {each.lease.attempt_id: each.lease for each in leases.stopped()}
        told = {attempt: told.get(attempt, time.monotonic()) for attempt in held}
        deaf = [held[each] for each, since in told.items() if time.monotonic() - since > STOP_SECONDS]
        if deaf:
            log.warning("what judges work %s does not stop: its process ends", deaf[0].work_id)
            _give_back(deaf)
            _end_descendants()
            os._exit(1)


def _give_back(works: list[Lease]) -> None:
    """As far as the database answers soon: else the parent frees them."""

    def give() -> None:
        for each in works:
            ledger.give_back(each, "what judges it did not stop")

    thread = threading.Thread(target=give, daemon=True)
    thread.start()
    thread.join(KILL_SECONDS)


def end_after_grace(tell: Callable[[], object]) -> None:
    """In the parent, when the grace is over: tell the processes to stop, then end those that do not, then this one."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what a killed one started is ours to end
    leases.leaving.set()
    tell()
    time.sleep(STOP_SECONDS + KILL_SECONDS)
    log.warning("processes that do not leave are ended")
    _end_descendants()
    time.sleep(KILL_SECONDS)
    end_all()
    presence.left()
    os._exit(0)


def end_all() -> None:
    """In the parent, at its end: whatever is left of its processes, and what is to be written of their works."""
    _end_descendants()
    deadline = time.monotonic() + KILL_SECONDS
    for thread in list(_freeing):
        thread.join(max(0.0, deadline - time.monotonic()))


def _end_descendants() -> None:
    for _ in range(10):  # each may have begun another
        left = [each for each in psutil.Process().children(recursive=True) if _lives(each)]
        for each in left:
            try:
                each.kill()
            except psutil.Error:
                pass
        if not left:
            return
        time.sleep(0.05)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
