"""What may go wrong, as functions that make it go wrong, over the processes of one run and their servers."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

import kombu
import psycopg
import redis
import sqlalchemy

from cli.stack.processes import Process, kill
from tests.faults.crew import LEASE_SECONDS, Crew
from tests.faults.messages import Messages
from tests.faults.servers import Servers

SHORT = (0.3, 2.0)
LONGER_THAN_A_LEASE = (LEASE_SECONDS * 1.2, LEASE_SECONDS * 2.0)


class Undo(NamedTuple):
    """A fault that lasts: how long, and what ends it."""

    seconds: float
    end: Callable[[], None]


class Fault(NamedTuple):
    """One kind of fault."""

    weight: float
    """How often it is drawn by the long form, beside the others."""
    make: Callable[[], Undo | None]
    of: str = ""
    """The server that it makes useless for as long as it lasts, of which there is one at a time."""


AWAY = (psycopg.Error, sqlalchemy.exc.DBAPIError, kombu.exceptions.OperationalError, redis.RedisError, OSError)


class NothingThere(Exception):
    """There is nothing that this could happen to just now."""


@dataclass
class Chaos:
    """Faults over a crew and, where they are the test's own, its servers; counts what it did."""

    crew: Crew
    servers: Servers | None
    random: Random
    injected: Counter[str] = field(default_factory=Counter)
    out: set[str] = field(default_factory=set)
    """Servers that are away, frozen, full or read-only at this moment."""
    quiet_since: float = 0.0
    """When the last of these went on."""
    over: Callable[[str], None] = lambda _: None
    """Told the name of each fault when that is over."""
    _lasting: list[threading.Thread] = field(default_factory=list)
    _calm: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.messages = Messages(self.crew.place, self.random)

    def faults(self) -> dict[str, Fault]:
        """Every fault that can be made here, by name."""
        return {**self._of_processes(), **self._of_messages(), **(self._of_servers() if self.servers else {})}

    def _of_processes(self) -> dict[str, Fault]:
        return {
            "kill -9 a generate worker": Fault(4, lambda: self._kill_tree("generate")),
            "kill -9 a verify worker": Fault(3, lambda: self._kill_tree("verify")),
            "kill -9 one process of a verify worker": Fault(6, lambda: self._kill_one("verify")),
            "kill -9 the sweeper": Fault(3, lambda: self._kill_tree("sweep")),
            "pause a generate worker longer than its lease": Fault(3, lambda: self._pause("generate")),
            "pause a verify worker longer than its lease": Fault(3, lambda: self._pause("verify")),
            "pause one process of a verify worker": Fault(3, lambda: self._pause("verify", one=True)),
            "freeze the sweeper": Fault(3, lambda: self._pause("sweep")),
            "terminate a generate worker": Fault(3, lambda: self._terminate("generate")),
            "terminate a verify worker": Fault(3, lambda: self._terminate("verify")),
            "terminate the sweeper": Fault(2, lambda: self._terminate("sweep")),
        }

    def _of_messages(self) -> dict[str, Fault]:
        messages = self.messages
        return {
            "messages twice and out of order": Fault(10, lambda: self._at_peace(lambda: messages.send_again(10))),
            "messages lost": Fault(10, lambda: self._at_peace(lambda: messages.lose(10))),
            "messages shuffled": Fault(5, lambda: self._at_peace(lambda: messages.shuffle(20))),
            "a queue deleted": Fault(1, lambda: self._at_peace(messages.delete_queue)),
        }

    def _at_peace(self, do: Callable[[], None]) -> None:
        """Do what needs both servers."""
        if self.out:
            raise NothingThere
        do()

    def _of_servers(self) -> dict[str, Fault]:
        servers = self.servers
        assert servers is not None
        broker, proxies = servers.broker, servers.proxies
        database, queue = "PostgreSQL", "the broker"
        return {
            "kill -9 the broker": Fault(0.3, lambda: self._restart(broker.kill, broker.start), queue),
            "kill -9 the broker and wipe it": Fault(0.3, lambda: self._restart(self._wiped, broker.start), queue),
            "freeze the broker": Fault(0.6, lambda: self._lasts(broker.freeze, broker.thaw), queue),
            "the broker is full": Fault(
                0.5, lambda: self._lasts(lambda: broker.alarm(on=True), lambda: broker.alarm(on=False)), queue
            ),
            "restart PostgreSQL": Fault(
                0.3, lambda: self._restart(servers.stop_postgres, servers.start_postgres), database
            ),
            "kill -9 PostgreSQL": Fault(
                0.3, lambda: self._restart(servers.kill_postgres, servers.start_postgres), database
            ),
            "freeze PostgreSQL": Fault(
                0.5, lambda: self._lasts(servers.freeze_postgres, servers.thaw_postgres), database
            ),
            "PostgreSQL is read-only": Fault(
                0.6, lambda: self._configured("default_transaction_read_only", "on"), database
            ),
            "PostgreSQL has no time for statements": Fault(
                0.6, lambda: self._configured("statement_timeout", "3ms"), database
            ),
            "the works are locked": Fault(0.6, self._locked, database),
            "one session terminated": Fault(12, lambda: self._terminate_sessions(1)),
            "all sessions terminated": Fault(2, lambda: self._terminate_sessions(1_000)),
            "a commit's answer lost": Fault(10, lambda: proxies[database].lose_answer_to(b"COMMIT")),
            "a connection to PostgreSQL cut": Fault(6, lambda: self._met(proxies[database].cut(self.random))),
            "a connection to the broker cut": Fault(4, lambda: self._met(proxies[queue].cut(self.random))),
            "a connection to PostgreSQL silent": Fault(2, lambda: self._met(proxies[database].silence(self.random))),
            "a connection to the broker silent": Fault(2, lambda: self._met(proxies[queue].silence(self.random))),
            "all connections to PostgreSQL silent": Fault(0.2, lambda: self._met(proxies[database].silence())),
            "all connections to the broker silent": Fault(0.2, lambda: self._met(proxies[queue].silence())),
            "a slow network": Fault(1, self._slow),
        }

    def inject(self, name: str, *, wait: bool = True) -> bool:
        """Make one fault and, unless told not to, wait until it is over; False where there is nothing it could meet."""
        fault = self.faults()[name]
        if fault.of in self.out:
            return False
        try:
            undo = fault.make()
        except (NothingThere, *AWAY):
            return False
        self.injected[name] += 1
        if undo is None:
            self.over(name)
            return True
        if fault.of:
            self.out.add(fault.of)
        lasting = threading.Thread(target=self._last, args=(name, fault.of, undo), daemon=True)
        lasting.start()
        self._lasting.append(lasting)
        if wait:
            lasting.join()
        return True

    def _last(self, name: str, server: str, undo: Undo) -> None:
        self._calm.wait(undo.seconds)
        undo.end()
        if server:
            self.out.discard(server)
            self.quiet_since = time.monotonic()
        self.over(name)

    def calm(self) -> None:
        """End whatever lasts."""
        self._calm.set()
        for each in self._lasting:
            each.join()
        self._lasting.clear()
        self._calm.clear()

    def _one_of(self, kind: str) -> list[Process]:
        names = self.crew.names(kind)
        tree = self.crew.tree(self.random.choice(names)) if names else []
        if not tree:
            raise NothingThere
        return tree

    def _kill_tree(self, kind: str) -> None:
        tree = self._one_of(kind)
        self.crew.told.update(each.pid for each in tree)
        kill(tree)

    def _kill_one(self, kind: str) -> None:
        chosen = self.random.choice(self._one_of(kind))
        self.crew.told.add(chosen.pid)
        kill([chosen])

    def _pause(self, kind: str, *, one: bool = False) -> Undo:
        paused = self._one_of(kind)
        paused = [self.random.choice(paused)] if one else paused
        kill(paused, signal.SIGSTOP)
        return Undo(self.random.uniform(*LONGER_THAN_A_LEASE), lambda: kill(paused, signal.SIGCONT))

    def _terminate(self, kind: str) -> None:
        tree = self._one_of(kind)
        self.crew.told.add(tree[0].pid)
        kill(tree[:1], signal.SIGTERM)

    def _lasts(self, begin: Callable[[], None], end: Callable[[], None], least: float = 1.0) -> Undo:
        begin()
        return Undo(self.random.uniform(least, 5), end)

    def _restart(self, end: Callable[[], None], start: Callable[[], None]) -> Undo:
        end()
        return Undo(self.random.uniform(0, 2), start)

    def _wiped(self) -> None:
        assert self.servers is not None
        self.servers.broker.kill()
        self.servers.broker.wipe()

    def _configured(self, setting: str, value: str) -> Undo:
        servers = self.servers
        assert servers is not None
        servers.configure(setting, value)
        return Undo(self.random.uniform(1, 5), lambda: servers.configure(setting, None))

    def _locked(self) -> Undo:
        assert self.servers is not None
        session = self.servers.connect(self.crew.place.database)
        session.execute("set lock_timeout = '2s'")
        session.autocommit = False
        try:
            session.execute("lock table work in exclusive mode")
        except Exception as error:
            session.close()
            raise NothingThere from error
        return Undo(self.random.uniform(*SHORT), session.close)

    def _terminate_sessions(self, at_most: int) -> None:
        if self.servers is None or "PostgreSQL" in self.out:
            raise NothingThere
        with self.servers.connect() as connection:
            connection.execute(
                """
                select pg_terminate_backend(pid) from (
                    select pid from pg_stat_activity where datname = %s and application_name <> 'test'
                    order by random() limit %s
                ) as chosen
                """,
                (self.crew.place.database, at_most),
            )

    def _met(self, met: int) -> None:
        if not met:
            raise NothingThere

    def _slow(self) -> Undo:
        assert self.servers is not None
        proxies = self.servers.proxies.values()
        for proxy in proxies:
            proxy.delay = 0.05

        def end() -> None:
            for proxy in proxies:
                proxy.delay = 0.0

        return Undo(self.random.uniform(1, 4), end)
