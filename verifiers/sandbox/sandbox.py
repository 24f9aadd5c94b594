"""Programs in, results out: warm slots, replaced when they fail, at the best isolation this host allows."""

import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from verifiers.errors import InfrastructureError, Unavailable
from verifiers.sandbox.limits import Ended, Level, Limits, TestResult
from verifiers.sandbox.slot import KilledForMemory, Program, Slot, SlotFailed

_ATTEMPTS = 3
_PROGRAMS_PER_SLOT = 500


@dataclass(frozen=True)
class Run:
    """What one program did: its results in order, and how well it was kept apart."""

    results: list[TestResult]
    facts: dict[str, Any]

    @property
    def cpu_seconds(self) -> float:
        return sum(result.cpu_seconds for result in self.results)


class Sandbox:
    """Runs programs, one at a time, in a warm jail of this process (two while a program answers calls).

    Without a level it takes the best this host allows and raises Unavailable where nothing isolates, with the
    probe that failed and what to do. `Level.unsafe` is taken only when asked for here. Jails are made on first use
    and after a fork, and go with the process, however it dies.
    """

    def __init__(self, level: Level | None = None) -> None:
        self._asked = level
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
    ) -> Run:
        """Run a program on one input after another while `go_on` of the last result; InfrastructureError if we fail.

        A failed slot is replaced and the test that it failed is run again, up to three times in all; so is a test that
        ended a little above its CPU limit, until it stays below.
        """
        with self._lock:
            return _Series(self, program, limits).run(inputs, go_on)

    def converse(
        self, candidate: Program, limits: Limits, driver: Program, driver_limits: Limits, data: bytes
    ) -> tuple[Run, Run]:
        """Run a `serve` program and, in another jail, the program that calls it and gets `data`; both results."""
        failure: Exception | None = None
        with self._lock:
            for attempt in range(_ATTEMPTS):
                try:
                    return self._converse(candidate, limits, driver, driver_limits, data, attempt)
                except (SlotFailed, OSError) as error:  # an OSError: this process is out of descriptors
                    self._drop("main")
                    self._drop("driver")
                    failure = error
            raise InfrastructureError(f"the sandbox failed {_ATTEMPTS} times: {failure}")

    def _converse(
        self,
        candidate: Program,
        limits: Limits,
        driver: Program,
        driver_limits: Limits,
        data: bytes,
        attempt: int,
    ) -> tuple[Run, Run]:
        served, drove = self.slot("main"), self.slot("driver")
        calls_read, calls_write = os.pipe()
        replies_read, replies_write = os.pipe()
        fds = (calls_read, calls_write, replies_read, replies_write)
        try:
            served.begin(candidate, limits, (calls_read, replies_write))
            drove.begin(driver, driver_limits, (replies_read, calls_write))
        finally:
            for fd in fds:
                os.close(fd)
        served.send_test(b"", last=True)
        drove.send_test(data, last=True)
        driven = self._result("driver", drove)
        answered = self._result("main", served)
        if driven.starved or answered.starved:
            raise SlotFailed("the host was too busy")
        facts = served.facts | _measured([answered], attempt)
        return Run([answered], facts), Run([driven], facts)

    def _result(self, name: str, slot: Slot) -> TestResult:
        try:
            return slot.result()
        except KilledForMemory:
            self._drop(name)
            return _KILLED_FOR_MEMORY

    def slot(self, name: str = "main") -> Slot:
        """The warm slot of this process by that name, made if need be."""
        if self._owner != os.getpid():  # forked since: those jails are our parent's
            self._owner, self._slots = os.getpid(), {}
        slot = self._slots.get(name)
        if slot and (slot.programs >= _PROGRAMS_PER_SLOT or slot.jail.process.poll() is not None):
            self._drop(name)
            slot = None
        if slot is None:
            slot = self._slots[name] = self._make_slot()
        return slot

    def _make_slot(self) -> Slot:
        if self._level is None:
            self._level = best_level()
        try:
            return Slot(self._level)
        except (OSError, Unavailable) as error:
            raise SlotFailed(str(error)) from error

    def _drop(self, name: str) -> None:
        slot = self._slots.pop(name, None)
        if slot:
            slot.close()

    def close(self) -> None:
        """End this process's jails."""
        with self._lock:
            if self._owner == os.getpid():
                for name in list(self._slots):
                    self._drop(name)


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

    def __init__(self, sandbox: Sandbox, program: Program, limits: Limits) -> None:
        self.sandbox, self.program, self.limits = sandbox, program, limits
        self.retries = 0
        self.near = 0
        self.slot: Slot | None = None
        self.facts: dict[str, Any] = {}

    def run(self, inputs: Iterable[bytes], go_on: Callable[[TestResult], bool]) -> Run:
        results: list[TestResult] = []
        given = list(inputs)
        for data in given:
            results.append(self._test(data, last=len(results) + 1 == len(given)))
            if not go_on(results[-1]):
                break
        self._end()
        near = {"near_limit": self.near} if self.near else {}
        return Run(results, self.facts | _measured(results, self.retries) | near)

    def _test(self, data: bytes, last: bool) -> TestResult:
        near = 0
        while True:
            try:
                slot = self._begun()
                result = slot.test(data, last)
            except KilledForMemory:
                self._give_up_slot()
                return _KILLED_FOR_MEMORY
            except SlotFailed as error:
                self._give_up_slot()
                self._count(error)
                continue
            if last:
                self.slot = None
            if result.starved:
                self._count("the host was too busy to run it")
            elif result.near and near < _ATTEMPTS - 1:
                near += 1
                self.near += 1
            else:
                return result

    def _begun(self) -> Slot:
        if self.slot is None:
            slot = self.sandbox.slot()
            slot.begin(self.program, self.limits)
            self.slot, self.facts = slot, slot.facts
        return self.slot

    def _end(self) -> None:
        if self.slot:
            try:
                self.slot.end()
            except SlotFailed:
                self._give_up_slot()

    def _give_up_slot(self) -> None:
        self.slot = None
        self.sandbox._drop("main")

    def _count(self, reason: object) -> None:
        self.retries += 1
        if self.retries >= _ATTEMPTS:
            raise InfrastructureError(f"the sandbox failed {self.retries} times: {reason}")


_PROBE = Program.python(
    "import os, socket\n"
    "try:\n"
    "    socket.socket()\n"
    "    raise SystemExit('a socket could be made')\n"
    "except PermissionError:\n"
    "    pass\n"
    "for path in ('/root', '/home', '/etc/passwd', '/var'):\n"
    "    if os.path.exists(path):\n"
    "        raise SystemExit(path + ' can be seen')\n"
    "for path in ('/here', '/usr/here', '/dev/here'):\n"
    "    try:\n"
    "        open(path, 'w')\n"
    "        raise SystemExit(path + ' could be written')\n"
    "    except OSError:\n"
    "        pass\n"
    "print('apart')\n"
)


def probe(level: Level) -> str:
    """Start a jail of this level and look out of it: the empty string, or what is wrong in one line."""
    try:
        slot = Slot(level)
    except (SlotFailed, OSError, Unavailable) as error:
        return str(error)
    try:
        slot.begin(_PROBE, Limits(cpu_seconds=5))
        result = slot.test(b"", last=True)
    except (SlotFailed, KilledForMemory) as error:
        return str(error)
    finally:
        slot.close()
    if level is Level.unsafe or result.output == b"apart\n":
        return ""
    return result.errors.decode(errors="replace").strip()[-300:] or "the probe said nothing"


def best_level() -> Level:
    """The best level this host allows; Unavailable, with the reason and what to do, where nothing isolates."""
    reasons = []
    for level in (Level.bwrap, Level.bwrap_noproc):
        reason = probe(level)
        if not reason:
            return level
        reasons.append(f"{level}: {reason}")
    raise Unavailable(f"Programs cannot be run apart on this host ({'; '.join(reasons)}). {advice(reasons[-1])}")


def advice(reason: str) -> str:
    """What a person can do about a jail that does not start."""
    if "RTM_NEWADDR" in reason or "uid map" in reason:
        return (
            "Allow bubblewrap user namespaces: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or an AppArmor "
            "profile for bwrap with `userns,`."
        )
    if "namespace" in reason:
        return (
            "Allow user namespaces: `sysctl user.max_user_namespaces=10000`; in Docker, "
            "`--security-opt seccomp=unconfined --security-opt systempaths=unconfined`."
        )
    if "no bubblewrap" in reason:
        return "Then start it again."
    return "Run `bwrap --unshare-all --ro-bind / / true` by hand to see what it lacks."
