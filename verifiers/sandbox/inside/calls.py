"""Unit tests in one jail, the candidate in another: calls go over, plain data comes back, the tests compare.

A call is (name, positional, named arguments), a reply (True, value) or (False, name of the exception); each
is a length and a value in the codec's form.
"""

from __future__ import annotations

import builtins
import math
import os
import struct
import sys
import time
from typing import Any, NoReturn

from verifiers.sandbox.inside.broken import OURS, THEIRS, Broken
from verifiers.sandbox.inside.codec import MOST_BYTES, TooLarge, decode, encode
from verifiers.sandbox.inside.frames import write_all

_INCOMING, _OUTGOING = 3, 4  # descriptors, on both sides
_MOST_DIGITS = 100_000  # of a number in a test's text


class _Gone(BaseException):
    """The candidate's process has ended, or no longer says anything sensible."""


def serve(names: dict[str, Any]) -> None:
    """The candidate's side: answer calls until the tests hang up."""
    while True:
        message = _receive()
        if message is None:
            return
        name, positional, named = decode(message)
        try:
            reply = encode((True, names[name](*positional, **named)))
        except SystemExit:
            raise
        except BaseException as error:
            reply = encode((False, type(error).__name__))
        _send(reply)


def drive() -> NoReturn:
    """The tests' side: run them as the benchmark wrote them and write `passed`, `failed`, `raised`, `gone` or `broken`.

    Standard input holds (prelude, tests, name of the function). `broken` is the tests' own fault. They may import
    numpy (stand_in.py) and call `_differ` (evalplus.py). What they print is lost.
    """
    from verifiers.sandbox.inside.evalplus import differ  # is there in the tests' jail, and no candidate pays for it

    prelude, tests, name = decode(sys.stdin.buffer.read())
    candidate = _Function(name)
    # MBPP's tests use math without importing it
    names: dict[str, Any] = {"__name__": "__main__", "math": math, "_differ": differ}
    verdict, detail = "broken", ""
    _prepare()
    try:
        exec(compile(prelude, "problem.py", "exec", dont_inherit=True), names)
        names[name] = candidate
        exec(compile(tests, "tests.py", "exec", dont_inherit=True), names)
        check = names.get("check", candidate)
        names[name] = candidate  # a function that is itself called check
        if check is not candidate:
            check(candidate)
        verdict, detail = ("passed", "") if candidate.calls else ("broken", "they call nothing")
    except Broken as error:
        detail = str(error)
    except BaseException as error:
        detail = type(error).__name__
        if candidate.calls:
            verdict = "raised" if error is candidate.raised and not isinstance(error, AssertionError) else "failed"
        else:
            detail += ": " + str(error)[:200]
    if candidate.gone and verdict != "broken":
        verdict = "gone"
    write_all(1, (verdict + " " + detail).encode("utf-8", "replace"))
    os._exit(0)


def _prepare() -> None:
    """What tests find here that a program does not."""
    from verifiers.sandbox.inside.stand_in import stand_in_for_numpy

    write_all(1, OURS)
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(_MOST_DIGITS)
    stand_in_for_numpy()


def _exception(kind: object) -> Exception | None:
    """One of that kind, if it is a kind of exception that needs no arguments and ends no loop of the tests."""
    if not isinstance(kind, type) or not issubclass(kind, Exception) or kind in (StopIteration, StopAsyncIteration):
        return None
    try:
        return kind()
    except TypeError:
        return None


class _Function:
    """Stands for the candidate's function: calling it asks the other jail."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.calls = 0
        self.spent = 0.0  # CPU seconds that its answers took
        self.gone = False
        self.raised: BaseException | None = None

    def __call__(self, *positional: Any, **named: Any) -> Any:
        if not self.calls:
            write_all(1, THEIRS)
        self.calls += 1
        call, began = encode((self._name, positional, named)), time.process_time()
        try:
            good, value = self._ask(call)
        finally:
            self.spent += time.process_time() - began
        if good:
            return value
        kind = getattr(builtins, value, None) if isinstance(value, str) else None
        self.raised = _exception(kind) or RuntimeError(str(value))
        raise self.raised

    def _ask(self, call: bytes) -> tuple[bool, Any]:
        try:
            if self.gone:
                raise _Gone
            _send(call)
            reply = _receive()
            answer = None if reply is None else decode(reply)
        except (OSError, TooLarge):
            answer = None
        if type(answer) is not tuple or len(answer) != 2 or type(answer[0]) is not bool:
            self.gone = True
            raise _Gone
        return answer


def _send(message: bytes) -> None:
    write_all(_OUTGOING, struct.pack("=I", len(message)) + message)


def _receive() -> bytes | None:
    head = _read(4)
    size = struct.unpack("=I", head)[0] if head else MOST_BYTES + 1
    return _read(size) if size <= MOST_BYTES else None


def _read(size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = os.read(_INCOMING, min(size - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return bytes(data)
