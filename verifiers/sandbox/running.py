"""A test in flight: what it writes is read here, and here its limits are kept, far from the program itself."""

import os
import select
import signal
import socket
import struct
import time
from collections.abc import Sequence

from verifiers.sandbox.cgroup import Group, throttled_seconds
from verifiers.sandbox.inside.frames import RESULT
from verifiers.sandbox.limits import Ended, Limits
from verifiers.sandbox.tree import Tree, first_child

_SHORT_MS = 3  # most programs have ended by then, and nobody has to wake up for what they write
_LOOK_SECONDS = 0.05
_LOOK_SECONDS_AT_MEMORY = 0.02
_SECONDS_TO_END = 20
_STDERR_KEPT = 2048
_STDERR_MOST = 16 << 20
_UNCOUNTED_SECONDS = 0.02  # of CPU time: less is the supervisor's own
_CPUS = len(os.sched_getaffinity(0))


class Running:
    """One test in flight, below a supervisor that says on a channel how it ended.

    patience: times its wall limit that it may take where the host gives it no CPU. spent: CPU seconds of the
    supervisor's earlier tests. out, err: what it writes to them is read here. Any failure of the jail is an OSError.
    """

    def __init__(
        self,
        channel: socket.socket,
        supervisor: int,
        group: Group | None,
        limits: Limits,
        patience: float,
        spent: float = 0.0,
    ) -> None:
        self.channel, self.group, self.limits, self.patience = channel, group, limits, patience
        self.output, self._head, self._tail, self._error_bytes = bytearray(), b"", b"", 0
        self.ended = Ended.exited
        self.starved, self.done = False, False
        self.state, self.cpu, self.peak, self.wall = 0, 0.0, 0, 0.0
        self.folder = -1
        """A descriptor of the folder where a command leaves its artifact, or -1."""
        self.spent = self._spent_before = spent
        """CPU seconds of this and of all earlier tests of its supervisor."""
        self._supervisor = supervisor
        self._tree: Tree | None = None
        self._used = group.cpu_seconds() if group else None
        self._stolen, self._stolen_before = 0.0, 0.0
        self._ending = 0.0
        self.out, theirs_out = _pipe()
        self.err, theirs_err = _pipe()
        self.theirs = (theirs_out, theirs_err)
        self.started = time.monotonic()

    def close(self) -> None:
        for fd in (self.out, self.err, self.folder):
            if fd >= 0:
                os.close(fd)

    @property
    def errors(self) -> bytes:
        """The head and the tail of what it wrote to stderr."""
        return self._head + self._tail

    def hear(self) -> None:
        """Take what its jail says: that it ended, or where its artifact will be."""
        message, rights, _, _ = self.channel.recvmsg(RESULT.size + 1, socket.CMSG_SPACE(4))
        if message == b"A" and rights:
            (self.folder,) = struct.unpack("=i", rights[0][2])
        elif len(message) == RESULT.size and message[:1] == b"r":
            _, self.state, peak, user, user_us, system, system_us = RESULT.unpack(message)
            self.wall = time.monotonic() - self.started
            self.spent = user + system + (user_us + system_us) / 1e6
            self.cpu, self.peak = max(self.spent - self._spent_before, self.cpu), max(peak << 10, self.peak)
            counted = self._counted()
            if counted > self.cpu + _UNCOUNTED_SECONDS:  # children that nobody waited for
                self.cpu = counted
            self.done = True
            while any(self.read(fd) for fd in (self.out, self.err)):  # every writer is dead
                pass
        else:
            raise OSError(f"the supervisor said {message[:200]!r}" if message else "the supervisor hung up")

    def _counted(self) -> float:
        """CPU seconds of all its processes, as far as they are known before its end."""
        now = self.group.cpu_seconds() if self.group else None
        if now is not None and self._used is not None:
            return now - self._used
        return self._tree.cpu_seconds if self._tree else 0.0

    def read(self, fd: int) -> bool:
        """Take what is there; whether there may be more."""
        try:
            data = os.read(fd, 1 << 16)
        except BlockingIOError:
            return False
        if fd == self.out:
            self.output += data
        else:
            self._error_bytes += len(data)
            if len(self._head) < _STDERR_KEPT:
                self._head += data[:_STDERR_KEPT]
            else:
                self._tail = (self._tail + data)[-_STDERR_KEPT:]
        most = self.limits.output_bytes
        if len(self.output) > most or self._error_bytes > _STDERR_MOST:
            del self.output[most:]
            self.end(Ended.output_limit)
            return False
        return bool(data)

    def end(self, why: Ended) -> None:
        """End it at a limit; the first one counts. Its jail says so, and ends all that it started."""
        if self.ended is not Ended.exited:
            return
        self.ended, self._ending = why, time.monotonic()
        first = None if self.done else first_child(self._supervisor)
        if first is None:
            return
        try:
            process = os.pidfd_open(first)
        except OSError:
            return
        try:
            if not select.select([self.channel], [], [], 0)[0]:  # else the first is already that of the next test
                signal.pidfd_send_signal(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
        finally:
            os.close(process)

    def look(self) -> None:
        """Measure it: CPU time and memory of all its processes."""
        if self._tree is None:
            self._tree, self._stolen_before = Tree(self._supervisor), throttled_seconds()
        tree = self._tree
        tree.look()
        stolen = throttled_seconds()
        if tree.runnable:
            self._stolen += stolen - self._stolen_before
        self._stolen_before = stolen
        self.peak = max(self.peak, tree.memory_bytes)
        self.cpu = max(self.cpu, self._counted())
        if self.cpu >= self.limits.most_cpu_seconds:
            self.end(Ended.cpu_limit)
        elif self.group is None and tree.memory_bytes > self.limits.memory_bytes:
            self.end(Ended.memory_limit)

    def waited(self) -> float:
        """Seconds that the host kept CPUs from it: at most what it did not use of them all, its own rush is its own."""
        wall = time.monotonic() - self.started
        delay = (self._tree.delay_seconds if self._tree else 0.0) + self._stolen
        return max(0.0, min(delay, _CPUS * wall - self.cpu))

    def keep_time(self, waited: float) -> None:
        """End it when it idled for too long. waited: seconds that it, or what it waits for, had no CPU."""
        now = time.monotonic()
        wall, limit = now - self.started, self.limits.wall_seconds
        if self._ending:
            if now - self._ending > _SECONDS_TO_END:
                raise OSError("the supervisor does not end a test")
        elif wall - waited >= limit:
            self.end(Ended.wall_limit)
        elif wall >= self.patience * limit:
            self.starved = True
            self.end(Ended.wall_limit)


def finish(tests: Sequence[Running]) -> None:
    """Until all have ended: read what they write, and end those that go beyond a limit.

    What waits for another one's process is not idle while that waits for a CPU: their waiting counts for each of them.
    """
    if len(tests) == 1 and select.select([tests[0].channel], [], [], _SHORT_MS / 1000)[0]:
        tests[0].hear()
    takes = {fd: test for test in tests for fd in (test.channel.fileno(), test.out, test.err)}
    poll = select.poll()
    for fd in takes:
        poll.register(fd, select.POLLIN)
    every = _LOOK_SECONDS if all(test.group for test in tests) else _LOOK_SECONDS_AT_MEMORY
    look = tests[0].started + every
    while not all(test.done for test in tests):
        for fd, _ in poll.poll(max(0.0, look - time.monotonic()) * 1000 + 1):
            test = takes[fd]
            if fd != test.channel.fileno():
                if not test.read(fd):
                    poll.unregister(fd)
            elif not test.done:
                test.hear()
                if test.done:
                    poll.unregister(fd)
        if time.monotonic() >= look:
            look = time.monotonic() + every
            open_tests = [test for test in tests if not test.done]
            for test in open_tests:
                test.look()
            waited = sum(test.waited() for test in open_tests)
            for test in open_tests:
                test.keep_time(waited)


def _pipe() -> tuple[int, int]:
    read, write = os.pipe()
    os.set_blocking(read, False)
    return read, write
