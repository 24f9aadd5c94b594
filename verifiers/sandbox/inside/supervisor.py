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
from verifiers.sandbox.inside.job import Jail, Job
from verifiers.sandbox.inside.one_test import run_test

_OFTEN_IMPORTED = ("bisect", "collections", "functools", "heapq", "itertools", "math", "re", "typing")


def main(channel: _socket.socket) -> None:
    """Say hello, then serve one program after another until the host hangs up."""
    for module in _OFTEN_IMPORTED:
        __import__(module)  # once, here, and not in every test
    site.setquit()
    site.setcopyright()
    site.sethelper()
    _, size, _ = receive_header(channel)
    jail = Jail(channel, marshal.loads(receive(channel, size)))
    set_stage()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    kernel.no_new_privileges()
    if jail.isolated:
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
            serve_program(jail, bytes(body), calls)


def serve_program(jail: Jail, body: bytes, calls: Descriptors) -> None:
    """Fork the program's init into a fresh pid namespace and wait for its end."""
    if jail.isolated:
        kernel.unshare(kernel.NEWPID)
    jail.prefer_oom(b"1000")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            be_init(jail, body, calls)
            status = 0
        except BaseException as error:
            send(jail.channel, b"X", repr(error).encode()[:500])
        finally:
            os._exit(status)
    jail.prefer_oom(b"0")
    if jail.isolated:
        kernel.enter_namespaces_of(jail.myself, kernel.NEWPID)
    for fd in calls:
        os.close(fd)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        send(jail.channel, b"K", b"%d" % os.WTERMSIG(status))
    else:
        send(jail.channel, b"D")


def be_init(jail: Jail, body: bytes, calls: Descriptors) -> None:
    """Pid 1 of one program: set the stage, then one test after another until the host says end."""
    fields = marshal.loads(body)
    if jail.isolated:
        kernel.unshare(kernel.NEWNS | kernel.NEWIPC)
        kernel.mount_scratch(fields["scratch"])
        if jail.proc:
            kernel.mount_proc()
    else:
        kernel.adopt_orphans()
    os.chdir(jail.folder)
    job = Job(fields, calls, jail.isolated)
    clean = _scratch_state(jail.folder)
    while True:
        kind, size, _ = receive_header(jail.channel)
        if kind != b"T":
            return
        given = os.memfd_create("input", os.MFD_CLOEXEC)
        while size:
            data = receive(jail.channel, min(size, 1 << 20))
            write_all(given, data)
            size -= len(data)
        os.lseek(given, 0, os.SEEK_SET)
        run_test(jail, job, given)
        os.close(given)
        if _scratch_state(jail.folder) != clean:
            _empty_scratch(jail, job)
            clean = _scratch_state(jail.folder)


def _scratch_state(folder: str) -> tuple[object, ...]:
    state = os.stat(folder)
    return state.st_mode, state.st_mtime_ns, state.st_ctime_ns, os.listdir(folder)


def _empty_scratch(jail: Jail, job: Job) -> None:
    if jail.isolated:
        os.chdir("/")
        kernel.unmount_scratch()
        kernel.mount_scratch(job.scratch)
    else:
        import shutil

        os.chmod(jail.folder, 0o700)
        for entry in os.scandir(jail.folder):
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                os.unlink(entry.path)
    os.chdir(jail.folder)


if __name__ == "__main__":
    sys.path[:] = [folder for folder in sys.path if not __file__.startswith(folder + "/")]
    main(_socket.socket(fileno=int(sys.argv[1])))
