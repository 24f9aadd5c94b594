"""Jails as bubblewrap command lines: what is seen in one, who one is there, and whether this host allows it."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from verifiers.errors import Unavailable

_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64")
_NOBODY = "65534"


@dataclass(frozen=True)
class Bubblewrap:
    """A jail without network, other processes, the host's environment or its files.

    It sees the system's programs, `readable` (files and folders, each at its own path), `texts` (path inside ->
    descriptor of a file's contents) and, with `proc`, its own /proc: all of it read-only. It starts in an empty /tmp in
    memory, of `tmp_bytes`.

    Nobody is the host's root in a jail. With `own_root` one is root, with all capabilities, of a user namespace and of
    nothing on the host: root has to start such a jail as another user. Otherwise one has no capability; there root
    becomes nobody within the jail, since nobody may not be allowed to read and mount what root may.

    With `first` what runs there is process 1 and has to wait for all that ends; else that is bubblewrap.
    """

    tmp_bytes: int
    readable: Sequence[Path] = ()
    texts: Mapping[str, int] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    proc: bool = True
    own_root: bool = False
    first: bool = False

    def command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in the jail; Unavailable where there is no bubblewrap."""
        who, first = _own_root() if self.own_root else _nobody()
        line = [_bwrap(), "--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        line += [*who, "--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox", *_system()]
        line += ["--dev", "/dev", *(["--proc", "/proc"] if self.proc else []), *(["--as-pid-1"] if self.first else [])]
        line += ["--perms", "0777", "--size", str(self.tmp_bytes), "--tmpfs", "/tmp"]
        for path in self.readable:
            for parent in [*path.parents][-2::-1]:
                line += ["--perms", "0755", "--dir", str(parent)]
            line += ["--ro-bind", str(path), str(path)]
        for place, fd in self.texts.items():
            line += ["--perms", "0444", "--ro-bind-data", str(fd), place]
        for name, value in self.environ.items():
            line += ["--setenv", name, value]
        return [*line, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--", *first, *argv]

    def refusal(self, argv: Sequence[str]) -> str:
        """Why `argv` does not end well in the jail here and what to do about it, in a line; empty where it does."""
        try:
            tried = subprocess.run(self.command(argv), capture_output=True, text=True, timeout=60, check=False)
        except (OSError, Unavailable) as error:
            return str(error)
        except subprocess.TimeoutExpired:
            return "bwrap took more than a minute to start."
        if tried.returncode == 0:
            return ""
        reason = (tried.stderr.strip().splitlines() or ["bwrap gave no reason"])[-1][:200]
        return f"{reason}. {advice(reason)}"


def advice(reason: str) -> str:
    """What a person can do about a jail that does not start."""
    if "RTM_NEWADDR" in reason or "uid map" in reason:
        return (
            "Allow bubblewrap user namespaces: `sysctl kernel.apparmor_restrict_unprivileged_userns=0`, or an AppArmor "
            "profile for bwrap with `userns,`."
        )
    if "namespace" in reason:
        return (
            "Allow user namespaces: `sysctl user.max_user_namespaces=10000`; in Docker, "
            "`--security-opt seccomp=unconfined --security-opt systempaths=unconfined`."
        )
    if "no bubblewrap" in reason:
        return "Then start it again."
    if "No such file" in reason and ("setpriv" in reason or "prlimit" in reason):
        return "Install util-linux."
    return "Run `bwrap --unshare-all --ro-bind / / true` by hand to see what it lacks."


def _bwrap() -> str:
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise Unavailable("There is no bubblewrap (bwrap) on the PATH: install it, as by `apt-get install bubblewrap`.")
    return bwrap


def _system() -> list[str]:
    line = ["--ro-bind", "/usr", "/usr"]
    for folder in (Path("/", name) for name in _SYSTEM):
        if folder.is_symlink():
            line += ["--symlink", os.readlink(folder), str(folder)]
        elif folder.is_dir():
            line += ["--ro-bind", str(folder), str(folder)]
    return line


def _own_root() -> tuple[list[str], list[str]]:
    """Flags for bwrap, and what has to run first in the jail."""
    return ["--unshare-user", "--uid", "0", "--gid", "0", "--cap-add", "ALL"], []


def _nobody() -> tuple[list[str], list[str]]:
    """The same; root keeps just the right to become nobody."""
    if os.geteuid():
        return ["--unshare-user"], []
    allowed = ["--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    drop = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", "--no-new-privs"]
    return allowed, [*drop, "--inh-caps=-all", "--bounding-set=-all"]
