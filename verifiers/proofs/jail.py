"""The jail of a Lean process: elaborating a proof can run programs, so it runs where they can do no harm."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from verifiers.errors import InfrastructureError

_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache")
_NOBODY = "65534"
_LARGEST_FILE = 64 << 20
_MOST_PROCESSES = 4096


def jailed(command: Sequence[str], readable: Sequence[Path], environ: Mapping[str, str]) -> list[str]:
    """The command line that runs a command in a jail.

    It has no network, no other process, no capability, an environment of its own, and an empty folder in memory
    to work in; it reads the system's programs and `readable`, and writes nothing else. Root becomes nobody.
    Raises InfrastructureError where this host cannot isolate a process.
    """
    _probe()
    return _command(command, readable, environ)


def _command(command: Sequence[str], readable: Sequence[Path], environ: Mapping[str, str]) -> list[str]:
    line = ["bwrap", "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    line += ["--die-with-parent", "--new-session", "--clearenv", "--perms", "0755", "--dir", "/etc"]
    for folder in _SYSTEM:
        line += ["--ro-bind-try", folder, folder]
    line += ["--dev", "/dev", "--proc", "/proc", "--perms", "0777", "--size", str(_LARGEST_FILE), "--tmpfs", "/tmp"]
    for path in readable:
        for parent in [*path.parents][-2::-1]:
            line += ["--perms", "0755", "--dir", str(parent)]
        line += ["--ro-bind", str(path), str(path)]
    for name, value in {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", **environ}.items():
        line += ["--setenv", name, value]
    line += ["--chdir", "/tmp", "--remount-ro", "/"]
    line += [*_as_nobody(), "prlimit", f"--fsize={_LARGEST_FILE}", "--core=0", f"--nproc={_MOST_PROCESSES}"]
    return [*line, *command]


def _as_nobody() -> list[str]:
    """Root keeps just the right to become nobody, since nobody may not be allowed to mount what root may."""
    if os.geteuid():
        return ["--unshare-user"]
    allowed = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    drop = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--no-new-privs"]
    return [*allowed, *drop, "--inh-caps=-all", "--bounding-set=-all"]


@cache
def _probe() -> None:
    for program in ("bwrap", "prlimit", "setpriv"):
        if shutil.which(program) is None:
            raise InfrastructureError(f"No {program} here, so no proof is checked: install bubblewrap and util-linux.")
    try:
        tried = subprocess.run(_command(["true"], [], {}), capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired as late:
        raise InfrastructureError("bwrap took more than a minute to start; no proof is checked.") from late
    if tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["no reason given"])[-1][:200]
        raise InfrastructureError(f"bwrap cannot isolate a process here ({reason}), so no proof is checked.")
