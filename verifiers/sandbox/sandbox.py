"""Programs in, results out: warm slots, replaced when they fail, at the best isolation this host allows."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from verifiers.errors import InfrastructureError, Unavailable
from verifiers.sandbox.levels import best_level
from verifiers.sandbox.limits import Ended, Level, Limits, TestResult
from verifiers.sandbox.program import Program
from verifiers.sandbox.result import SlotFailed
from verifiers.sandbox.running import finish
from verifiers.sandbox.slot import KilledForMemory, Slot

_ATTEMPTS = 3
_PROGRAMS_PER_SLOT = 500
_DRIVER = ("verifiers.sandbox.inside.evalplus", "verifiers.sandbox.inside.suites")
_IMPORTS = {
    "contest": ("copy", "datetime", "json", "operator", "random", "statistics", "string"),
    "driver": _DRIVER,
    "numpy driver": (*_DRIVER, "numpy"),
}
"""Name of a slot -> what its programs nearly all import: LiveCodeBench's by their preamble, tests of functions."""


@dataclass(frozen=True)
class ProgramRun:
    """What one program did: its results in order, and how well it was kept apart."""

    results: list[TestResult]
    facts: dict[str, Any]

    @property
    def cpu_seconds(self) -> float:
        return sum(result.cpu_seconds for result in self.results)


class Sandbox:
    """Runs programs, one at a time, in a warm jail of this process.

    A second jail is there for the tests that call a program, or the checker that reads what it wrote.
    Without a level it takes the best that this host allows; where nothing isolates, each run is an InfrastructureError
    that names the probe that failed and what to do. `Level.unsafe` is taken only when asked for here. Jails are made on
    first use and after a fork, and go with the process, however it dies.
    """

    def __init__(self, level: Level | None = None) -> None:
        self._level: Level | None = level
        self._slots: dict[str, Slot] = {}
        self._owner = os.getpid()
        self._lock = threading.RLock()

    def run(
        self,
        program: Program,
        inputs: Iterable[bytes],
        limits: Limits,
        go_on: Callable[[TestResult], bool] = lambda _: True,
        slot: str = "main",
    ) -> ProgramRun:
        """Run a program on one input after another while `go_on` of the last result; InfrastructureError if we fail.

        A failed slot is replaced and the test that it failed is run again, up to three times in all; so is a test that
        ended a little above its CPU limit, until it stays below. What `go_on` itself runs needs another slot.
        """
        with self._undisturbed():
            return _Series(self, program, limits, slot).run(inputs, go_on)

    @contextlib.contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """One program at a time; slots that an exception left in the middle of one are not asked again."""
        with self._lock:
            try:
                yield
            except BaseException:
                self.close()
                raise

    def converse(
        self,
        candidate: Program,
        limits: Limits,
        driver: Program,
        driver_limits: Limits,
        data: bytes,
        slot: str = "driver",
    ) -> tuple[ProgramRun, ProgramRun]:
        """Run a `serve` program and, in the jail `slot`, the program that calls it and gets `data`; both results."""
        failure: Exception | None = None
        with self._undisturbed():
            for attempt in range(_ATTEMPTS):
                try:
                    return self._converse(candidate, limits, driver, driver_limits, data, slot, attempt)
                except (SlotFailed, OSError) as error:  # an OSError: this process is out of descriptors
                    self.drop("main")
                    self.drop(slot)
                    failure = error
            raise InfrastructureError(f"the sandbox failed {_ATTEMPTS} times: {failure}")

    def _converse(
        self,
        candidate: Program,
        limits: Limits,
        driver: Program,
        driver_limits: Limits,
        data: bytes,
        slot: str,
        attempt: int,
    ) -> tuple[ProgramRun, ProgramRun]:
        served, drove = self.slot("main"), self.slot(slot)
        served.begin(candidate, limits, 2.0**attempt)
        drove.begin(driver, driver_limits, 2.0**attempt)
        fds: list[int] = []
        try:
            fds += os.pipe()
            fds += os.pipe()
            calls_read, calls_write, replies_read, replies_write = fds
            served.send_test(b"", (calls_read, replies_write))
            drove.send_test(data, (replies_read, calls_write))
        finally:
            for fd in fds:
                os.close(fd)
        with contextlib.suppress(OSError):  # either's result says it
            finish([drove.running, served.running])
        driven = self._result(slot, drove)
        answered = self._result("main", served)
        if driven.starved or answered.starved:
            raise SlotFailed("the host was too busy")
        facts = served.facts | _measured([answered], attempt)
        return ProgramRun([answered], facts), ProgramRun([driven], facts)

    def _result(self, name: str, slot: Slot) -> TestResult:
        try:
            return slot.result()
        except KilledForMemory:
            self.drop(name)
            return _KILLED_FOR_MEMORY

    def slot(self, name: str = "main") -> Slot:
        """The warm slot of this process by that name, made if need be."""
        if self._owner != os.getpid():  # forked since: those jails are our parent's
            self._owner, self._slots = os.getpid(), {}
        slot = self._slots.get(name)
        if slot and (slot.programs >= _PROGRAMS_PER_SLOT or slot.jail.process.poll() is not None):
            self.drop(name)
            slot = None
        if slot is None:
            slot = self._slots[name] = self._make_slot(_IMPORTS.get(name, ()))
        return slot

    def _make_slot(self, imports: tuple[str, ...]) -> Slot:
        try:
            self._level = self._level or best_level()
        except Unavailable as error:
            raise InfrastructureError(str(error)) from error
        try:
            return Slot(self._level, imports)
        except (OSError, Unavailable) as error:
            raise SlotFailed(str(error)) from error

    def drop(self, name: str = "main") -> None:
        """End a slot that failed; the next program makes another."""
        slot = self._slots.pop(name, None)
        if slot:
            slot.close()

    def close(self) -> None:
        """End this process's jails."""
        with self._lock:
            if self._owner == os.getpid():
                for name in list(self._slots):
                    self.drop(name)


def _measured(results: list[TestResult], retries: int) -> dict[str, Any]:
    return {
        "tests_run": len(results),
        "peak_bytes": max(result.peak_bytes for result in results),
        "wall_seconds": round(sum(result.wall_seconds for result in results), 3),
        **({"retries": retries} if retries else {}),
    }


_KILLED_FOR_MEMORY = TestResult(Ended.memory_limit, 0, 9, 0.0, 0.0, 0, b"", b"")


class _Series:
    """One program's tests, which may take several slots."""

    def __init__(self, sandbox: Sandbox, program: Program, limits: Limits, name: str) -> None:
        self.sandbox, self.program, self.limits, self.name = sandbox, program, limits, name
        self.retries = 0
        self.near = 0
        self.slot: Slot | None = None
        self.facts: dict[str, Any] = {}

    def run(self, inputs: Iterable[bytes], go_on: Callable[[TestResult], bool]) -> ProgramRun:
        results: list[TestResult] = []
        for data in inputs:
            results.append(self._test(data))
            if not go_on(results[-1]):
                break
        near = {"near_limit": self.near} if self.near else {}
        return ProgramRun(results, self.facts | _measured(results, self.retries) | near)

    def _test(self, data: bytes) -> TestResult:
        near = 0
        while True:
            try:
                slot = self._begun()
                result = slot.test(data)
            except KilledForMemory:
                self._give_up_slot()
                return _KILLED_FOR_MEMORY
            except SlotFailed as error:
                self._give_up_slot()
                self._count(error)
                continue
            if result.starved:
                self.slot = None  # begins anew, with more patience
                self._count("the host was too busy to run it")
            elif result.near and near < _ATTEMPTS - 1:
                near += 1
                self.near += 1
            else:
                return result

    def _begun(self) -> Slot:
        if self.slot is None:
            slot = self.sandbox.slot(self.name)
            slot.begin(self.program, self.limits, 2.0**self.retries)
            self.slot, self.facts = slot, slot.facts
        return self.slot

    def _give_up_slot(self) -> None:
        self.slot = None
        self.sandbox.drop(self.name)

    def _count(self, reason: object) -> None:
        self.retries += 1
        if self.retries >= _ATTEMPTS:
            raise InfrastructureError(f"the sandbox failed {self.retries} times: {reason}")


_own = Sandbox()


def the_sandbox() -> Sandbox:
    """This process's sandbox, shared by all its verifiers."""
    return _own


def use_level(level: Level | None) -> None:
    """Take this level from now on: the only way to `Level.unsafe`, for a person who asked for it by hand."""
    global _own
    _own.close()
    _own = Sandbox(level)
