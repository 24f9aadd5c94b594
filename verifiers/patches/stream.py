"""What a command in a container prints, read from the daemon's connection without ever waiting long."""

import struct
from typing import Any

_HEADER = struct.Struct(">BxxxI")
_AT_ONCE = 1 << 16


class Stream:
    """The output of one exec: `read` gives stdout and stderr as they come."""

    def __init__(self, raw: Any) -> None:
        """`raw` is what docker's `exec_start(socket=True)` gives."""
        self._raw = raw
        self._response = raw._response
        self._socket = getattr(raw, "_sock", raw)
        self._pending = bytearray(self._read_ahead())
        self._left = 0

    def read(self, seconds: float) -> bytes | None:
        """What came within so many seconds, perhaps nothing; None at the end."""
        while not (self._left and self._pending):
            if not self._left and len(self._pending) >= _HEADER.size:
                _, self._left = _HEADER.unpack(self._pending[: _HEADER.size])
                del self._pending[: _HEADER.size]
                continue
            try:
                self._socket.settimeout(seconds)
                got = self._socket.recv(_AT_ONCE)
            except TimeoutError:
                return b""
            except OSError:
                return None
            if not got:
                return None
            self._pending += got
        data = bytes(self._pending[: self._left])
        del self._pending[: len(data)]
        self._left -= len(data)
        return data

    def close(self) -> None:
        """Hang up; the command goes on."""
        self._response.close()
        self._socket.close()

    def _read_ahead(self) -> bytes:
        """What the client read together with the answer's headers."""
        buffered = getattr(self._response.raw._fp, "fp", None)
        if buffered is None or not hasattr(buffered, "peek"):
            return b""
        self._socket.settimeout(0)
        try:
            return bytes(buffered.peek())
        except OSError:
            return b""
