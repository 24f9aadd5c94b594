"""How a test ended, for the host alone: what stays in this process's memory, the next test's process can read.

One test could tell the next its number by the memory it took. So the kernel writes into one place, from where it is
sent, and which is wiped; no Python object has it.
"""

from __future__ import annotations

import _socket
import ctypes
import os

from verifiers.sandbox.inside.frames import RESULT, STATE_AT, TEST_AT, TESTS_AT

_EVERYONE, _CHILDREN = -1, -1
_libc = ctypes.CDLL(None)


class End:
    """Waits for the processes of one test after another."""

    def __init__(self) -> None:
        self._said = ctypes.create_string_buffer(RESULT.size)
        self._size = ctypes.c_size_t(RESULT.size)
        start = ctypes.addressof(self._said)
        self._start, self._state, self._of_test, self._of_tests = (
            ctypes.c_void_p(start + at) for at in (0, STATE_AT, TEST_AT, TESTS_AT)
        )

    def wait(self, pid: int) -> None:
        """Until the test's first process ends; others end meanwhile."""
        while _libc.wait4(_EVERYONE, self._state, 0, self._of_test) != pid:
            pass

    def wait_for_one(self, options: int = 0) -> int:
        """For one of those that it left: its pid, 0 where none has ended, -1 where there is none."""
        found: int = _libc.wait4(_EVERYONE, None, options, None)
        return found

    def send(self, channel: _socket.socket) -> None:
        """Say it to the host, in a RESULT, and forget it; this process ends with the host."""
        self._said[0] = b"r"
        _libc.getrusage(_CHILDREN, self._of_tests)
        try:
            channel.send(self._said)
        except OSError:
            os._exit(0)
        _libc.memset(self._start, 0, self._size)
        list(range(1000, 1016))  # over the numbers of processes
