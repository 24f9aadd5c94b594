"""The end of a Python program, as the interpreter ends one: pythonrun.c and pylifecycle.c, in their order.

The interpreter's own end takes 5 ms, most of it for what no program can see. So a program that left nothing unusual
behind gets the same steps from here, and any other the interpreter's own, by Py_Exit.
"""

from __future__ import annotations

import _thread
import atexit
import ctypes
import gc
import io
import os
import signal
import sys
from typing import Any, NoReturn

from verifiers.sandbox.inside.thread_state import Bottom

INTERRUPTED = -1
"""The exit code of what KeyboardInterrupt ended: the interpreter sends itself SIGINT."""

OWN_FRAMES = 3
"""Of a program's traceback: those between where it is caught and its own first."""

_STREAMS = ("stdin", "stdout", "stderr")


def report(error: BaseException | None) -> int:
    """Flush, and say of an exception what the interpreter says; the exit code. Its first frames are ours."""
    _flush_quietly()
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        return _exit_code_of(error)
    trace = error.__traceback__
    for _ in range(OWN_FRAMES):
        trace = trace and trace.tb_next
    error = error.with_traceback(trace)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    try:
        hook = sys.excepthook
    except AttributeError:
        _say("sys.excepthook is missing\n")
        sys.__excepthook__(type(error), error, trace)
    else:
        try:
            hook(type(error), error, trace)
        except SystemExit as other:
            return _exit_code_of(other)
        except BaseException as other:
            _say("Error in sys.excepthook:\n")
            other = other.with_traceback(other.__traceback__ and other.__traceback__.tb_next)
            sys.__excepthook__(type(other), other, other.__traceback__)
            _say("\nOriginal exception was:\n")
            sys.__excepthook__(type(error), error, trace)
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def _exit_code_of(error: SystemExit) -> int:
    try:
        code = error.code
    except BaseException:
        code = error  # type: ignore[assignment]
    if code is None:
        return 0
    if isinstance(code, int):
        return code if -(1 << 63) <= code < 1 << 63 else -1 & 255
    _say(code)
    _say("\n")
    return 1


def _say(what: object) -> None:
    try:
        sys.stderr.write(str(what))
    except BaseException:
        pass


def _flush_quietly() -> None:
    """What the interpreter does when main.py has run, and before it tells of an error."""
    for name in ("stderr", "stdout"):
        try:
            getattr(sys, name).flush()
        except BaseException:
            pass


class Ending:
    """Knows what a program finds at its start, and ends it."""

    def __init__(self, bottom: Bottom) -> None:
        self._bottom = bottom
        self._streams = {name: getattr(sys, name) for name in _STREAMS}
        self._callbacks = atexit._ncallbacks()

    def end(self, exit_code: int, tidy: bool) -> NoReturn:
        """Finish this process. Nothing but `sys.modules` may refer to the program any more. tidy: it has no __del__."""
        if exit_code == INTERRUPTED:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            if tidy and self._usual() and self._finish():
                if exit_code == INTERRUPTED:
                    signal.signal(signal.SIGINT, signal.SIG_DFL)
                    os.kill(os.getpid(), signal.SIGINT)
                os._exit(exit_code & 255)
        except BaseException:
            pass
        if exit_code == INTERRUPTED:
            ctypes.pythonapi.on_exit(ctypes.pythonapi.kill, int(signal.SIGINT))  # kill(exit code, SIGINT), at the end
            exit_code = os.getpid()
        self._streams.clear()
        self._bottom.call(ctypes.pythonapi.Py_Exit, exit_code)
        os._exit(exit_code & 255)

    def _usual(self) -> bool:
        """Whether the streams are those it found, nothing is to be called at the end and no other thread is there."""
        names = vars(sys)
        for name, stream in self._streams.items():
            if names.get(name) is not stream or names.get(f"__{name}__") is not stream:
                return False
        return atexit._ncallbacks() == self._callbacks and _thread._count() == 0

    def _finish(self) -> bool:
        """Flush, let go of the program's objects, flush; False where something is left for the interpreter's own end."""
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        if not self._flush():
            return False
        names: dict[str, Any] = vars(sys)
        names.update(last_type=None, last_value=None, last_traceback=None, last_exc=None)
        sys.modules["__main__"] = None  # type: ignore[assignment]
        gc.collect()
        return not any(map(_may_end_visibly, gc.get_objects())) and self._flush()

    def _flush(self) -> bool:
        try:
            for name in ("stdout", "stderr"):
                if not self._streams[name].closed:
                    self._streams[name].flush()
        except BaseException:
            return False
        return True


def _may_end_visibly(value: object) -> bool:
    return isinstance(value, io.IOBase)
