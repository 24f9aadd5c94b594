"""A person who gives random commands, whatever state everything is in, and what came of them."""

import json
import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from cli import COMMANDS
from tests.faults.crew import Crew
from tests.faults.forked import Forked
from tests.small_runs import Small

COMMAND_SECONDS = 90.0
"""A command that takes longer hangs."""

MOST_OPEN = 5
MOST_RUNS = 25


@dataclass
class Given:
    """A command that was given."""

    words: list[str]
    process: Forked
    log: Path
    began: float


@dataclass
class Person:
    """Gives commands over the servers of a crew; each is a process of its own, and may be killed."""

    crew: Crew
    files: Small
    samples: int
    """Recorded of each problem."""
    random: Random
    given: list[Given] = field(default_factory=list)
    ended: Counter[str] = field(default_factory=Counter)
    hung: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    """As they were when the database was last seen."""
    refused: Counter[str] = field(default_factory=Counter)
    """What was said of commands that failed, without numbers."""
    numbers: int = 0

    def see(self) -> None:
        """Look at the runs; the database has to be there."""
        self.runs = self.crew.place.query(
            "select id, n, finished_at, cancelled_at, stop_rule, imported from run order by id"
        )

    def command(self) -> None:
        """Give one, at random."""
        self.numbers += 1
        words = self._words()
        log = self.crew.place.log(f"command-{self.numbers}")
        self.given.append(Given(words, self.crew.start(words, log.stem), log, time.monotonic()))

    def kill_one(self) -> None:
        """The person loses patience with a command."""
        if self.given:
            chosen = self.random.choice(self.given)
            chosen.process.send_signal(self.random.choice([signal.SIGKILL, signal.SIGINT, signal.SIGTERM]))
            self.crew.told.add(chosen.process.pid)

    def look(self) -> None:
        """Note what came of those that ended, and end what hangs."""
        for each in list(self.given):
            code = each.process.poll()
            if code is None and time.monotonic() - each.began < COMMAND_SECONDS:
                continue
            if code is None:
                os.kill(each.process.pid, signal.SIGKILL)
                self.hung.append(" ".join(each.words))
            said = each.log.read_text(errors="replace") if each.log.exists() else ""
            if "Traceback" in said and each.process.pid not in self.crew.told:
                self.tracebacks.append(f"{' '.join(each.words)}: {' '.join(said.strip().splitlines()[-1:])[:300]}")
            if code == 1 and each.process.pid not in self.crew.told:
                self.refused[re.sub(r"[0-9]+", "N", " ".join(said.strip().splitlines()[-1:]))[:110]] += 1
            self.ended[f"{each.words[0]} {code}"] += 1
            self.given.remove(each)
            self.crew.place.processes.remove(each.process)
            each.log.unlink(missing_ok=True)

    def _words(self) -> list[str]:
        going = [run for run in self.runs if run["finished_at"] is None]
        choices: dict[str, float] = {"look": 2, "price": 0.5, "migrate": 0.5}
        if len(going) < MOST_OPEN and len(self.runs) < MOST_RUNS:
            choices |= {"enqueue": 6 if going else 60, "import": 2}
        if self.runs:
            choices |= {"extend": 4, "cancel": 2, "resume": 3, "reverify": 2, "infrastructure": 1, "delete": 1}
            choices |= {"limits": 2 if "limits" in COMMANDS else 0}
        chosen = self.random.choices(list(choices), list(choices.values()))[0]
        run = self.random.choice(self.runs) if self.runs else {"id": 0, "n": 0}
        return list(getattr(self, f"_{chosen}")(run))

    def _enqueue(self, _: dict[str, Any]) -> list[str]:
        """Some with a rule that may stop them, some with a name that another command gives too."""
        n = self.random.randrange(20, 100)
        words = [
            "enqueue", "gsm8k", "-m", f"replay:{self.files.recording}", "-n", str(n), "--data", str(self.files.data),
            "--prompt-file", str(self.files.prefix), "--batch-size", str(self.random.choice([5, 10])), "--quiet",
        ]  # fmt: skip
        rule = self.random.random()
        if rule < 0.15:
            words.append("--stop-when-solved")
        elif rule < 0.35:
            words += ["--budget-usd", f"{n * 8 * 0.001 * self.random.uniform(0.2, 1.2):.4f}"]
        if self.random.random() < 0.2:
            words.append("--depth-first")
        if self.random.random() < 0.5:
            words += ["--name", f"run-{self.random.randrange(1_000_000)}"]
        return words

    def _import(self, _: dict[str, Any]) -> list[str]:
        """The first samples of the recording, as made elsewhere."""
        n = self.random.randrange(5, 40)
        file = self.files.data.parent / f"import-{n}.jsonl"
        if not file.exists():
            with self.files.recording.open() as recorded, file.open("w") as written:
                written.writelines(line for line in recorded if json.loads(line)["sample_index"] < n)
        return [
            "import", str(file), "--benchmark", "gsm8k", "--llm", "elsewhere", "--data", str(self.files.data),
            "--quiet",
        ]  # fmt: skip

    def _extend(self, run: dict[str, Any]) -> list[str]:
        return ["extend", str(run["id"]), "-n", str(min(self.samples, run["n"] + self.random.randrange(1, 40)))]

    def _cancel(self, run: dict[str, Any]) -> list[str]:
        return ["cancel", str(run["id"])]

    def _resume(self, run: dict[str, Any]) -> list[str]:
        return ["resume", str(run["id"])]

    def _limits(self, run: dict[str, Any]) -> list[str]:
        return ["limits", str(run["id"]), "--budget-usd", f"{self.random.uniform(0.01, 0.5):.4f}"]

    def _reverify(self, run: dict[str, Any]) -> list[str]:
        words = ["reverify", str(run["id"]), "--verifier", self.random.choice(["answer", "paper"])]
        return [*words, "--use"] if self.random.random() < 0.5 else words

    def _infrastructure(self, run: dict[str, Any]) -> list[str]:
        return ["reverify", str(run["id"]), "--infrastructure"]

    def _delete(self, run: dict[str, Any]) -> list[str]:
        return ["delete", str(run["id"]), "--yes"]

    def _price(self, _: dict[str, Any]) -> list[str]:
        llm = f"replay:{self.files.recording}"
        return ["price", "set", llm, "--provider", "us", "--output", f"{self.random.uniform(0.1, 9):.2f}"]

    def _migrate(self, _: dict[str, Any]) -> list[str]:
        return ["migrate"]

    def _look(self, run: dict[str, Any]) -> list[str]:
        return self.random.choice(
            [
                ["runs", "--json"],
                ["status"],
                ["show", str(run["id"]), "0"],
                ["sql", "--json", "select * from coverage"],
                ["analyze", str(run["id"])],
                ["export", str(run["id"]), str(self.files.data.parent / "exported.jsonl")],
            ]
        )
