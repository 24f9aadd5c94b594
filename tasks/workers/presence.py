"""This process's own row among the workers: a thread says that it lives, and what it last did.

A worker has one row, and the processes that it forks act under it: what they do they note in memory that they share,
and their parent's thread stores it. Where nothing was begun (a test, a command) all of this does nothing.
"""

import logging
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Event

import psycopg
from sqlalchemy.exc import DBAPIError

from models.database import is_away
from models.machine import this_process
from models.schema import check_schema
from models.settings import settings
from tasks.identity import build
from tasks.ledger import worker as ledger
from tasks.ledger.worker import Led
from verifiers.errors import Unavailable, UserError

log = logging.getLogger(__name__)

LIVES_SECONDS = 15.0
"""How long a worker may say nothing before it is taken to stand still."""

HELD_SECONDS = 10.0
"""A worker has a work in hand if one of its leases was looked after so recently (leases.LOOK_SECONDS)."""

STUCK_SECONDS = 60.0
"""A sweeper whose loop makes no step for so long ceases to say that it lives."""

_DID, _HELD = 0, 8
"""Places in the shared memory of two times, by the clock that all processes of a machine share."""

_beating = threading.Lock()
"""Held while a beat is under way: no child is forked in the middle of one, with locks that nobody would open there."""

_present: "_Presence | None" = None


def begin(
    kind: str,
    name: str,
    queues: Sequence[str] = (),
    *,
    on_another_database: Callable[[], object] = lambda: None,
    on_another_schema: Callable[[str], object] = lambda _: None,
    stop: Event | None = None,
) -> None:
    """Give this process its row, before it loads anything: `starting`.

    Waits for a database that is away, until `stop`; UserError where its schema is not this code's. A callback is
    called, in a thread, when the database has no such row any more, being another one, or when its schema became
    another one than this code's, with a sentence.
    """
    global _present
    stop = stop or Event()
    while not stop.is_set():
        try:
            check_schema()
            registered = ledger.register(this_process(), kind, name, queues, build(), lease_seconds(kind))
        except (Unavailable, DBAPIError, psycopg.Error) as error:
            if not isinstance(error, Unavailable) and not is_away(error):
                raise
            log.warning("waiting for the database: %s", str(error).strip())
            stop.wait(2)
        else:
            if _present:
                _present.over.set()
            _present = _Presence(registered, kind, on_another_database, on_another_schema)
            return


def lease_seconds(kind: str) -> float:
    """How long a row is believed. A sweeper's is short, since another one is to take over within ten seconds."""
    pause = settings().sweep_seconds
    return min(4 * pause, max(10.0, 3 * pause)) if kind == "sweep" else LIVES_SECONDS


def worker_id() -> int | None:
    """The id of the row of this process, or of the one that forked it."""
    return _present.row.id if _present else None


def serving() -> None:
    """All is loaded: messages are taken from now on."""
    _now("idle")


def leaving() -> None:
    """It was told to go, and ends what it has in hand."""
    _now("leaving")


def judges(found: Mapping[str, str | None]) -> None:
    """What this worker judges by -> what it lacks there, if anything."""
    if _present:
        _present.judges = found


def waits(reason: str | None) -> None:
    """What this worker waits for, while it does: a broker that is away."""
    if _present:
        _present.error = reason


def did() -> None:
    """A work was taken up or ended, or a sweep."""
    if _present:
        _present.stamp(_DID)


def holds() -> None:
    """A lease is being looked after."""
    if _present:
        _present.stamp(_HELD)


def steps() -> None:
    """The sweeper's loop goes on."""
    if _present:
        _present.stepped = time.monotonic()


def lead() -> Led | None:
    """Whether this sweeper is to sweep; None where the database has no row of it."""
    if _present is None:
        return None
    led = ledger.lead(_present.row, lease_seconds("sweep"))
    if led is not None:
        _present.saw_clock(led.clock)
    return led


def failed(error: str) -> None:
    """It could not start, or ends otherwise than it was asked to."""
    _end("failed", error)


def left() -> None:
    """It ends as it was asked to."""
    _end("left", None)


def steady_seconds() -> float:
    """How long no clock jumped, this process never stood still and the database was never away."""
    return time.monotonic() - _present.jumped if _present else float("inf")


def shaken() -> None:
    """The database was away: leases ran out that their holders are about to renew."""
    if _present:
        _present.jumped = time.monotonic()


def _now(state: str) -> None:
    if _present:
        _present.state = state
        _present.beat_soon.set()


def _end(state: str, error: str | None) -> None:
    global _present
    if _present is None:
        return
    ended, _present = _present, None
    ended.over.set()
    ended.beat_soon.set()
    held = _beating.acquire(timeout=5)  # its last beat would say that it lives; one that takes longer never ends
    try:
        ledger.leave(ended.row, state, error)
    except (DBAPIError, psycopg.Error) as lost:
        log.warning("not noted that this process %s: %s", state, str(lost).strip())
    finally:
        if held:
            _beating.release()


class _Presence:
    """A row, and the thread that keeps it."""

    def __init__(
        self,
        row: ledger.Registered,
        kind: str,
        on_another_database: Callable[[], object],
        on_another_schema: Callable[[str], object],
    ) -> None:
        self.row = row
        self.kind = kind
        self.state = "starting"
        self.judges: Mapping[str, str | None] = {}
        self.error: str | None = None
        self.over, self.beat_soon = Event(), Event()
        self.stepped = self.jumped = time.monotonic()
        self._on_another_database = on_another_database
        self._on_another_schema = on_another_schema
        self._shared = mmap.mmap(-1, 16)
        self._stored = 0.0
        self._clocks: tuple[float, float] | None = None
        threading.Thread(target=self._beat_for_ever, name="presence", daemon=True).start()

    def stamp(self, place: int) -> None:
        struct.pack_into("d", self._shared, place, time.monotonic())

    def saw_clock(self, database_now: float) -> None:
        """Note the database's clock, asked just now. Where it or ours jumped, leases ran out that nobody let go."""
        now = time.monotonic()
        if self._clocks is not None:
            passed = max(now - self._clocks[0], database_now - self._clocks[1])
            if passed > lease_seconds(self.kind) / 4 + settings().lease_seconds / 2:
                self.jumped = now
                if self.kind == "sweep":
                    log.warning("%.0f s passed at once: who holds a lease gets time to renew it", passed)
        self._clocks = (now, database_now)

    def _beat_for_ever(self) -> None:
        complained = ""
        while not self.over.is_set():
            self.beat_soon.wait(lease_seconds(self.kind) / 4)
            self.beat_soon.clear()
            try:
                with _beating:
                    if self.over.is_set() or self._stuck():
                        continue
                    found = self._beat()
                    check_schema()
                complained = ""
            except UserError as error:
                if isinstance(error, Unavailable):
                    continue
                self._on_another_schema(str(error))
                return
            except Exception as error:  # whatever it is, the next beat may go well
                said = str(error).strip()
                if said != complained:
                    log.warning("not told that this process lives: %s", said, exc_info=not is_away(error))
                complained = said
            else:
                if not found:
                    self._on_another_database()
                    return

    def _stuck(self) -> bool:
        return self.kind == "sweep" and time.monotonic() - self.stepped > STUCK_SECONDS

    def _beat(self) -> bool:
        now = time.monotonic()
        did, held = struct.unpack_from("dd", self._shared)
        state = "serving" if self.state == "idle" and now - held < HELD_SECONDS else self.state
        did_seconds = now - did if did > self._stored else None
        clock = ledger.look_alive(self.row, state, did_seconds, self.judges, self.error, lease_seconds(self.kind))
        if clock is None:
            return False
        self._stored = did
        self.saw_clock(clock)
        return True


def _before_fork() -> None:
    _forking.held = _beating.acquire(timeout=1)  # a beat that takes longer waits for the network, and holds no lock


def _after_fork() -> None:
    if _forking.held:
        _beating.release()


_forking = threading.local()
os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
