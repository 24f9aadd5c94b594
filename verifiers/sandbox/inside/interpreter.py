"""A Python program in a forked interpreter, run as `python main.py` would, from its first line to its exit code."""

from __future__ import annotations

import atexit
import builtins
import gc
import io
import marshal
import os
import sys
from types import CodeType, FrameType, ModuleType
from typing import NoReturn

from verifiers.sandbox.inside.calls import drive, serve
from verifiers.sandbox.inside.frames import write_all
from verifiers.sandbox.inside.job import Job

ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "HOME": "/tmp",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}


def set_stage() -> None:
    """Make this process what a program expects to find, once, before the tests are forked from it.

    The standard streams are on descriptors 0, 1 and 2, whatever these are by then.
    """
    main = ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __file__="main.py")
    sys.modules["__main__"] = main
    sys.argv[:] = ["main.py"]
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    stdin, (read, write) = os.memfd_create("input"), os.pipe()
    for place, fd in enumerate((stdin, write, write)):
        os.dup2(fd, place)
    for fd in (stdin, read, write):
        os.close(fd)
    _open_streams()


def run_python(job: Job, status: int) -> NoReturn:
    """Compile, tell `status` that it did, run, and end this process with the program's exit code."""
    code = _compiled(job, status)
    main = sys.modules["__main__"]
    gc.enable()
    sys.setrecursionlimit(sys.getrecursionlimit() + _depth())
    exit_code = _run_main(code, main, job.kind)
    os._exit(_finish(main, exit_code) & 255)


def _open_streams() -> None:
    """Standard streams as the interpreter opens them in the locale C.UTF-8, on descriptors like a test's own.

    A stream asks its descriptor once whether it can seek: a test's input can, its pipes cannot.
    """
    stdin = io.BufferedReader(io.FileIO(0, "r", closefd=False))
    out = io.BufferedWriter(io.FileIO(1, "w", closefd=False))
    err = io.BufferedWriter(io.FileIO(2, "w", closefd=False))
    streams = {
        "stdin": io.TextIOWrapper(stdin, encoding="utf-8", errors="surrogateescape"),
        "stdout": io.TextIOWrapper(out, encoding="utf-8", errors="surrogateescape"),
        "stderr": io.TextIOWrapper(err, encoding="utf-8", errors="backslashreplace", line_buffering=True),
    }
    vars(sys).update(streams, **{f"__{name}__": stream for name, stream in streams.items()})


def _depth() -> int:
    frame: FrameType | None = sys._getframe()
    count = 0
    while frame:
        frame, count = frame.f_back, count + 1
    return count


def _compiled(job: Job, status: int) -> CodeType:
    """The program's code object: the first test compiles it and keeps it for the others, before any of it has run."""
    code: CodeType
    if job.kind == "drive":
        code = compile("", "main.py", "exec")
    elif job.image >= 0 and os.fstat(job.image).st_size:
        code = marshal.loads(os.pread(job.image, os.fstat(job.image).st_size, 0))
    else:
        try:
            code = compile(job.code, "main.py", "exec", dont_inherit=True)
        except BaseException as error:
            os.write(status, b"C" + (type(error).__name__ + ": " + str(error)).encode("utf-8", "replace")[:1000])
            os._exit(1)
        if job.image >= 0:
            write_all(job.image, marshal.dumps(code))
    os.write(status, b"x")
    os.close(status)
    if job.image >= 0:
        os.close(job.image)
    job.code = b""
    return code


def _run_main(code: CodeType, main: ModuleType, kind: str) -> int:
    """The exit code that the interpreter would have ended with."""
    try:
        exec(code, main.__dict__)
        if kind == "serve":
            serve(main.__dict__)
        elif kind == "drive":
            drive()
    except SystemExit as error:
        return _exit_code_of(error)
    except BaseException as error:
        trace = error.__traceback__ and error.__traceback__.tb_next
        try:
            sys.excepthook(type(error), error.with_traceback(trace), trace)
        except BaseException:
            pass
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _exit_code_of(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    try:
        sys.stderr.write(str(error.code) + "\n")
    except BaseException:
        pass
    return 1


def _finish(main: ModuleType, exit_code: int) -> int:
    """What the interpreter does at its end: wait for threads, run atexit, flush, let go of every object, flush."""
    try:
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        atexit._run_exitfuncs()
    except BaseException:
        pass
    exit_code = _flush(exit_code)
    try:
        main.__dict__.clear()
        gc.collect()
    except BaseException:
        pass
    return _flush(exit_code)


def _flush(exit_code: int) -> int:
    for stream in (sys.stdout, sys.__stdout__, sys.stderr):
        try:
            if stream is not None and not getattr(stream, "closed", False):
                stream.flush()
        except BaseException:
            exit_code = exit_code or 120
    return exit_code
