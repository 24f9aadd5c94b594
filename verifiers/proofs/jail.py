"""The jail of a Lean process: elaborating a proof can run programs, so it runs where they can do no harm.

It has no system call filter: that of programs refuses what a jail needs to become nobody and to take its limits on.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from verifiers.errors import InfrastructureError, Unavailable
from verifiers.isolation.bwrap import Bubblewrap

_LIBRARIES = Path("/etc/ld.so.cache")
_LARGEST_FILE = 64 << 20
_LIMITS = ("prlimit", f"--fsize={_LARGEST_FILE}", "--core=0", "--nproc=4096")


def jailed(command: Sequence[str], readable: Sequence[Path], environ: Mapping[str, str]) -> list[str]:
    """The command line that runs a command in a jail, which reads `readable` besides the system and writes only /tmp.

    Raises InfrastructureError where this host cannot isolate a process.
    """
    _probe()
    return _jail(readable, environ).command([*_LIMITS, *command])


def jail_lacks() -> str:
    """What lacks here for a jail, as far as one can tell without starting one."""
    try:
        _jail([], {}).command([])
    except Unavailable as error:
        return str(error)
    return ""


def _jail(readable: Sequence[Path], environ: Mapping[str, str]) -> Bubblewrap:
    environ = {"PATH": "/usr/bin:/bin", "HOME": "/tmp", "LANG": "C.UTF-8", **environ}
    libraries = [_LIBRARIES] if _LIBRARIES.exists() else []
    return Bubblewrap(_LARGEST_FILE, [*libraries, *readable], environ=environ)


@cache
def _probe() -> None:
    refusal = _jail([], {}).refusal([*_LIMITS, "true"])
    if refusal:
        raise InfrastructureError(f"No proof can be checked here: {refusal}")
