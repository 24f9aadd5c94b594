"""One test of one program, in its own process: told what it is, limited, confined, and run."""

from __future__ import annotations

import marshal
import os
import signal
from typing import NoReturn

from verifiers.sandbox.inside import kernel
from verifiers.sandbox.inside.frames import CHANNEL, STAGE, receive_frame, send_descriptor
from verifiers.sandbox.inside.interpreter import ENVIRONMENT, run_python
from verifiers.sandbox.inside.job import PYTHON_KINDS, Job, SlotSettings


def be_test(slot: SlotSettings) -> NoReturn:
    """Wait for the host to say what to run, and run it. Never returns.

    The warm parent never sees a program: what one candidate wrote must not be in the memory of the next.
    """
    try:
        job = Job(marshal.loads(receive_frame(slot.channel)))
        if job.artifact:
            send_descriptor(slot.channel, b"A", os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        os.closerange(CHANNEL, 64)
        _prepare(slot, job)
        _confine(slot, job)
    except BaseException as error:
        os.write(STAGE, b"!" + repr(error).encode()[:500])
        os._exit(1)
    if job.kind in PYTHON_KINDS:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        run_python(job, STAGE)
    _execute(job)


def _prepare(slot: SlotSettings, job: Job) -> None:
    """The files: a program's own stands in its folder, and is compiled from memory."""
    if slot.isolated and job.scratch != kernel.SCRATCH_BYTES:
        kernel.resize_scratch(job.scratch)
    if job.kind not in PYTHON_KINDS:
        return
    code = job.own
    if job.kind != "drive":
        file = os.open("main.py", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        at = 0
        while at < job.size:
            at += os.sendfile(file, code, at, job.size - at)
        os.close(file)
    if job.image < 0 or not os.fstat(job.image).st_size:
        job.code = os.pread(code, job.size, 0)
    os.close(code)


def _confine(slot: SlotSettings, job: Job) -> None:
    """Take on the limits and give up the privileges, the system calls last."""
    os.setsid()
    job.take_limits(slot.isolated)
    if slot.isolated:
        kernel.drop_capabilities()
    else:
        kernel.end_with_parent()
    kernel.set_dumpable(True)
    slot.filter.take_on()
    os.write(STAGE, b"S")


def _execute(job: Job) -> NoReturn:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        if job.kind == "binary":
            os.set_inheritable(job.own, False)
            os.execve(job.own, ["program"], ENVIRONMENT)
        os.closerange(job.own, STAGE)
        os.execve(job.argv[0], job.argv, ENVIRONMENT)
    except OSError as error:
        os.write(STAGE, b"!" + str(error).encode())
    os._exit(126)
