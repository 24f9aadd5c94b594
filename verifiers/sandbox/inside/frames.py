"""What host and jail say to each other: one datagram each, with descriptors beside it."""

from __future__ import annotations

import _socket
import os
import struct

RESULT = struct.Struct("=cidQ")
"""A test's end: `r`, the wait status of its first process, CPU seconds of all that were waited for, peak bytes."""
LARGEST_FRAME = 1 << 16
STAGE, CHANNEL = 50, 51
"""Descriptors of the supervisor; all from the channel's on are closed in a test before anything else."""


def write_all(fd: int, data: bytes | bytearray) -> None:
    """Write all of it, in as many writes as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def receive_frame(channel: _socket.socket) -> bytes:
    """The next frame; its descriptors take the lowest free numbers. The process ends when the host is gone."""
    data, _, flags, _ = channel.recvmsg(LARGEST_FRAME, _socket.CMSG_SPACE(64))
    if not data:
        os._exit(0)
    if flags & (_socket.MSG_TRUNC | _socket.MSG_CTRUNC):
        raise OSError("a frame is cut off")
    return data


def send_descriptor(channel: _socket.socket, kind: bytes, descriptor: int) -> None:
    """One byte, and a descriptor beside it."""
    rights = struct.pack("=i", descriptor)
    channel.sendmsg([kind], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
