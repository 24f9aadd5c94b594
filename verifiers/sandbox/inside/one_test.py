"""One test of one program, in its own process: told what it is, limited, confined, and run.

Each object that is touched here for the first time costs a copied page, some 3 microseconds: so it does little.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the module without its enumerations
import marshal
import os
from resource import setrlimit
from typing import NoReturn

from verifiers.sandbox.inside import kernel
from verifiers.sandbox.inside.frames import CHANNEL, LARGEST_FRAME, STAGE, send_descriptor, write_all
from verifiers.sandbox.inside.interpreter import ENVIRONMENT, run_python
from verifiers.sandbox.inside.job import PYTHON_KINDS, Job, SlotSettings


def be_test(slot: SlotSettings) -> NoReturn:
    """Wait for the host to say what to run, and run it. Never returns.

    The warm parent never sees a program: what one candidate wrote must not be in the memory of the next.
    """
    try:
        frame = slot.channel.recvmsg(LARGEST_FRAME, 64)[0]  # its descriptors become 0, 1, 2, …
        if not frame:
            os._exit(0)  # the host is gone
        job = Job(marshal.loads(frame))
        if job.artifact:
            send_descriptor(slot.channel, b"A", os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
        os.closerange(CHANNEL, 64)
        if job.scratch and slot.isolated:
            kernel.resize_scratch(job.scratch)
        if job.kind in PYTHON_KINDS:
            _place_program(job)
        _confine(slot, job)
    except BaseException as error:
        os.write(STAGE, b"!" + repr(error).encode()[:500])
        os._exit(1)
    if job.kind in PYTHON_KINDS:
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        run_python(job, STAGE)
    _execute(job)


def _place_program(job: Job) -> None:
    """Its text stands in its folder, as that of any program, and is compiled from memory."""
    job.code = os.pread(job.own, job.size, 0)
    os.close(job.own)
    if job.kind != "drive":
        file = os.open("main.py", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        write_all(file, job.code)
        os.close(file)


def _confine(slot: SlotSettings, job: Job) -> None:
    """Take on the limits and give up the privileges: the system calls are given up already."""
    os.setsid()
    for kind, soft, hard in job.limits:
        setrlimit(kind, (soft, hard))
    if slot.isolated:
        kernel.drop_capabilities()
    else:
        kernel.end_with_parent()
    os.write(STAGE, b"S")


def _execute(job: Job) -> NoReturn:
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    try:
        if job.kind == "binary":
            os.set_inheritable(job.image, False)
            os.execve(job.image, ["program"], ENVIRONMENT)
        os.execve(job.argv[0], job.argv, ENVIRONMENT)
    except OSError as error:
        os.write(STAGE, b"!" + str(error).encode())
    os._exit(126)
