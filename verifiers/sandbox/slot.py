"""One warm jail, seen from the host: programs in, results out. What a test reads and writes goes past the supervisor,
by descriptors that are handed to the test's own process.

Not a Child of verifiers/isolation, whose protocol it does not share: its programs have limits of their own, which are
kept here, and one that kills the jail is no failure of ours.
"""

import contextlib
import marshal
import os
import secrets
import socket
import sys
from collections.abc import Sequence
from typing import Any

from verifiers.sandbox.cgroup import Group
from verifiers.sandbox.files import memory_file
from verifiers.sandbox.inside.frames import LARGEST_FRAME, SCRATCH_BYTES
from verifiers.sandbox.jail import PACKAGES, Jail
from verifiers.sandbox.limits import MIB, Level, Limits, TestResult
from verifiers.sandbox.packages import find_packages
from verifiers.sandbox.program import PYTHON_KINDS, Program
from verifiers.sandbox.result import HostKills, SlotFailed, result_of
from verifiers.sandbox.rlimits import every_programs, rlimits
from verifiers.sandbox.running import Running, finish
from verifiers.sandbox.seccomp import syscall_filter

_SECONDS_TO_START = 60
_OVERHEAD = 64 * MIB  # the supervisor and a program's files
_MOST_PROCESSES = 160
_PATIENCE = 4.0


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
        self._files: list[int] = []  # a Python program's own: its text, and where its code is kept
        self._spent = 0.0
        self._memory = 0
        self._kills = 0
        self._host: HostKills | None = None
        try:
            self.group = Group.make(secrets.token_hex(4), _MOST_PROCESSES)
            if not self.group:
                self._host = HostKills()
            else:
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
            "limits": every_programs(),
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
        if program.kind in PYTHON_KINDS:
            self._files.append(memory_file(program.kind, program.code))
            if program.reuse:
                self._files.append(os.memfd_create("code", os.MFD_CLOEXEC))
        self._limits = rlimits(limits, len(program.code), self.level)

    def test(self, data: bytes) -> TestResult:
        """Run the program on one input."""
        self.send_test(data)
        return self.result()

    def send_test(self, data: bytes, calls: Sequence[int] = ()) -> None:
        """Start the program on one input; `calls` become its descriptors 3 and 4."""
        frame = self._frame(3 + len(calls))
        os.ftruncate(self.jail.stage, 0)
        os.lseek(self.jail.stage, 0, os.SEEK_SET)
        with contextlib.ExitStack() as ours:

            def in_memory(name: str, data: bytes) -> int:
                fd = memory_file(name, data)
                ours.callback(os.close, fd)
                return fd

            # an executable of an earlier test would tell a later one its number, by its age
            image = [in_memory("binary", self.program.code)] if self.program.kind == "binary" else []
            stdin = in_memory("input", data)
            running = self._running = Running(
                self.jail.channel, self.supervisor, self.group, self.limits, self._patience, self._spent
            )
            for fd in running.theirs:
                ours.callback(os.close, fd)
            try:
                self.jail.give(running.theirs)
                files = [stdin, *running.theirs, *calls, *self._files, *image]
                socket.send_fds(self.jail.channel, [frame], files)
            except OSError as error:
                raise SlotFailed(f"the jail is gone: {error}") from error

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
            self._spent = running.spent
            stage = os.pread(self.jail.stage, 4096, 0)
            return result_of(running, self.program, self.limits, stage, self._attempt_kills(), self._host)
        except OSError as error:
            if self._attempt_kills():
                raise KilledForMemory from error
            raise SlotFailed(f"the jail is gone: {error}") from error
        finally:
            running.close()
            self._running = None

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
