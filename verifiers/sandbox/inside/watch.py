"""What a test writes and what it uses, watched from its init."""

from __future__ import annotations

import os
import select
import time

from verifiers.sandbox.inside.ends import CPU_LIMIT, EXITED, MEMORY_LIMIT, OUTPUT_LIMIT, PATIENCE, WALL_LIMIT
from verifiers.sandbox.inside.job import Job, SlotSettings

_LOOK_SECONDS = 0.05
_STDERR_KEPT = 2048
_STDERR_MOST = 16 << 20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Watch:
    """Reads what a test writes and measures it against its limits until its first process ends."""

    def __init__(self, slot: SlotSettings, job: Job, pid: int, started: float, out: int, err: int) -> None:
        self.slot, self.job, self.pid, self.started = slot, job, pid, started
        self.out, self.err = out, err
        self.output = bytearray()
        self.head, self.tail, self.error_bytes = b"", b"", 0
        self.peak = 0
        self.starved = False
        os.set_blocking(out, False)
        os.set_blocking(err, False)

    def until_end(self) -> int:
        """Wait for the first process's end or a limit; which of them."""
        exited = os.pidfd_open(self.pid)
        try:
            return self._until_end(exited)
        finally:
            os.close(exited)

    def _until_end(self, exited: int) -> int:
        poll = select.poll()
        for fd in (self.out, self.err, exited):
            poll.register(fd, select.POLLIN)
        look = self.started + _LOOK_SECONDS
        while True:
            events = poll.poll(max(0, look - time.monotonic()) * 1000 + 1)
            for fd, _ in events:
                if fd == exited:
                    return EXITED
                if not self._read(fd):
                    poll.unregister(fd)
            if len(self.output) > self.job.output or self.error_bytes > _STDERR_MOST:
                return OUTPUT_LIMIT
            now = time.monotonic()
            if now >= look:
                look = now + _LOOK_SECONDS
                ended = self._measure(now - self.started)
                if ended:
                    return ended

    def _measure(self, wall: float) -> int:
        cpu, memory = _usage(self.pid, self.slot.isolated and self.slot.proc)
        self.peak = max(self.peak, memory)
        if cpu >= self.job.cpu:
            return CPU_LIMIT
        if self.slot.watch_memory and memory > self.job.memory:
            return MEMORY_LIMIT
        if wall >= self.job.wall and wall - _waited_for_a_cpu(self.pid) >= self.job.wall:
            return WALL_LIMIT
        if wall >= PATIENCE * self.job.wall:
            self.starved = True
            return WALL_LIMIT
        return EXITED

    def _read(self, fd: int) -> bool:
        """Take what is there; False at the end of the stream."""
        try:
            data = os.read(fd, 1 << 16)
        except BlockingIOError:
            return True
        if fd == self.out:
            self.output += data
        else:
            self.error_bytes += len(data)
            if len(self.head) < _STDERR_KEPT:
                self.head += data[:_STDERR_KEPT]
            else:
                self.tail = (self.tail + data)[-_STDERR_KEPT:]
        return bool(data)

    def drain(self, ended: int) -> int:
        """Every writer is dead: read what is left in the pipes."""
        for fd in (self.out, self.err):
            while len(self.output) <= self.job.output and self._read(fd):
                pass
        if len(self.output) > self.job.output:
            del self.output[self.job.output :]
            return OUTPUT_LIMIT if ended == EXITED else ended
        return ended

    def errors(self) -> bytes:
        """The head and the tail of what it wrote to stderr."""
        return self.head + self.tail


def _usage(pid: int, everyone: bool) -> tuple[float, int]:
    """CPU seconds and resident bytes of everything in this pid namespace, else of one process."""
    cpu, ticks, pages = 0.0, 0, 0
    try:
        processes = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"] if everyone else [str(pid)]
        for process in processes:
            try:
                with open(f"/proc/{process}/stat", "rb", buffering=0) as file:
                    fields = file.read(4096).rpartition(b") ")[2].split()
                with open(f"/proc/{process}/statm", "rb", buffering=0) as file:
                    memory = file.read(200).split()
            except OSError:
                continue
            ticks += sum(map(int, fields[11:15]))
            pages += int(memory[1]) - int(memory[2])
            if process == str(pid):
                pages += int(memory[2])
        cpu = ticks / _TICKS
    except OSError:
        pass
    try:
        cpu = max(cpu, time.clock_gettime(~pid << 3 | 2))  # the process's own CPU clock
    except OSError:
        pass
    return cpu, pages * _PAGE


def _waited_for_a_cpu(pid: int) -> float:
    """Seconds a process was ready to run and had no CPU."""
    try:
        with open(f"/proc/{pid}/schedstat", "rb", buffering=0) as file:
            return int(file.read(200).split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
