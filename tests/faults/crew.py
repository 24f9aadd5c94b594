"""The processes of a run, kept going as a keeper would, over servers that may be a test's own."""

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from cli.stack.processes import Process, members
from tests.faults.forked import Forked
from tests.place import Place

LEASE_SECONDS = 4
"""Of the workers under test: a pause has to be longer."""


@dataclass
class Crew:
    """The processes of a run, kept going: one that died is started again, as a supervisor would."""

    place: Place
    commands: dict[str, list[str]]
    environment: dict[str, str] = field(default_factory=dict)
    running: dict[str, Any] = field(default_factory=dict)
    restarts: int = 0
    told: set[int] = field(default_factory=set)
    """Pids of those that a test ended or told to go."""
    left: Counter[str] = field(default_factory=Counter)
    """How those ended that nobody had told to go."""

    def keep(self) -> None:
        """Start what does not run."""
        for name, command in self.commands.items():
            process = self.running.get(name)
            if process is None or process.poll() is not None:
                if process is not None:
                    self.restarts += 1
                    self._note(name, process)
                self.running[name] = self.start(command, name)

    def start(self, command: list[str], name: str) -> Forked:
        """Start a command line over the servers of this crew; what it says is in a log of its name."""
        environment = {
            **os.environ,
            "MONKEYS_LEASE_SECONDS": str(LEASE_SECONDS),
            "MONKEYS_SWEEP_SECONDS": "0.3",
            **self.environment,
        }
        process = Forked(command, environment, self.place.log(name))
        self.place.processes.append(process)
        return process

    def _note(self, name: str, process: Forked) -> None:
        self.place.processes.remove(process)
        if process.pid not in self.told:
            self.left[f"{name.split()[0]} ended with {process.returncode}"] += 1

    def names(self, kind: str) -> list[str]:
        """The names of this kind that run, such as `generate` and `generate 2`."""
        return [name for name in self.running if name.split()[0] == kind]

    def tree(self, name: str) -> list[Process]:
        """A command's process and all that descend from it, oldest first."""
        return sorted(members([self.running[name].pid]), key=lambda each: each.start)
