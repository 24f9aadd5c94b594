"""PostgreSQL connections on which nobody waits for ever.

psycopg knows no deadline, and a peer that passes nothing looks like a long statement. So whoever has waited for a while
asks the server, over another connection, whether it is at work for this one: a long statement is never cut, and a
connection on which nothing will come any more is given up as lost.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Generator
from typing import Any

import psycopg
from psycopg.rows import DictRow, TupleRow

LOOK_SECONDS = 10.0
"""Silence after which the server is asked, and again every so often."""

SURE_SECONDS = 2.0
"""How long what the server has answered may be on its way."""

LOST_SECONDS = 60.0
"""Silence after which a connection is given up where the server cannot be asked."""

REACH_SECONDS = 5
"""How long the server has to answer whoever asks."""

CONNECT_SECONDS = 10

TCP = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""For libpq: dead hosts and cut cables are the kernel's to notice."""

SERVER = {
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "15",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30s",
}
"""For the server, so that the locks of a client that is gone or frozen go too."""

BEGIN = """
select pg_backend_pid() = %(pid)s as direct, case when pg_backend_pid() = %(pid)s then (
    select count(set_config(name, value, false))
    from unnest(%(names)s::text[], %(values)s::text[]) as told (name, value)
) end as told
"""
"""Behind a pooler another process answers than the one connected to, and its settings are everybody's."""

ASK = """
select application_name as name, waits, case when waits and %(end)s and application_name = %(name)s
    then pg_terminate_backend(pid) end as ended
from (
    select application_name, pid, state like 'idle%%' or wait_event in ('ClientRead', 'ClientWrite') as waits
    from pg_stat_activity where application_name in (%(name)s, %(asking)s)
) as session
"""
"""The session of a name and one's own; with `end` that session, and the locks it holds, ends where it waits for us."""


class WatchedConnection(psycopg.Connection[DictRow]):
    """A connection on which every wait ends: with an answer, or as a lost connection (without SQLSTATE)."""

    name: str
    """Its application_name, which no other session has: poolers pass it on, unlike a process id."""
    reach: dict[str, Any]
    """How the server is reached, as libpq takes it."""

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **named: Any) -> Any:
        """As psycopg's own, watched."""
        return super().wait(self._watched(gen), *arguments, **named)

    def _watched(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        heard, doubted = time.monotonic(), False
        look_at = heard + LOOK_SECONDS
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted  # nothing is ready at every tenth of a second
                now = time.monotonic()
                if ready:
                    heard, doubted, look_at = now, False, now + LOOK_SECONDS
                elif now > look_at:
                    works = _is_at_work(self.name, self.reach, end=doubted)
                    if (works is False and doubted) or (works is None and now - heard > LOST_SECONDS):
                        self.pgconn.finish()
                        raise psycopg.OperationalError(f"lost the connection: nothing came for {now - heard:.0f} s")
                    heard, doubted = now if works else heard, works is False
                    look_at = time.monotonic() + (SURE_SECONDS if doubted else LOOK_SECONDS)
                wanted = gen.send(ready)
        except StopIteration as ended:
            return ended.value


class _AskingConnection(psycopg.Connection[TupleRow]):
    """A connection whose waits have a plain deadline."""

    def wait(self, gen: Generator[Any, Any, Any], *arguments: Any, **named: Any) -> Any:
        """As psycopg's own; _Unanswered after a while."""
        return super().wait(_bounded(gen), *arguments, **named)


def _bounded(gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    deadline = time.monotonic() + REACH_SECONDS
    try:
        wanted = next(gen)
        while time.monotonic() < deadline:
            wanted = gen.send((yield wanted))
    except StopIteration as ended:
        return ended.value
    raise _Unanswered


class _Unanswered(psycopg.OperationalError):
    """Nothing came in time."""


def connect(**reach: Any) -> WatchedConnection:
    """Connect to a server, directly or through a pooler of transactions. The keywords are psycopg.connect's."""
    name = _unique_name()
    connection: WatchedConnection = WatchedConnection.connect(
        **{"connect_timeout": CONNECT_SECONDS} | TCP | reach | {"application_name": name}, autocommit=True
    )
    connection.name, connection.reach = name, {key: value for key, value in reach.items() if key != "context"}
    try:
        told = {"pid": connection.info.backend_pid, "names": list(SERVER), "values": list(SERVER.values())}
        (direct, _) = connection.execute(BEGIN, told).fetchone() or (False, None)
        if not direct:
            connection.prepare_threshold = None  # the next transaction may meet a process that prepared nothing
        connection.autocommit = False
    except BaseException:
        connection.close()  # nobody else has it
        raise
    return connection


_asking = threading.Lock()
"""Where a server stands still every thread of a process waits, and one at a time asks."""


def _is_at_work(name: str, reach: dict[str, Any], *, end: bool) -> bool | None:
    """Whether the server is at work for a session; None where it does not answer. With `end` one that waits ends."""
    if not _asking.acquire(timeout=REACH_SECONDS):
        return None
    asking = _unique_name()
    ways = {"application_name": asking, "connect_timeout": REACH_SECONDS}
    try:
        with _AskingConnection.connect(**TCP | reach | ways, autocommit=True) as connection:
            found = {row[0]: row[1] for row in connection.execute(ASK, {"name": name, "asking": asking, "end": end})}
    except (psycopg.errors.ConnectionTimeout, _Unanswered):
        return None
    except psycopg.Error:
        return True  # it refuses: it is full, or starts, and will soon be asked again
    finally:
        _asking.release()
    if asking not in found:  # what stands between passes no names on
        return True
    return not found[name] if name in found else False


def _unique_name() -> str:
    return f"monkeys {socket.gethostname()[:30]} {os.getpid()} {secrets.token_hex(4)}"
