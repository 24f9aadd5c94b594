"""What vLLM on CPUs and the sandbox need of a system, and it lacks: Debian's packages, unpacked into .monkeys/deb.

Run by set-up, so with the standard library alone. models/settings.py finds what is unpacked here.
"""

import shutil
import subprocess
import sys
from pathlib import Path

DEB = Path(__file__).resolve().parents[2] / ".monkeys" / "deb"
LIBRARIES = {"libcap2": "libcap.so.2", "libselinux1": "libselinux.so.1", "libpcre2-8-0": "libpcre2-8.so.0"}
"""Of bubblewrap."""


def main() -> None:
    """Unpack what is lacking; one sentence where it cannot be had."""
    DEB.mkdir(parents=True, exist_ok=True)
    lacks = lacking()
    if not lacks:
        return
    if not shutil.which("apt-get"):
        sys.exit(f"Install {' '.join(lacks)} with this system's package manager: there is no apt-get to fetch them")
    folder = DEB / "apt"
    for each in ("lists/partial", "cache/archives/partial"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    options = (f"Dir::State::lists={folder}/lists", f"Dir::Cache={folder}/cache", "APT::Sandbox::User=",
               "Debug::NoLocking=1")  # fmt: skip
    apt = ["apt-get", "-q", *(word for option in options for word in ("-o", option))]
    try:
        subprocess.run([*apt, "update"], check=True)
        subprocess.run([*apt, "download", *lacks], cwd=folder, check=True)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, DEB], check=True)
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(lacks)} cannot be unpacked here ({error.cmd[0]} fails); install them as root")
    shutil.rmtree(folder)


def lacking() -> list[str]:
    """Debian's names of what neither the system nor .monkeys/deb has."""
    ldconfig = shutil.which("ldconfig") or "/sbin/ldconfig"
    known = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False).stdout
    bubblewrap = shutil.which("bwrap") is None
    needed = {"libnuma1": "libnuma.so.1", **(LIBRARIES if bubblewrap else {})}
    lacks = [name for name, file in needed.items() if file not in known and not any(DEB.rglob(file))]
    return [*lacks, "bubblewrap"] if bubblewrap and not (DEB / "usr" / "bin" / "bwrap").exists() else lacks


if __name__ == "__main__":
    main()
