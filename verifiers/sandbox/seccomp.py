"""The system calls a program may make, as a seccomp filter: an allow list for x86_64 and aarch64.

Everything else fails with EPERM (a call newer than this list with ENOSYS, so that the C library falls back). Not on it,
on purpose: sockets, mounts, namespaces, ptrace and its kin, keyrings, System V and POSIX shared memory, memfd_create
(memory no limit without cgroups would see), io_uring, bpf, perf, sync, and whatever reaches another process's limits.

To take a filter on takes 0.2 ms. So the supervisor does it once, and its children have it from the start; the three
calls that it needs itself (mount, umount2, capset) are allowed with its own arguments, and fail without a capability.
"""

import errno
import platform
import struct
from collections.abc import Sequence
from typing import NamedTuple

from verifiers.errors import Unavailable
from verifiers.sandbox.inside.frames import NO_CAPABILITIES, SCRATCH, SHM, TMP

# name, number on x86_64, number on aarch64 (asm/unistd_64.h, asm-generic/unistd.h)
_ALLOWED = """
read 0 63; write 1 64; open 2 -; close 3 57; stat 4 -; fstat 5 80; lstat 6 -; poll 7 -; lseek 8 62
mmap 9 222; mprotect 10 226; munmap 11 215; brk 12 214; rt_sigaction 13 134; rt_sigprocmask 14 135
rt_sigreturn 15 139; ioctl 16 29; pread64 17 67; pwrite64 18 68; readv 19 65; writev 20 66; access 21 -
pipe 22 -; select 23 -; sched_yield 24 124; mremap 25 216; msync 26 227; mincore 27 232; madvise 28 233
dup 32 23; dup2 33 -; pause 34 -; nanosleep 35 101; getitimer 36 102; alarm 37 -; setitimer 38 103
getpid 39 172; sendfile 40 71; socketpair 53 199; sendto 44 206; recvfrom 45 207; sendmsg 46 211
recvmsg 47 212; shutdown 48 210; getsockname 51 204; getpeername 52 205; setsockopt 54 208
getsockopt 55 209; fork 57 -; vfork 58 -; execve 59 221; execveat 322 281; exit 60 93; wait4 61 260
waitid 247 95; kill 62 129; uname 63 160; fcntl 72 25; flock 73 32; fsync 74 82; fdatasync 75 83
truncate 76 45; ftruncate 77 46; getdents 78 -; getdents64 217 61; getcwd 79 17; chdir 80 49
fchdir 81 50; rename 82 -; mkdir 83 -; rmdir 84 -; creat 85 -; link 86 -; unlink 87 -; symlink 88 -
readlink 89 -; chmod 90 -; fchmod 91 52; umask 95 166; gettimeofday 96 169; getrlimit 97 163
setrlimit 160 164; getrusage 98 165; sysinfo 99 179; times 100 153; getuid 102 174; getgid 104 176
geteuid 107 175; getegid 108 177; setpgid 109 154; getppid 110 173; getpgrp 111 -; setsid 112 157
getpgid 121 155; getsid 124 156; getgroups 115 158; getresuid 118 148; getresgid 120 150; capget 125 90
rt_sigpending 127 136; rt_sigtimedwait 128 137; rt_sigsuspend 130 133; sigaltstack 131 132; utime 132 -
statfs 137 43; fstatfs 138 44; getpriority 140 141; sched_getparam 143 121; sched_getscheduler 145 120
sched_get_priority_max 146 125; sched_get_priority_min 147 126; sched_rr_get_interval 148 127
sched_getaffinity 204 123; arch_prctl 158 -; gettid 186 178; futex 202 98; time 201 -
epoll_create 213 -; epoll_wait 232 -; epoll_ctl 233 21; epoll_create1 291 20; epoll_pwait 281 22
epoll_pwait2 441 441; set_tid_address 218 96; restart_syscall 219 128; fadvise64 221 223
timer_create 222 107; timer_settime 223 110; timer_gettime 224 108; timer_getoverrun 225 109
timer_delete 226 111; clock_gettime 228 113; clock_getres 229 114; clock_nanosleep 230 115
exit_group 231 94; tgkill 234 131; tkill 200 130; utimes 235 -; openat 257 56; openat2 437 437
mkdirat 258 34; newfstatat 262 79; unlinkat 263 35; renameat 264 38; renameat2 316 276; linkat 265 37
symlinkat 266 36; readlinkat 267 78; fchmodat 268 53; fchmodat2 452 452; faccessat 269 48
faccessat2 439 439; futimesat 261 -; utimensat 280 88; pselect6 270 72; ppoll 271 73
set_robust_list 273 99; get_robust_list 274 100; fallocate 285 47; timerfd_create 283 85
timerfd_settime 286 86; timerfd_gettime 287 87; eventfd 284 -; eventfd2 290 19; signalfd 282 -
signalfd4 289 74; dup3 292 24; pipe2 293 59; preadv 295 69; pwritev 296 70; preadv2 327 286
pwritev2 328 287; getcpu 309 168; getrandom 318 278; membarrier 324 283; rseq 334 293
close_range 436 436; futex_waitv 449 449; copy_file_range 326 285; splice 275 76; tee 276 77
"""
_NEWEST = 462
_UNIQUE_MOUNT = 0x4000  # STATX_MNT_ID_UNIQUE counts every mount, and so the tests of a jail
_NAMESPACES = 0x7E020000  # every CLONE_NEW* flag that clone() takes
_PRCTL = (1, 15, 16)  # PR_SET_PDEATHSIG, PR_SET_NAME, PR_GET_NAME

_LOAD, _EQUAL, _GREATER, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT, _FOURTH_ARGUMENT = 0, 4, 16, 40
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000


class _Arch(NamedTuple):
    audit: int
    column: int
    clone: int
    clone3: int
    prctl: int
    prlimit64: int
    sched_setaffinity: int
    mount: int
    umount2: int
    capset: int
    statx: int


_ARCHS = {
    "x86_64": _Arch(0xC000003E, 1, 56, 435, 157, 302, 203, 165, 166, 126, 332),
    "aarch64": _Arch(0xC00000B7, 2, 220, 435, 167, 261, 122, 40, 39, 91, 291),
}


def syscall_filter(machine: str | None = None, supervised: bool = True) -> bytes:
    """The filter as an array of `struct sock_filter`, for this machine or the one named.

    supervised: with the calls of a supervisor in a jail of its own.
    """
    arch = _arch(machine)
    code = _Code()
    code.add(_LOAD, _ARCH)
    code.add(_EQUAL, arch.audit, 1, 0)
    code.add(_RETURN, _KILL)
    code.add(_LOAD, _NUMBER)
    code.add(_AT_LEAST, 0x40000000, 0, 1)  # the x32 numbers
    code.add(_RETURN, _KILL)
    for first, last in _ranges(_numbers(arch)):
        code.add(_AT_LEAST, first, 0, 2)
        code.add(_GREATER, last, 1, 0)
        code.add(_RETURN, _ALLOW)
    code.add(_EQUAL, arch.clone3, 0, 1)
    code.add(_RETURN, _FAIL | errno.ENOSYS)  # its flags lie in memory, out of a filter's sight
    code.add(_EQUAL, arch.clone, 0, 4)
    code.add(_LOAD, _FIRST_ARGUMENT)
    code.add(_ANY_BIT, _NAMESPACES, 0, 1)
    code.add(_RETURN, _FAIL | errno.EPERM)
    code.add(_RETURN, _ALLOW)
    code.add(_EQUAL, arch.statx, 0, 4)
    code.add(_LOAD, _FOURTH_ARGUMENT)
    code.add(_ANY_BIT, _UNIQUE_MOUNT, 0, 1)
    code.add(_RETURN, _FAIL | errno.ENOSYS)
    code.add(_RETURN, _ALLOW)
    for call in (arch.prlimit64, arch.sched_setaffinity):
        code.allow(call, (0,))  # only on oneself
    code.allow(arch.prctl, _PRCTL)
    if supervised:
        code.allow(arch.mount, (SCRATCH,))
        code.allow(arch.umount2, (TMP, SHM))
        code.allow(arch.capset, (NO_CAPABILITIES,))
    code.add(_GREATER, _NEWEST, 0, 1)
    code.add(_RETURN, _FAIL | errno.ENOSYS)
    code.add(_RETURN, _FAIL | errno.EPERM)
    return bytes(code.instructions)


def _arch(machine: str | None) -> _Arch:
    machine = machine or platform.machine()
    if machine not in _ARCHS:
        raise Unavailable(f"The sandbox knows no system calls of {machine}: run verify workers on x86_64 or aarch64.")
    return _ARCHS[machine]


class _Code:
    def __init__(self) -> None:
        self.instructions = bytearray()

    def add(self, operation: int, operand: int, when_true: int = 0, when_false: int = 0) -> None:
        self.instructions += struct.pack("=HBBI", operation, when_true, when_false, operand)

    def allow(self, call: int, first_arguments: Sequence[int]) -> None:
        """Allow a call with one of these first arguments, refuse it with any other; go on with every other call."""
        count = len(first_arguments)
        self.add(_EQUAL, call, 0, count + 3)
        self.add(_LOAD, _FIRST_ARGUMENT)
        for left, argument in zip(range(count, 0, -1), first_arguments, strict=True):
            self.add(_EQUAL, argument, left, 0)
        self.add(_RETURN, _FAIL | errno.EPERM)
        self.add(_RETURN, _ALLOW)


def _numbers(arch: _Arch) -> set[int]:
    calls = (call.split() for call in _ALLOWED.replace("\n", ";").split(";") if call.strip())
    return {int(call[arch.column]) for call in calls if call[arch.column] != "-"}


def _ranges(numbers: set[int]) -> list[tuple[int, int]]:
    ranges: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges
