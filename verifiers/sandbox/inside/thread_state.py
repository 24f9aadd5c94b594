"""What the interpreter notes of the frames below a program, taken away for as long as it runs.

`python main.py` has none: no frame behind the program's first, and the whole recursion limit. Neither can be said in
Python, so two words of the interpreter's own thread state are set: found by what they hold, and left alone where the
search finds nothing (a Python newer than this), which only costs likeness.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

_get = ctypes.pythonapi.PyThreadState_Get
_get.restype = ctypes.c_void_p
_IN_FRAME_OBJECT = 24  # where a frame object has the address of what runs, from 3.11 on
_C_FRAME = {
    (3, 11): (56, 8),
    (3, 12): (56, 0),
}  # there a thread state knows its frame by way of a C frame: where both are
_SEARCHED = 160  # bytes of a thread state


class Bottom:
    """Where a program starts: executes code as if nothing were below it."""

    def __init__(self) -> None:
        self._state: int = _get()
        self._counter = self._find_counter()
        self._counts_down = sys.hexversion >= 0x030B0000  # 3.11: what is left, and not what is used
        by, self._place = _C_FRAME.get(sys.version_info[:2], (0, 0))
        self._c_frame = _word(self._state + by) if by else None
        self._frame = self._find_frame()
        self._spent = self._measure() if self._counter else 0

    def execute(self, code: CodeType, names: dict[str, Any]) -> None:
        """Run code in these names; what it raises has this class's two frames in its traceback first."""
        if self._counter:
            self._counter.value = (sys.getrecursionlimit() if self._counts_down else 2) - 1 - self._spent
        else:
            sys.setrecursionlimit(sys.getrecursionlimit() + _depth())
        self.call(exec, code, names)

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call what is written in C as if no frame were below it."""
        frame = self._frame
        if frame is None:
            function(*arguments)
            return
        if self._c_frame:
            frame = _word((self._c_frame.value or 0) + self._place)
        ours = frame.value
        try:
            frame.value = None
            function(*arguments)  # nothing may come between: a call of ours would put its own frame there
        finally:
            frame.value = ours
            if sys.getprofile() or sys.gettrace():  # left on by a program that has ended
                sys.setprofile(None)
                sys.settrace(None)

    def _measure(self) -> int:
        """By how much the counter changes on the way from a caller of `call` into the code's own frame."""
        seen: list[int] = []
        before = self._counter.value  # type: ignore[union-attr]
        self.call(exec, compile("seen.append(counter.value)", "", "exec"), {"seen": seen, "counter": self._counter})
        return seen[0] - before

    def _find_counter(self) -> ctypes.c_int | None:
        """The word that changes by one with each call."""
        looks = [self._look(level) for level in range(4)]
        for place in range(0, _SEARCHED, 4):
            first, *others = (int.from_bytes(look[place : place + 4], sys.byteorder) for look in looks)
            if [value - first for value in others] in ([1, 2, 3], [-1, -2, -3]):
                return ctypes.c_int.from_address(self._state + place)
        return None

    def _look(self, level: int) -> bytes:
        return self._look(level - 1) if level else bytes((ctypes.c_char * _SEARCHED).from_address(self._state))

    def _find_frame(self) -> ctypes.c_void_p | None:
        """The word that holds the frame which runs; one in a C frame is another one with the next call from C."""
        mine: int | None = id(sys._getframe())
        if self._counts_down:
            mine = _word(id(sys._getframe()) + _IN_FRAME_OBJECT).value
        places = list(range(self._state, self._state + _SEARCHED, 8))
        if self._c_frame:
            places = [(self._c_frame.value or 0) + self._place]
        return next((_word(place) for place in places if _word(place).value == mine), None)


def _word(address: int) -> ctypes.c_void_p:
    return ctypes.c_void_p.from_address(address)


def _depth() -> int:
    frame, count = sys._getframe(), 0
    while frame:
        frame, count = frame.f_back, count + 1  # type: ignore[assignment]
    return count
