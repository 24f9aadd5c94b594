"""One warm jail, seen from the host: programs in, results out, over frames of a kind byte, a length and a body.

Not a Child of verifiers/isolation, whose protocol it does not share: it gets descriptors and megabytes of raw bytes,
its programs have limits of their own, which the supervisor keeps, and one that kills the jail is no failure of ours.
"""

import marshal
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.sandbox.cgroup import Group
from verifiers.sandbox.frames import receive, send
from verifiers.sandbox.inside.ends import PATIENCE
from verifiers.sandbox.inside.frames import RESULT
from verifiers.sandbox.jail import PACKAGES, Jail
from verifiers.sandbox.limits import MIB, Ended, Level, Limits, TestResult
from verifiers.sandbox.packages import find_packages
from verifiers.sandbox.seccomp import syscall_filter

_SECONDS_TO_START = 60
_SECONDS_OF_GRACE = 20
_OVERHEAD = 64 * MIB  # the supervisor, a program's input and its files
_MOST_PROCESSES = 160


class SlotFailed(Exception):
    """The slot, not the program, failed; it has to be thrown away."""


@dataclass(frozen=True)
class Program:
    """Something to run: `python` and `serve` have source code, `binary` an executable, `command` an argv.

    `serve` answers calls on descriptors 3 and 4 after its code ran. `artifact` is a file that a command leaves
    behind and that comes back with its result. `reuse` keeps compiled Python for the next tests.
    """

    kind: str
    code: bytes = b""
    argv: tuple[str, ...] = ()
    artifact: str = ""
    reuse: bool = True

    @classmethod
    def python(cls, source: str, serve: bool = False, reuse: bool = True) -> "Program":
        return cls("serve" if serve else "python", source.encode("utf-8", "replace"), reuse=reuse)


class KilledForMemory(Exception):
    """The kernel killed a program's init together with the program: the program's fault, but the slot is gone."""


class Slot:
    """A warm jail. Any failure of it is SlotFailed, after which only `close` may be called.

    imports: modules beside the usual ones that its programs find imported: each makes every fork a little dearer.
    """

    def __init__(self, level: Level, imports: tuple[str, ...] = ()) -> None:
        self.level = level
        self.imports = imports
        self.programs = 0
        self.packages = find_packages()
        self.jail = Jail(level, self.packages.folder)
        self.group: Group | None = None
        self._ending = False  # the last program was told to end, and nobody has asked yet whether it did
        self._memory = 0
        self._kills = 0
        self._host_kills = _host_kills()
        try:
            self.group = Group.make(secrets.token_hex(4), _MOST_PROCESSES)
            if self.group:
                self.group.add(self.jail.process.pid)
            self.jail.release()
            self.python = self._greet()
        except OSError as error:
            words = self.jail.last_words()
            self.close()
            raise SlotFailed(words) from error
        except BaseException:
            self.close()
            raise

    @property
    def limits_level(self) -> str:
        """What bounds memory: `cgroup v1`, `cgroup v2` or `rlimit`."""
        return f"cgroup v{self.group.version}" if self.group else "rlimit"

    @property
    def facts(self) -> dict[str, Any]:
        """How well its programs are kept apart, for their verdicts."""
        facts = {"isolation": str(self.level), "limits": self.limits_level, "python": self.python}
        return facts | ({"packages": self.packages.told} if self.packages.folder else {})

    def _packages(self) -> str:
        """Where the jail sees them, or ""."""
        folder = self.packages.folder
        return "" if folder is None else str(folder) if self.level is Level.unsafe else PACKAGES

    def _greet(self) -> str:
        settings = {
            "isolated": self.level is not Level.unsafe,
            "proc": self.level is Level.bwrap,
            "watch_memory": self.group is None,
            "folder": self.jail.folder,
            "imports": self.imports,
            "packages": self._packages(),
            "filter": syscall_filter(),
        }
        self.jail.channel.settimeout(_SECONDS_TO_START)
        send(self.jail.channel, b"S", marshal.dumps(settings, 2))
        kind, body = receive(self.jail.channel)
        if kind != b"R":
            raise OSError("the supervisor did not greet")
        return body.decode()

    def begin(self, program: Program, limits: Limits, calls: Sequence[int] = ()) -> None:
        """Start a program's namespaces; `calls` become its descriptors 3 and 4."""
        self.programs += 1
        self.limits = limits
        self._limit_memory(limits.memory_bytes + limits.scratch_bytes + _OVERHEAD)
        self._attempt_kills()
        fields = {
            "kind": program.kind,
            "code": program.code,
            "argv": program.argv,
            "artifact": program.artifact,
            "reuse": program.reuse,
            "cpu": limits.most_cpu_seconds,
            "wall": limits.wall_seconds,
            "memory": limits.memory_bytes,
            "address_space": self._address_space(limits.memory_bytes),
            "output": limits.output_bytes,
            "processes": limits.processes + 4,
            "file": max(limits.file_bytes, len(program.code)),
            "scratch": limits.scratch_bytes + len(program.code),
        }
        self._attempt_send(b"P", marshal.dumps(fields, 2), calls)

    def test(self, data: bytes, last: bool = False) -> TestResult:
        """Run the program on one input; the `last` one ends it."""
        self.send_test(data, last)
        return self.result()

    def send_test(self, data: bytes, last: bool = False) -> None:
        if len(data) > MIB:
            self._limit_memory(self.limits.memory_bytes + self.limits.scratch_bytes + _OVERHEAD + 2 * len(data))
        self._attempt_send(b"T", data)
        if last:
            self._attempt_send(b"E", b"")
        self._last = last

    def result(self) -> TestResult:
        """The result of the test that was sent."""
        self._await_end()
        self._ending = self._last
        self.jail.channel.settimeout(PATIENCE * self.limits.wall_seconds + _SECONDS_OF_GRACE)
        kind, body = self._attempt_receive()
        killed = self._attempt_kills()
        if kind == b"K" and killed:
            raise KilledForMemory
        if kind != b"r":
            raise SlotFailed(f"the supervisor said {kind!r} {bytes(body[:200])!r}")
        return self._read_result(body, killed)

    def _read_result(self, body: bytes, killed: bool) -> TestResult:
        if len(body) < RESULT.size:
            raise SlotFailed("a result is cut off")
        ended, exit_code, signal, cpu, wall, peak, starved, *sizes = RESULT.unpack_from(body)
        parts, at = [], RESULT.size
        for size in sizes:
            parts.append(bytes(body[at : at + size]))
            at += size
        if at != len(body) or ended > max(Ended):
            raise SlotFailed("a result is malformed")
        how = Ended(ended)
        if killed or (how is Ended.exited and peak > self.limits.memory_bytes):
            how = Ended.memory_limit
        elif how is Ended.not_started:
            raise SlotFailed(f"the program was not started: {parts[1][:300]!r}")
        elif how is Ended.exited and signal == 9 and self._host_killed():
            raise SlotFailed("the host ran out of memory")
        near = how is Ended.exited and cpu >= self.limits.cpu_seconds
        how = Ended.cpu_limit if near else how
        output, errors, artifact = parts
        return TestResult(how, exit_code, signal, cpu, wall, peak, output, errors, artifact, bool(starved), near)

    def end(self) -> None:
        """End a program before its last test: its namespaces, its files and all that it left running."""
        self._attempt_send(b"E", b"")
        self._ending = True

    def _await_end(self) -> None:
        """Make sure that the program before this one is gone."""
        if not self._ending:
            return
        self._ending = False
        self.jail.channel.settimeout(_SECONDS_OF_GRACE)
        kind, body = self._attempt_receive()
        if kind != b"D":
            raise SlotFailed(f"the program's end failed: {kind!r} {bytes(body[:200])!r}")

    def close(self) -> None:
        self.jail.close()
        if self.group:
            self.group.close()

    def _limit_memory(self, size: int) -> None:
        if self.group is None or size == self._memory:
            return
        self._await_end()  # what the last program left in memory may be more than this one's limit
        try:
            self.group.limit_memory(size)
        except OSError as error:
            raise SlotFailed(f"the control group is gone: {error}") from error
        self._memory = size

    def _address_space(self, memory: int) -> int:
        """Without a control group the only bound of one process's memory, with one only against absurd requests."""
        return memory + 64 * MIB if self.group is None else 4 * memory + 4096 * MIB

    def _attempt_kills(self) -> bool:
        """Whether the kernel killed for memory since the last look."""
        if self.group is None:
            return False
        try:
            kills = self.group.kills()
        except OSError as error:
            raise SlotFailed(f"the control group is gone: {error}") from error
        before, self._kills = self._kills, kills
        return kills > before

    def _host_killed(self) -> bool:
        """Whether the host killed anything for memory since the last look."""
        before, self._host_kills = self._host_kills, _host_kills()
        return before != self._host_kills

    def _attempt_send(self, kind: bytes, body: bytes, calls: Sequence[int] = ()) -> None:
        try:
            send(self.jail.channel, kind, body, calls)
        except OSError as error:
            raise SlotFailed(f"the jail is gone: {error}") from error

    def _attempt_receive(self) -> tuple[bytes, bytes]:
        try:
            return receive(self.jail.channel)
        except OSError as error:
            raise SlotFailed(f"the jail is gone: {error}") from error


def _host_kills() -> int:
    """Processes that the kernel killed for memory since the host's start."""
    try:
        with open("/proc/vmstat", "rb") as file:
            _, _, rest = file.read().partition(b"\noom_kill ")
    except OSError:
        return 0
    return int(rest.split()[0]) if rest else 0
