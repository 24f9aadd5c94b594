"""Frames between host and jail, on the host's side: a kind byte, a length and a body. Any failure is an OSError."""

import socket
from collections.abc import Sequence

from verifiers.sandbox.inside.frames import HEADER
from verifiers.sandbox.limits import MIB

_LARGEST_BODY = 256 * MIB


def send(channel: socket.socket, kind: bytes, body: bytes, descriptors: Sequence[int] = ()) -> None:
    """One frame, with descriptors beside it."""
    header = HEADER.pack(kind, len(body))
    if descriptors:
        socket.send_fds(channel, [header], list(descriptors))
        channel.sendall(body)
    elif len(body) < 1 << 16:
        channel.sendall(header + body)
    else:
        channel.sendall(header)
        channel.sendall(body)


def receive(channel: socket.socket) -> tuple[bytes, bytes]:
    """The next frame's kind and body."""
    kind, size = HEADER.unpack(_exactly(channel, HEADER.size))
    if size > _LARGEST_BODY:
        raise OSError("a frame is too large")
    return kind, _exactly(channel, size)


def _exactly(channel: socket.socket, size: int) -> bytes:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        got = channel.recv_into(view)
        if not got:
            raise ConnectionResetError("the supervisor hung up")
        view = view[got:]
    return bytes(data)
