"""What judging printed, as it is kept beside a verdict: zlib-compressed UTF-8, no more of it than fits."""

import zlib

MOST_COMPRESSED = 256 << 10
"""Bytes of a log as it is stored."""

MOST_PLAIN = 16 << 20
"""Bytes of a log as it is read: what compresses well must not fill a reader's memory."""


def pack_log(printed: bytes) -> bytes | None:
    """A log as it is stored, its middle left out where it is too long; None of an empty one."""
    if not printed:
        return None
    room = min(len(printed), MOST_PLAIN)
    while len(packed := _packed(printed, room)) > MOST_COMPRESSED:
        room = min(room // 2, room * MOST_COMPRESSED // len(packed))
    return packed


def unpack_log(packed: bytes) -> str:
    """The text of a stored log. It is untrusted."""
    return zlib.decompress(packed).decode()


def _packed(printed: bytes, room: int) -> bytes:
    if room < len(printed):
        head, tail = printed[: room // 2], printed[len(printed) - room // 2 :]
        printed = b"%b\n[... %d bytes are left out here ...]\n%b" % (head, len(printed) - 2 * (room // 2), tail)
    return zlib.compress(printed.decode("utf-8", "replace").encode())
