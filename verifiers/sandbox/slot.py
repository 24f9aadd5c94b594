"""One warm jail, seen from the host: programs in, results out. What a test reads and writes goes past the supervisor,
by descriptors that are handed to the test's own process.

Not a Child of verifiers/isolation, whose protocol it does not share: its programs have limits of their own, which are
kept here, and one that kills the jail is no failure of ours.
"""

import marshal
import os
import resource
import secrets
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verifiers.sandbox.cgroup import Group
from verifiers.sandbox.files import memory_file, read_artifact
from verifiers.sandbox.inside.frames import LARGEST_FRAME, SCRATCH_BYTES
from verifiers.sandbox.jail import PACKAGES, Jail
from verifiers.sandbox.limits import MIB, Ended, Level, Limits, TestResult
from verifiers.sandbox.packages import find_packages
from verifiers.sandbox.running import Running, finish
from verifiers.sandbox.seccomp import syscall_filter

_SECONDS_TO_START = 60
_OVERHEAD = 64 * MIB  # the supervisor and a program's files
_MOST_PROCESSES = 160
_PYTHON_KINDS = ("python", "serve", "drive")
_PATIENCE = 4.0
_LIMITS = {
    resource.RLIMIT_AS: 64 << 30,  # against absurd requests: to reserve memory is not to use it
    resource.RLIMIT_NOFILE: 64,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_MEMLOCK: 0,
}
"""The same for every program."""


class SlotFailed(Exception):
    """The slot, not the program, failed; it has to be thrown away."""


@dataclass(frozen=True)
class Program:
    """Something to run: `python` and `serve` have source code, `binary` an executable, `command` an argv.

    `serve` answers calls on descriptors 3 and 4 after its code ran. `artifact` is a file that a command leaves
    behind and that comes back with its result; `input_file` is one where it finds its input too. Both are names in the
    folder where it starts. `reuse` keeps compiled Python for the next tests.
    """

    kind: str
    code: bytes = b""
    argv: tuple[str, ...] = ()
    artifact: str = ""
    input_file: str = ""
    reuse: bool = True

    @classmethod
    def python(cls, source: str, serve: bool = False, reuse: bool = True) -> "Program":
        return cls("serve" if serve else "python", source.encode("utf-8", "replace"), reuse=reuse)


class KilledForMemory(Exception):
    """The kernel killed the supervisor together with the program: the program's fault, but the slot is gone."""


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
        self._running: Running | None = None
        self._files: list[int] = []  # the program's own: its text or executable, and where its code is kept
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
            "folder": self.jail.folder,
            "imports": self.imports,
            "packages": self._packages(),
            "limits": _rlimits(_LIMITS),
            "filter": syscall_filter(supervised=self.level is not Level.unsafe),
        }
        channel = self.jail.channel
        channel.settimeout(_SECONDS_TO_START)
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        channel.send(marshal.dumps(settings, 2))
        said, sender, _, _ = channel.recvmsg(64, socket.CMSG_SPACE(12))
        if said[:1] != b"R" or not sender:
            raise OSError("the supervisor did not greet")
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        channel.setblocking(True)
        self.supervisor = int.from_bytes(sender[0][2][:4], sys.byteorder)
        return said[1:].decode()

    def begin(self, program: Program, limits: Limits, patience: float = 1.0) -> None:
        """The next tests are of this program. patience: times the usual one with a host that gives it no CPU."""
        self.programs += 1
        self.program, self.limits, self._patience = program, limits, patience * _PATIENCE
        self._close_files()
        self._limit_memory(limits.memory_bytes + limits.scratch_bytes + _OVERHEAD)
        if program.kind in _PYTHON_KINDS or program.kind == "binary":
            self._files.append(memory_file(program.kind, program.code))
        if program.kind in _PYTHON_KINDS and program.reuse:
            self._files.append(os.memfd_create("code", os.MFD_CLOEXEC))
        most = {
            resource.RLIMIT_CPU: int(limits.most_cpu_seconds) + 2,
            resource.RLIMIT_FSIZE: max(limits.file_bytes, len(program.code)),
            resource.RLIMIT_STACK: limits.memory_bytes,
            resource.RLIMIT_NPROC: limits.processes + 4,
        }
        if self.level is Level.unsafe:  # there it would count every process of this user
            del most[resource.RLIMIT_NPROC]
        self._limits = _rlimits(most)

    def test(self, data: bytes) -> TestResult:
        """Run the program on one input."""
        self.send_test(data)
        return self.result()

    def send_test(self, data: bytes, calls: Sequence[int] = ()) -> None:
        """Start the program on one input; `calls` become its descriptors 3 and 4."""
        frame = self._frame(3 + len(calls))
        os.ftruncate(self.jail.stage, 0)
        os.lseek(self.jail.stage, 0, os.SEEK_SET)
        stdin = memory_file("input", data)
        try:
            running = self._running = Running(
                self.jail.channel, self.supervisor, self.group, self.limits, self._patience
            )
            try:
                self.jail.give(running.theirs)
                socket.send_fds(self.jail.channel, [frame], [stdin, *running.theirs, *calls, *self._files])
            except OSError as error:
                raise SlotFailed(f"the jail is gone: {error}") from error
            finally:
                for fd in running.theirs:
                    os.close(fd)
        finally:
            os.close(stdin)

    def _frame(self, own: int) -> bytes:
        """What a test's own process has to know; Job reads it."""
        program, scratch = self.program, self.limits.scratch_bytes
        image = own + 1 if len(self._files) > 1 else own if program.kind == "binary" else -1
        size = 0 if scratch == SCRATCH_BYTES else scratch
        fields = (
            program.kind, own, image, len(program.code), size, self._limits, program.argv, bool(program.artifact),
            program.input_file,
        )  # fmt: skip
        frame = marshal.dumps(fields, 2)
        if len(frame) > LARGEST_FRAME:
            raise ValueError("the command is too long")
        return frame

    @property
    def running(self) -> Running:
        """The test that was sent and whose result nobody has asked for yet."""
        assert self._running
        return self._running

    def result(self) -> TestResult:
        """The result of the test that was sent."""
        running = self.running
        try:
            if not running.done:
                finish([running])
            killed = self._attempt_kills()
            return self._read_result(running, killed)
        except OSError as error:
            if self._attempt_kills():
                raise KilledForMemory from error
            raise SlotFailed(f"the jail is gone: {error}") from error
        finally:
            running.close()
            self._running = None

    def _read_result(self, running: Running, killed: bool) -> TestResult:
        how, state, limits = running.ended, running.state, self.limits
        exit_code = os.WEXITSTATUS(state) if os.WIFEXITED(state) else 0
        killer = os.WTERMSIG(state) if os.WIFSIGNALED(state) else 0
        errors, artifact, near = running.errors, b"", False
        out_of_time = running.cpu >= limits.most_cpu_seconds or killer == signal.SIGXCPU
        if out_of_time and how in (Ended.exited, Ended.output_limit):
            how = Ended.cpu_limit
        unbegun = self._begun(os.pread(self.jail.stage, 4096, 0))
        if unbegun:
            how, errors = unbegun[0], unbegun[1] or errors
        if killed or (how is Ended.exited and running.peak > limits.memory_bytes):
            how = Ended.memory_limit
        elif how is Ended.not_started:
            raise SlotFailed(f"the program was not started: {errors[:300]!r}")
        elif how is Ended.exited and killer == signal.SIGKILL and self._host_killed():
            raise SlotFailed("the host ran out of memory")
        elif how is Ended.exited and running.cpu >= limits.cpu_seconds:
            how, near = Ended.cpu_limit, True
        elif how is Ended.exited and state == 0 and running.folder >= 0:
            artifact = read_artifact(running.folder, self.program.artifact)
        return TestResult(
            how, exit_code, killer, running.cpu, running.wall, running.peak, bytes(running.output), errors, artifact,
            running.starved, near,
        )  # fmt: skip

    def _begun(self, stage: bytes) -> tuple[Ended, bytes] | None:
        """How a test ended that did not even begin, and why; None for one that did."""
        if stage[:1] != b"S" or stage[1:2] == b"!":
            return Ended.not_started, stage
        if stage[1:2] == b"C":
            return Ended.not_compiled, b""
        if self.program.kind in _PYTHON_KINDS and stage[1:2] != b"x":
            return Ended.not_compiled, b"the compiler was stopped by a limit"
        return None

    def close(self) -> None:
        self.jail.close()
        if self._running:
            self._running.close()
            self._running = None
        self._close_files()
        if self.group:
            self.group.close()

    def _close_files(self) -> None:
        while self._files:
            os.close(self._files.pop())

    def _limit_memory(self, size: int) -> None:
        if self.group is None or size == self._memory:
            return
        try:
            self.group.limit_memory(size)
        except OSError as error:
            raise SlotFailed(f"the control group is gone: {error}") from error
        self._memory = size

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


def _rlimits(most: Mapping[int, int]) -> tuple[tuple[int, int, int], ...]:
    """(resource, soft and hard limit), as far as the host's own hard limits allow; a stack may be made larger."""
    found = []
    for kind, limit in most.items():
        hard = resource.getrlimit(kind)[1]
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        found.append((kind, soft, hard if kind == resource.RLIMIT_STACK else soft))
    return tuple(found)


def _host_kills() -> int:
    """Processes that the kernel killed for memory since the host's start."""
    try:
        with open("/proc/vmstat", "rb") as file:
            _, _, rest = file.read().partition(b"\noom_kill ")
    except OSError:
        return 0
    return int(rest.split()[0]) if rest else 0
