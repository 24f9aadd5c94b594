"""The warm process of a slot: pid 1 of its jail, it forks a process for each test and ends all that this left.

It has no signal handlers, so nothing below it can reach it; and it keeps no program, no input, no output and no test's
end, so that nothing of one candidate is in the memory from which the next one's process is forked. The next test's
process is forked ahead and waits for the host.
"""

from __future__ import annotations

import _socket
import fcntl
import gc
import marshal
import os
import signal
import site
import sys
from resource import setrlimit

from verifiers.sandbox.inside import kernel
from verifiers.sandbox.inside.frames import CHANNEL, STAGE
from verifiers.sandbox.inside.interpreter import ENVIRONMENT, set_stage
from verifiers.sandbox.inside.job import SlotSettings
from verifiers.sandbox.inside.one_test import be_test
from verifiers.sandbox.inside.waiting import End
from verifiers.sandbox.inside.warming import fill_pools

_OFTEN_IMPORTED = ("bisect", "collections", "functools", "heapq", "itertools", "math", "re", "typing")
_EVERYONE = -1


def main(channel: int, stage: int) -> None:
    """Say hello, then run one test after another until the host hangs up."""
    site.setquit()
    site.setcopyright()
    site.sethelper()
    _move(stage, channel)
    slot = SlotSettings(_socket.socket(fileno=CHANNEL), marshal.loads(os.read(CHANNEL, 1 << 16)))
    if slot.packages:
        sys.path.append(slot.packages)
    os.environ.update(ENVIRONMENT)  # numpy's threads would not be there after a fork
    for module in (*_OFTEN_IMPORTED, *slot.imports):
        __import__(module)  # once, here, and not in every test
    exec(compile("pass", "main.py", "exec"), {})  # the compiler makes its types on first use
    set_stage(slot.folder)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    kernel.no_new_privileges()
    kernel.set_thread_stacks(8 << 20)
    for kind, soft, hard in slot.limits:
        setrlimit(kind, (soft, hard))
    last_pid = _be_first(slot)
    slot.filter.take_on()
    gc.collect()
    fill_pools()
    gc.freeze()
    gc.disable()
    os.closerange(0, 3)  # a test's own descriptors arrive there
    slot.channel.send(b"R%d.%d.%d" % sys.version_info[:3])
    _serve(slot, last_pid)


def _move(stage: int, channel: int) -> None:
    """To the descriptors that they have in every jail, whichever the host had free."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, CHANNEL + 1) for fd in (stage, channel)]
    os.close(stage)
    os.close(channel)
    for fd, place in zip(high, (STAGE, CHANNEL)):  # noqa: B905 (strict= came with Python 3.10)
        os.dup2(fd, place, inheritable=False)
        os.close(fd)


def _be_first(slot: SlotSettings) -> int:
    """Become what holds the jail together; a descriptor of the jail's last pid, or -1."""
    if not slot.isolated:
        kernel.adopt_orphans()
        _die_first("/proc")
        return -1
    kernel.bound_capabilities()
    kernel.mount_scratch()
    kernel.protect_devices()
    if not slot.proc:
        return -1
    kernel.mount_proc("/tmp")  # a writable one, for as long as it takes to open a file
    _die_first("/tmp")
    last_pid = _open_high("/tmp/sys/kernel/ns_last_pid")
    kernel.unmount("/tmp")
    kernel.mount_proc("/proc", hidden=True)
    return last_pid


def _die_first(proc: str) -> None:
    """Where the host runs out of memory, it is to be a test's."""
    try:
        with open(proc + "/self/oom_score_adj", "w") as file:
            file.write("1000")
    except OSError:
        pass


def _open_high(path: str) -> int:
    try:
        low = os.open(path, os.O_WRONLY)
    except OSError:
        return -1
    high = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, CHANNEL + 1)
    os.close(low)
    return high


def _serve(slot: SlotSettings, last_pid: int) -> None:
    isolated, end = slot.isolated, End()
    while True:
        if isolated:
            kernel.renew_scratch()
        else:
            _empty_folder(slot.folder)
        os.chdir(slot.folder)
        if last_pid >= 0:
            os.pwrite(last_pid, b"1", 0)  # each test is process 2: what counts up would be the test's number
        pid = os.fork()
        if pid == 0:
            be_test(slot)
        end.wait(pid)
        _end_the_rest(end, isolated)
        _let_go_of_descriptors()
        end.send(slot.channel)


def _end_the_rest(end: End, isolated: bool) -> None:
    """End all that a test left."""
    while True:
        ended = end.wait_for_one(os.WNOHANG)
        if ended < 0:
            return
        if not ended:
            if isolated:
                os.kill(_EVERYONE, signal.SIGKILL)
            else:
                _kill_children()
            end.wait_for_one()


def _let_go_of_descriptors() -> None:
    """Those that were sent in a circle of sockets outlive all processes, and count, until some socket is closed."""
    for end in _socket.socketpair():
        os.close(end.detach())


def _kill_children() -> None:
    """Without a pid namespace: what the test left behind is our child by now."""
    me = os.getpid()
    with open(f"/proc/{me}/task/{me}/children") as file:
        for child in file.read().split():
            try:
                os.kill(int(child), signal.SIGKILL)
            except ProcessLookupError:
                pass


def _empty_folder(folder: str) -> None:
    import shutil

    os.chmod(folder, 0o700)
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path, ignore_errors=True)
        else:
            os.unlink(entry.path)


if __name__ == "__main__":
    sys.path[:] = [folder for folder in sys.path if not __file__.startswith(folder + "/")]
    main(int(sys.argv[1]), int(sys.argv[2]))
