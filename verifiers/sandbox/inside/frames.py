"""Frames between host and jail: a kind byte, a length, a body, and descriptors beside it where a program has some."""

from __future__ import annotations

import _socket
import os
import struct
from typing import Tuple  # noqa: UP035 (Python 3.9)

HEADER = struct.Struct("=cI")
RESULT = struct.Struct("=BiiddQBIII")
"""A test's result: its end, exit code, signal, CPU and wall seconds, peak bytes, whether it was starved, and the sizes
of the output, the errors and the artifact that follow."""
Descriptors = Tuple[int, ...]  # noqa: UP006


def write_all(fd: int, data: bytes | bytearray) -> None:
    """Write all of it, in as many writes as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def receive(channel: _socket.socket, size: int) -> bytearray:
    """Exactly so many bytes; the process ends when the host is gone."""
    data = bytearray(size)
    view = memoryview(data)
    while view:
        got = channel.recv_into(view)
        if not got:
            os._exit(0)
        view = view[got:]
    return data


def receive_header(channel: _socket.socket) -> tuple[bytes, int, Descriptors]:
    """The next frame's kind, body length and descriptors."""
    data, ancillary, _, _ = channel.recvmsg(HEADER.size, _socket.CMSG_SPACE(8))
    descriptors: Descriptors = ()
    for level, kind, payload in ancillary:
        if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
            descriptors = struct.unpack(f"={len(payload) // 4}i", payload)
    if len(data) < HEADER.size:
        data += receive(channel, HEADER.size - len(data))
    kind_byte, size = HEADER.unpack(data)
    return kind_byte, size, descriptors


def send(channel: _socket.socket, kind: bytes, *parts: bytes | bytearray) -> None:
    """One frame, its body in parts."""
    channel.sendall(HEADER.pack(kind, sum(len(part) for part in parts)))
    for part in parts:
        if part:
            channel.sendall(part)
