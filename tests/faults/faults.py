"""What may go wrong, as functions that make it go wrong, over the processes of one run."""

import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from cli.stack.processes import Process, kill, members, read_process
from tasks.app import app, queue
from tests.faults.servers import Servers
from tests.place import Place

LEASE_SECONDS = 4
"""Of the workers under test: a pause has to be longer."""


@dataclass
class Crew:
    """The processes of a run, kept going: one that died is started again, as a supervisor would."""

    place: Place
    commands: dict[str, list[str]]
    environment: dict[str, str] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    restarts: int = 0

    def keep(self) -> None:
        """Start what does not run."""
        for name, command in self.commands.items():
            process = self.running.get(name)
            if process is None or process.poll() is not None:
                self.restarts += process is not None
                self.running[name] = self.place.start(
                    *command, MONKEYS_LEASE_SECONDS=str(LEASE_SECONDS), MONKEYS_SWEEP_SECONDS="0.3", **self.environment
                )

    def tree(self, name: str) -> list[Process]:
        """A command's process and all that descend from it, oldest first."""
        return sorted(members([self.running[name].pid]), key=lambda each: each.start)


class Refusals(threading.Thread):
    """Counts the messages for which a worker found nothing to do, from Celery's events as Flower sees them."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.count = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                with app.connection_for_read() as connection:
                    receiver = app.events.Receiver(connection, handlers={"task-succeeded": self._see})
                    while not self.ended.is_set():
                        receiver.capture(limit=None, timeout=1, wakeup=False)
            except TimeoutError:
                continue
            except Exception:  # the broker is one of those that are killed
                time.sleep(0.2)

    def _see(self, event: dict[str, str]) -> None:
        self.count += "nothing to do" in event.get("result", "")


@dataclass
class Chaos:
    """Faults over a crew and, where they are the test's own, its servers; counts what it did."""

    crew: Crew
    servers: Servers | None
    random: Random
    injected: Counter[str] = field(default_factory=Counter)
    sent_again: int = 0
    paused: list[Process] = field(default_factory=list)

    def faults(self) -> dict[str, Callable[[], None]]:
        """Every fault that can be made here, by name."""
        found: dict[str, Callable[[], None]] = {
            "kill -9 a generate worker": lambda: self._kill_tree("generate"),
            "kill -9 a verify worker": lambda: self._kill_tree("verify"),
            "kill -9 one process of a verify worker": lambda: self._kill_one("verify"),
            "kill -9 the sweeper": lambda: self._kill_tree("sweep"),
            "pause a generate worker longer than its lease": lambda: self._pause("generate"),
            "pause a verify worker longer than its lease": lambda: self._pause("verify"),
            "terminate a generate worker": lambda: self._terminate("generate"),
            "terminate a verify worker": lambda: self._terminate("verify"),
            "messages twice and out of order": self._send_again,
        }
        if self.servers is not None:
            servers = self.servers
            found |= {
                "kill -9 the broker": lambda: self._broker(servers, wiped=False),
                "kill -9 the broker and wipe it": lambda: self._broker(servers, wiped=True),
                "restart PostgreSQL": lambda: self._postgres(servers.stop_postgres, servers),
                "kill -9 PostgreSQL": lambda: self._postgres(servers.kill_postgres, servers),
            }
        return found

    def inject(self, name: str) -> None:
        """Make one fault."""
        self.faults()[name]()
        self.injected[name] += 1

    def calm(self) -> None:
        """Let everything that is paused go on."""
        kill(self.paused, signal.SIGCONT)
        self.paused.clear()

    def _kill_tree(self, name: str) -> None:
        kill(self.crew.tree(name))

    def _kill_one(self, name: str) -> None:
        while not (tree := self.crew.tree(name)):  # it may just have ended by itself
            self.crew.keep()
        kill([self.random.choice(tree)])

    def _pause(self, name: str) -> None:
        paused = self.crew.tree(name)
        kill(paused, signal.SIGSTOP)
        self.paused += paused
        time.sleep(LEASE_SECONDS * 1.5)
        self.calm()

    def _terminate(self, name: str) -> None:
        process = self.crew.running[name]
        if read_process(process.pid) is not None:
            os.kill(process.pid, signal.SIGTERM)

    def _send_again(self) -> None:
        works = self.crew.place.query("select id, kind::text, queue from work order by random() limit 50")
        with app.producer_or_acquire() as producer:
            for work in works:
                for _ in range(2):
                    app.send_task(work["kind"], args=[work["id"]], queue=queue(work["queue"]), producer=producer)
                    self.sent_again += 1

    def _broker(self, servers: Servers, *, wiped: bool) -> None:
        servers.kill_redis(wiped=wiped)
        time.sleep(self.random.uniform(0, 2))
        servers.start_redis()

    def _postgres(self, stop: Callable[[], None], servers: Servers) -> None:
        stop()
        time.sleep(self.random.uniform(0, 2))
        servers.start_postgres()
