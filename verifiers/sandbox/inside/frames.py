"""What host and jail say to each other: one datagram each, with descriptors beside it."""

from __future__ import annotations

import _socket
import os
import struct

RESULT = struct.Struct("=c3xi32xq104x4q112x")
"""A test's end: `r`, the wait status of its first process, the KiB that this took at most, and the time of all that
were waited for in this and earlier tests, as user's and system's (seconds, microseconds). The last two are fields of a
`struct rusage` each."""
STATE_AT, TEST_AT, TESTS_AT = 4, 8, 152
LARGEST_FRAME = 4096
SCRATCH, TMP, SHM, NO_CAPABILITIES = range(0xCA95E700, 0xCA95E704)
"""Stand in the filter for the only first arguments of mount(), umount2() and capset(): the supervisor's addresses."""
SCRATCH_BYTES = 16 << 20
"""Of the file system that each test finds empty, unless it asks for another size."""
STAGE, CHANNEL = 50, 51
"""Descriptors of the supervisor; all from the channel's on are closed in a test before anything else."""


def write_all(fd: int, data: bytes | bytearray) -> None:
    """Write all of it, in as many writes as it takes."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def send_descriptor(channel: _socket.socket, kind: bytes, descriptor: int) -> None:
    """One byte, and a descriptor beside it."""
    rights = struct.pack("=i", descriptor)
    channel.sendmsg([kind], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
