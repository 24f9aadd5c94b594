"""Keeps processes: each is started when it is due, and again, and only it, when it ends; nothing is left when all go.

vLLM's engine is a process of its own that outlives a killed worker with all its GPU memory. So each service runs in a
session of its own below the keeper, which adopts whatever a dead one leaves and kills it. Signals of a terminal reach
the keeper alone, which asks its services to end in order.
"""

import logging
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any, NamedTuple

from cli.stack.processes import adopt_orphans, begin_yielding, die_with_parent, end_all, read_process, reap
from cli.stack.state import Standing, log_file, tail
from tasks.workers.grace import KEEPER_SECONDS
from verifiers.errors import UserError

log = logging.getLogger(__name__)

LONGEST_BACKOFF_SECONDS = 30.0
SETTLED_SECONDS = 60.0
"""After this long a service counts as healthy again and its next restart is at once."""

LARGEST_LOG_BYTES = 20_000_000

RESTS_AFTER = 4
"""After so many ends, however far apart, one whose queue has no open works is not started before there are some."""

STILL_SECONDS = 5.0
STILL_LOOKS = 3
"""Who stands still by so many looks in a row, STILL_SECONDS apart, is replaced: after an outage everybody seems to."""


class Service(NamedTuple):
    """One supervised process; `stage` orders the start: servers 0, schema 1, the rest 2."""

    name: str
    stage: int
    command: Callable[[], list[str]]
    prepare: Callable[[], None] = lambda: None
    ready: Callable[[], bool] = lambda: True
    stop: str = "TERM"
    once: bool = False
    """It is done when it exits with 0."""
    must_start: bool = False
    """Where its first start is refused as a person's mistake, its keeper leaves: the person reads why."""
    yields: bool = False
    """It gives way to what a person types, and to the servers."""
    queue: Callable[[], str] | None = None
    """The queue without whose works nobody needs it."""


class Kept:
    """One service and its process: started when it is due, started again when it ends. Nothing here waits."""

    def __init__(self, service: Service, home: Path | None) -> None:
        self.service = service
        self.home = home
        self.log = log_file(home, service.name) if home else None
        self.child: subprocess.Popen[bytes] | None = None
        self.state = "starting"
        self.since = time.time()
        self.restarts = 0
        self.failures = 0
        self.due = 0.0
        self.started = 0.0
        self.error = ""
        self.needed = True
        self.patience = RESTS_AFTER

    def step(self) -> None:
        """Look once: start, notice an end, notice that it is ready."""
        if self.state in ("done", "refused"):
            return
        if self.child is None:
            if self.patience <= 0 and not self.needed:
                self.rest()
            elif time.monotonic() >= self.due:
                self._start()
        elif (code := self.child.poll()) is not None:
            self._ended(code)
        elif self.state != "running" and self._stays() and self.service.ready():
            self.now("running")
        elif self.state == "running" and self.failures and time.time() - self.since > SETTLED_SECONDS:
            self.failures = 0
            self.error = ""

    def rest(self) -> None:
        """Not be started, for now."""
        if self.state != "resting":
            self.now("resting")

    def wake(self) -> None:
        """Be started where it rests."""
        if self.state == "resting":
            self.failures, self.due, self.patience = 0, 0.0, RESTS_AFTER
            self.now("restarting")

    def _stays(self) -> bool:
        """Whether it has lived long enough to be called running: longer, the more often it has died."""
        return not self.service.once and time.monotonic() - self.started >= min(2.0 * self.failures, 20.0)

    def _start(self) -> None:
        try:
            self.service.prepare()
            with _opened(self.log) if self.log else nullcontext() as log:
                self.child = subprocess.Popen(
                    self.service.command(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.home,
                    start_new_session=True,
                    preexec_fn=begin_yielding if self.service.yields else die_with_parent,
                )
            self.started = time.monotonic()
        except (UserError, OSError) as error:
            self._failed(str(error))

    def _ended(self, code: int) -> None:
        assert self.child is not None
        end_all([self.child.pid])  # an engine's own processes may outlive it
        self.child = None
        if self.service.once and code == 0:
            self.now("done")
        elif self.service.must_start and code == UserError.exit_code and not self.restarts:
            self.now("refused")
        else:
            how = f"ended with {code}" if code >= 0 else f"ended by {signal.Signals(-code).name}"
            # who is killed has no last word: what stands last in its log is something else
            last = tail(self.log, 1) if self.log and code != -signal.SIGKILL else ""
            self._failed(f"{how}: {last}" if last else how)

    def _failed(self, error: str) -> None:
        self.error = error
        pause = min(0.5 * 2**self.failures, LONGEST_BACKOFF_SECONDS)
        self.due = time.monotonic() + pause
        self.failures += 1
        self.restarts += 1
        self.patience -= 1
        self.now("restarting" if self.failures < 3 else "failing")
        log.warning("%s: %s; it is started again in %.1f s", self.service.name, error, pause)

    def now(self, state: str) -> None:
        """Note a change."""
        self.state = state
        self.since = time.time()

    @property
    def ready(self) -> bool:
        """Whether what comes after may start."""
        return self.state == ("done" if self.service.once else "running")

    def standing(self) -> Standing:
        """How it stands, for `status`."""
        pid = self.child.pid if self.child else None
        process = read_process(pid) if pid else None
        start = process.start if process else None
        return Standing(self.service.name, pid, self.state, self.since, self.restarts, start, self.error[:500])


def _opened(log: Path) -> IO[bytes]:
    """A log to write at its end; one that grew large is put aside."""
    log.parent.mkdir(exist_ok=True, mode=0o700)
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return log.open("ab")


class Keeper:
    """Keeps what is wanted running until it is told to go; told again, it does not wait for them."""

    def __init__(
        self,
        wanted: Callable[[], Iterable[Service]],
        home: Path | None = None,
        note: Callable[[Iterable[Kept]], None] = lambda _: None,
        still: Callable[[list[int]], list[int]] | None = None,
        open_queues: Callable[[], set[str]] | None = None,
    ) -> None:
        """`wanted` is asked anew after `again`; below `home` are logs, without one services write where we do.

        `still` says which of these processes stand still: they are killed, and started again. `open_queues` says which
        queues have works to be done. Both may take their time.
        """
        self.wanted = wanted
        self.home = home
        self.note = note
        self.still = still
        self.open_queues = open_queues
        self.kept: dict[str, Kept] = {}
        self.told = 0
        self.reread = True

    def run(self) -> int:
        """Keep everything; on SIGTERM or SIGINT take it down in the other direction. Returns the exit code."""
        signal.signal(signal.SIGTERM, self.go)
        signal.signal(signal.SIGINT, self.go)
        adopt_orphans()
        looks = (self._end_who_stands_still, self.still), (self._see_who_is_needed, self.open_queues)
        for look, ask in looks:
            if ask is not None:
                threading.Thread(target=look, args=(ask,), name=look.__name__, daemon=True).start()
        while not self.told and not self._refused():
            if self.reread:
                self.reread = False
                for service in self.wanted():
                    self.kept.setdefault(service.name, Kept(service, self.home)).wake()
            stage = min((each.service.stage for each in self.kept.values() if not each.ready), default=2)
            for each in self.kept.values():
                if each.service.stage <= stage or each.child is not None:
                    each.step()
            reap(self._pids())
            self.note(self.kept.values())
            time.sleep(0.1)
        code = UserError.exit_code if self._refused() and not self.told else 0
        for stage in (2, 1, 0):
            self._stop([each for each in self.kept.values() if each.service.stage == stage])
        return code

    def go(self, *_: Any) -> None:
        """As a signal's handler: leave."""
        self.told += 1

    def again(self, *_: Any) -> None:
        """As a signal's handler: ask anew what is wanted."""
        self.reread = True

    def _pids(self) -> list[int]:
        return [child.pid for each in list(self.kept.values()) if (child := each.child) is not None]

    def _end_who_stands_still(self, still: Callable[[list[int]], list[int]]) -> None:
        looks: Counter[int] = Counter()
        while not self.told:
            time.sleep(STILL_SECONDS)
            try:
                found = set(still(self._pids()))
            except Exception as error:  # an outage: then nobody can be said to stand still
                log.debug("not known who stands still: %s", error)
                found = set()
            looks = Counter({pid: looks[pid] + 1 for pid in found})
            for pid in {pid for pid in found if looks[pid] >= STILL_LOOKS} & set(self._pids()):
                log.warning("process %s says nothing any more: it is killed, and another started", pid)
                end_all([pid])

    def _see_who_is_needed(self, open_queues: Callable[[], set[str]]) -> None:
        while not self.told:
            time.sleep(STILL_SECONDS)
            try:
                queues = open_queues()
                for each in list(self.kept.values()):
                    each.needed = each.service.queue is None or each.service.queue() in queues
            except Exception as error:  # an outage: then each may be needed
                log.debug("not known which queues have works: %s", error)
                for each in list(self.kept.values()):
                    each.needed = True

    def _refused(self) -> bool:
        return any(each.state == "refused" for each in self.kept.values())

    def _stop(self, leaving: list[Kept]) -> None:
        children = [each.child for each in leaving if each.child is not None]
        for each in leaving:
            if each.child is not None and each.child.poll() is None:
                each.child.send_signal(getattr(signal, f"SIG{each.service.stop}"))
        deadline = time.monotonic() + KEEPER_SECONDS
        while time.monotonic() < deadline and self.told < 2 and any(child.poll() is None for child in children):
            time.sleep(0.05)
        end_all([child.pid for child in children])
        for each in leaving:
            if each.child is not None:
                each.child.wait()
            each.child = None
            each.now("stopped")
        self.note(self.kept.values())
