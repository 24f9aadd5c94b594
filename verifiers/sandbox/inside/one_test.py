"""One test of one program: forked, limited, watched, ended and reported."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import time
from typing import NoReturn

from verifiers.sandbox.inside import kernel
from verifiers.sandbox.inside.ends import CPU_LIMIT, EXITED, NOT_COMPILED, NOT_STARTED, OUTPUT_LIMIT
from verifiers.sandbox.inside.frames import RESULT, send
from verifiers.sandbox.inside.interpreter import ENVIRONMENT, run_python
from verifiers.sandbox.inside.job import PYTHON_KINDS, Job, SlotSettings
from verifiers.sandbox.inside.watch import Watch

_ARTIFACT_MOST = 64 << 20
_STATUS, _IMAGE = 6, 7  # descriptors of a test beside its own: 0, 1, 2 and the calls


def run_test(slot: SlotSettings, job: Job, stdin: int) -> None:
    """Run the program on one input and send the result."""
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    status_read, status_write = os.pipe()
    usage_before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _be_test(slot, job, stdin, out_write, err_write, status_write)
    for fd in (out_write, err_write, status_write, *job.calls):
        os.close(fd)
    job.calls = ()  # the other side has to see the end when the test ends
    watch = Watch(slot, job, pid, started, out_read, err_read)
    ended = watch.until_end()
    state, peak = _kill_all(slot, pid)
    ended = watch.drain(ended)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = usage.ru_utime + usage.ru_stime - usage_before.ru_utime - usage_before.ru_stime
    wall = time.monotonic() - started
    stage = os.read(status_read, 4096)
    for fd in (out_read, err_read, status_read):
        os.close(fd)
    exit_code = os.WEXITSTATUS(state) if os.WIFEXITED(state) else 0
    killer = os.WTERMSIG(state) if os.WIFSIGNALED(state) else 0
    if ended in (EXITED, OUTPUT_LIMIT) and (cpu >= job.cpu or killer == signal.SIGXCPU):
        ended = CPU_LIMIT
    ended, errors = _begun(job, stage, watch.errors()) or (ended, watch.errors())
    artifact = _read_artifact(job.artifact) if job.artifact and ended == EXITED and state == 0 else b""
    sizes = map(len, (watch.output, errors, artifact))
    head = RESULT.pack(ended, exit_code, killer, cpu, wall, max(peak, watch.peak), watch.starved, *sizes)
    send(slot.channel, b"r", head, watch.output, errors, artifact)


def _begun(job: Job, stage: bytes, errors: bytes) -> tuple[int, bytes] | None:
    """How a test ended that did not even begin, and why; None for one that did."""
    if stage[:1] != b"S" or stage[1:2] == b"!":
        return NOT_STARTED, stage
    if stage[1:2] == b"C":
        return NOT_COMPILED, errors
    if job.kind in PYTHON_KINDS and stage[1:2] != b"x":
        return NOT_COMPILED, b"the compiler was stopped by a limit"
    return None


def _kill_all(slot: SlotSettings, pid: int) -> tuple[int, int]:
    """End every process of the test; the first one's wait status and peak memory."""
    state, peak = 0, 0
    if slot.isolated:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
    else:
        os.kill(pid, signal.SIGKILL)
    while True:
        if not slot.isolated:
            _kill_children()
        try:
            ended, status, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return state, peak
        if ended == pid:
            state, peak = status, usage.ru_maxrss * 1024


def _kill_children() -> None:
    """Without a pid namespace: what the test left behind is our child by now."""
    me = os.getpid()
    with open(f"/proc/{me}/task/{me}/children") as file:
        for child in file.read().split():
            try:
                os.kill(int(child), signal.SIGKILL)
            except ProcessLookupError:
                pass


def _read_artifact(path: str) -> bytes:
    """A file that the test left behind; the last component is never followed when it is a link."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with open(fd, "rb") as file:
        if not 0o100000 <= os.fstat(fd).st_mode < 0o110000:
            return b""
        data = file.read(_ARTIFACT_MOST + 1)
    return data if len(data) <= _ARTIFACT_MOST else b""


def _be_test(slot: SlotSettings, job: Job, stdin: int, out: int, err: int, status: int) -> NoReturn:
    """In the test's own process: take the limits on, give the privileges up, and run the program. Never returns."""
    try:
        _rearrange_descriptors(job, stdin, out, err, status)
        _confine(slot, job)
    except BaseException as error:
        os.write(_STATUS, b"!" + repr(error).encode()[:500])
        os._exit(1)
    if job.kind in ("binary", "command"):
        _execute(job)
    run_python(job, _STATUS)


def _rearrange_descriptors(job: Job, stdin: int, out: int, err: int, status: int) -> None:
    """Leave the test its own descriptors, then the status pipe and the image, which close when it executes."""
    own = [stdin, out, err, *job.calls]
    places = dict(enumerate(own)) | {_STATUS: status} | ({_IMAGE: job.image} if job.image >= 0 else {})
    aside = {place: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64) for place, fd in places.items()}
    for place, fd in aside.items():
        os.dup2(fd, place, inheritable=place < len(own))
    os.closerange(len(own), _STATUS)
    os.closerange(max(aside) + 1, 1024)
    if job.image >= 0:
        job.image = _IMAGE


def _confine(slot: SlotSettings, job: Job) -> None:
    """Take on the limits and give up the privileges, the system calls last."""
    os.setsid()
    for kind, limit in job.rlimits:
        resource.setrlimit(kind, (limit, limit))
    if slot.isolated:
        kernel.drop_capabilities()
    kernel.set_dumpable(True)
    slot.filter.take_on()
    os.write(_STATUS, b"S")


def _execute(job: Job) -> NoReturn:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        if job.kind == "binary":
            os.execve(job.image, ["program"], ENVIRONMENT)
        os.execve(job.argv[0], job.argv, ENVIRONMENT)
    except OSError as error:
        os.write(_STATUS, b"!" + str(error).encode())
    os._exit(126)
