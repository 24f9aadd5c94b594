"""Command lines as processes of their own, forked from one that has imported everything: 0.05 s each and not 2 s."""

import atexit
import faulthandler
import functools
import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path

from cli.stack.processes import die_with_parent

IMPORTED = [
    "__main__", "cli.enqueue", "cli.worker", "cli.doctor", "cli.import_", "cli.report", "cli.sweep",
    "celery.bin.worker", "celery.apps.worker", "celery.worker.consumer", "celery.concurrency.thread",
    "celery.concurrency.prefork",
    "celery.app.control", "celery.app.events", "kombu.transport.redis", "kombu.transport.pyamqp",
    "sqlalchemy.dialects.postgresql.psycopg", "tasks.workers.process", "tasks.workers.generate", "tasks.workers.verify",
    "tasks.workers.score", "tasks.workers.sweep", "tasks.engines.replay", "models.analysis.store",
    "models.analysis.curves", "models.analysis.selectors", "verifiers.benchmarks", "verifiers.answers",
]  # fmt: skip

TELL_WHERE = signal.SIGRTMIN + 1
"""Has a process write to its log where its threads are; Celery does nothing with it."""


@functools.cache
def _context() -> ForkServerContext:
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(IMPORTED)
    return made


class Forked:
    """One command line, used as a `subprocess.Popen` is; it leads a session of its own as the stack's services do."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._process = _context().Process(target=_run, args=(arguments, environment, str(log)))
        self._process.start()
        self.args = arguments
        self.pid = int(self._process.pid or 0)

    @property
    def returncode(self) -> int | None:
        """The exit code, or minus the signal's number."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The exit code of one that has ended."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; subprocess.TimeoutExpired when that does not come in time."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Signal it, if it lives."""
        if self._process.exitcode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Tell it to go."""
        self.send_signal(signal.SIGTERM)


def _run(arguments: list[str], environment: dict[str, str], log: str) -> None:
    """In the new process: be `monkeys ARGUMENTS`."""
    os.setsid()
    die_with_parent()
    faulthandler.register(TELL_WHERE)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for each in (1, 2):
        os.dup2(file, each)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["monkeys", *arguments]
    from cli import main
    from models.settings import settings

    settings.cache_clear()
    try:
        main()
    finally:
        atexit._run_exitfuncs()
