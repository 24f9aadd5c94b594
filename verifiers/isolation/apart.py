"""A person's own functions, called in a forked child of this process: whatever they do ends that child and no more.

A loop in C hears no signal, and an exit or a crash takes its process along; so there has to be somebody beside it who
waits with a deadline and kills. The child is forked on the first call, when the code is loaded; it is asked by one
thread at a time, replaced once it is gone, and dies with this process. What it started is killed with it.
"""

import ctypes
import os
import pickle
import selectors
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from threading import Event
from typing import Any, NoReturn

from verifiers.errors import JudgingStopped
from verifiers.isolation import usage

STOP_SECONDS = 5.0
"""What a function that is given an event has to return in once it is set; any other is ended at once."""

_LOOK_SECONDS = 0.1
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

_functions: list[Callable[..., Any]] = []
"""What a child can be asked, by place; one that was forked before a function came does not know it."""

_stop: ContextVar[Event | None] = ContextVar("stop", default=None)


class ProcessEnded(Exception):
    """The child was ended, or ended itself, before it replied; the text follows the name of what was called."""


@contextmanager
def stopped_by(stop: Event) -> Iterator[None]:
    """While this lasts, a call ends in JudgingStopped soon after the event is set."""
    token = _stop.set(stop)
    try:
        yield
    finally:
        _stop.reset(token)


def apart(function: Callable[..., Any], seconds: float) -> Callable[..., Any]:
    """The same function, called in the child; ProcessEnded where there is no reply within `seconds`.

    Arguments, results and exceptions are pickled. An Event among the arguments is one of the child's own there, set
    when this one is, or when that of `stopped_by` is.
    """
    place = len(_functions)
    _functions.append(function)

    def call(*arguments: Any) -> Any:
        given = next((each for each in arguments if isinstance(each, Event)), None)
        plain = tuple(None if each is given else each for each in arguments)
        stops = [each for each in (given, _stop.get()) if each is not None]
        return _ask(place, plain if given else arguments, stops, seconds, hears=given is not None)

    return call


def _ask(place: int, arguments: tuple[Any, ...], stops: Sequence[Event], seconds: float, *, hears: bool) -> Any:
    global _child
    with _lock:
        if _child is None or place >= _child.knows or not _child.lives():
            if _child is not None:
                _child.end()
            _child = _forks.submit(_Child).result()
        request = pickle.dumps((place, arguments, hears))
        try:
            well, reply = _read(_child.ask(request, stops, seconds, hears=hears))
        except BaseException:  # its reply must not be the next one's
            _child.end()
            raise
    if well:
        return reply
    raise reply


def _read(reply: bytes) -> tuple[bool, Any]:
    try:
        well, what = pickle.loads(reply)
    except Exception as error:
        raise ProcessEnded(f" gave what cannot be read here ({type(error).__name__}: {error})") from error
    return well, what


class _Child:
    """One such process, and the pipes to it."""

    def __init__(self) -> None:
        self.knows = len(_functions)
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        told, self._tell = os.pipe()
        ours, theirs = [self._requests, self._replies, self._tell], (requests, replies, told)
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                for each in ours:
                    os.close(each)
                _serve(parent, *theirs)
            finally:
                os._exit(1)
        for each in theirs:
            os.close(each)
        self._pipes = ours
        os.set_blocking(self._requests, False)
        self._status: int | None = None

    def lives(self) -> bool:
        """Whether it has not ended."""
        return not self._waited(os.WNOHANG)

    def ask(self, request: bytes, stops: Sequence[Event], seconds: float, *, hears: bool) -> bytes:
        """Its reply; whatever is raised instead, it is to be ended then."""
        deadline, stopped = time.monotonic() + seconds, False
        unsent, reply = memoryview(_framed(request)), bytearray()
        with selectors.PollSelector() as selector:
            selector.register(self._replies, selectors.EVENT_READ)
            selector.register(self._requests, selectors.EVENT_WRITE)
            while len(reply) < 8 or len(reply) < 8 + int.from_bytes(reply[:8], "big"):
                ready = {key.fd for key, _ in selector.select(_LOOK_SECONDS)}
                if self._requests in ready:
                    with suppress(BlockingIOError, BrokenPipeError):  # the other pipe says that it is gone
                        unsent = unsent[os.write(self._requests, unsent) :]
                    if not unsent:
                        selector.unregister(self._requests)
                if self._replies in ready:
                    read = os.read(self._replies, 1 << 20)
                    reply += read
                    if not read:
                        raise ProcessEnded(self._how_it_ended())
                elif not self.lives():  # what it started may hold the pipe open
                    raise ProcessEnded(self._how_it_ended())
                if not stopped and any(stop.is_set() for stop in stops):
                    stopped, deadline = True, time.monotonic() + (STOP_SECONDS if hears else 0)
                    os.write(self._tell, b"!")
                if time.monotonic() > deadline:
                    raise JudgingStopped if stopped else ProcessEnded(f" took longer than {seconds:g} s")
        if stopped:
            self.end()  # the byte may be heard by the next one
        return bytes(reply[8:])

    def _how_it_ended(self) -> str:
        deadline = time.monotonic() + 2
        while not self._waited(os.WNOHANG):
            if time.monotonic() > deadline:
                return ": its process closed its pipe"
            time.sleep(0.01)
        code = os.waitstatus_to_exitcode(self._status or 0)
        how = f"was ended by {_name(-code)}" if code < 0 else f"ended with exit code {code}"
        return f": its process {how}"

    def _waited(self, options: int) -> bool:
        if self._status is None:
            try:
                pid, status = os.waitpid(self.pid, options)
            except ChildProcessError:  # somebody else waited for it
                pid, status = self.pid, 0
            if pid:
                self._status = status
        return self._status is not None

    def end(self) -> None:
        """Kill it, and everything it started."""
        if self._pipes:
            left = usage.family(self.pid)[1:]
            for _ in range(10):
                for pid in left:
                    with suppress(ProcessLookupError, PermissionError):
                        os.kill(pid, signal.SIGKILL)
                if not (left := usage.family(self.pid)[1:]):
                    break
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            if self.lives():
                os.kill(self.pid, signal.SIGKILL)
                self._waited(0)
        self.let_go()

    def let_go(self) -> None:
        """Close our ends of its pipes: all that a fork of this process has of it."""
        for each in self._pipes:
            os.close(each)
        self._pipes = []


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _framed(message: bytes) -> bytes:
    return len(message).to_bytes(8, "big") + message


def _serve(parent: int, requests: int, replies: int, told: int) -> NoReturn:
    """In the child: answer until the pipe ends."""
    os.setsid()
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    stop = Event()  # a child that was told to stop is asked no more

    def hear() -> None:
        if os.read(told, 1):
            stop.set()

    threading.Thread(target=hear, daemon=True).start()
    with os.fdopen(requests, "rb") as reading, os.fdopen(replies, "wb") as writing:
        while head := reading.read(8):
            place, arguments, hears = pickle.loads(reading.read(int.from_bytes(head, "big")))
            if hears:
                arguments = tuple(stop if each is None else each for each in arguments)
            writing.write(_framed(_reply(_functions[place], arguments)))
            writing.flush()
    os._exit(0)


def _reply(function: Callable[..., Any], arguments: tuple[Any, ...]) -> bytes:
    """A result or an exception; ProcessEnded in place of one that does not pass a pipe."""
    try:
        return pickle.dumps((True, function(*arguments)))
    except Exception as error:
        try:
            reply = pickle.dumps((False, error))
            pickle.loads(reply)
        except Exception:
            return pickle.dumps((False, ProcessEnded(f" raised {type(error).__name__}: {error}")))
        return reply


_child: _Child | None = None
_lock = threading.Lock()
_forks = ThreadPoolExecutor(1)
"""The kernel ends a child with the thread that forked it, so that is one that stays."""


def _begin_anew() -> None:
    """In a forked process: the child is its parent's, another thread there may hold the lock, and none came along."""
    global _child, _lock, _forks
    if _child is not None:
        _child.let_go()
    _child, _lock, _forks = None, threading.Lock(), ThreadPoolExecutor(1)


os.register_at_fork(after_in_child=_begin_anew)
