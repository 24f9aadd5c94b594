"""A Python program in a forked interpreter, run as `python main.py` would, from its first line to its exit code."""

from __future__ import annotations

import builtins
import ctypes
import gc
import importlib.machinery
import io
import marshal
import os
import site
import sys
from functools import partial
from types import CodeType, ModuleType
from typing import Any, NoReturn

from verifiers.sandbox.inside.calls import drive, serve
from verifiers.sandbox.inside.ending import Finalisation, report
from verifiers.sandbox.inside.frames import write_all
from verifiers.sandbox.inside.job import Job
from verifiers.sandbox.inside.thread_state import Bottom
from verifiers.sandbox.inside.warming import look_up_names, rehearse

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
_OWN = "verifiers"  # what no program imports
_unseen: dict[str, ModuleType] = {}
_path: str
_main_names: dict[str, Any]
_bottom: Bottom
_ending: Finalisation


def set_stage(folder: str) -> None:
    """Make this process what a program in that folder expects to find, once, before the tests are forked from it.

    The standard streams are on descriptors 0, 1 and 2, whatever these are by then.
    """
    global _path, _main_names, _bottom, _ending
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    _path = os.path.join(folder, "main.py")
    _main_names = {
        "__loader__": importlib.machinery.SourceFileLoader("__main__", _path),
        "__annotations__": {},  # holds the place of each test's own
        "__builtins__": builtins,
        "__file__": _path,
        "__cached__": None,
    }
    sys.path.insert(0, folder)
    for folder in set(sys.path_importer_cache).difference(sys.path):
        del sys.path_importer_cache[folder]
    sys.argv[:] = ["main.py"]
    sys._home = None  # type: ignore[attr-defined]
    site.enablerlcompleter()
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[:] = [sys.orig_argv[0], "-s", "-B", "main.py"]
    stdin, (read, write) = os.memfd_create("input"), os.pipe()
    for place, fd in enumerate((stdin, write, write)):
        os.dup2(fd, place)
    for fd in (stdin, read, write):
        os.close(fd)
    _bottom = Bottom()
    _open_streams()
    rehearse(partial(_bottom.call, exec), _path)
    _open_streams()
    _ending = Finalisation(_bottom)
    for name in [name for name in sys.modules if name.partition(".")[0] == _OWN]:
        _unseen[name] = sys.modules.pop(name)
    look_up_names([*_unseen.values(), sys.modules["__main__"]])


def run_python(job: Job, status: int) -> NoReturn:
    """Compile, tell `status` that it did, run, and end this process with the program's exit code."""
    code, tidy = _compiled(job, status)
    gc.enable()
    if job.kind != "python":
        sys.modules.update(_unseen)  # what serves and what drives may import more of them
    _ending.end(_run_main(code, job.kind), tidy)


def _make_main_module() -> dict[str, Any]:
    """`__main__` as it is for `python main.py`; its names.

    Made for each test: the collector would not look into one that was frozen with the rest.
    """
    main = sys.modules["__main__"] = ModuleType("__main__")
    names = vars(main)
    names.update(_main_names, __annotations__={})
    return names


def _open_streams() -> None:
    """The three standard streams, anew."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        _open_stream(name, mode)


def _open_stream(name: str, mode: str) -> None:
    """A standard stream, as the interpreter opens it (create_stdio in pylifecycle.c).

    A stream asks its descriptor once whether it can seek: a test's input can, its pipes cannot.
    """
    started = getattr(sys, name)
    buffer: Any = open(started.fileno(), mode + "b", closefd=False)  # noqa: SIM115
    buffer.raw.name = f"<{name}>"
    stream: Any = io.TextIOWrapper(buffer, started.encoding, started.errors, "\n", name == "stderr")
    stream.mode = mode
    setattr(sys, name, stream)
    setattr(sys, f"__{name}__", stream)


def _compiled(job: Job, status: int) -> tuple[CodeType, bool]:
    """The program's code object, and whether its text says that no more than usual is to be done at its end.

    The first test compiles it and keeps it for the others, before any of it has run.
    """
    kept = os.fstat(job.image).st_size if job.image >= 0 else 0
    code: CodeType | None = None
    if job.kind == "drive":
        code, tidy = compile("", _path, "exec"), True
    elif kept:
        code, tidy = marshal.loads(os.pread(job.image, kept, 0))
    else:
        tidy = b"__del__" not in job.code and b"warnings" not in job.code  # programs that may see how they end
        try:
            code = compile(job.code, _path, "exec", dont_inherit=True)
        except BaseException:
            tidy = False
        if code and job.image >= 0:
            write_all(job.image, marshal.dumps((code, tidy)))
    os.write(status, b"x" if code else b"C")
    os.close(status)
    if job.image >= 0:
        os.close(job.image)
    job.code = b""
    if code is None:
        _run_file(_path)
    return code, tidy


def _run_file(path: str) -> NoReturn:
    """Let the interpreter itself say why it doesn't compile a file."""
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    name = os.fsencode(path)
    ctypes.pythonapi.PyRun_SimpleFileExFlags(ctypes.c_void_p(libc.fopen(name, b"rb")), name, 1, None)
    os._exit(1)


def _run_main(code: CodeType, kind: str) -> int:
    """Run it; its exit code."""
    return report(_failure_of(code, _make_main_module(), kind), _bottom)


def _failure_of(code: CodeType, names: dict[str, Any], kind: str) -> BaseException | None:
    """Run it; what it raised."""
    try:
        _bottom.execute(code, names)
        if kind == "serve":
            serve(names)
        elif kind == "drive":
            drive()
    except BaseException as error:
        return error
    return None
