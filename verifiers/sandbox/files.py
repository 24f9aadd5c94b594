"""Files that go into a jail and come out of it, as descriptors: none has a name on the host."""

import fcntl
import os
import stat

from verifiers.sandbox.limits import MIB

_ARTIFACT_MOST = 64 * MIB


def memory_file(name: str, data: bytes) -> int:
    """A descriptor of a file in memory, at its start; one to execute is read-only, since nothing else is executed."""
    if name != "binary":
        fd = os.memfd_create(name, os.MFD_CLOEXEC)
        _write(fd, data)
        return fd
    fd = os.memfd_create("program", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        _write(fd, data)
        os.fchmod(fd, 0o555)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
        return os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(fd)


def _write(fd: int, data: bytes) -> None:
    at = 0
    while at < len(data):
        at += os.pwrite(fd, data[at:] if at else data, at)


def read_artifact(folder: int, name: str) -> bytes:
    """A file that a command left behind; it is never followed when it is a link."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return b""
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return b""
    with open(fd, "rb") as file:
        data = file.read(_ARTIFACT_MOST + 1)
    return data if len(data) <= _ARTIFACT_MOST else b""
