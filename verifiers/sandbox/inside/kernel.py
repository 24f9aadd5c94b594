"""System calls that Python's standard library does not wrap."""

from __future__ import annotations

import ctypes
import os
import struct

from verifiers.sandbox.inside.frames import NO_CAPABILITIES, SCRATCH, SCRATCH_BYTES, SHM, TMP

_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND = 1, 2, 4, 8, 32, 4096
_RELATIME, _KEPT = 1 << 21, 0xC0F
_DETACH = 2
_SET_PDEATHSIG, _SET_SECCOMP, _CAPBSET_DROP = 1, 22, 24
_SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVS, _CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL = 36, 38, 47, 4
_FILTER = 2

_libc = ctypes.CDLL(None, use_errno=True)
_SOURCE = ctypes.create_string_buffer(b"scratch")
_TMP, _SHM = ctypes.create_string_buffer(b"/tmp"), ctypes.create_string_buffer(b"/dev/shm")
_SCRATCH_OPTIONS = b"size=%d,nr_inodes=4096,mode=1777"
_USUAL_SCRATCH = _SCRATCH_OPTIONS % SCRATCH_BYTES
_HEADER = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0), 8)
_NOTHING = ctypes.create_string_buffer(24)
_NO_CAPABILITIES = ctypes.c_void_p(ctypes.addressof(_HEADER)), ctypes.c_void_p(ctypes.addressof(_NOTHING))
_capset = ctypes.CDLL(None).capset  # a call that keeps no error number touches less


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def mount_scratch() -> None:
    """Empty file systems in memory on /tmp and /dev/shm."""
    for place in (_TMP, _SHM):
        _check(_libc.mount(_SOURCE, place, b"tmpfs", _NOSUID | _NODEV, _USUAL_SCRATCH))


def renew_scratch() -> None:
    """Others in place of the last test's, whatever it did to those: 50 microseconds."""
    for place in (_TMP, _SHM):
        _check(_libc.umount2(place, _DETACH))
    mount_scratch()


def resize_scratch(size: int) -> None:
    """Let this test's /tmp have so many bytes."""
    _check(_libc.mount(_SOURCE, _TMP, b"tmpfs", _REMOUNT | _NOSUID | _NODEV, _SCRATCH_OPTIONS % size))


def protect_devices() -> None:
    """Nobody may touch a device that all may write to: its time would tell a test of the one before."""
    for name in ("null", "zero", "full", "random", "urandom", "tty", "pts"):
        place = "/dev/" + name
        try:
            flags = os.statvfs(place).f_flag
        except OSError:
            continue
        flags = flags & _KEPT | (_RELATIME if flags & os.ST_RELATIME else 0) | _RDONLY | _REMOUNT | _BIND
        _check(_libc.mount(None, place.encode(), None, flags, None))


def unmount(place: str) -> None:
    """Take it away, even while something in it is open."""
    _check(_libc.umount2(place.encode(), _DETACH))


def mount_proc(place: str, hidden: bool = False) -> None:
    """/proc of this pid namespace. A `hidden` one is read-only, so that nobody lowers his own out-of-memory score, and
    does not show what one may not trace, like process 1: what it used would tell how many tests there were.
    """
    flags = _NOSUID | _NODEV | _NOEXEC
    _check(_libc.mount(b"proc", place.encode(), b"proc", flags | _RDONLY * hidden, b"hidepid=2" if hidden else None))


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
    if _capset(*_NO_CAPABILITIES) < 0:
        raise OSError("capset failed")


def adopt_orphans() -> None:
    """Processes whose parents end become children of this one, which itself ends with its parent."""
    _check(_libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
    end_with_parent()


def end_with_parent() -> None:
    """The kernel kills this process when its parent ends."""
    _check(_libc.prctl(_SET_PDEATHSIG, 9, 0, 0, 0))


def set_thread_stacks(size: int) -> None:
    """The stack of a thread that asks for none: the C library's 2 MiB under an unlimited stack are unusually few."""
    attributes = ctypes.create_string_buffer(128)
    _libc.pthread_attr_init(attributes)
    _libc.pthread_attr_setstacksize(attributes, ctypes.c_size_t(size))
    try:
        _libc.pthread_setattr_default_np(attributes)
    except AttributeError:  # not the GNU C library
        pass


class SyscallFilter:
    """A seccomp filter, made ready once and taken on by each test."""

    def __init__(self, instructions: bytes) -> None:
        own = {SCRATCH: _SOURCE, TMP: _TMP, SHM: _SHM, NO_CAPABILITIES: _HEADER}
        for mark, argument in own.items():
            address = struct.pack("=I", ctypes.addressof(argument) & 0xFFFFFFFF)
            instructions = instructions.replace(struct.pack("=I", mark), address)
        self._instructions = ctypes.create_string_buffer(instructions, len(instructions))
        program = struct.pack("HxxxxxxQ", len(instructions) // 8, ctypes.addressof(self._instructions))
        self._program = ctypes.create_string_buffer(program, len(program))

    def take_on(self) -> None:
        """From now on, and for all that this process starts; there is no way back."""
        _check(_libc.prctl(_SET_SECCOMP, _FILTER, self._program, 0, 0))
