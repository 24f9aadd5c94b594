"""The end of a Python program, as the interpreter ends one: pythonrun.c and pylifecycle.c, in their order.

The interpreter's own end takes 5 ms, most of it for what no program can see. So a program that left nothing unusual
behind gets the same steps from here, and any other the interpreter's own, by Py_Exit.
"""

from __future__ import annotations

import _io
import _thread
import atexit
import ctypes
import gc
import itertools
import operator
import os
import signal
import sys
from typing import Any, NoReturn

from verifiers.sandbox.inside.thread_state import Bottom

INTERRUPTED = 1 << 8
"""Stands for the exit code of what KeyboardInterrupt ended: the interpreter sends itself SIGINT."""

_OWN_FRAMES = 3  # of a program's traceback: between where it is caught and its own first

_STREAMS = ("stdin", "stdout", "stderr", "__stdin__", "__stdout__", "__stderr__")


def report(error: BaseException | None, bottom: Bottom) -> int:
    """Flush, and say of an exception what the interpreter says; the exit code."""
    _flush_quietly()
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        return _exit_code_of(error)
    error = _cut(error, _OWN_FRAMES)
    described = type(error), error, error.__traceback__
    sys.last_type, sys.last_value, sys.last_traceback = described
    if hasattr(sys, "monitoring"):  # 3.12
        vars(sys)["last_exc"] = error
    if not hasattr(sys, "excepthook"):
        _say("sys.excepthook is missing\n")
        sys.__excepthook__(*described)
    else:
        other = _failure_of_hook(bottom, described)
        if isinstance(other, SystemExit):
            return _exit_code_of(other)
        if other:
            _say("Error in sys.excepthook:\n")
            other = _cut(other, 2)
            sys.__excepthook__(type(other), other, other.__traceback__)
            _say("\nOriginal exception was:\n")
            sys.__excepthook__(*described)
    return INTERRUPTED if type(error) is KeyboardInterrupt else 1


def _failure_of_hook(bottom: Bottom, described: tuple[Any, ...]) -> BaseException | None:
    try:
        bottom.call(map(sys.excepthook, *zip(described)).__next__)
    except BaseException as other:
        return other
    return None


def _cut(error: BaseException, frames: int) -> BaseException:
    trace = error.__traceback__
    for _ in range(frames):
        trace = trace and trace.tb_next
    return error.with_traceback(trace)


def _exit_code_of(error: SystemExit) -> int:
    try:
        code = error.code
    except BaseException:
        code = error  # type: ignore[assignment]
    if code is None:
        return 0
    if isinstance(code, int):
        return (code if -(1 << 63) <= code < 1 << 63 else -1) & 255
    _say(code)
    _say("\n")
    return 1


def _say(what: object) -> None:
    try:
        text = str(what)
        if getattr(sys, "stderr", None) is None:
            os.write(2, text.encode("utf-8", "backslashreplace"))
        else:
            sys.stderr.write(text)
    except BaseException:
        pass


def _flush_quietly() -> None:
    """What the interpreter does when main.py has run, and before it tells of an error."""
    for name in ("stderr", "stdout"):
        try:
            getattr(sys, name).flush()
        except BaseException:
            pass


class Finalisation:
    """Knows what a program finds at its start, and ends it."""

    def __init__(self, bottom: Bottom) -> None:
        self._bottom = bottom
        self._streams = {name: getattr(sys, name) for name in _STREAMS}
        self._callbacks = atexit._ncallbacks()

    def end(self, exit_code: int, tidy: bool) -> NoReturn:
        """Finish this process. Only `sys.modules` may refer to the program. tidy: its text says nothing unusual."""
        if exit_code == INTERRUPTED:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            if tidy and self._usual() and self._finish():
                if exit_code == INTERRUPTED:
                    signal.signal(signal.SIGINT, signal.SIG_DFL)
                    os.kill(os.getpid(), signal.SIGINT)
                os._exit(exit_code)
        except BaseException:
            pass
        if exit_code == INTERRUPTED:
            ctypes.pythonapi.on_exit(ctypes.pythonapi.kill, int(signal.SIGINT))  # kill(exit code, SIGINT), at the end
            exit_code = os.getpid()
        self._streams.clear()
        self._bottom.call(ctypes.pythonapi.Py_Exit, exit_code)
        os._exit(exit_code & 255)  # is not reached

    def _usual(self) -> bool:
        """Whether the streams are those it found, nothing is to be called at the end and no other thread is there."""
        if not all(map(operator.is_, map(vars(sys).get, self._streams), self._streams.values())):
            return False
        return atexit._ncallbacks() == self._callbacks and _thread._count() == 0

    def _finish(self) -> bool:
        """Flush, let go of the program's objects, flush; False where that is not all."""
        if "threading" in sys.modules:
            sys.modules["threading"]._shutdown()
        if not self._flush():
            return False
        if gc.isenabled():  # what survives is in another order afterwards, in which a file ends before its buffer
            self._bottom.call(gc.collect)
        if hasattr(sys, "last_type"):
            vars(sys).update(dict.fromkeys(("last_type", "last_value", "last_traceback", "last_exc")))
        self._bottom.call(sys.modules.__setitem__, "__main__", None)
        self._bottom.call(gc.collect)
        open_files = any(map(isinstance, gc.get_objects(), itertools.repeat(_io._IOBase)))
        return not open_files and self._flush()

    def _flush(self) -> bool:
        try:
            for stream in (self._streams["stdout"], self._streams["stderr"]):
                if not stream.closed:
                    stream.flush()
        except BaseException:
            return False
        return True
