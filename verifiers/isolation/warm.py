"""A warm child for all of a process: made on first use, asked by one thread at a time, replaced once it is gone."""

import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakSet

from verifiers.isolation.child import Child


class WarmChild:
    """One child that runs a module of ours with a small environment of its own.

    requests: asked of one child before a fresh one takes over; None is no limit.
    """

    def __init__(
        self, name: str, module: str, arguments: Sequence[str], environ: Mapping[str, str], requests: int | None = None
    ) -> None:
        self._name, self._requests = name, requests
        self._command = [sys.executable, "-P", "-B", "-m", module, *arguments]
        self._environ = {"PYTHONPATH": str(Path(__file__).parents[2]), **environ}
        self._lock = threading.Lock()
        self._child: Child | None = None
        _all.add(self)

    @contextmanager
    def held(self) -> Iterator[Child]:
        """The child, for as long as it is asked by nobody else; InfrastructureError where it cannot be started."""
        with self._lock:
            if self._child and self._requests is not None and self._child.asked >= self._requests:
                self._child.close()
            if self._child is None or self._child.closed:
                self._child = Child(self._name, self._command, self._environ)
            yield self._child

    def close(self) -> None:
        """End the child; the next question starts another."""
        with self._lock:
            if self._child:
                self._child.close()

    def after_fork(self) -> None:
        """In a forked process: another thread of the parent may hold the lock."""
        self._lock = threading.Lock()


_all: WeakSet[WarmChild] = WeakSet()


def _unlock_all() -> None:
    for each in list(_all):
        each.after_fork()


os.register_at_fork(after_in_child=_unlock_all)
