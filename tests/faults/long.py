"""Thousands of random faults between random commands, on servers of its own: `make test-faults-long`.

    python -m tests.faults.long --faults 10000 --seed 1 --broker redis rabbitmq

Faults come in rounds. After each one everything is let go on until it rests, and must be whole: nothing lost, nothing
doubled, every text and outcome that of the recording, every worker at work again. A round is drawn from the seed and
its number alone, and its results are a line in a file: the same seed again goes on after the last line.
"""

import argparse
import faulthandler
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from cli.stack.processes import kill
from tests.faults.crew import Crew
from tests.faults.faults import AWAY, Chaos
from tests.faults.forked import TELL_WHERE
from tests.faults.person import Person
from tests.faults.servers import Servers, own_servers
from tests.faults.settled import Recorded, open_works, wrong
from tests.faults.watch import HUNG_SECONDS, Seen, Watch, table
from tests.place import Place, new_place
from tests.small_runs import Small, small

PROBLEMS, SAMPLES = 8, 300
ROUND = 500
"""Faults between two looks at everything."""

REST_SECONDS = 180.0
"""After this long nothing may be left to do."""

AT_WORK_SECONDS = 75.0
"""Within this long every worker has done something, whatever went silent."""

SHARE_OF_COMMANDS = 0.25
"""Commands a fault."""


class Found(Exception):
    """Something does not hold; what is in its sentence."""


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


def prepare(folder: Path) -> Recorded:
    """The recording; each sample cost something, so that a budget may stop a run."""
    folder.mkdir(parents=True, exist_ok=True)
    files: Small = small(folder, PROBLEMS, SAMPLES, padding=300)
    rows = [json.loads(line) for line in files.recording.read_text().splitlines()]
    files.recording.write_text("".join(json.dumps({**row, "usd": 0.001}) + "\n" for row in rows))
    return Recorded(files)


def crew_of(place: Place, servers: Servers, recording: Path) -> Crew:
    """Two workers that sample, one that judges, two sweepers of which one stands by."""
    commands = {
        f"generate {number}": [
            "worker", "generate", "-m", f"replay:{recording}", "-c", "4", "--name", f"generate-{number}@%h",
        ]
        for number in (1, 2)
    }  # fmt: skip
    commands["verify 1"] = ["worker", "verify", "-c", "2", "--name", "verify-1@%h"]
    return Crew(
        place, {**commands, "sweep 1": ["sweep"], "sweep 2": ["sweep"]}, servers.through_proxies(place.database)
    )


def run_all(broker: str, seed: int, faults: int, folder: Path, pause: float) -> bool:
    """All rounds over one broker that have no line in the file of results yet; whether all held."""
    results = folder / f"{broker}-{seed}.jsonl"
    done = len(results.read_text().splitlines()) if results.exists() else 0
    recorded = prepare(folder / broker / "files")
    home = Path(tempfile.mkdtemp(dir=folder / broker))
    with (
        own_servers(home / "servers", broker) as servers,
        new_place(servers.database_url, servers.broker_url, home / "home") as place,
    ):
        crew = crew_of(place, servers, recorded.files.recording)
        try:
            for number in range(done, -(-faults // ROUND)):
                crew.left.clear()
                one = Round(place, servers, crew, recorded, f"{seed}-{number}", min(ROUND, faults - number * ROUND))
                one.run(pause)
                result = one.result()
                with results.open("a") as file:
                    file.write(json.dumps(result) + "\n")
                print(
                    f"{broker} round {number}: {sum(one.chaos.injected.values())} faults in {one.seconds:.0f} s "
                    f"({', '.join(f'{each:.0f}' for each in one.phases)}), "
                    f"works were due in {one.watch.looks_with_due / max(1, one.watch.looks):.0%} of the time, "
                    f"longest silence {result['longest']} s (after {result['longest_after']}), "
                    f"left {dict(crew.left)}",
                    flush=True,
                )
                for line in [*(f"{kind}: {said}" for kind, said in one.found), *one.person.tracebacks]:
                    print(f"    {line}", flush=True)
                if one.found:
                    print("\n".join([f"seed {seed}, round {number}; the last events:", *one.events]), flush=True)
                    print(f"logs: {place.log('x').parent}", flush=True)
                    for name, process in crew.running.items():
                        print(f"    {name}: pid {process.pid}, {process.poll()}", flush=True)
                    if any(kind == "hung" for kind, _ in one.found):  # what stands still would stand in the next too
                        place.kill_all()
                        crew.running.clear()
                one.clear()
        finally:
            place.kill_all()
    return True


def told(folder: Path, brokers: list[str], seed: int) -> int:
    """Print the table of all results; the exit code."""
    lines = [
        json.loads(line)
        for broker in brokers
        if (folder / f"{broker}-{seed}.jsonl").exists()
        for line in (folder / f"{broker}-{seed}.jsonl").read_text().splitlines()
    ]
    seen: dict[str, Seen] = {}
    for line in lines:
        for name, kind in line["seen"].items():
            one = seen.setdefault(name, Seen())
            for field, value in kind.items():
                setattr(one, field, getattr(one, field) + value)
    print(table(seen))
    commands = sum((Counter(line["commands"]) for line in lines), Counter[str]())
    print(f"\ncommands {sum(commands.values())}: {dict(sorted(commands.items()))}")
    for said, times in sum((Counter(line["refused"]) for line in lines), Counter[str]()).most_common(25):
        print(f"    {times} x {said}")
    print(f"left without being told: {dict(sum((Counter(line['left']) for line in lines), Counter[str]()))}")
    print(f"tracebacks: {len([each for line in lines for each in line['tracebacks']])}")
    if lines:
        longest = max(lines, key=lambda line: line["longest"])
        print(f"longest silence {longest['longest']} s, after {longest['longest_after']}; seed {seed}")
    found = [each for line in lines for each in line["found"]]
    print(f"found: {dict(Counter(kind for kind, _ in found))}")
    return 1 if found or not lines else 0


def main() -> int:
    """Each broker in a process of its own, side by side."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--faults", type=int, default=10_000, help="Through all brokers.")
    options.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    options.add_argument("--broker", nargs="+", default=["redis", "rabbitmq"], choices=["redis", "rabbitmq"])
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "monkeys-faults")
    options.add_argument("--pause", type=float, default=0.15, help="Seconds between two faults, about.")
    given = options.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    faulthandler.register(signal.SIGUSR1)
    print(f"--seed {given.seed} --folder {given.folder}", flush=True)
    each = given.faults // len(given.broker)
    if len(given.broker) == 1:
        run_all(given.broker[0], given.seed, each, given.folder, given.pause)
        return told(given.folder, given.broker, given.seed)
    children = [
        subprocess.Popen(
            [
                sys.executable, "-m", "tests.faults.long", "--faults", str(each), "--seed", str(given.seed), "--broker",
                broker, "--folder", str(given.folder), "--pause", str(given.pause),
            ]
        )
        for broker in given.broker
    ]  # fmt: skip
    codes = [child.wait() for child in children]
    return told(given.folder, given.broker, given.seed) or int(any(codes))


if __name__ == "__main__":
    for variable in [each for each in os.environ if each.startswith("MONKEYS_")]:
        del os.environ[variable]  # a person's own servers are never touched
    multiprocessing.set_start_method("forkserver")
    sys.exit(main())
