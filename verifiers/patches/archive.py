"""Single files as the tar archives in which they enter and leave a container. What leaves it is not believed."""

import io
import posixpath
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

_NOT_REGULAR = sum(1 << bit for bit in (31, 27, 26, 25, 24, 21, 19))
"""Go's FileMode: folder, link, device, pipe, socket, character device, irregular."""
_AROUND = 1 << 20
"""Bytes of headers and padding around one file."""


def pack(path: str, data: bytes) -> tuple[str, bytes]:
    """The folder that an archive of one file is to be unpacked in, and the archive."""
    folder, name = posixpath.split(path)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    return folder, packed.getvalue()


def unpack(chunks: Iterable[bytes], told: Mapping[str, Any], at_most: int) -> bytes | None:
    """The bytes of the archive's one regular file; None where it is none, larger, or not whole.

    `told` is the daemon's description, made before the archive: what is in it may have changed since.
    """
    if told["mode"] & _NOT_REGULAR or told["size"] > at_most:
        return None
    packed = bytearray()
    for chunk in chunks:
        packed += chunk
        if len(packed) > at_most + _AROUND:
            return None
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:") as tar:
            member = tar.next()
            if member is None or not member.isreg() or member.issparse() or member.size > at_most:
                return None
            file = tar.extractfile(member)
            data = file.read(member.size) if file else None
    except (tarfile.TarError, ValueError, EOFError):
        return None
    return data if data is not None and len(data) == member.size else None
