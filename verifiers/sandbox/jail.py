"""The outer jail of programs: bubblewrap around the supervisor, as a host user of its own where root starts it."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from verifiers.errors import Unavailable
from verifiers.isolation.bwrap import Bubblewrap
from verifiers.sandbox.byte_code import PACKAGE, byte_code
from verifiers.sandbox.limits import Level
from verifiers.sandbox.reach import out_of_reach, reaching
from verifiers.sandbox.tree import first_child

_UIDS = range(60_000, 64_000)
_OLDEST_PYTHON = (3, 9)
PACKAGES = "/packages"
"""Where a jail has what programs may import."""
_ENVIRONMENT = {"PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "TZ": "UTC", "MALLOC_ARENA_MAX": "1"}


@dataclass(frozen=True)
class Python:
    """A Python that the jail's user may execute, and the folders outside /usr that it needs."""

    path: str
    folders: tuple[Path, ...]


@cache
def find_python() -> Python:
    """/usr/bin/python3, else this process's own Python where others may execute it; Unavailable where there is none."""
    system = "/usr/bin/python3"
    if os.access(system, os.X_OK) and version_of(system) >= _OLDEST_PYTHON:
        return Python(system, ())
    own = Path(sys.base_prefix, "bin", f"python{sys.version_info[0]}.{sys.version_info[1]}").resolve()
    closed = out_of_reach(Path(sys.base_prefix).resolve())
    if closed or not own.exists():
        reason = f"{closed} is closed to other users" if closed else f"{own} does not exist"
        raise Unavailable(f"The sandbox needs a Python 3.9 or later at {system}, or one anyone may execute: {reason}.")
    return Python(str(own), () if own.is_relative_to("/usr") else (Path(sys.base_prefix).resolve(),))


def version_of(python: str) -> tuple[int, ...]:
    """Major and minor version of an interpreter; (0,) where it does not run."""
    command = [python, "-I", "-S", "-B", "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return (0,)
    return tuple(map(int, said.split()))


class UserLock:
    """A host uid of its own for each slot of a root worker, held until closed or the process is gone.

    The lock is a name in the abstract socket namespace: the kernel drops it with the process.
    """

    def __init__(self) -> None:
        self._lock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        for uid in _UIDS:
            try:
                self._lock.bind(f"\0monkeys-sandbox-{uid}")
            except OSError:
                continue
            self.uid = uid
            return
        self._lock.close()
        raise Unavailable(f"All {len(_UIDS)} sandbox users are taken: run fewer verify workers on this host.")

    def close(self) -> None:
        self._lock.close()


class Jail:
    """A started jail: its process and our end of the socket to the supervisor."""

    def __init__(self, level: Level, packages: Path | None = None) -> None:
        """Start it, with packages at /packages. It waits for `release`, so that it can be put into a cgroup first."""
        self.level = level
        self.user = UserLock() if os.geteuid() == 0 else None
        self.folder = "/tmp"
        self._made: Path | None = None
        self.stage = os.memfd_create("stage")
        """A file where each test says how far it came before any of its program ran; the jail has it, no program."""
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with contextlib.ExitStack() as files, theirs:
                fds = [theirs.fileno(), self.stage]
                if level is Level.unsafe:
                    command = self._unsafe_command(fds)
                else:
                    code = byte_code(find_python().path)
                    texts = {name: files.enter_context(_memory_file(name, data)) for name, data in code.items()}
                    command = _bwrap_command(level, fds, texts, packages)
                    fds += texts.values()
                if self.user:
                    command = [*reaching(_needed(packages), self.user.uid), *command]
                self.process = self._start(command, fds)
        except BaseException:
            self.channel.close()
            self._forget()
            raise

    def _start(self, command: list[str], fds: list[int]) -> "subprocess.Popen[bytes]":
        shell = 'read -r _; ulimit -S -s "$(ulimit -H -s)" 2>/dev/null; exec "$@"'
        return subprocess.Popen(
            ["/bin/sh", "-c", shell, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=fds,
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
            cwd="/",
            start_new_session=True,
        )

    def _unsafe_command(self, fds: list[int]) -> list[str]:
        folder = Path(tempfile.mkdtemp(prefix="monkeys-unsafe-"))
        self._made = folder
        code, scratch = folder / "jail", folder / "scratch"
        (code / PACKAGE).mkdir(parents=True)
        for name, data in byte_code(find_python().path).items():
            (code / PACKAGE / name).write_bytes(data)
        scratch.mkdir()
        if self.user:
            os.chown(scratch, self.user.uid, self.user.uid)
            folder.chmod(0o711)
        self.folder = str(scratch)
        settings = [f"{name}={value}" for name, value in {**_ENVIRONMENT, "PYTHONPATH": str(code)}.items()]
        return ["/usr/bin/env", "-i", *settings, *_supervisor(code, fds)]

    def release(self) -> None:
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b"\n")
            self.process.stdin.close()

    def give(self, files: Iterable[int]) -> None:
        """Make these pipes the jail's user's own, so that its programs may open them again by name."""
        if self.user:
            for fd in files:
                os.fchown(fd, self.user.uid, self.user.uid)

    def last_words(self) -> str:
        """What a jail that did not come up said, in one line."""
        assert self.process.stderr
        self.process.kill()
        said = self.process.stderr.read(4000).decode(errors="replace").strip().splitlines()
        return said[-1] if said else f"it ended with status {self.process.wait()} and said nothing"

    def close(self) -> None:
        """End every process of it; nothing is left behind."""
        self.channel.close()
        if self.level is Level.unsafe:
            first = first_child(self.process.pid)
            if first:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(first, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2)  # the supervisor ends what a test left, and itself when its socket is closed
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._forget()

    def _forget(self) -> None:
        os.close(self.stage)
        if self.user:
            self.user.close()
        if self._made:
            shutil.rmtree(self._made, ignore_errors=True)


@contextlib.contextmanager
def _memory_file(name: str, data: bytes) -> Iterator[int]:
    """A descriptor of a file in memory, at its start."""
    fd = os.memfd_create(name)
    try:
        os.write(fd, data)
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)


def _needed(packages: Path | None) -> list[Path]:
    """The folders outside /usr that a jail is made of."""
    libraries = [Path(part) for part in os.environ.get("LD_LIBRARY_PATH", "").split(":") if os.path.isdir(part)]
    bwrap = shutil.which("bwrap")
    own = [Path(bwrap).resolve().parent] if bwrap else []
    return [*own, *libraries, *find_python().folders, *([packages] if packages else [])]


def _bwrap_command(level: Level, fds: list[int], texts: dict[str, int], packages: Path | None) -> list[str]:
    jail = Bubblewrap(
        tmp_bytes=1 << 20,
        readable=find_python().folders,
        mounts={PACKAGES: packages} if packages else {},
        texts={f"/jail/{PACKAGE}/{name}": fd for name, fd in texts.items()},
        environ={**_ENVIRONMENT, "PYTHONPATH": "/jail"},
        proc=level is Level.bwrap,
        own_root=True,
        first=True,
    )
    return jail.command(_supervisor(Path("/jail"), fds))


def _supervisor(code: Path, fds: list[int]) -> list[str]:
    return [find_python().path, "-s", "-S", "-B", str(code / PACKAGE / "supervisor.pyc"), *map(str, fds)]
