"""One round of the long form: faults between commands, then rest, then a look at everything."""

import time
from collections import deque
from dataclasses import asdict
from random import Random
from typing import Any

import psycopg

from cli.stack.processes import kill
from tests.faults.crew import Crew
from tests.faults.faults import AWAY, Chaos
from tests.faults.forked import TELL_WHERE
from tests.faults.person import Person
from tests.faults.servers import Servers
from tests.faults.settled import Recorded, open_works, wrong
from tests.faults.watch import HUNG_SECONDS, Watch
from tests.place import Place

SAMPLES = 300
"""Recorded of each problem."""

REST_SECONDS = 180.0
"""After this long nothing may be left to do."""

AT_WORK_SECONDS = 75.0
"""Within this long every worker has done something, whatever went silent."""

SHARE_OF_COMMANDS = 0.25
"""Commands a fault."""


class Round:
    """So many faults over one crew, and what came of them."""

    def __init__(self, place: Place, servers: Servers, crew: Crew, recorded: Recorded, seed: str, faults: int) -> None:
        self.place, self.servers, self.crew, self.recorded, self.faults = place, servers, crew, recorded, faults
        self.random = Random(seed)
        self.chaos = Chaos(crew, servers, self.random)
        self.watch = Watch(servers, place.database, lambda: None if self.chaos.out else self.chaos.quiet_since)
        self.chaos.over = self.watch.over
        self.person = Person(crew, recorded.files, SAMPLES, self.random)
        self.events: deque[str] = deque(maxlen=40)
        self.found: list[tuple[str, str]] = []

    def run(self, pause: float) -> None:
        """Faults and commands, then rest, then a look at everything."""
        self.watch.start()
        kinds = self.chaos.faults()
        names, weights = list(kinds), [each.weight for each in kinds.values()]
        began, made = time.monotonic(), 0
        try:
            while made < self.faults:
                self.crew.keep()
                self._person()
                name = self.random.choices(names, weights)[0]
                if self.chaos.inject(name, wait=False):
                    made += 1
                    self.events.append(f"{time.monotonic() - began:7.1f} {name}")
                time.sleep(self.random.expovariate(1 / pause))
        finally:
            self.chaos.calm()
        self.phases = [time.monotonic() - began]
        self._end_commands()
        self.phases.append(time.monotonic() - began)
        self._rest()
        self.phases.append(time.monotonic() - began)
        if self._all_at_work() or self.found:
            self._rest()
        self.phases.append(time.monotonic() - began)
        self.found += wrong(self.place, self.recorded)
        if self.watch.longest > HUNG_SECONDS:
            self.found.append(("hung", f"nothing done for {self.watch.longest:.0f} s"))
        self.watch.ended.set()
        self.watch.join()
        self.found += [("hung", f"a command: {words}") for words in self.person.hung]
        self.seconds = time.monotonic() - began

    def _person(self) -> None:
        self.person.look()
        if self.random.random() < SHARE_OF_COMMANDS:
            if not self.chaos.out:
                try:
                    self.person.see()
                except AWAY:
                    pass
            self.person.command()
            self.events.append(f"        $ {' '.join(self.person.given[-1].words)[:100]}")
        if self.random.random() < 0.02:
            self.person.kill_one()

    def _end_commands(self) -> None:
        while self.person.given:
            self.crew.keep()
            self.person.look()
            time.sleep(0.1)

    def _rest(self) -> None:
        """Until everything that was cancelled or failed is resumed, and all is done."""
        deadline = time.monotonic() + REST_SECONDS
        resumed = 0
        while True:
            self.crew.keep()
            time.sleep(0.2)
            try:
                left = open_works(self.place)
                unended = self.place.one("select count(*) from run where finished_at is null and cancelled_at is null")
            except psycopg.Error:
                continue
            if not left and not unended:
                if resumed == 2 or not self._resume():
                    return
                resumed += 1
            if time.monotonic() > deadline:
                self.found += [("hung", f"still to be done after {REST_SECONDS:.0f} s: {row}") for row in left]
                self.found += [("hung", f"runs that did not end: {unended}")] if unended and not left else []
                self._tell_where()
                return

    def _tell_where(self) -> None:
        """What there is to see of what stands still."""
        self.events.append(f"        messages waiting: {self.chaos.messages.waiting()}")
        for name in self.crew.commands:
            kill(self.crew.tree(name), TELL_WHERE)

    def _resume(self) -> bool:
        """Whether anything was cancelled or failed."""
        stopped = self.place.query(
            """
            select run.id, run.cancelled_at is not null as cancelled,
                array(select distinct last_error from work where run_id = run.id and state = 'failed') as errors
            from run where cancelled_at is not null
                or exists (select from work where run_id = run.id and state = 'failed')
            """
        )
        for run in stopped:
            self.events.extend(f"        failed: run {run['id']}: {error}" for error in run["errors"])
            said = self.place.monkeys("resume", str(run["id"]))
            if said.exit_code:
                self.found.append(("wrong", f"resume {run['id']}: {said.output[:300]}"))
        return bool(stopped)

    def _all_at_work(self) -> bool:
        """Whether some worker of the crew takes no part in one more run, and so stands still."""
        workers = {name for name in self.crew.commands if name.split()[0] != "sweep"}
        since = self.place.one("select coalesce(max(id), 0) from attempt")
        deadline = time.monotonic() + AT_WORK_SECONDS
        missing = workers
        while missing and time.monotonic() < deadline:
            run = self.recorded.files.enqueue(self.place, 20)
            while self.place.one("select finished_at from run where id = %s", (run,)) is None:
                self.crew.keep()
                if time.monotonic() > deadline:
                    self.found.append(("hung", f"the last run: {open_works(self.place)}"))
                    return True
                time.sleep(0.1)
            seen = self.place.query("select distinct worker from attempt where id > %s", (since,))
            missing = workers - {row["worker"].split("@")[0].replace("-", " ") for row in seen}
        if missing:
            self._tell_where()
        self.found += [("hung", f"{name} does nothing any more: pid {self.crew.running[name].pid}") for name in missing]
        return bool(missing)

    def clear(self) -> None:
        """Leave no run to the next round."""
        for run in self.place.query("select id from run"):
            self.place.ok("cancel", str(run["id"]))
        for run in self.place.query("select id from run"):
            self.place.ok("delete", str(run["id"]), "--yes")

    def result(self) -> dict[str, Any]:
        """As a line in the file of results."""
        for kind, _ in self.found:
            last = next(reversed(self.watch.seen), "nothing")
            seen = self.watch.seen[last]
            seen.lost, seen.doubled = seen.lost + (kind in ("lost", "wrong")), seen.doubled + (kind == "doubled")
        return {
            "seconds": round(self.seconds, 1),
            "seen": {name: asdict(seen) for name, seen in self.watch.seen.items()},
            "longest": round(self.watch.longest, 1),
            "longest_after": self.watch.longest_after,
            "found": self.found,
            "tracebacks": self.person.tracebacks,
            "commands": self.person.ended,
            "refused": self.person.refused,
            "left": self.crew.left,
        }
