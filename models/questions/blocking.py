"""Who is in the way of a statement that waits for a lock."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import NamedTuple

import psycopg

from models.database import rows

LOOK_SECONDS = 0.2


class Blocking(NamedTuple):
    """A session that holds what another one waits for. What this role may not see of it is None."""

    pid: int
    role: str | None
    application: str | None
    state: str | None
    since: datetime | None
    """When its transaction began."""
    query: str | None

    def __str__(self) -> str:
        who = f"session {self.pid} of {self.role or 'nobody'} ({self.application or 'no application name'})"
        since = f" since {self.since.astimezone():%Y-%m-%d %H:%M:%S}" if self.since else ""
        query = f" with {' '.join(self.query.split())!r}" if self.query else ""
        return f"{who}, {self.state or 'at work'}{since}{query}"


@contextmanager
def blocking(pid: int) -> Iterator[Sequence[Blocking]]:
    """Who is in the way of a session of the server, as last seen for the length of a block."""
    last: list[Blocking] = []
    over = threading.Event()

    def look_for_ever() -> None:
        while not over.wait(LOOK_SECONDS):
            with suppress(psycopg.Error):
                if seen := _blocking(pid):
                    last[:] = seen

    thread = threading.Thread(target=look_for_ever, name="blocking", daemon=True)
    thread.start()
    try:
        yield last
    finally:
        over.set()
        thread.join()


def _blocking(pid: int) -> list[Blocking]:
    return rows(
        Blocking,
        """
        select pid, usename::text as role, application_name as application, state, xact_start as since,
            left(query, 80) as query
        from pg_stat_activity where pid = any(pg_blocking_pids(%s)) order by xact_start nulls last, pid
        """,
        (pid,),
    )
