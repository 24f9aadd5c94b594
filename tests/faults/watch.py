"""When works were done and when none were: seconds from each fault to the next done work, and the longest silence."""

import statistics
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.faults.servers import Servers

HUNG_SECONDS = 60.0
LOOK_SECONDS = 0.15

LOOK = """
select (select id from attempt where ok order by id desc limit 1) as done,
    (select count(*) from work join run on run.id = work.run_id where run.cancelled_at is null and (
        state in ('published', 'leased') or (state = 'ready' and coalesce(not_before, now()) <= now()))) as due
"""


@dataclass
class Seen:
    """What was seen of one kind of fault."""

    injections: int = 0
    seconds: list[float] = field(default_factory=list)
    """To the next done work, each time that there was one to be done."""
    hung: int = 0
    """Times that none was done within HUNG_SECONDS."""
    lost: int = 0
    doubled: int = 0


class Watch(threading.Thread):
    """Looks at the tables for as long as faults are made."""

    def __init__(self, servers: Servers, database: str, out: Callable[[], float | None]) -> None:
        """`out` is when the last outage of a server ended, or None where one lasts."""
        super().__init__(daemon=True, name="watch")
        self.servers, self.database, self.out = servers, database, out
        self.seen: dict[str, Seen] = defaultdict(Seen)
        self.longest = 0.0
        self.longest_after = ""
        self.silent = 0.0
        """Seconds since works were due and nothing was done."""
        self.looks = self.looks_with_due = 0
        self.ended = threading.Event()
        self._waiting: list[tuple[str, float]] = []
        self._lock = threading.Lock()
        self._since = time.monotonic()
        self._done = 0
        self._last: list[str] = []
        """The last faults that were over."""

    def over(self, fault: str) -> None:
        """A fault is over: wait for the next done work."""
        with self._lock:
            self.seen[fault].injections += 1
            self._waiting.append((fault, time.monotonic()))
            self._last = [*self._last[-2:], fault]

    def run(self) -> None:
        """Look, until told to end."""
        session: psycopg.Connection[Any] | None = None
        while not self.ended.wait(LOOK_SECONDS):
            try:
                session = session or self.servers.connect(self.database)
                done, due = session.execute(LOOK).fetchone() or (None, 0)
            except psycopg.Error:
                session = None
                continue
            with self._lock:
                self._look(time.monotonic(), done or 0, due)

    def _look(self, now: float, done: int, due: int) -> None:
        self.looks += 1
        self.looks_with_due += due > 0
        if done > self._done:
            for fault, began in self._waiting:
                self.seen[fault].seconds.append(max(0.0, now - began))
            self._waiting.clear()
        out = self.out()
        if done != self._done or not due or out is None:
            self._done, self._since, self.silent = done, now, 0.0
            if not due:
                self._waiting.clear()
            return
        self.silent = now - max(self._since, out)
        if self.silent > self.longest:
            self.longest = self.silent
            self.longest_after = ", ".join(self._last)
        for fault, began in [each for each in self._waiting if now - each[1] > HUNG_SECONDS]:
            self.seen[fault].hung += 1
            self._waiting.remove((fault, began))


def table(seen: dict[str, Seen]) -> str:
    """What was seen, as a table in Markdown."""
    lines = [
        "| fault | injections | lost | doubled | hung | seconds to the next done work: median | longest |",
        "|---|---|---|---|---|---|---|",
    ]
    every = Seen()
    for name, kind in sorted(seen.items()):
        lines.append(_line(name, kind))
        every.injections += kind.injections
        every.seconds += kind.seconds
        every.hung += kind.hung
        every.lost += kind.lost
        every.doubled += kind.doubled
    return "\n".join([*lines, _line("all", every)])


def _line(name: str, kind: Seen) -> str:
    median = f"{statistics.median(kind.seconds):.1f}" if kind.seconds else "–"
    longest = f"{max(kind.seconds):.1f}" if kind.seconds else "–"
    return f"| {name} | {kind.injections:,} | {kind.lost} | {kind.doubled} | {kind.hung} | {median} | {longest} |"
