"""System calls that Python's standard library does not wrap."""

from __future__ import annotations

import ctypes
import os
import struct

NEWNS, NEWIPC, NEWPID = 0x00020000, 0x08000000, 0x20000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC = 1, 2, 4, 8
_DETACH = 2
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_SECCOMP, _CAPBSET_DROP = 1, 4, 22, 24
_SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS, _CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL = 36, 38, 47, 4
_FILTER = 2
_NO_CAPABILITIES = (struct.pack("=Ii", 0x20080522, 0), b"\0" * 24)

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def unshare(namespaces: int) -> None:
    """New namespaces for this process; a new pid namespace holds only its next children."""
    _check(_libc.unshare(namespaces))


def enter_namespaces_of(pidfd: int, namespaces: int) -> None:
    """Those of these namespaces that another process is in."""
    _check(_libc.setns(pidfd, namespaces))


def mount_scratch(size: int) -> None:
    """An empty file system of so many bytes on /tmp."""
    options = b"size=%d,nr_inodes=4096,mode=1777" % size
    _check(_libc.mount(b"scratch", b"/tmp", b"tmpfs", _NOSUID | _NODEV, options))


def unmount_scratch() -> None:
    """Take /tmp away, even while something in it is open."""
    _check(_libc.umount2(b"/tmp", _DETACH))


def mount_proc() -> None:
    """/proc of this pid namespace, read-only: nobody below lowers his own out-of-memory score."""
    _check(_libc.mount(b"proc", b"/proc", b"proc", _RDONLY | _NOSUID | _NODEV | _NOEXEC, None))


def no_new_privileges() -> None:
    """No program executed below this process gains a privilege, as by a set-uid bit."""
    _check(_libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0))


def bound_capabilities() -> None:
    """No program executed below this process can have a capability."""
    _libc.prctl(_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(64):
        if _libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            return


def drop_capabilities() -> None:
    """Give up what this process itself may do beyond others of its user."""
    _check(_libc.capset(*_NO_CAPABILITIES))


def set_dumpable(dumpable: bool) -> None:
    """Whether others of this user may trace this process or look into its /proc files."""
    _check(_libc.prctl(_SET_DUMPABLE, int(dumpable), 0, 0, 0))


def adopt_orphans() -> None:
    """Processes whose parents end become children of this one, which itself ends with its parent."""
    _check(_libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
    _check(_libc.prctl(_SET_PDEATHSIG, 9, 0, 0, 0))


class SyscallFilter:
    """A seccomp filter, made ready once and taken on by each test."""

    def __init__(self, instructions: bytes) -> None:
        self._instructions = ctypes.create_string_buffer(instructions, len(instructions))
        program = struct.pack("HxxxxxxQ", len(instructions) // 8, ctypes.addressof(self._instructions))
        self._program = ctypes.create_string_buffer(program, len(program))

    def take_on(self) -> None:
        """From now on, and for all that this process starts; there is no way back."""
        _check(_libc.prctl(_SET_SECCOMP, _FILTER, self._program, 0, 0))
