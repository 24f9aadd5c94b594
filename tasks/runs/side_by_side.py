"""Judging by several processes of this host at once, outside the queue: they come and go with the command."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import NoReturn

from tasks.runs.flaky import Repeat, judge
from tasks.stored import BenchmarkAway, load_own_benchmarks, prepare_verifiers
from verifiers.errors import JudgeAway, JudgingStopped, Unavailable

LEAVE_SECONDS = 20.0
"""What a process may take to leave: it removes what it made."""

_stop = threading.Event()


def judge_side_by_side(wanted: Sequence[Repeat], processes: int, *, network: bool = False) -> Iterator[bool]:
    """Judge, so many at once; yields, for each as it ends, whether it was still lacking then. One alone judges here."""
    processes = min(processes, len(wanted))
    try:
        yield from _judged_here(wanted) if processes == 1 else _judged_by(processes, wanted, network)
    except (JudgeAway, BenchmarkAway) as error:
        raise Unavailable(
            f"Nothing can be judged just now: {str(error).rstrip('.')}; what was judged is kept."
        ) from error


def _judged_here(wanted: Sequence[Repeat]) -> Iterator[bool]:
    load_own_benchmarks([], allowed=True)
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        for repeat in wanted:
            yield judge(repeat, threading.Event())
    finally:
        signal.signal(signal.SIGTERM, before)


def _judged_by(processes: int, wanted: Sequence[Repeat], network: bool) -> Iterator[bool]:
    """Processes are spawned, since neither connections nor sandboxes survive a fork. Whatever ends this ends them."""
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin, (network,))
    try:
        for done in as_completed(_submitted(pool, wanted)):
            yield done.result()
        pool.shutdown()
    except BrokenProcessPool as error:
        raise Unavailable(
            "A process that judged was killed, perhaps for want of memory; what was judged is kept."
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _end([child for child in multiprocessing.active_children() if child not in before])


def _submitted(pool: ProcessPoolExecutor, wanted: Sequence[Repeat]) -> list[Future[bool]]:
    """Start the processes, which inherit what they ignore: Ctrl-C reaches all, and the command ends the others."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return [pool.submit(_judge, repeat) for repeat in wanted]
    finally:
        signal.signal(signal.SIGINT, before)


def _end(children: Sequence[BaseProcess]) -> None:
    """Have processes leave, and see to it that they do."""
    for child in children:
        child.terminate()
    for child in children:
        child.join(LEAVE_SECONDS)
        if child.is_alive():
            child.kill()
            child.join()


def _begin(network: bool) -> None:
    """In a process that judges, before the first. The code of a person's own benchmark was given to the command."""
    load_own_benchmarks([], allowed=True)
    prepare_verifiers(network=network)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave(*_: object) -> NoReturn:
    _stop.set()
    sys.exit(1)


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)


def _judge(repeat: Repeat) -> bool:
    try:
        return judge(repeat, _stop)
    except (SystemExit, JudgingStopped):  # the pool would take it for the end of this one, and go on
        os._exit(1)
