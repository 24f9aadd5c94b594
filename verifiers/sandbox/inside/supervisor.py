"""The warm process of a slot: it forks an init in fresh namespaces for each program, and runs none of it itself."""

from __future__ import annotations

import _socket
import gc
import marshal
import os
import site
import sys

from verifiers.sandbox.inside import kernel
from verifiers.sandbox.inside.frames import Descriptors, receive, receive_header, send, write_all
from verifiers.sandbox.inside.interpreter import set_stage
from verifiers.sandbox.inside.job import Job, SlotSettings
from verifiers.sandbox.inside.one_test import run_test

_OFTEN_IMPORTED = ("bisect", "collections", "functools", "heapq", "itertools", "math", "re", "typing")


def main(channel: _socket.socket) -> None:
    """Say hello, then serve one program after another until the host hangs up."""
    site.setquit()
    site.setcopyright()
    site.sethelper()
    _, size, _ = receive_header(channel)
    slot = SlotSettings(channel, marshal.loads(receive(channel, size)))
    for module in (*_OFTEN_IMPORTED, *slot.imports):
        __import__(module)  # once, here, and not in every test
    if slot.packages:
        sys.path.append(slot.packages)
    set_stage()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    kernel.no_new_privileges()
    if slot.isolated:
        kernel.bound_capabilities()
    kernel.set_dumpable(False)
    gc.collect()
    gc.freeze()
    gc.disable()
    send(channel, b"R", b"%d.%d.%d" % sys.version_info[:3])
    while True:
        kind, size, calls = receive_header(channel)
        body = receive(channel, size)
        if kind == b"P":  # all else was meant for an init that is already dead
            serve_program(slot, bytes(body), calls)


def serve_program(slot: SlotSettings, body: bytes, calls: Descriptors) -> None:
    """Fork the program's init into a fresh pid namespace and wait for its end."""
    if slot.isolated:
        kernel.unshare(kernel.NEWPID)
    slot.prefer_oom(b"1000")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            be_init(slot, body, calls)
            status = 0
        except BaseException as error:
            send(slot.channel, b"X", repr(error).encode()[:500])
        finally:
            os._exit(status)
    slot.prefer_oom(b"0")
    if slot.isolated:
        kernel.enter_namespaces_of(slot.myself, kernel.NEWPID)
    for fd in calls:
        os.close(fd)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        send(slot.channel, b"K", b"%d" % os.WTERMSIG(status))
    else:
        send(slot.channel, b"D")


def be_init(slot: SlotSettings, body: bytes, calls: Descriptors) -> None:
    """Pid 1 of one program: set the stage, then one test after another until the host says end."""
    fields = marshal.loads(body)
    if slot.isolated:
        kernel.unshare(kernel.NEWNS | kernel.NEWIPC)
        kernel.mount_scratch(fields["scratch"])
        if slot.proc:
            kernel.mount_proc()
    else:
        kernel.adopt_orphans()
    os.chdir(slot.folder)
    job = Job(fields, calls, slot.isolated)
    clean = _scratch_state(slot.folder)
    while True:
        kind, size, _ = receive_header(slot.channel)
        if kind != b"T":
            return
        stdin = os.memfd_create("input", os.MFD_CLOEXEC)
        while size:
            data = receive(slot.channel, min(size, 1 << 20))
            write_all(stdin, data)
            size -= len(data)
        os.lseek(stdin, 0, os.SEEK_SET)
        run_test(slot, job, stdin)
        os.close(stdin)
        if _scratch_state(slot.folder) != clean:
            _empty_scratch(slot, job)
            clean = _scratch_state(slot.folder)


def _scratch_state(folder: str) -> tuple[object, ...]:
    state = os.stat(folder)
    return state.st_mode, state.st_mtime_ns, state.st_ctime_ns, os.listdir(folder)


def _empty_scratch(slot: SlotSettings, job: Job) -> None:
    if slot.isolated:
        os.chdir("/")
        kernel.unmount_scratch()
        kernel.mount_scratch(job.scratch)
    else:
        import shutil

        os.chmod(slot.folder, 0o700)
        for entry in os.scandir(slot.folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
    os.chdir(slot.folder)


if __name__ == "__main__":
    sys.path[:] = [folder for folder in sys.path if not __file__.startswith(folder + "/")]
    main(_socket.socket(fileno=int(sys.argv[1])))
