"""Two transactions statement by statement: one stops before a statement of its, the other runs, the first goes on."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from tests.place import Place, wait_until

Act = Callable[[], Any]


class _Steps:
    """Whoever has one passes it before each statement and each commit; the `stop`-th waits until `go` is set."""

    def __init__(self, stop: int) -> None:
        self.passed, self._stop = 0, stop
        self.here, self.go = threading.Event(), threading.Event()

    def step(self) -> None:
        self.passed += 1
        if self.passed == self._stop:
            self.here.set()
            assert self.go.wait(60), "nobody lets it go on"


_own = threading.local()


@contextmanager
def stepping(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have the driver's statements and commits be steps of the threads that have some."""
    with monkeypatch.context() as patched:
        for owner, name in (
            (psycopg.Cursor, "execute"),
            (psycopg.Cursor, "executemany"),
            (psycopg.Connection, "commit"),
        ):
            patched.setattr(owner, name, _stepped(getattr(owner, name)))
        yield


def _stepped(method: Callable[..., Any]) -> Callable[..., Any]:
    def stepped(*arguments: Any, **named: Any) -> Any:
        steps: _Steps | None = getattr(_own, "steps", None)
        if steps is not None:
            steps.step()
        return method(*arguments, **named)

    return stepped


def interleaved(place: Place, first: Act, second: Act, stop: int) -> bool:
    """Run `first` up to its `stop`-th step, then `second`, until it ends or waits for a lock, then the rest of both.

    Whatever either raises is raised. False where `first` has fewer steps: they ran one after the other.
    """
    steps, errors = _Steps(stop), list[BaseException]()

    def run(act: Act, own: _Steps | None) -> None:
        _own.steps = own
        try:
            act()
        except BaseException as error:
            errors.append(error)

    one = threading.Thread(target=run, args=(first, steps), daemon=True)
    other = threading.Thread(target=run, args=(second, None), daemon=True)
    one.start()
    wait_until(lambda: steps.here.is_set() or not one.is_alive())
    other.start()
    wait_until(lambda: not other.is_alive() or place.one("select count(*) from pg_locks where not granted"))
    steps.go.set()
    for thread in (one, other):
        thread.join(60)
        assert not thread.is_alive()
    if errors:
        raise errors[0]
    return steps.here.is_set()
