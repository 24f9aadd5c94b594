"""A person's own callables: their prints go to stderr, their time is bounded, what they raise is one sentence."""

import functools
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from types import FrameType, MappingProxyType, ModuleType
from typing import Any

from verifiers.errors import InfrastructureError, JudgeAway, JudgingStopped, UserError


class TooLong(BaseException):
    """Raised in the middle of what took too long: no Exception, so that `except Exception` there does not keep it."""


class BrokenBenchmark(UserError):
    """A person's own benchmark does not do what one does."""


@contextmanager
def deadline(seconds: float | None) -> Iterator[None]:
    """Raise TooLong in a block that takes longer; only a process's main thread can, elsewhere nothing is bounded."""
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        raise TooLong

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, end)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again, for who catches even this
    try:
        yield
    finally:
        while True:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0)
                break
            except TooLong:  # it came too late: the block has ended
                pass
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)


def guarded(
    function: Callable[..., Any],
    what: str,
    below: str,
    *,
    seconds: float | None = None,
    wrong: Callable[..., str] = lambda *_: "",
    error: type[Exception] = BrokenBenchmark,
    modules: Mapping[str, ModuleType] = MappingProxyType({}),
) -> Callable[..., Any]:
    """The same function, with whatever goes wrong in it told by one kind of error.

    what: what the sentence calls it. below: a path that its files begin with, for the line. wrong(result, *arguments)
    says what its result is that it must not be. modules: what it finds when it imports. UserError,
    InfrastructureError, JudgeAway and JudgingStopped are its own words, and pass.
    """

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            sys.modules.update(modules)
            with deadline(seconds), redirect_stdout(sys.stderr):
                result = function(*arguments)
                mistake = wrong(result, *arguments)
        except (UserError, InfrastructureError, JudgeAway, JudgingStopped, KeyboardInterrupt):
            raise
        except TooLong:
            raise error(f"{what} took longer than {seconds:g} s") from None
        except BaseException as raised:  # SystemExit, RecursionError and MemoryError are no end of ours
            raise error(f"{what} raised {told(raised, below)}") from raised
        if mistake:
            raise error(f"{what} gave {mistake}")
        return result

    return call


def told(error: BaseException, below: str) -> str:
    """An exception in words: its type, its text, and the last line of a file below a path that it passed through."""
    try:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        text = " ".join(said.split())[:300]
    except Exception:  # its own __str__ is a person's too
        text = ""
    where = _line(error, below)
    return f"{type(error).__name__}{f': {text}' if text else ''}{f' ({where})' if where else ''}"


def _line(error: BaseException, below: str) -> str:
    if isinstance(error, SyntaxError) and (error.filename or "").startswith(below):
        return f"line {error.lineno} of {error.filename}"
    frames: list[tuple[FrameType, int]] = []
    traceback = error.__traceback__
    while traceback is not None:
        frames.append((traceback.tb_frame, traceback.tb_lineno))
        traceback = traceback.tb_next
    for frame, line in reversed(frames):
        if frame.f_code.co_filename.startswith(below):
            return f"line {line} of {frame.f_code.co_filename}"
    return ""
